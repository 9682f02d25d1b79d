//! BYPASS 19, 22, 24: what a header claims about itself.

use serde_json::{Value, json};
use tenantry_directory::fixtures::{self, NOW};
use tenantry_directory::{Refusal, verify};

use crate::tokens::{honest_claims, refusal, with_header, with_header_member};

#[test]
fn bypass_22_crit_is_refused_whatever_it_names() {
    for crit in [json!(["exp"]), json!([]), json!(["b64"]), json!("b64"), json!(null)] {
        assert_eq!(refusal(&with_header_member("crit", crit.clone())), Some(Refusal::Critical), "{crit}");
    }
}

#[test]
fn bypass_24_none_is_refused_in_every_case_with_and_without_a_signature() {
    let honest = with_header(|_| {});
    let signature = honest.rsplit('.').next().unwrap();
    for none in ["none", "None", "NONE", "nOnE", ""] {
        let header = json!({ "alg": none, "kid": fixtures::key().kid(), "typ": "at+jwt" });
        let message = fixtures::unsigned(&header.to_string(), &Value::Object(honest_claims()).to_string());
        assert_eq!(refusal(&format!("{message}.")), Some(Refusal::Algorithm), "{none}");
        assert_eq!(refusal(&format!("{message}.{signature}")), Some(Refusal::Algorithm), "{none}");
    }
}

#[test]
fn bypass_24_the_algorithm_comes_from_the_key_never_from_the_token() {
    for other in ["HS256", "HS512", "ES256", "RS256", "PS256", "ES384", "eddsa", "EdDSA ", "Ed25519"] {
        assert_eq!(refusal(&with_header_member("alg", other)), Some(Refusal::Algorithm), "{other}");
    }
    assert_eq!(refusal(&with_header(|h| drop(h.remove("alg")))), Some(Refusal::Algorithm));
}

#[test]
fn bypass_24_an_hmac_under_the_public_key_is_refused() {
    let key = fixtures::key();
    let header = jsonwebtoken::Header {
        typ: Some("at+jwt".into()),
        kid: Some(key.kid().to_string()),
        ..jsonwebtoken::Header::new(jsonwebtoken::Algorithm::HS256)
    };
    for secret in [json!(key.jwk()).to_string(), json!(key.jwk())["x"].as_str().unwrap().to_owned()] {
        let secret = jsonwebtoken::EncodingKey::from_secret(secret.as_bytes());
        let token = jsonwebtoken::encode(&header, &fixtures::claims(NOW), &secret).unwrap();
        assert_eq!(refusal(&token), Some(Refusal::Algorithm));
    }
}

#[test]
fn bypass_24_a_key_that_the_token_brings_along_is_refused() {
    let stranger = fixtures::TestKey::new(99);
    for (member, value) in [
        ("jwk", json!(stranger.jwk())),
        ("jku", json!("https://evil.example/jwks.json")),
        ("x5u", json!("https://evil.example/cert.pem")),
        ("x5c", json!(["MIIB"])),
        ("x5t", json!("abc")),
        ("x5t#S256", json!("abc")),
        ("b64", json!(false)),
        ("zip", json!("DEF")),
        ("enc", json!("A128GCM")),
        ("cty", json!("JWT")),
        ("anything", json!(1)),
    ] {
        let signed_by_us = with_header_member(member, value.clone());
        assert_eq!(refusal(&signed_by_us), Some(Refusal::UnexpectedHeader), "{member}");
        let mut header = stranger.header();
        header["kid"] = json!(fixtures::key().kid());
        header[member] = value;
        let signed_by_them = stranger.sign_json(&header, &Value::Object(honest_claims()));
        assert_eq!(refusal(&signed_by_them), Some(Refusal::UnexpectedHeader), "{member}");
    }
}

#[test]
fn bypass_24_a_stranger_under_our_key_id_has_no_signature_of_ours() {
    let stranger = fixtures::TestKey::new(99);
    let mut header = stranger.header();
    header["kid"] = json!(fixtures::key().kid());
    let token = stranger.sign_json(&header, &Value::Object(honest_claims()));
    assert_eq!(refusal(&token), Some(Refusal::Signature));
}

#[test]
fn a_key_nobody_published_verifies_nothing() {
    let claims = fixtures::claims(NOW);
    assert_eq!(refusal(&fixtures::TestKey::new(99).token(&claims)), Some(Refusal::UnknownKey));
    for kid in [json!("../../dev/null"), json!("' or 1=1"), json!(""), json!("a".repeat(43))] {
        assert_eq!(refusal(&with_header_member("kid", kid.clone())), Some(Refusal::UnknownKey), "{kid}");
    }
    assert_eq!(refusal(&with_header_member("kid", 7)), Some(Refusal::Malformed));
    assert_eq!(refusal(&with_header(|h| drop(h.remove("kid")))), Some(Refusal::UnknownKey));
}

#[test]
fn only_access_tokens_pass_for_access_tokens() {
    for typ in ["JWT", "jwt", "AT+JWT", "application/at+jwt", "at+jwt ", "logout+jwt", "dpop+jwt", ""] {
        assert_eq!(refusal(&with_header_member("typ", typ)), Some(Refusal::UnknownType), "{typ}");
    }
    assert_eq!(refusal(&with_header(|h| drop(h.remove("typ")))), Some(Refusal::UnknownType));
}

#[test]
fn a_member_twice_in_the_header_is_refused_whichever_would_count() {
    let kid = fixtures::key().kid();
    let claims = Value::Object(honest_claims()).to_string();
    for header in [
        format!(r#"{{"alg":"EdDSA","alg":"EdDSA","kid":"{kid}","typ":"at+jwt"}}"#),
        format!(r#"{{"alg":"none","kid":"{kid}","typ":"at+jwt","alg":"EdDSA"}}"#),
        format!(r#"{{"alg":"EdDSA","kid":"x","typ":"at+jwt","kid":"{kid}"}}"#),
        format!(r#"{{"alg":"EdDSA","\u0061lg":"none","kid":"{kid}","typ":"at+jwt"}}"#),
    ] {
        let token = fixtures::key().sign_text(&header, &claims);
        assert_eq!(refusal(&token), Some(Refusal::DuplicateMember), "{header}");
    }
}

#[test]
fn bypass_19_a_malformed_token_never_passes() {
    let honest = fixtures::token(NOW);
    let parts: Vec<_> = honest.split('.').collect();
    let (header, claims, signature) = (parts[0], parts[1], parts[2]);
    for token in [
        String::new(),
        ".".into(),
        "..".into(),
        "...".into(),
        header.into(),
        format!("{header}.{claims}"),
        format!("{header}..{signature}"),
        format!(".{claims}.{signature}"),
        format!("{honest}."),
        format!("{honest}.{signature}"),
        format!(" {honest}"),
        format!("{header}=.{claims}.{signature}"),
        format!("{header}.{claims}==.{signature}"),
        "bnVsbA.bnVsbA.".into(),
        "W10.W10.x".into(),
        "a".repeat(1 << 20),
        format!("{}.{claims}.{signature}", "A".repeat(9000)),
    ] {
        assert_eq!(refusal(&token), Some(Refusal::Malformed), "{token:.80}");
    }
}

#[test]
fn bypass_26_a_cut_or_extended_signature_is_refused() {
    let honest = fixtures::token(NOW);
    let (message, signature) = honest.rsplit_once('.').unwrap();
    for cut in 0..signature.len() {
        assert_eq!(refusal(&format!("{message}.{}", &signature[..cut])), Some(Refusal::Signature), "{cut}");
    }
    for extended in
        [format!("{honest}A"), format!("{honest}AAAA"), format!("{honest}="), format!("{honest}\n")]
    {
        assert_eq!(refusal(&extended), Some(Refusal::Signature), "{extended}");
    }
}

#[test]
fn bypass_26_no_second_spelling_of_a_signature_passes() {
    let honest = fixtures::token(NOW);
    let (body, last) = honest.split_at(honest.len() - 1);
    for other in (b'A'..=b'Z').chain(b'a'..=b'z').chain(b'0'..=b'9').chain(*b"-_+/=").map(char::from) {
        if !last.starts_with(other) {
            assert_eq!(refusal(&format!("{body}{other}")), Some(Refusal::Signature), "{other}");
        }
    }
}

#[test]
fn every_flipped_bit_of_a_token_is_refused() {
    let honest = fixtures::token(NOW).into_bytes();
    let view = fixtures::view();
    for at in 0..honest.len() {
        let mut token = honest.clone();
        token[at] ^= 1;
        if let Ok(token) = std::str::from_utf8(&token) {
            assert!(verify(token, &view, NOW).is_err(), "{at}");
        }
    }
}
