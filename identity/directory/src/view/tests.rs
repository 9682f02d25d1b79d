use super::*;
use crate::fixtures;

#[test]
fn a_key_is_named_by_its_rfc_7638_thumbprint() {
    // The example of RFC 8037, appendix A.3.
    let jwk: PublicJwk = serde_json::from_str(
        r#"{"kty":"OKP","crv":"Ed25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
    )
    .unwrap();
    assert_eq!(jwk.thumbprint().to_string(), "kPrK_qmxVWaYVA9wwBF6Iuo3vVzz7TxHCTwXBygrS4k");
}

#[test]
fn an_rsa_key_has_the_thumbprint_of_the_rfc() {
    // The example of RFC 7638, section 3.1.
    let n = "0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknj\
             hMstn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQv\
             RL5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqD\
             Kgw";
    let jwk: PublicJwk =
        serde_json::from_value(serde_json::json!({ "kty": "RSA", "n": n, "e": "AQAB" })).unwrap();
    assert_eq!(jwk.thumbprint().to_string(), "NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs");
}

#[test]
fn kinds_of_key_that_sign_no_access_tokens_are_refused() {
    for jwk in [
        r#"{"kty":"oct","k":"c2VjcmV0"}"#,
        r#"{"kty":"OKP","crv":"X25519","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}"#,
        r#"{"kty":"EC","crv":"P-384","x":"AA","y":"AA"}"#,
        r#"{"kty":"RSA","n":"AA"}"#,
    ] {
        assert!(serde_json::from_str::<PublicJwk>(jwk).is_err(), "{jwk}");
    }
}

#[test]
fn numbers_that_are_no_key_are_refused() {
    for jwk in [
        PublicJwk::p256(&[0; 32], &[0; 32]),
        PublicJwk::rsa(&[0xff; 128], &[1, 0, 1]),
        PublicJwk::rsa(&[0xff; 1024], &[1, 0, 1]),
        PublicJwk::Okp { crv: key::Ed25519Name::Ed25519, x: "AAAA".into() },
        PublicJwk::Okp { crv: key::Ed25519Name::Ed25519, x: "not base64".into() },
    ] {
        let public = PublicKey { organization: fixtures::ORGANIZATION, jwk: jwk.clone(), verify_until: None };
        let key = VerifyingKey::new(jwk.thumbprint(), public);
        let verifies = key.is_ok_and(|key| key.verifies("message", "AAAA"));
        assert!(!verifies, "{jwk:?}");
    }
}

#[test]
fn a_key_under_a_false_name_is_left_out_and_named() {
    let mut snapshot = fixtures::snapshot();
    let kid = fixtures::TestKey::new(99).kid();
    snapshot.keys[0].0 = kid;
    let view = View::from_snapshot(snapshot);
    assert_eq!(view.unusable_keys.iter().collect::<Vec<_>>(), [&kid]);
    assert_eq!(view.keys.keys().collect::<Vec<_>>(), [&fixtures::other_key().kid()]);

    let repaired =
        ChangeState::Key { kid, key: Some(fixtures::TestKey::new(99).public(fixtures::ORGANIZATION)) };
    let view = view.apply(&Change::following(&view.digest, 2, "key", "k", "n", repaired)).unwrap();
    assert!(view.unusable_keys.is_empty() && view.keys.contains_key(&kid));
}

#[test]
fn views_share_what_did_not_change() {
    let view = fixtures::view();
    let change = Change::following(&view.digest, 2, "x", "y", "z", ChangeState::Nothing);
    let next = view.apply(&change).unwrap();
    assert!(Arc::ptr_eq(&view.backend, &next.backend));
    assert_eq!((next.version, &next.organizations), (2, &view.organizations));
    let same = ChangeState::Backend(Box::new(fixtures::settings()));
    let next = next.apply(&Change::following(&next.digest, 3, "x", "y", "z", same)).unwrap();
    assert!(Arc::ptr_eq(&view.backend, &next.backend));
}
