#!/usr/bin/env python3
"""Writes the tables of inputs and outputs in README.md from variables.tf and outputs.tf. --check: says whether they are
what they should be. It reads the form that `terraform fmt` writes, and nothing else."""

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
    else:
        readme.write_text(text)


main()
