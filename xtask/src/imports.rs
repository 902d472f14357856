//! The paths by which one module names another.

use std::collections::BTreeMap;

use crate::source::is_word;

/// `store/disk.rs` is `store::disk`, `store/mod.rs` is `store`, `lib.rs` is nothing.
pub(crate) fn module(file: &str) -> Vec<String> {
    let path = file.trim_end_matches(".rs").trim_end_matches("/mod");
    path.split('/').filter(|part| *part != "lib").map(str::to_owned).collect()
}

/// What the root of the crate re-exports: from the name to the module that it lives in.
pub(crate) fn exports(root: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for (at, word) in words(root).filter(|(_, word)| *word == "use") {
        for path in tree(&root.as_bytes()[at + word.len()..]) {
            if let [module, .., name] = path.as_slice() {
                all.insert(name.clone(), module.clone());
            }
        }
    }
    all
}

/// Every path in `code` that begins with `crate` or `super`, from the root of the crate, and where it stands.
pub(crate) fn paths(code: &str, module: &[String]) -> Vec<(usize, Vec<String>)> {
    let inner = inner_modules(code);
    let mut all = Vec::new();
    let mut end = 0;
    for (at, word) in words(code) {
        let follows = code[at + word.len()..].trim_start().strip_prefix("::");
        let Some(follows) = follows.filter(|_| at >= end && (word == "crate" || word == "super")) else { continue };
        let mut base: Vec<String> = Vec::new();
        if word == "super" {
            base.extend_from_slice(module);
            base.extend(inner.iter().filter(|(range, _)| range.contains(&at)).map(|(_, name)| name.clone()));
            base.pop();
        }
        let mut rest = follows;
        while let Some(further) = rest.trim_start().strip_prefix("super").and_then(|rest| rest.strip_prefix("::")) {
            base.pop();
            rest = further;
        }
        end = code.len() - rest.len();
        for path in tree(rest.as_bytes()) {
            all.push((at, base.iter().cloned().chain(path).collect()));
        }
    }
    all
}

/// The words of a text and where they stand.
fn words(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let bytes = text.as_bytes();
    let starts = (0..bytes.len()).filter(|at| is_word(bytes[*at]) && (*at == 0 || !is_word(bytes[*at - 1])));
    starts.map(|at| {
        let length = bytes[at..].iter().take_while(|byte| is_word(**byte)).count();
        (at, &text[at..at + length])
    })
}

/// The modules that are written out inside this file, outer ones first.
fn inner_modules(code: &str) -> Vec<(std::ops::Range<usize>, String)> {
    let mut all = Vec::new();
    for (at, _) in words(code).filter(|(_, word)| *word == "mod") {
        let Some((name, _)) = code[at + 3..].split_once('{') else { continue };
        let open = at + 3 + name.len();
        if !name.trim().bytes().all(is_word) {
            continue;
        }
        let mut depth = 0;
        let length = code[open..].bytes().position(|byte| {
            depth += i32::from(byte == b'{') - i32::from(byte == b'}');
            depth == 0
        });
        all.push((open..open + length.unwrap_or(code.len() - open), name.trim().to_owned()));
    }
    all
}

/// The paths of a use tree such as `a::{b, c::{d, e}}`, or the one path at the beginning of other code.
fn tree(code: &[u8]) -> Vec<Vec<String>> {
    let mut all = Vec::new();
    branch(code, 0, &[], &mut all);
    all
}

/// Reads one branch at `at`, returns where it ends.
fn branch(code: &[u8], mut at: usize, before: &[String], all: &mut Vec<Vec<String>>) -> usize {
    let skip = |mut at: usize| {
        while code.get(at).is_some_and(u8::is_ascii_whitespace) {
            at += 1;
        }
        at
    };
    let mut path = before.to_vec();
    loop {
        at = skip(at);
        if code.get(at) == Some(&b'{') {
            at += 1;
            while !matches!(code.get(skip(at)), None | Some(b'}')) {
                let next = skip(branch(code, at, &path, all));
                // Whatever a branch did not understand (`as x`) is stepped over.
                at = next + code[next..].iter().take_while(|byte| !matches!(byte, b',' | b'}')).count();
                at += usize::from(code.get(at) == Some(&b','));
            }
            return skip(at) + 1;
        }
        let length = code[at..].iter().take_while(|byte| is_word(**byte)).count();
        if length > 0 {
            path.push(String::from_utf8_lossy(&code[at..at + length]).into_owned());
            at += length;
        }
        let next = skip(at);
        if length == 0 || !code[next..].starts_with(b"::") {
            all.push(path);
            return at;
        }
        at = next + 2;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seen(code: &str, file: &str) -> Vec<String> {
        paths(code, &module(file)).into_iter().map(|(_, path)| path.join("::")).collect()
    }

    #[test]
    fn paths_are_resolved_from_the_root() {
        let code = "use crate::{a::{B, self}, c::*, d as e};\nfn f() -> crate::g::H { super::i::J }";
        assert_eq!(seen(code, "store/disk.rs"), ["a::B", "a::self", "c", "d", "g::H", "store::i::J"]);
        assert_eq!(seen("use super::x;", "store/mod.rs"), ["x"]);
        assert_eq!(seen("mod n { use super::x; } use super::super::y;", "trust/key.rs"), ["trust::key::x", "y"]);
        assert_eq!(seen("pub(crate) fn f() {}", "run.rs"), [""; 0]);
    }

    #[test]
    fn exports_name_their_module() {
        let all = exports("mod time;\npub use time::{Timestamp, human};\npub use name::Name;");
        assert_eq!(all["Timestamp"], "time");
        assert_eq!(all["Name"], "name");
    }
}
