use proptest::prelude::*;

use super::*;

const HOUR: Duration = Duration::from_hours(1);

fn policy() -> KeyPolicy {
    KeyPolicy {
        rotate_every: 720 * HOUR,
        longest_ttl: 8 * HOUR,
        leeway: Duration::from_secs(30),
        publish_ahead: Duration::from_mins(30),
    }
}

fn at(hours: u32) -> Timestamp {
    Timestamp::from_secs(1_800_000_000).plus(hours * HOUR)
}

/// An organization's keys, and an authority that looks at them now and then.
#[derive(Default)]
struct Keys {
    keys: Vec<KeyTimes>,
    made: u8,
}

impl Keys {
    fn create(&mut self, bounds: Option<KeyBounds>, now: Timestamp) {
        self.made += 1;
        let kid = Kid::from_thumbprint([self.made; 32]);
        self.keys.push(KeyTimes { kid, created_at: now, bounds, revoked: false });
    }

    fn look(&mut self, asked: Option<Timestamp>, now: Timestamp) -> Vec<KeyStep> {
        let mut steps = Vec::new();
        while let Some(step) = next_step(&self.keys, &policy(), asked, now) {
            match step {
                KeyStep::CreateActive(bounds) => self.create(Some(bounds), now),
                KeyStep::CreatePending => self.create(None, now),
                KeyStep::Activate(kid, bounds) => {
                    self.keys
                        .iter_mut()
                        .filter(|key| key.kid == kid)
                        .for_each(|key| key.bounds = Some(bounds));
                }
            }
            steps.push(step);
            assert!(steps.len() < 4, "comes to rest: {steps:?}");
        }
        steps
    }

    fn signing(&self, now: Timestamp) -> Option<KeyTimes> {
        let active = self.keys.iter().filter(|key| key.state(now) == KeyState::Active);
        active.max_by_key(|key| key.bounds.map(|bounds| bounds.active_from)).copied()
    }
}

#[test]
fn the_first_key_signs_at_once() {
    let mut keys = Keys::default();
    assert_eq!(keys.look(None, at(0)), [KeyStep::CreateActive(policy().bounds(at(0)))]);
    assert_eq!(keys.look(None, at(1)), []);
}

#[test]
fn the_next_key_is_published_before_it_signs() {
    let mut keys = Keys::default();
    keys.look(None, at(0));
    assert_eq!(keys.look(None, at(719)), []);
    let early = at(720);
    assert_eq!(keys.look(None, early), [KeyStep::CreatePending]);
    assert_eq!(keys.look(None, early.plus(Duration::from_secs(1799))), []);
    let due = early.plus(Duration::from_mins(30));
    assert_eq!(
        keys.look(None, due),
        [KeyStep::Activate(Kid::from_thumbprint([2; 32]), policy().bounds(due))]
    );
    assert_eq!(keys.signing(due).map(|key| key.kid), Some(Kid::from_thumbprint([2; 32])));
}

#[test]
fn a_retired_key_still_verifies_until_its_last_token_expires() {
    let mut keys = Keys::default();
    keys.look(None, at(0));
    let bounds = keys.keys[0].bounds.unwrap();
    assert_eq!(bounds.verify_until, bounds.sign_until.plus(8 * HOUR).plus(Duration::from_secs(30)));
    let state = |when: Timestamp| keys.keys[0].state(when);
    assert_eq!(state(bounds.sign_until), KeyState::Retiring);
    assert_eq!(state(bounds.verify_until), KeyState::Gone);
}

#[test]
fn a_key_stops_signing_a_tenth_of_its_period_after_its_successor_was_due() {
    let bounds = policy().bounds(at(0));
    assert_eq!((bounds.sign_until, bounds.verify_until.millis()), (at(792), at(800).millis() + 30_000));
    let fast = KeyPolicy { rotate_every: HOUR, ..policy() };
    assert_eq!(
        fast.bounds(at(0)).sign_until,
        at(2),
        "however short the period, the next key can be published in time"
    );
}

#[test]
fn no_token_outlives_its_key_even_where_tokens_were_made_to_live_longer_since() {
    let bounds = policy().bounds(at(0));
    let expiry = |now, ttl| bounds.token_expiry(now, ttl, policy().leeway);
    assert_eq!(expiry(at(0), 8 * HOUR), at(8));
    assert_eq!(expiry(at(792), 8 * HOUR), at(800));
    assert_eq!(expiry(at(792), 24 * HOUR), at(800));
}

#[test]
fn an_authority_that_comes_back_within_the_slack_rotates_as_if_it_had_been_there() {
    let mut keys = Keys::default();
    keys.look(None, at(0));
    assert_eq!(keys.look(None, at(790)), [KeyStep::CreatePending]);
    assert_eq!(keys.signing(at(790)).map(|key| key.kid), Some(Kid::from_thumbprint([1; 32])));
    assert!(matches!(keys.look(None, at(791))[..], [KeyStep::Activate(..)]));
}

#[test]
fn a_key_that_replaces_a_revoked_one_signs_at_once() {
    let mut keys = Keys::default();
    keys.look(None, at(0));
    keys.keys[0].revoked = true;
    assert_eq!(keys.keys[0].state(at(1)), KeyState::Gone);
    assert_eq!(keys.look(None, at(1)), [KeyStep::CreateActive(policy().bounds(at(1)))]);
}

#[test]
fn a_rotation_that_was_asked_for_happens_once() {
    let mut keys = Keys::default();
    keys.look(None, at(0));
    let asked = Some(at(5));
    assert_eq!(keys.look(asked, at(5)), [KeyStep::CreatePending]);
    assert!(matches!(keys.look(asked, at(6))[..], [KeyStep::Activate(..)]));
    assert_eq!(keys.look(asked, at(7)), []);
}

#[test]
fn an_authority_that_was_away_for_months_signs_at_once_again() {
    let mut keys = Keys::default();
    keys.look(None, at(0));
    assert!(matches!(keys.look(None, at(24 * 400))[..], [KeyStep::CreateActive(_), ..]));
    assert!(keys.signing(at(24 * 400)).is_some());
}

proptest! {
    /// Whoever looks whenever: there is always a key that signs, each was published long enough unless nothing else
    /// could sign, and no bound ever moves.
    #[test]
    fn no_token_is_ever_signed_by_a_key_that_a_gate_cannot_know(gaps in prop::collection::vec(1_u64..200_000, 1..60)) {
        let mut keys = Keys::default();
        let mut now = at(0);
        let mut fixed: Vec<(Kid, KeyBounds)> = Vec::new();
        for gap in gaps {
            let before = keys.signing(now);
            now = now.plus(Duration::from_secs(gap));
            let had_one = keys.signing(now).is_some();
            keys.look(None, now);
            let signing = keys.signing(now);
            prop_assert!(signing.is_some());
            let changed = signing.map(|key| key.kid) != before.map(|key| key.kid);
            if let (Some(signing), true, true) = (signing, changed, had_one) {
                prop_assert!(now >= signing.created_at.plus(policy().publish_ahead));
            }
            for (kid, bounds) in &fixed {
                prop_assert!(keys.keys.iter().any(|key| key.kid == *kid && key.bounds == Some(*bounds)));
            }
            fixed = keys.keys.iter().filter_map(|key| Some((key.kid, key.bounds?))).collect();
        }
    }
}
