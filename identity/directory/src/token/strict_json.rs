use std::fmt;

use serde::de::{Deserialize, DeserializeSeed, Deserializer, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Number, Value};

use super::Refusal;

/// Deepest nesting of a token's JSON; ours have none.
const MAX_DEPTH: u8 = 8;
/// Text of the one error that is told apart from bad syntax.
const DUPLICATE: &str = "duplicate member";

/// Reads a JSON object in which no object, at any depth, has a member twice (RFC 8725 §2.4: parsers differ on which
/// one counts).
pub(super) fn object(bytes: &[u8]) -> Result<Map<String, Value>, Refusal> {
    let mut deserializer = serde_json::Deserializer::from_slice(bytes);
    let value =
        Strict { depth: MAX_DEPTH }.deserialize(&mut deserializer).map_err(|error| refusal(&error))?;
    deserializer.end().map_err(|_| Refusal::Malformed)?;
    match value {
        Value::Object(members) => Ok(members),
        _ => Err(Refusal::Malformed),
    }
}

fn refusal(error: &serde_json::Error) -> Refusal {
    if error.to_string().starts_with(DUPLICATE) { Refusal::DuplicateMember } else { Refusal::Malformed }
}

#[derive(Clone, Copy)]
struct Strict {
    depth: u8,
}

impl Strict {
    fn deeper<E: serde::de::Error>(self) -> Result<Self, E> {
        self.depth.checked_sub(1).map(|depth| Self { depth }).ok_or_else(|| E::custom("nested too deeply"))
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

    fn visit_unit<E>(self) -> Result<Value, E> {
        Ok(Value::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Value, E> {
        Ok(Value::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_u64<E>(self, value: u64) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Value, E> {
        Number::from_f64(value).map(Value::Number).ok_or_else(|| E::custom("not a number"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_string<E>(self, value: String) -> Result<Value, E> {
        Ok(value.into())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value, A::Error> {
        let item = self.deeper()?;
        let mut values = Vec::new();
        while let Some(value) = items.next_element_seed(item)? {
            values.push(value);
        }
        Ok(Value::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value, A::Error> {
        let member = self.deeper()?;
        let mut values = Map::new();
        while let Some(name) = members.next_key::<String>()? {
            if values.contains_key(&name) {
                return Err(A::Error::custom(DUPLICATE));
            }
            let value = members.next_value_seed(member)?;
            values.insert(name, value);
        }
        Ok(Value::Object(values))
    }
}

/// Every text that a JSON object gives for a top-level member, duplicates included: for telling whether a token claims
/// to be ours, where the first and the last may differ.
pub(super) struct AllTexts(pub Vec<(String, String)>);

impl<'de> Deserialize<'de> for AllTexts {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Texts;

        impl<'de> Visitor<'de> for Texts {
            type Value = AllTexts;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<AllTexts, A::Error> {
                let mut texts = Vec::new();
                while let Some((name, value)) = members.next_entry::<String, Value>()? {
                    if let Value::String(text) = value {
                        texts.push((name, text));
                    }
                }
                Ok(AllTexts(texts))
            }
        }

        deserializer.deserialize_map(Texts)
    }
}
