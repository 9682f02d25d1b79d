//! Settings that may be several: a list in the file, or one text with commas as in a variable.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::Error;
use serde::{Deserialize as _, Deserializer};
use serde_json::Value;

/// Reads a list, one text with commas, or `off`, which YAML may read as a boolean.
pub(super) fn listed<'de, T, D>(from: D) -> Result<Vec<T>, D::Error>
where
    T: FromStr<Err: Display>,
    D: Deserializer<'de>,
{
    let texts = match Value::deserialize(from)? {
        Value::Array(items) => items.into_iter().map(text).collect(),
        Value::String(text) => text.split(',').map(str::to_owned).collect(),
        one => vec![text(one)],
    };
    texts.iter().map(|text| text.trim().parse().map_err(D::Error::custom)).collect()
}

fn text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        Value::Bool(false) => "off".to_owned(),
        other => other.to_string(),
    }
}
