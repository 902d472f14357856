//! Reading Rust files as text: just enough to tell code from comments, strings and tests.

use std::{
    fs,
    ops::Range,
    path::{Path, PathBuf},
};

use anyhow::{Context as _, Result};

/// A Rust file in which all comments are blank. Positions and lines are those of the file.
pub(crate) struct Source {
    /// With strings.
    text: Vec<u8>,
    /// With strings blank too.
    code: Vec<u8>,
    tests: Vec<Range<usize>>,
}

impl Source {
    /// Reads a file.
    pub(crate) fn read(path: &Path) -> Result<Self> {
        let text = fs::read_to_string(path).with_context(|| format!("cannot read {}", path.display()))?;
        Ok(Self::new(&text))
    }

    fn new(text: &str) -> Self {
        let (text, code) = blank(text.as_bytes());
        let tests = tests(&code);
        Self { text, code, tests }
    }

    /// The code outside tests, without strings.
    pub(crate) fn code(&self) -> String {
        let mut code = self.code.clone();
        for range in &self.tests {
            wipe(&mut code[range.clone()]);
        }
        String::from_utf8_lossy(&code).into_owned()
    }

    /// Everything that is not a comment.
    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.text).into_owned()
    }

    /// What is compiled for tests only, with strings.
    pub(crate) fn tests(&self) -> String {
        let parts = self.tests.iter().map(|range| String::from_utf8_lossy(&self.text[range.clone()]));
        parts.collect::<Vec<_>>().join("\n")
    }
}

/// All Rust files under `folder`, in a steady order; build folders and hidden ones are left out.
pub(crate) fn files(folder: &Path) -> Result<Vec<PathBuf>> {
    let mut all = Vec::new();
    for entry in fs::read_dir(folder).with_context(|| format!("cannot list {}", folder.display()))? {
        let path = entry?.path();
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        if path.is_dir() {
            if name != "target" && !name.starts_with('.') {
                all.extend(files(&path)?);
            }
        } else if name.ends_with(".rs") {
            all.push(path);
        }
    }
    all.sort();
    Ok(all)
}

/// The line that a position is on.
pub(crate) fn line(text: &str, at: usize) -> usize {
    1 + text.as_bytes()[..at].iter().filter(|byte| **byte == b'\n').count()
}

fn wipe(bytes: &mut [u8]) {
    bytes.iter_mut().filter(|byte| **byte != b'\n').for_each(|byte| *byte = b' ');
}

/// The file without comments, and without comments and strings.
fn blank(source: &[u8]) -> (Vec<u8>, Vec<u8>) {
    let (mut text, mut code) = (source.to_vec(), source.to_vec());
    let mut at = 0;
    while at < source.len() {
        let rest = &source[at..];
        if rest.starts_with(b"//") || rest.starts_with(b"/*") {
            let end = at + if rest[1] == b'/' { find(rest, b"\n").unwrap_or(rest.len()) } else { block(rest) };
            wipe(&mut text[at..end]);
            wipe(&mut code[at..end]);
            at = end;
        } else if let Some(length) = literal(source, at) {
            wipe(&mut code[at..at + length]);
            at += length;
        } else {
            at += 1;
        }
    }
    (text, code)
}

fn find(text: &[u8], what: &[u8]) -> Option<usize> {
    text.windows(what.len()).position(|window| window == what)
}

/// The length of a block comment; they nest.
fn block(text: &[u8]) -> usize {
    let (mut depth, mut at) = (0, 0);
    while at < text.len() {
        match &text[at..] {
            [b'/', b'*', ..] => (depth, at) = (depth + 1, at + 2),
            [b'*', b'/', ..] => (depth, at) = (depth - 1, at + 2),
            _ => at += 1,
        }
        if depth == 0 {
            break;
        }
    }
    at.min(text.len())
}

/// The length of the string or character literal that begins here.
fn literal(source: &[u8], at: usize) -> Option<usize> {
    let rest = &source[at..];
    let quoted = |quote: u8| {
        let mut end = 1;
        while end < rest.len() && rest[end] != quote {
            end += if rest[end] == b'\\' { 2 } else { 1 };
        }
        (end + 1).min(rest.len())
    };
    match rest[0] {
        b'"' => Some(quoted(b'"')),
        b'\'' if rest.get(1) == Some(&b'\\') => Some(quoted(b'\'')),
        b'\'' => {
            // 'x' is a character, 'x without an end is a lifetime.
            let width = std::str::from_utf8(&rest[1..rest.len().min(5)]).map_or_else(
                |error| if error.valid_up_to() > 0 { 1 } else { rest.len() },
                |text| text.chars().next().map_or(1, char::len_utf8),
            );
            (rest.get(1 + width) == Some(&b'\'')).then_some(width + 2)
        }
        b'r' if at == 0 || source[at - 1] == b'b' || !is_word(source[at - 1]) => {
            let hashes = rest[1..].iter().take_while(|byte| **byte == b'#').count();
            if rest.get(1 + hashes) != Some(&b'"') {
                return None;
            }
            let end = [b"\"".as_slice(), &vec![b'#'; hashes]].concat();
            let open = hashes + 2;
            Some(find(&rest[open..], &end).map_or(rest.len(), |length| open + length + end.len()))
        }
        _ => None,
    }
}

/// Whether the byte can be part of a name.
pub(crate) fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// The items that are compiled for tests only.
fn tests(code: &[u8]) -> Vec<Range<usize>> {
    if find(code, b"#![cfg(test)]").is_some() {
        return std::iter::once(0..code.len()).collect();
    }
    let mut all = Vec::new();
    let mut from = 0;
    while let Some(start) = [b"#[cfg(test)]".as_slice(), b"#[cfg(all(test"]
        .iter()
        .filter_map(|attribute| find(&code[from..], attribute))
        .min()
        .map(|at| from + at)
    {
        let body = start + find(&code[start..], b"]").map_or(1, |at| at + 1);
        from = (body + item(&code[body..])).min(code.len());
        all.push(start..from);
    }
    all
}

/// The length of an item: up to its semicolon, or to the brace that closes its body.
fn item(code: &[u8]) -> usize {
    let words = String::from_utf8_lossy(&code[..find(code, b"{").unwrap_or(code.len())]).into_owned();
    let is_use = words.split_whitespace().any(|word| word == "use");
    let mut depth = 0;
    for (at, byte) in code.iter().enumerate() {
        match byte {
            b'{' => depth += 1,
            b'}' if depth <= 1 && !is_use => return at + 1,
            b'}' => depth -= 1,
            b';' if depth == 0 => return at + 1,
            _ => {}
        }
    }
    code.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_strings_and_tests_are_told_apart() {
        let source = Source::new(concat!(
            "use a::b; // crate::one\n/* x /* y */ */ const Q: char = '\"'; const S: &str = \"crate::two\";\n",
            "fn f<'a>(x: &'a str) -> char { '\\'' }\nconst R: &str = r#\"a \" crate::three\"#;\n",
            "#[cfg(test)]\nuse crate::{four, five};\nfn g() {}\n#[cfg(test)]\nmod tests { fn h() { \"six\"; } }\nfn i() {}",
        ));
        let code = source.code();
        for word in ["one", "two", "three", "four", "five", "six"] {
            assert!(!code.contains(word), "{word} in {code}");
        }
        for word in ["a::b", "fn f<'a>", "const R", "fn g", "fn i"] {
            assert!(code.contains(word), "{word} not in {code}");
        }
        assert!(source.tests().contains("\"six\"") && !source.tests().contains("fn i"));
    }
}
