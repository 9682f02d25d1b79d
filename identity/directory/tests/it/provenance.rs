//! Whether a credential is ours: what decides if it is stripped or passed on where no credential is needed.

use serde_json::json;
use tenantry_directory::fixtures::{self, NOW};
use tenantry_directory::is_ours;

use crate::tokens::{with_claim, with_header_member};

fn ours(token: &str) -> bool {
    is_ours(token, &fixtures::view())
}

#[test]
fn a_token_of_ours_stays_ours_however_it_is_spoiled() {
    let honest = fixtures::token(NOW);
    let (message, _) = honest.rsplit_once('.').unwrap();
    for token in [
        honest.clone(),
        message.to_owned(),
        format!("{message}."),
        format!("{honest}.more"),
        with_header_member("alg", "none"),
        with_header_member("crit", json!(["x"])),
        with_header_member("kid", "unknown"),
        with_header_member("typ", "JWT"),
        with_claim("iss", "https://elsewhere.example"),
        with_claim("exp", 1),
        with_claim("iss", "https://xdr.example.com"),
    ] {
        assert!(ours(&token), "{token}");
    }
}

#[test]
fn bypass_25_a_duplicate_member_does_not_hide_that_a_token_is_ours() {
    let key = fixtures::TestKey::new(99);
    for claims in [
        r#"{"iss":"https://xdr.example.com/o/7","iss":"https://elsewhere.example"}"#,
        r#"{"iss":"https://elsewhere.example","iss":"https://xdr.example.com/o/7"}"#,
        r#"{"iss":null,"\u0069ss":"https://xdr.example.com/o/7"}"#,
    ] {
        assert!(ours(&key.sign_text(r#"{"alg":"EdDSA"}"#, claims)), "{claims}");
    }
}

#[test]
fn a_token_with_padding_is_read_like_one_without() {
    let claims = "eyJpc3MiOiJodHRwczovL3hkci5leGFtcGxlLmNvbS9vLzcifQ";
    assert!(ours(&format!("e30.{claims}.x")) && ours(&format!("e30=.{claims}==.x")));
}

#[test]
fn what_names_neither_our_key_nor_our_issuer_is_foreign() {
    let stranger = fixtures::TestKey::new(99);
    let elsewhere = |iss: &str| stranger.sign_json(&stranger.header(), &json!({ "iss": iss }));
    for token in [
        elsewhere("https://elsewhere.example/o/7"),
        elsewhere("https://xdr.example.com.evil.example/o/7"),
        stranger.sign_text("{}", "{}"),
        String::new(),
        "an-api-key-of-the-backend".into(),
        "sk_live.with.dots".into(),
        "\u{0}.\u{0}.\u{0}".into(),
    ] {
        assert!(!ours(&token), "{token}");
    }
}
