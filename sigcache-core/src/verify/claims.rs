//! What a signed JSON document says of itself: which one it is, how new, and how long it holds.
//!
//! A bare detached signature covers bytes and nothing else. Where those bytes are JSON, the configuration can point at
//! the members (RFC 6901) that carry identity, version and validity, and the policies apply to them. The document is
//! parsed only after its signature matched.

use std::{fmt, sync::Arc};

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};

use super::VerifyError;
use crate::{
    evidence::{Evidence, Mark},
    time::Timestamp,
};

/// The largest document that claims are read from; it is kept in memory until its signature was checked.
pub const MAX_CLAIMS_BYTES: usize = 4 * 1024 * 1024;

/// Deeper JSON is refused.
const MAX_DEPTH: usize = 64;

/// A JSON Pointer (RFC 6901) to a member of an object, or of objects in objects.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pointer {
    text: Arc<str>,
    tokens: Vec<String>,
}

/// The text is not a usable JSON pointer.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0:?} is not a JSON pointer such as /version or /meta/expires")]
pub struct PointerError(String);

impl Pointer {
    /// Parses `text`.
    pub fn new(text: &str) -> Result<Self, PointerError> {
        let error = || PointerError(text.to_owned());
        let rest = text.strip_prefix('/').ok_or_else(error)?;
        let unescape = |token: &str| {
            let whole = token.replace("~1", "").replace("~0", "");
            if whole.contains('~') { Err(error()) } else { Ok(token.replace("~1", "/").replace("~0", "~")) }
        };
        Ok(Self { text: text.into(), tokens: rest.split('/').map(unescape).collect::<Result<_, _>>()? })
    }
}

/// Where a signed JSON document says what about itself. What is configured must be there.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct Claims {
    /// A string: which document this is.
    pub identity: Option<Pointer>,
    /// A whole number that rises with each version.
    pub version: Option<Pointer>,
    /// RFC 3339 text, or seconds since 1970: when this version was issued. The mark, where there is no version.
    pub issued: Option<Pointer>,
    /// RFC 3339 text, or seconds since 1970: it does not hold before.
    pub not_before: Option<Pointer>,
    /// RFC 3339 text, or seconds since 1970: it does not hold after.
    pub expires: Option<Pointer>,
    /// An array or object: how many entries the document has.
    pub entries: Option<Pointer>,
}

impl Claims {
    /// Whether nothing is to be read.
    pub fn is_empty(&self) -> bool {
        *self == Self::default()
    }

    /// Reads the claims of `document`, whose signature has been checked, into `evidence`.
    pub fn read(&self, document: &[u8], evidence: &mut Evidence) -> Result<(), VerifyError> {
        let mut reader = serde_json::Deserializer::from_slice(document);
        let parse = Json { depth: 0 }.deserialize(&mut reader).and_then(|json| reader.end().map(|()| json));
        let json = parse.map_err(|error| {
            let expected = "JSON without repeated members, at most 64 levels deep";
            VerifyError::malformed_document(expected, error.to_string())
        })?;
        if let Some(pointer) = &self.identity {
            match json.at(pointer) {
                Some(Value::Text(text)) => evidence.identity = Some(text.as_str().into()),
                None => {} // judged as a missing identity
                Some(other) => return Err(wrong(pointer, "a string", other)),
            }
        }
        if let Some(pointer) = &self.issued {
            evidence.mark = Some(Mark::Issued(json.time(pointer)?));
        }
        if let Some(pointer) = &self.version {
            match json.required(pointer)? {
                Value::Number(number) => evidence.mark = Some(Mark::Sequence(*number)),
                other => return Err(wrong(pointer, "a whole number", other)),
            }
        }
        if let Some(pointer) = &self.not_before {
            evidence.valid_from = Some(json.time(pointer)?);
        }
        if let Some(pointer) = &self.expires {
            evidence.valid_until = Some(json.time(pointer)?);
        }
        if let Some(pointer) = &self.entries {
            match json.required(pointer)? {
                Value::Array(count) => evidence.entries = Some(*count),
                Value::Object(members) => evidence.entries = Some(members.len() as u64),
                other => return Err(wrong(pointer, "an array or object", other)),
            }
        }
        Ok(())
    }
}

fn wrong(pointer: &Pointer, expected: &str, found: &Value) -> VerifyError {
    VerifyError::malformed_document(&format!("{expected} at {}", pointer.text), found.kind())
}

/// JSON as far as claims need it: of an array only the length, of numbers only the whole ones that are not negative.
enum Value {
    Text(String),
    Number(u64),
    Array(u64),
    Object(Vec<(String, Value)>),
    Other,
}

impl Value {
    fn kind(&self) -> &'static str {
        match self {
            Self::Text(_) => "a string",
            Self::Number(_) => "a whole number",
            Self::Array(_) => "an array",
            Self::Object(_) => "an object",
            Self::Other => "null, true, false or another number",
        }
    }

    fn at(&self, pointer: &Pointer) -> Option<&Value> {
        pointer.tokens.iter().try_fold(self, |value, token| match value {
            Self::Object(members) => members.iter().find(|(name, _)| name == token).map(|(_, value)| value),
            _ => None,
        })
    }

    fn required(&self, pointer: &Pointer) -> Result<&Value, VerifyError> {
        let missing = || VerifyError::malformed_document(&format!("a member at {}", pointer.text), "none");
        self.at(pointer).ok_or_else(missing)
    }

    fn time(&self, pointer: &Pointer) -> Result<Timestamp, VerifyError> {
        const EXPECTED: &str = "an RFC 3339 time or seconds since 1970";
        let value = self.required(pointer)?;
        let time = match value {
            Self::Text(text) => text.parse().ok(),
            Self::Number(seconds) => {
                let millis = i64::try_from(*seconds).ok().and_then(|seconds| seconds.checked_mul(1000));
                millis.map(Timestamp::from_millis)
            }
            _ => None,
        };
        time.ok_or_else(|| wrong(pointer, EXPECTED, value))
    }
}

/// Reads a [`Value`], refusing repeated members (two readers could take different ones) and too many levels.
///
/// Not [`crate::json`], which keeps everything: a document of megabytes may be all numbers, and here a list is its length.
struct Json {
    depth: usize,
}

impl Json {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("too many levels"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Json {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Json {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number))
    }
    fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
        Ok(Value::Other)
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Other)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut count = 0;
        while seq.next_element_seed(self.deeper()?)?.is_some() {
            count += 1;
        }
        Ok(Value::Array(count))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members: Vec<(String, Value)> = Vec::new();
        while let Some(name) = map.next_key::<String>()? {
            members.push((name, map.next_value_seed(self.deeper()?)?));
        }
        let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_str()).collect();
        names.sort_unstable();
        match names.windows(2).find(|pair| pair[0] == pair[1]) {
            Some(pair) => Err(A::Error::custom(format!("the member {:?} stands twice", pair[0]))),
            None => Ok(Value::Object(members)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{digest::Digest, reason::Reason};

    fn pointer(text: &str) -> Option<Pointer> {
        Some(Pointer::new(text).unwrap())
    }

    fn read(claims: &Claims, document: &str) -> Result<Evidence, Box<str>> {
        let mut evidence = Evidence::new("test", Digest::of(b""), 0, []);
        match claims.read(document.as_bytes(), &mut evidence) {
            Ok(()) => Ok(evidence),
            Err(error) => {
                assert_eq!(error.failure().reason, Reason::MalformedDocument);
                Err(error.into_failure().found)
            }
        }
    }

    #[test]
    fn reads_what_it_is_pointed_at() {
        let claims = Claims {
            identity: pointer("/meta/na~1me~0"),
            version: pointer("/version"),
            issued: pointer("/issued"),
            not_before: pointer("/from"),
            expires: pointer("/until"),
            entries: pointer("/list"),
        };
        let evidence = read(
            &claims,
            r#"{"meta":{"na/me~":"x"},"version":7,"issued":1,"from":10,"until":"1970-01-01T00:01:00Z","list":[1,{},[]]}"#,
        );
        let evidence = evidence.unwrap();
        assert_eq!(evidence.identity.as_deref(), Some("x"));
        assert_eq!(evidence.mark, Some(Mark::Sequence(7)), "a version outranks the time of issue");
        assert_eq!(evidence.valid_from, Some(Timestamp::from_millis(10_000)));
        assert_eq!(evidence.valid_until, Some(Timestamp::from_millis(60_000)));
        assert_eq!(evidence.entries, Some(3));
    }

    #[test]
    fn refuses_what_two_readers_could_take_differently() {
        let claims = Claims { version: pointer("/v"), ..Claims::default() };
        for (document, found) in [
            (r#"{"v":1,"v":2}"#, "stands twice"),
            (r#"{"a":{"b":1,"b":1},"v":2}"#, "stands twice"),
            (r#"{"v":1} {"v":2}"#, "trailing"),
            (r#"{"v":1"#, "EOF"),
            (r#"{"v":-1}"#, "another number"),
            (r#"{"v":1.5}"#, "another number"),
            (r#"{"v":18446744073709551616}"#, "another number"),
            (r#"{"v":"1"}"#, "a string"),
            (r#"{"w":1}"#, "none"),
            ("", "EOF"),
        ] {
            let answer = read(&claims, document).unwrap_err();
            assert!(answer.contains(found), "{document}: {answer}");
        }
        let deep = format!("{}1{}", "[".repeat(65), "]".repeat(65));
        assert!(read(&claims, &deep).unwrap_err().contains("too many levels"));
        let deepest = format!(r#"{{"v":1,"d":{}1{}}}"#, "[".repeat(63), "]".repeat(63));
        assert!(read(&claims, &deepest).is_ok());
    }

    #[test]
    fn a_missing_identity_is_left_to_the_judge() {
        let claims = Claims { identity: pointer("/name"), ..Claims::default() };
        assert_eq!(read(&claims, "{}").unwrap().identity, None);
        assert!(read(&claims, r#"{"name":1}"#).is_err());
    }

    #[test]
    fn only_json_pointers_are_pointers() {
        for text in ["", "version", "/a~2b", "/~"] {
            assert!(Pointer::new(text).is_err(), "{text}");
        }
    }
}
