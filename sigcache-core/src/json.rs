//! JSON in which two readers cannot read different things: no member stands twice, at any level, and nothing follows.

use std::fmt;

use serde::de::{DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

/// Deeper JSON is refused.
const MAX_DEPTH: usize = 64;

/// The members of the one object that `text` is, or what is wrong with it. The caller has bounded the text.
pub(crate) fn object(text: &[u8]) -> Result<Map<String, Value>, String> {
    let mut reader = serde_json::Deserializer::from_slice(text);
    let parsed = Strict { depth: 0 }.deserialize(&mut reader).and_then(|value| reader.end().map(|()| value));
    match parsed {
        Ok(Value::Object(members)) => Ok(members),
        Ok(_) => Err("it is no object".to_owned()),
        Err(error) => Err(error.to_string()),
    }
}

struct Strict {
    depth: usize,
}

impl Strict {
    fn deeper<E: serde::de::Error>(&self) -> Result<Self, E> {
        if self.depth >= MAX_DEPTH {
            return Err(E::custom("too many levels"));
        }
        Ok(Self { depth: self.depth + 1 })
    }
}

impl<'de> DeserializeSeed<'de> for Strict {
    type Value = Value;
    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Value, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Strict {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }
    fn visit_str<E>(self, text: &str) -> Result<Value, E> {
        Ok(Value::String(text.to_owned()))
    }
    fn visit_string<E>(self, text: String) -> Result<Value, E> {
        Ok(Value::String(text))
    }
    fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }
    fn visit_i64<E>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Number(number.into()))
    }
    fn visit_f64<E: serde::de::Error>(self, number: f64) -> Result<Value, E> {
        Number::from_f64(number).map(Value::Number).ok_or_else(|| E::custom("a number that is none"))
    }
    fn visit_bool<E>(self, word: bool) -> Result<Value, E> {
        Ok(Value::Bool(word))
    }
    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Value, A::Error> {
        let mut items = Vec::new();
        while let Some(item) = seq.next_element_seed(self.deeper()?)? {
            items.push(item);
        }
        Ok(Value::Array(items))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Value, A::Error> {
        let mut members = Map::new();
        while let Some(name) = map.next_key::<String>()? {
            if members.contains_key(&name) {
                return Err(A::Error::custom(format!("the member {name:?} stands twice")));
            }
            let value = map.next_value_seed(self.deeper()?)?;
            members.insert(name, value);
        }
        Ok(Value::Object(members))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gives_what_serde_json_gives() {
        let text = r#"{"a":[1,-2,3.5,"x\u00e9",null,true,{"b":{}}],"c":18446744073709551615}"#;
        assert_eq!(Value::Object(object(text.as_bytes()).unwrap()), serde_json::from_str::<Value>(text).unwrap());
    }

    #[test]
    fn refuses_what_two_readers_could_take_differently() {
        for (text, found) in [
            (r#"{"v":1,"v":1}"#, "stands twice"),
            (r#"{"v":1,"\u0076":2}"#, "stands twice"),
            (r#"{"a":{"b":1,"b":1}}"#, "stands twice"),
            (r#"{"a":[{"b":1,"b":1}]}"#, "stands twice"),
            (r#"{"v":1} {"v":2}"#, "trailing"),
            (r#"{"v":1"#, "EOF"),
            (r#"{"v":"\ud800"}"#, "hex escape"),
            ("{\"v\":\"\u{0}\"}", "control character"),
            (r#"{"v":1e999}"#, "out of range"),
            (r#"{"v":01}"#, "invalid number"),
            ("\u{feff}{}", "expected value"),
            ("[]", "no object"),
            ("", "EOF"),
        ] {
            let answer = object(text.as_bytes()).unwrap_err();
            assert!(answer.contains(found), "{text}: {answer}");
        }
        assert!(object(b"{\"v\":\"\xff\"}").unwrap_err().contains("unicode"));
    }

    #[test]
    fn depth_is_bounded() {
        let nested = |levels: usize| format!(r#"{{"d":{}1{}}}"#, "[".repeat(levels), "]".repeat(levels));
        assert!(object(nested(63).as_bytes()).is_ok());
        assert!(object(nested(64).as_bytes()).unwrap_err().contains("too many levels"));
        assert!(object(nested(100_000).as_bytes()).unwrap_err().contains("too many levels"));
    }
}
