#!/usr/bin/env python3
"""Writes the tables of inputs and outputs in README.md from variables.tf and outputs.tf. --check: says whether they are
what they should be, and whether ../README.md explains each alarm of alarms.tf and no other. It reads the form that `terraform fmt` writes, and nothing else."""

import pathlib
import re
import sys

here = pathlib.Path(__file__).parent


def blocks(path, kind):
    """Each block as its name and its lines, those of blocks within it left out."""
    for match in re.finditer(rf'^{kind} "(\w+)" \{{\n(.*?)^\}}$', path.read_text(), re.MULTILINE | re.DOTALL):
        yield match[1], re.sub(r"^  \w+ \{\n.*?^  \}\n", "", match[2], flags=re.MULTILINE | re.DOTALL)


def argument(body, name):
    """The value of an argument, on one line."""
    match = re.search(rf"^  {name} += (.*(?:\n(?:    .*|  [}}\])].*))*)", body, re.MULTILINE)
    return match and re.sub(r"\s+", " ", re.sub(r"(?<=[^{(\[,])\n +(?=\w)", ", ", match[1]))


def description(body, name):
    text = argument(body, "description")
    if not text:
        sys.exit(f"{name} has no description")
    text = text.strip('"').replace("$${", "${").replace('\\"', '"')
    return text.replace("|", "\\|").replace("*", "\\*").replace("[[", "\\[\\[")


def inputs():
    yield "| input | type | default | meaning |"
    yield "|---|---|---|---|"
    for name, body in blocks(here / "variables.tf", "variable"):
        kind, default = argument(body, "type"), argument(body, "default")
        shown = "needed" if default is None else f"`{default}`"
        yield f"| `{name}` | `{kind}` | {shown} | {description(body, name)} |"


def outputs():
    yield "| output | meaning |"
    yield "|---|---|"
    for name, body in blocks(here / "outputs.tf", "output"):
        yield f"| `{name}` | {description(body, name)} |"


def alarms():
    """The alarms by name, as ../README.md explains them: those of several shards are all `runs`."""
    text = (here / "alarms.tf").read_text()
    names = set(re.findall(r"^      ([a-z-]+) = merge\(local\.", text, re.MULTILINE))
    queues = re.search(r"^  dead_letters = merge\(\n(.*?)^  \)$", (here / "locals.tf").read_text(), re.MULTILINE | re.DOTALL)
    names |= {f"{use}-dead-letters" for use in re.findall(r"(\w+) += \"", queues[1])}
    return names | ({"runs"} if ' "runs" : "runs-${number}" => merge(local.' in text else set())


def explained():
    table = (here.parent / "README.md").read_text().split("## When an alarm goes off")[1].split("\n## ")[0]
    return set(re.findall(r"^\| `([a-z-]+)` \|", table, re.MULTILINE))


def main():
    readme = here / "README.md"
    text = readme.read_text()
    for part, lines in (("inputs", inputs()), ("outputs", outputs())):
        begin, end = f"<!-- {part}: made by docs.py -->\n", f"<!-- end of {part} -->"
        if begin not in text or end not in text:
            sys.exit(f"README.md has no place for the {part}")
        before, rest = text.split(begin)
        text = before + begin + "\n" + "\n".join(lines) + "\n\n" + end + rest.split(end, 1)[1]
    if sys.argv[1:] == ["--check"]:
        if readme.read_text() != text:
            sys.exit("the tables in README.md are not those of variables.tf and outputs.tf: run docs.py")
        if alarms() != explained():
            sys.exit(f"../README.md does not explain just the alarms of alarms.tf: {sorted(alarms() ^ explained())}")
    else:
        readme.write_text(text)


main()
