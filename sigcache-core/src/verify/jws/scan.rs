//! The registered claims of a payload that is too large to keep: found as it passes, in little memory.
//!
//! This is no validator. It follows strings, nesting and the members of the outermost object, and what it is asked for it
//! reads strictly; whether the rest is JSON is for those who read all of it.

use serde_json::{Map, Value};

/// Deeper JSON is refused, as everywhere.
const MAX_DEPTH: usize = 64;

/// A name that is longer, escapes included, is none that is asked for.
const MAX_NAME: usize = 256;

/// A claim that is longer is refused.
const MAX_VALUE: usize = 4096;

/// The members that are asked for.
const WANTED: &[&str] = &["iss", "exp", "nbf", "iat", "keys"];

/// Follows an object that arrives in pieces.
pub(super) struct Scanner {
    at: At,
    /// Inside a string: whether the byte before was a backslash.
    escaped: bool,
    /// The name of the member that is being read, with its quotes.
    name: Vec<u8>,
    /// Its value, if it is wanted.
    value: Vec<u8>,
    wanted: Option<&'static str>,
    /// How many elements an array on the first level has.
    count: u64,
    found: Map<String, Value>,
    keys: Option<u64>,
}

/// What comes next.
#[derive(Clone, Copy, PartialEq)]
enum At {
    Start,
    FirstName,
    Name,
    InName,
    Colon,
    Value,
    InText,
    InWord,
    /// In a list or an object, this deep.
    Nested {
        depth: usize,
        list: bool,
        text: bool,
    },
    AfterValue,
    End,
}

impl Scanner {
    pub(super) fn new() -> Self {
        Self {
            at: At::Start,
            escaped: false,
            name: Vec::new(),
            value: Vec::new(),
            wanted: None,
            count: 0,
            found: Map::new(),
            keys: None,
        }
    }

    /// Takes the next bytes.
    pub(super) fn update(&mut self, bytes: &[u8]) -> Result<(), &'static str> {
        bytes.iter().try_for_each(|byte| self.step(*byte))
    }

    /// The claims, and how many `keys` there are.
    pub(super) fn finish(self) -> Result<(Map<String, Value>, Option<u64>), &'static str> {
        if self.at == At::End { Ok((self.found, self.keys)) } else { Err("it ends too early") }
    }

    fn step(&mut self, byte: u8) -> Result<(), &'static str> {
        let space = matches!(byte, b' ' | b'\t' | b'\r' | b'\n');
        self.at = match (self.at, byte) {
            (At::InName, _) => {
                if self.name.len() <= MAX_NAME {
                    self.name.push(byte);
                }
                if self.ends_text(byte) { At::Colon } else { At::InName }
            }
            (At::InText, _) => {
                self.keep(byte)?;
                if self.ends_text(byte) { self.ended()? } else { At::InText }
            }
            (At::InWord, b',' | b'}') => {
                self.at = self.ended()?;
                return self.step(byte);
            }
            (At::InWord, _) if space => self.ended()?,
            (At::InWord, _) => {
                self.keep(byte)?;
                At::InWord
            }
            (At::Nested { depth, list, text }, _) => self.nested(byte, space, depth, list, text)?,
            (at, _) if space => at,
            (At::Start, b'{') => At::FirstName,
            (At::FirstName | At::Name, b'"') => {
                (self.name, self.value) = (vec![b'"'], Vec::new());
                At::InName
            }
            (At::FirstName, b'}') => At::End,
            (At::Colon, b':') => {
                self.named()?;
                At::Value
            }
            (At::Value, b'"') => {
                self.keep(byte)?;
                At::InText
            }
            (At::Value, b'[' | b'{') => {
                self.count = 0;
                At::Nested { depth: 2, list: byte == b'[', text: false }
            }
            (At::Value, b'-' | b'0'..=b'9' | b't' | b'f' | b'n') => {
                self.keep(byte)?;
                At::InWord
            }
            (At::AfterValue, b',') => At::Name,
            (At::AfterValue, b'}') => At::End,
            _ => return Err("a byte where none belongs"),
        };
        Ok(())
    }

    /// Within a value that has values itself.
    fn nested(&mut self, byte: u8, space: bool, depth: usize, list: bool, text: bool) -> Result<At, &'static str> {
        if text {
            let text = !self.ends_text(byte);
            return Ok(At::Nested { depth, list, text });
        }
        if depth == 2 && !space && byte != b']' && (self.count == 0 || byte == b',') {
            self.count += 1;
        }
        match byte {
            b'"' => Ok(At::Nested { depth, list, text: true }),
            b'[' | b'{' if depth >= MAX_DEPTH => Err("too many levels"),
            b'[' | b'{' => Ok(At::Nested { depth: depth + 1, list, text }),
            b']' | b'}' if depth > 2 => Ok(At::Nested { depth: depth - 1, list, text }),
            b']' | b'}' if (byte == b']') != list => Err("a bracket that closes another"),
            b']' | b'}' => {
                match self.wanted.take() {
                    Some("keys") if list => self.keys = Some(self.count),
                    // Of another kind than the claim has, which whoever reads it will say.
                    Some(name) => drop(self.found.insert(name.to_owned(), Value::Null)),
                    None => {}
                }
                Ok(At::AfterValue)
            }
            _ => Ok(At::Nested { depth, list, text }),
        }
    }

    fn ends_text(&mut self, byte: u8) -> bool {
        let ends = byte == b'"' && !self.escaped;
        self.escaped = byte == b'\\' && !self.escaped;
        ends
    }

    /// The name is complete: whether it is wanted, and for the first time.
    fn named(&mut self) -> Result<(), &'static str> {
        self.wanted = None;
        if self.name.len() > MAX_NAME {
            return Ok(());
        }
        let name: String = serde_json::from_slice(&self.name).map_err(|_| "a name that is no text")?;
        self.wanted = WANTED.iter().copied().find(|wanted| *wanted == name);
        let again =
            self.wanted.is_some_and(|name| self.found.contains_key(name) || name == "keys" && self.keys.is_some());
        if again { Err("a claim that stands twice") } else { Ok(()) }
    }

    fn keep(&mut self, byte: u8) -> Result<(), &'static str> {
        if self.wanted.is_some() {
            if self.value.len() >= MAX_VALUE {
                return Err("a claim that is too long");
            }
            self.value.push(byte);
        }
        Ok(())
    }

    /// A text, a number or a word is complete.
    fn ended(&mut self) -> Result<At, &'static str> {
        if let Some(name) = self.wanted.take() {
            let value = serde_json::from_slice(&self.value).map_err(|_| "a claim that is no JSON")?;
            self.found.insert(name.to_owned(), value);
        }
        Ok(At::AfterValue)
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn scan(text: &str, chunk: usize) -> Result<(Map<String, Value>, Option<u64>), &'static str> {
        let mut scanner = Scanner::new();
        for piece in text.as_bytes().chunks(chunk) {
            scanner.update(piece)?;
        }
        scanner.finish()
    }

    fn found(text: &str) -> (Value, Option<u64>) {
        let (found, keys) = scan(text, 1).unwrap_or_else(|fault| panic!("{text}: {fault}"));
        (Value::Object(found), keys)
    }

    #[test]
    fn claims_are_found_on_the_first_level_alone() {
        let text = r#" {"a":{"exp":1,"x":["}","\"","\\"]},"iss" : "h\u00fcb \"x\"" ,"exp":12.5,"nbf":-1e3
            ,"\u0069at":7,"keys":[{"exp":2},{"a":[1,2]}, 3],"b":null,"":{}} "#;
        assert_eq!(found(text), (json!({"iss": "hüb \"x\"", "exp": 12.5, "nbf": -1e3, "iat": 7}), Some(3)));
        assert_eq!(found("{}"), (json!({}), None));
        assert_eq!(found(r#"{"keys":[]}"#), (json!({}), Some(0)));
        assert_eq!(found(r#"{"keys":[ [1,2] ]}"#), (json!({}), Some(1)));
        assert_eq!(found(r#"{"exp":true,"iss":[1]}"#), (json!({"exp": true, "iss": null}), None));
        let long = "x".repeat(MAX_NAME * 2);
        assert_eq!(found(&format!(r#"{{"{long}":1,"exp":2}}"#)), (json!({"exp": 2}), None));
    }

    #[test]
    fn what_it_cannot_follow_is_refused() {
        for (text, fault) in [
            ("", "it ends too early"),
            (r#"{"exp":1"#, "it ends too early"),
            (r#"{"exp":1}x"#, "a byte where none belongs"),
            (r#"{"exp":1}{"#, "a byte where none belongs"),
            (r#"{exp:1}"#, "a byte where none belongs"),
            (r#"{"exp" 1}"#, "a byte where none belongs"),
            (r#"{"exp":1,}"#, "a byte where none belongs"),
            (r#"{"exp":}"#, "a byte where none belongs"),
            (r#"{"exp":1 2}"#, "a byte where none belongs"),
            (r#"{"exp":01}"#, "a claim that is no JSON"),
            (r#"{"iss":"\x"}"#, "a claim that is no JSON"),
            (r#"{"exp":1,"\u0065xp":2}"#, "a claim that stands twice"),
            (r#"{"exp":[],"exp":2}"#, "a claim that stands twice"),
            (r#"{"keys":[],"keys":[]}"#, "a claim that stands twice"),
            (r#"{"keys":[}"#, "a bracket that closes another"),
            (r#"{"\x":1}"#, "a name that is no text"),
        ] {
            assert_eq!(scan(text, 1).err(), Some(fault), "{text}");
        }
        let deep = |levels: usize| format!(r#"{{"a":{}{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(scan(&deep(63), 9).is_ok());
        assert_eq!(scan(&deep(64), 9), Err("too many levels"));
        let long = format!(r#"{{"iss":"{}"}}"#, "x".repeat(MAX_VALUE));
        assert_eq!(scan(&long, 9), Err("a claim that is too long"));
    }

    proptest! {
        /// What a strict reader makes of JSON, this one makes of it too, however it is cut.
        #[test]
        fn it_agrees_with_a_strict_reader(
            text in "\\{((\"(exp|iss|a|keys)\":(1|\"x\\\\\"\"|\\[1, \\{\"exp\":2\\}\\]|\\{\"a\":\\[\\]\\}|null) ?,? ?){0,4})\\}",
            chunk in 1_usize..9,
        ) {
            let scanned = scan(&text, chunk);
            prop_assert_eq!(&scanned, &scan(&text, usize::MAX));
            if let Ok(strict) = crate::json::object(text.as_bytes()) {
                let (found, keys) = scanned.unwrap();
                let keys = keys.or_else(|| found.get("keys").map(|_| u64::MAX));
                prop_assert_eq!(keys.filter(|count| *count != u64::MAX), strict.get("keys").and_then(Value::as_array).map(|list| list.len() as u64));
                for name in ["exp", "iss"] {
                    let expected = strict.get(name).map(|value| if value.is_array() || value.is_object() { &Value::Null } else { value });
                    prop_assert_eq!(found.get(name), expected, "{}", name);
                }
            }
        }

        #[test]
        fn nothing_panics(bytes: Vec<u8>, text in "[\\{\\}\\[\\]\",:\\\\a1 ]{0,60}") {
            for bytes in [bytes, text.into_bytes()] {
                let mut scanner = Scanner::new();
                let _ = scanner.update(&bytes);
                let _ = scanner.finish();
            }
        }
    }
}
