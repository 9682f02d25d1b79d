//! When a token counts: 30 s of leeway for `iat` and `nbf`, 5 s for `exp`, in milliseconds.

use std::time::Duration;

use tenantry_directory::fixtures::{self, NOW};
use tenantry_directory::settings::EarlierPublicUrl;
use tenantry_directory::{Refusal, Timestamp, View, check_current, verify, verify_signature_and_claims};

use crate::tokens::{refusal, with_claim, with_claims};

#[test]
fn a_token_expires_five_seconds_after_exp_and_not_a_millisecond_later() {
    let (token, view) = (fixtures::token(NOW), fixtures::view());
    let end = NOW.plus(Duration::from_hours(8) + Duration::from_secs(5));
    let before = end.minus(Duration::from_millis(1));
    assert!(verify(&token, &view, before).is_ok());
    assert_eq!(verify(&token, &view, end), Err(Refusal::Expired));

    let cached = verify_signature_and_claims(&token, &view, NOW).unwrap();
    assert_eq!(check_current(&cached, &view, before), Ok(()));
    assert_eq!(check_current(&cached, &view, end), Err(Refusal::Expired));
}

#[test]
fn a_clock_ahead_by_thirty_seconds_is_forgiven_and_no_more() {
    for name in ["iat", "nbf"] {
        assert_eq!(refusal(&with_claim(name, NOW.secs() + 30)), None, "{name}");
        assert_eq!(refusal(&with_claim(name, NOW.secs() + 31)), Some(Refusal::NotYetValid), "{name}");
    }
}

#[test]
fn times_at_the_end_of_the_number_line_do_not_wrap() {
    assert_eq!(refusal(&with_claim("nbf", i64::MAX)), Some(Refusal::NotYetValid));
    assert_eq!(refusal(&with_claim("exp", 0)), Some(Refusal::Expired));
    assert_eq!(refusal(&with_claim("exp", i64::MAX)), None);
    let never_valid = with_claims(|claims| {
        claims.insert("iat".into(), (NOW.secs() + 20).into());
        claims.insert("exp".into(), (NOW.secs() + 20).into());
    });
    assert_eq!(refusal(&never_valid), Some(Refusal::ClaimType));
}

#[test]
fn an_earlier_public_url_verifies_until_its_tokens_have_expired() {
    let until = NOW.plus(Duration::from_hours(1));
    let mut snapshot = fixtures::snapshot();
    let earlier = std::mem::replace(&mut snapshot.backend.public_url, "https://new.example".parse().unwrap());
    snapshot.backend.earlier_public_urls = vec![EarlierPublicUrl { public_url: earlier, until }];
    let view = View::from_snapshot(snapshot);
    let token = fixtures::token(NOW);
    assert!(verify(&token, &view, until.minus(Duration::from_millis(1))).is_ok());
    assert_eq!(verify(&token, &view, until), Err(Refusal::WrongIssuer));
}

#[test]
fn a_retired_key_verifies_until_its_last_token_has_expired() {
    let until = NOW.plus(Duration::from_hours(1));
    let mut snapshot = fixtures::snapshot();
    snapshot.keys[0].1.verify_until = Some(until);
    let view = View::from_snapshot(snapshot);
    let token = fixtures::token(NOW);
    let cached = verify(&token, &view, NOW).unwrap();
    let before = until.minus(Duration::from_millis(1));
    assert_eq!(check_current(&cached, &view, before), Ok(()));
    assert_eq!(check_current(&cached, &view, until), Err(Refusal::RevokedKey));
    assert_eq!(verify(&token, &view, until), Err(Refusal::UnknownKey));
    assert!(view.pruned(before).is_none());
    assert_eq!(view.pruned(until).unwrap().keys.len(), 1);
}

#[test]
fn an_expired_token_is_named_so_even_when_it_is_forged_too() {
    let long_after = Timestamp::from_secs(NOW.secs() + 1_000_000);
    let forged = format!("{}x", fixtures::token(NOW));
    assert_eq!(verify(&forged, &fixtures::view(), long_after), Err(Refusal::Expired));
}
