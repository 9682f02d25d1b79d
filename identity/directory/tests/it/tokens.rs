//! Spoiling honest tokens.

use serde_json::{Map, Value, json};
use tenantry_directory::fixtures::{self, NOW, TestKey};
use tenantry_directory::{Refusal, verify};

/// Why the fixtures' gate refuses a token.
pub fn refusal(token: &str) -> Option<Refusal> {
    verify(token, &fixtures::view(), NOW).err()
}

/// The claims of an honest token as JSON.
pub fn honest_claims() -> Map<String, Value> {
    match json!(fixtures::claims(NOW)) {
        Value::Object(members) => members,
        _ => unreachable!("claims are an object"),
    }
}

/// An honest token but for its header, signed with the right key.
pub fn with_header(spoil: impl FnOnce(&mut Map<String, Value>)) -> String {
    let key = fixtures::key();
    let mut header = key.header();
    spoil(header.as_object_mut().unwrap());
    key.sign_json(&header, &Value::Object(honest_claims()))
}

/// An honest token but for its claims, signed with the right key.
pub fn with_claims(spoil: impl FnOnce(&mut Map<String, Value>)) -> String {
    with_claims_by(&fixtures::key(), spoil)
}

/// The same, signed with any key under its own name.
pub fn with_claims_by(key: &TestKey, spoil: impl FnOnce(&mut Map<String, Value>)) -> String {
    let mut claims = honest_claims();
    spoil(&mut claims);
    key.sign_json(&key.header(), &Value::Object(claims))
}

/// A claim replaced.
pub fn with_claim(name: &str, value: impl Into<Value>) -> String {
    let value = value.into();
    with_claims(|claims| {
        claims.insert(name.to_owned(), value);
    })
}

/// A header member replaced or added.
pub fn with_header_member(name: &str, value: impl Into<Value>) -> String {
    let value = value.into();
    with_header(|header| {
        header.insert(name.to_owned(), value);
    })
}

#[test]
fn the_token_that_attacks_start_from_is_accepted() {
    assert_eq!(refusal(&with_claims(|_| {})), None);
    assert_eq!(refusal(&with_header(|_| {})), None);
}
