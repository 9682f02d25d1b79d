use std::time::Duration;

use proptest::prelude::*;
use secrecy::ExposeSecret;
use tenantry_directory::{SessionId, Timestamp};

use super::*;
use crate::random::SeededRandom;

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

/// A session as a store would keep it.
struct Session {
    id: SessionId,
    state: SessionState,
}

impl Session {
    fn start() -> Self {
        let random = SeededRandom::new(11);
        let id = new_session_id(&random).unwrap();
        let secret = SessionSecret::generate(&random).unwrap();
        let (generation, trail) = (Generation::default(), RotationTrail::default());
        Self {
            id,
            state: SessionState { secret, generation, trail, expires_at: at(1_000_000), is_ended: false },
        }
    }

    fn text(&self, generation: u32) -> String {
        self.state.secret.token(self.id, Generation(generation)).expose_secret().to_owned()
    }

    fn present(&mut self, text: &str, now: i64) -> RefreshDecision {
        let decision = decide(&RefreshToken::parse(text).unwrap(), &self.state, at(now));
        match &decision {
            RefreshDecision::Current { successor, trail } => {
                (self.state.generation, self.state.trail) = (*successor, trail.clone());
            }
            RefreshDecision::Reuse => self.state.is_ended = true,
            _ => {}
        }
        decision
    }

    /// The text handed out for `text`, or the refusal.
    fn refresh(&mut self, text: &str, now: i64) -> Result<String, RefreshDecision> {
        match self.present(text, now) {
            RefreshDecision::Current { successor, .. } | RefreshDecision::Grace { successor } => {
                Ok(self.text(successor.0))
            }
            refused => Err(refused),
        }
    }
}

#[test]
fn each_use_hands_out_the_next_token() {
    let mut session = Session::start();
    let mut token = session.text(0);
    for use_ in 1..=5 {
        token = session.refresh(&token, i64::from(use_) * 100_000).unwrap();
        assert_eq!(token, session.text(use_));
    }
}

#[test]
fn tabs_that_refresh_together_get_the_same_successor() {
    let mut session = Session::start();
    let first = session.text(0);
    let successor = session.refresh(&first, 0).unwrap();
    for now in [0, 1, 5_000, 10_000] {
        assert_eq!(session.refresh(&first, now).unwrap(), successor);
    }
}

#[test]
fn a_reuse_after_the_grace_ends_the_session_for_everyone() {
    let mut session = Session::start();
    let first = session.text(0);
    let successor = session.refresh(&first, 0).unwrap();
    assert_eq!(session.refresh(&first, 10_001), Err(RefreshDecision::Reuse));
    assert_eq!(session.refresh(&successor, 10_002), Err(RefreshDecision::Over));
}

#[test]
fn the_grace_is_each_tokens_own() {
    let mut session = Session::start();
    let first = session.text(0);
    let second = session.refresh(&first, 0).unwrap();
    let third = session.refresh(&second, 6_000).unwrap();
    assert_eq!(
        session.refresh(&first, 9_000).unwrap(),
        second,
        "two rotations on, still within its ten seconds"
    );
    assert_eq!(session.refresh(&second, 16_000).unwrap(), third);
    assert_eq!(session.refresh(&first, 16_000), Err(RefreshDecision::Reuse));
}

#[test]
fn a_forgery_ends_nothing() {
    let mut session = Session::start();
    let mut other = Session::start();
    other.state.secret = SessionSecret::generate(&SeededRandom::new(12)).unwrap();
    let forged = other.text(0);
    assert_eq!(session.refresh(&forged, 0), Err(RefreshDecision::Unknown));
    let never_issued = session.text(1);
    assert_eq!(session.refresh(&never_issued, 0), Err(RefreshDecision::Unknown));
    let genuine = session.text(0);
    assert!(session.refresh(&genuine, 0).is_ok());
}

#[test]
fn an_ended_or_expired_session_refreshes_no_more() {
    let mut session = Session::start();
    let first = session.text(0);
    assert_eq!(session.refresh(&first, 1_000_000), Err(RefreshDecision::Over));
    assert!(session.refresh(&first, 999_999).is_ok());
    session.state.is_ended = true;
    assert_eq!(session.refresh(&first, 999_999), Err(RefreshDecision::Over), "not even within the grace");
}

#[test]
fn a_truncated_token_is_refused() {
    let text = Session::start().text(0);
    assert_eq!(text.len(), 75);
    for cut in 0..text.len() {
        assert!(RefreshToken::parse(&text[..cut]).is_err(), "{cut} characters");
    }
    for other in [format!("{text}A"), format!("{text}="), format!(" {text}"), text.replace("tnr1", "tnr2")] {
        assert!(RefreshToken::parse(&other).is_err(), "{other}");
    }
}

#[test]
fn one_token_has_one_spelling() {
    // 70 characters hold 420 bits and the token 416: the four spare ones must be zero.
    let text = Session::start().text(0);
    let alphabet = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";
    let accepted =
        alphabet.chars().filter(|last| RefreshToken::parse(&format!("{}{last}", &text[..74])).is_ok());
    assert_eq!(accepted.count(), 4);
}

#[test]
fn the_mac_is_hmac_sha_256_over_context_session_and_generation() {
    let secret = SessionSecret::from_bytes(&[0x0b; 32]).unwrap();
    let token = secret.token(SessionId::from_bytes([1; 16]), Generation(2));
    // Computed with Python: hmac.new(b"\x0b"*32, b"tenantry refresh token v1\0"+b"\1"*16+b"\0\0\0\2", "sha256")
    assert_eq!(
        token.expose_secret(),
        "tnr1_AQEBAQEBAQEBAQEBAQEBAQAAAAJ0CqA_LX_DYdqnKwQ601o11EUWjzNZG6qmF5NGsxuCcw"
    );
    assert!(SessionSecret::from_bytes(&[0; 31]).is_none());
}

#[test]
fn a_trail_reads_back_from_its_column() {
    let grace = Duration::from_secs(10);
    let trail = RotationTrail::default().after_use(at(5), grace).after_use(at(7), grace);
    assert_eq!(trail.to_string(), "7,5");
    assert_eq!("7,5".parse(), Ok(trail));
    assert_eq!("".parse(), Ok(RotationTrail::default()));
    for text in ["7,", ",7", "x", "7;5"] {
        assert_eq!(text.parse::<RotationTrail>(), Err(MalformedTrail), "{text:?}");
    }
}

#[test]
fn a_generation_reads_back_from_its_column() {
    assert_eq!(Generation::from_column(Generation(7).to_column()), Some(Generation(7)));
    assert_eq!(Generation::from_column(-1), None);
    assert_eq!(Generation::from_column(1 << 32), None);
}

proptest! {
    #[test]
    fn no_token_ever_yields_two_successors(uses in prop::collection::vec((0_u32..8, 0_i64..6_000), 1..60)) {
        let mut session = Session::start();
        let mut successors = std::collections::BTreeMap::new();
        let mut first_used = std::collections::BTreeMap::new();
        let mut now = 0;
        for (back, wait) in uses {
            now += wait;
            let presented = session.state.generation.0.saturating_sub(back);
            let text = session.text(presented);
            let ended = session.state.is_ended;
            match session.refresh(&text, now) {
                Ok(successor) => {
                    prop_assert!(!ended);
                    prop_assert_eq!(successors.entry(presented).or_insert_with(|| successor.clone()), &successor);
                    prop_assert!(now - *first_used.entry(presented).or_insert(now) <= 10_000);
                }
                Err(RefreshDecision::Reuse) => prop_assert!(now - first_used[&presented] > 10_000),
                Err(RefreshDecision::Over) => prop_assert!(ended || now >= 1_000_000),
                Err(other) => prop_assert!(false, "{:?}", other),
            }
        }
    }
}
