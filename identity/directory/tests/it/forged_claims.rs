//! BYPASS 21, 23, 25: what claims say, and of which type they are.

use serde_json::{Value, json};
use tenantry_directory::fixtures::{self, NOW};
use tenantry_directory::{Refusal, verify};

use crate::tokens::{honest_claims, refusal, with_claim, with_claims, with_claims_by};

#[test]
fn bypass_23_every_claim_is_required() {
    for name in honest_claims().keys() {
        let token = with_claims(|claims| drop(claims.remove(name)));
        assert_eq!(refusal(&token), Some(Refusal::MissingClaim), "{name}");
        let spelled_otherwise = with_claims(|claims| {
            let value = claims.remove(name).unwrap();
            claims.insert(name.to_uppercase(), value);
        });
        assert_eq!(refusal(&spelled_otherwise), Some(Refusal::MissingClaim), "{name}");
    }
}

#[test]
fn bypass_21_every_claim_has_one_type() {
    let others = [json!(null), json!([]), json!({}), json!([7]), json!(1.5), json!({ "exp": 1 })];
    for (name, honest) in &honest_claims() {
        let wrong = match honest {
            Value::String(_) => vec![json!(7), json!(true), json!([honest])],
            Value::Number(n) => {
                vec![json!(n.to_string()), json!(true), json!([n]), json!(-7), json!(u64::MAX)]
            }
            _ => vec![json!("true"), json!(1), json!([true])],
        };
        for value in wrong.into_iter().chain(others.clone()) {
            // A negative `exp` is over before anyone asks what it is.
            let reason = if name == "exp" && value == -7 { Refusal::Expired } else { Refusal::ClaimType };
            assert_eq!(refusal(&with_claim(name, value.clone())), Some(reason), "{name}: {value}");
        }
    }
}

#[test]
fn bypass_21_a_number_with_exponent_or_fraction_is_no_time_and_no_id() {
    let key = fixtures::key();
    let claims = Value::Object(honest_claims()).to_string();
    for (honest, forged) in [
        (r#""user_id":42"#, r#""user_id":42.0"#),
        (r#""user_id":42"#, r#""user_id":4.2e1"#),
        (r#""organization_id":7"#, r#""organization_id":7e0"#),
        (r#""exp":1"#, r#""exp":9e99,"x":1"#),
        (r#""iat":1"#, r#""iat":-0,"x":1"#),
    ] {
        let spoiled = claims.replace(honest, forged);
        assert_ne!(spoiled, claims);
        let token = key.sign_text(&key.header().to_string(), &spoiled);
        assert_eq!(refusal(&token), Some(Refusal::ClaimType), "{forged}");
    }
}

#[test]
fn bypass_21_claims_that_no_account_can_have_are_refused() {
    for (name, value) in [
        ("user_id", json!(0)),
        ("organization_id", json!(0)),
        ("sid", json!("short")),
        ("sid", json!("a".repeat(23))),
        ("role", json!("admin,viewer")),
        ("role", json!("Admin")),
        ("role", json!("admin\r\nx-user-id: 1")),
        ("email", json!("")),
        ("sub", json!("43")),
        ("sub", json!("042")),
        ("sub", json!("42 ")),
    ] {
        assert_eq!(refusal(&with_claim(name, value.clone())), Some(Refusal::ClaimType), "{name}: {value}");
    }
}

#[test]
fn bypass_25_a_claim_twice_is_refused_whichever_would_count() {
    let key = fixtures::key();
    let claims = Value::Object(honest_claims()).to_string();
    for name in honest_claims().keys() {
        for forged in [r#""other""#, "8", "true"] {
            for spoiled in [
                format!(r#"{{"{name}":{forged},{}"#, &claims[1..]),
                format!(r#"{},"{name}":{forged}}}"#, &claims[..claims.len() - 1]),
            ] {
                let token = key.sign_text(&key.header().to_string(), &spoiled);
                assert_eq!(refusal(&token), Some(Refusal::DuplicateMember), "{name}");
            }
        }
    }
}

#[test]
fn bypass_25_a_member_twice_is_refused_at_any_depth_and_in_any_spelling() {
    let key = fixtures::key();
    let claims = Value::Object(honest_claims()).to_string();
    for forged in
        [r#""x":{"a":1,"a":1}"#, r#""x":[[{"a":1,"b":{"c":1,"c":2}}]]"#, r#""\u0069ss":"https://evil""#]
    {
        let spoiled = format!("{{{forged},{}", &claims[1..]);
        let token = key.sign_text(&key.header().to_string(), &spoiled);
        assert_eq!(refusal(&token), Some(Refusal::DuplicateMember), "{forged}");
    }
}

#[test]
fn bypass_25_what_a_user_calls_itself_overwrites_no_claim() {
    let mut claims = fixtures::claims(NOW);
    claims.name = r#"Eve","role":"admin","x":""#.into();
    claims.email = r#"eve@x.example","organization_id":8,"x":""#.into();
    let identity = verify(&fixtures::key().token(&claims), &fixtures::view(), NOW).unwrap();
    assert_eq!((identity.role.as_str(), identity.organization_id), ("analyst", fixtures::ORGANIZATION));
    assert_eq!((identity.name, identity.email), (claims.name, claims.email));
}

#[test]
fn claims_that_are_no_single_json_object_are_refused() {
    let key = fixtures::key();
    let claims = Value::Object(honest_claims()).to_string();
    let deep = format!("{{\"x\":{}{},{}", "[".repeat(200), "]".repeat(200), &claims[1..]);
    for text in
        [format!("{claims}{claims}"), format!("{claims} x"), format!("[{claims}]"), deep, "\u{feff}{}".into()]
    {
        let token = key.sign_text(&key.header().to_string(), &text);
        assert_eq!(refusal(&token), Some(Refusal::Malformed), "{text:.60}");
    }
}

#[test]
fn a_stolen_key_of_one_organization_mints_nothing_for_another() {
    assert_eq!(refusal(&with_claims_by(&fixtures::other_key(), |_| {})), Some(Refusal::WrongOrganization));
    assert_eq!(refusal(&with_claim("organization_id", 8)), Some(Refusal::WrongOrganization));
    assert_eq!(refusal(&with_claim("organization_slug", "other-corp")), Some(Refusal::WrongOrganization));
    assert_eq!(refusal(&with_claim("iss", "https://xdr.example.com/o/8")), Some(Refusal::WrongIssuer));
}

#[test]
fn issuer_and_audience_are_compared_exactly() {
    for iss in [
        "https://xdr.example.com/o/7/",
        "https://xdr.example.com/o/07",
        "https://xdr.example.com/o/7?",
        "https://xdr.example.com//o/7",
        "https://xdr.example.com:443/o/7",
        "https://XDR.example.com/o/7",
        "http://xdr.example.com/o/7",
        "https://xdr.example.com.evil.example/o/7",
        "https://evil.example/o/7",
        "xdr.example.com/o/7",
    ] {
        assert_eq!(refusal(&with_claim("iss", iss)), Some(Refusal::WrongIssuer), "{iss}");
    }
    for aud in ["mini-xdr/mini-xdr2", "mini-xdr/", "mini-xdr", "Mini-xdr/mini-xdr", "other/mini-xdr", "*"] {
        assert_eq!(refusal(&with_claim("aud", aud)), Some(Refusal::WrongAudience), "{aud}");
    }
    assert_eq!(refusal(&with_claim("aud", json!(["mini-xdr/mini-xdr"]))), Some(Refusal::ClaimType));
}

#[test]
fn a_token_for_anything_but_access_is_refused() {
    for kind in ["refresh", "Access", "assertion", "invite"] {
        assert_eq!(refusal(&with_claim("type", kind)), Some(Refusal::NotAccess), "{kind}");
    }
}

#[test]
fn a_claim_of_a_newer_authority_is_ignored() {
    assert_eq!(refusal(&with_claim("acr", json!({ "level": 2 }))), None);
}
