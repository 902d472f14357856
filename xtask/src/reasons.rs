//! Every reason code is a promise to whoever reads reports, so each is asserted by a test.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail, ensure};

use crate::{
    command::root,
    source::{self, Source, is_word},
};

/// Fails if a reason code is named by no test. A test that walks over all of them does not count.
pub(crate) fn check() -> Result<()> {
    let root = root();
    let list = root.join("sigcache-core/src/reason.rs");
    let codes = codes(&Source::read(&list)?.text())?;
    let mut tests = String::new();
    for path in source::files(&root)? {
        if path == list || path.starts_with(root.join("xtask")) {
            continue;
        }
        let source = Source::read(&path)?;
        tests += &if is_test(path.strip_prefix(&root)?) { source.text() } else { source.tests() };
    }
    for table in tables(&root.join("sigcache-core/tests/vectors"))? {
        // A reason stands in a column of its own there, or in quotes.
        let text = std::fs::read_to_string(&table)?;
        tests += &text.split(['\t', '\n']).map(|field| format!("\"{field}\"\n")).collect::<String>();
        tests += &text;
    }
    let missing: Vec<&str> =
        codes.iter().filter(|code| !asserted(code, &tests)).map(|code| code.word.as_str()).collect();
    println!("{} of {} reason codes are asserted by a test", codes.len() - missing.len(), codes.len());
    if !missing.is_empty() {
        bail!("no test asserts: {}", missing.join(", "));
    }
    Ok(())
}

/// The tables of expected answers that stand beside vectors, where the tests read them.
fn tables(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    for item in std::fs::read_dir(folder).with_context(|| folder.display().to_string())? {
        let path = item?.path();
        if path.is_dir() {
            found.extend(tables(&path)?);
        } else if path.extension().is_some_and(|ending| ending == "tsv" || ending == "json") {
            found.push(path);
        }
    }
    Ok(found)
}

struct Code {
    variant: String,
    word: String,
}

/// The `Variant = "word",` lines of the enum.
fn codes(text: &str) -> Result<Vec<Code>> {
    let at = text.find("Reason {").context("no list of reasons")?;
    let body = &text[at..at + text[at..].find('}').context("the list of reasons has no end")?];
    let pairs = body.lines().filter_map(|line| line.trim().trim_end_matches(',').split_once(" = \""));
    let codes: Vec<Code> = pairs
        .map(|(variant, word)| Code { variant: variant.to_owned(), word: word.trim_end_matches('"').to_owned() })
        .collect();
    ensure!(codes.len() > 10, "only {} reasons were understood", codes.len());
    Ok(codes)
}

fn is_test(path: &Path) -> bool {
    let in_tests = path.components().any(|part| part.as_os_str() == "tests");
    in_tests || path.file_stem().is_some_and(|stem| stem.to_string_lossy().ends_with("_tests"))
}

fn asserted(code: &Code, tests: &str) -> bool {
    let path = format!("Reason::{}", code.variant);
    let named =
        tests.match_indices(&path).any(|(at, _)| !tests.as_bytes().get(at + path.len()).is_some_and(|b| is_word(*b)));
    named || tests.contains(&format!("\"{}\"", code.word)) || tests.contains(&format!("\"{}\\\"", code.word))
}
