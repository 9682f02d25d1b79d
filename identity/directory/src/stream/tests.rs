use std::time::Instant;

use super::*;
use crate::fixtures::{self, NOW, SESSION};
use crate::{ApplyError, Change, ChangeState, Digest, Snapshot, Timestamp};

const SECOND: Duration = Duration::from_secs(1);

/// A follower that has the fixtures' snapshot as of `now`.
fn following(now: Instant) -> Follower {
    let mut follower = Follower::new();
    follower.take(&snapshot_line(fixtures::snapshot()), now, now).unwrap();
    follower
}

fn snapshot_line(snapshot: Snapshot) -> Vec<u8> {
    encode(&Frame::Snapshot(Box::new(snapshot)))
}

fn heartbeat(read_at_ms: i64) -> Vec<u8> {
    encode(&Frame::Heartbeat { read_at_ms })
}

fn change_after(previous: &Digest, version: i64) -> Change {
    let state = ChangeState::Session { id: SESSION, until: Timestamp::MAX };
    Change::following(previous, version, "session", SESSION.to_string(), "nonce", state)
}

fn line(change: Change) -> Vec<u8> {
    encode(&Frame::Change(Box::new(change)))
}

fn next_line(follower: &Follower) -> Vec<u8> {
    let view = follower.view().unwrap();
    line(change_after(&view.digest, view.version + 1))
}

/// The version that it would name in `since`.
fn version(follower: &Follower) -> Option<i64> {
    follower.since().map(|position| position.version)
}

#[test]
fn frames_are_one_line_each_and_survive_the_wire() {
    let change = change_after(&fixtures::view().digest, 2);
    for frame in [
        Frame::Snapshot(Box::new(fixtures::snapshot())),
        Frame::Change(Box::new(change)),
        Frame::Heartbeat { read_at_ms: -250 },
    ] {
        let line = encode(&frame);
        assert_eq!(line.iter().position(|b| *b == b'\n'), Some(line.len() - 1));
        assert_eq!(decode(&line).unwrap(), Some(frame));
    }
}

#[test]
fn an_unknown_frame_is_skipped_unless_it_is_critical() {
    let future = br#"{"stream":1,"frame":"quota","body":{"x":1}}"#;
    assert!(matches!(decode(future), Ok(None)));
    let critical = br#"{"stream":1,"frame":"quota","critical":true,"body":{}}"#;
    assert!(matches!(decode(critical), Err(FrameError::UnknownCritical(name)) if name == "quota"));
}

#[test]
fn an_unknown_change_counts_in_the_chain_unless_it_is_critical() {
    let now = Instant::now();
    let mut follower = following(now);
    let mut json: serde_json::Value = serde_json::from_slice(&next_line(&follower)).unwrap();
    json["body"]["state"] = serde_json::json!({ "quota": { "requests": 9 } });
    json["body"]["critical"] = false.into();
    let Ok(Step::Advanced(view)) = follower.take(json.to_string().as_bytes(), now, now) else {
        panic!("an unknown change is a change")
    };
    assert_eq!((view.version, view.sessions.len()), (2, 0));

    let mut follower = following(now);
    json["body"]["critical"] = true.into();
    assert!(follower.take(json.to_string().as_bytes(), now, now).is_err());
    assert_eq!(follower.freshness(now), Freshness::Expired, "it fails closed at once");
    assert!(follower.take(&heartbeat(0), now, now).is_err());
    assert_eq!(follower.freshness(now), Freshness::Expired, "and stays closed");
    follower.take(&snapshot_line(fixtures::snapshot()), now, now).unwrap();
    assert_eq!(follower.freshness(now), Freshness::Fresh, "until a snapshot is understood whole");
}

#[test]
fn a_snapshot_that_needs_more_than_we_know_fails_closed() {
    let now = Instant::now();
    let mut follower = following(now);
    let mut snapshot = fixtures::snapshot();
    snapshot.critical = vec!["step-up".into()];
    assert!(follower.take(&snapshot_line(snapshot), now, now).is_err());
    assert_eq!(follower.freshness(now), Freshness::Expired);
}

#[test]
fn another_version_of_the_stream_is_refused() {
    let other = br#"{"stream":2,"frame":"heartbeat","body":{"read_at_ms":0}}"#;
    assert!(matches!(decode(other), Err(FrameError::Version(2))));
}

#[test]
fn a_frame_is_bounded() {
    let long = vec![b' '; MAX_FRAME_BYTES + 1];
    assert!(matches!(decode(&long), Err(FrameError::TooLong)));
}

#[test]
fn a_gap_a_repetition_and_another_history_ask_for_a_snapshot() {
    let now = Instant::now();
    let digest = fixtures::view().digest;
    for (change, error) in [
        (change_after(&digest, 3), ApplyError::Gap),
        (change_after(&digest, 1), ApplyError::Gap),
        (change_after(&digest, 0), ApplyError::Gap),
        (change_after(&Digest::genesis("restored"), 2), ApplyError::DigestMismatch),
    ] {
        let mut follower = following(now);
        assert!(matches!(follower.take(&line(change), now, now), Err(NeedSnapshot::Apply(e)) if e == error));
        assert_eq!(follower.since(), None);
        assert!(follower.view().unwrap().sessions.is_empty(), "the view stays as it was");
    }
}

#[test]
fn after_a_gap_heartbeats_do_not_keep_an_old_view_fresh() {
    let start = Instant::now();
    let mut follower = following(start);
    follower.take(&line(change_after(&fixtures::view().digest, 9)), start, start).unwrap_err();
    let later = start + 3 * SECOND;
    assert!(matches!(follower.take(&heartbeat(0), later, later), Err(NeedSnapshot::NoSnapshot)));
    assert_eq!(follower.freshness(later), Freshness::Stale { age: 3 * SECOND });
    let change = next_line(&follower);
    assert!(matches!(follower.take(&change, later, later), Err(NeedSnapshot::NoSnapshot)));

    follower.take(&snapshot_line(fixtures::snapshot()), later, later).unwrap();
    assert_eq!((follower.freshness(later), version(&follower)), (Freshness::Fresh, Some(1)));
}

#[test]
fn a_restored_database_with_a_lower_version_is_followed_by_its_snapshot() {
    let now = Instant::now();
    let mut follower = following(now);
    let mut restored = fixtures::snapshot();
    (restored.version, restored.digest) = (0, Digest::genesis("restored"));
    assert!(matches!(follower.take(&snapshot_line(restored), now, now), Ok(Step::Replaced(_))));
    assert_eq!(version(&follower), Some(0));
}

#[test]
fn freshness_is_measured_to_the_last_good_read_of_the_database() {
    let start = Instant::now();
    let mut follower = following(start);
    let at = start + 10 * SECOND;
    follower.take(&heartbeat(8_500), start, at).unwrap();
    assert_eq!(follower.freshness(at), Freshness::Fresh);
    let ms = Duration::from_millis;
    assert_eq!(follower.freshness(at + ms(499)), Freshness::Fresh);
    assert_eq!(follower.freshness(at + ms(500)), Freshness::Stale { age: 2 * SECOND });

    follower.take(&heartbeat(2_000), start, at + SECOND).unwrap();
    assert_eq!(
        follower.freshness(at + SECOND),
        Freshness::Stale { age: ms(2_500) },
        "an older read changes nothing"
    );
    let max = Duration::from_mins(15);
    assert_eq!(follower.freshness(at + max.saturating_sub(ms(1_500))), Freshness::Stale { age: max });
    assert_eq!(follower.freshness(at + max.saturating_sub(ms(1_499))), Freshness::Expired);
}

#[test]
fn a_stream_that_is_held_back_and_let_through_late_at_the_same_pace_is_not_fresh() {
    let asked_at = Instant::now();
    let mut follower = following(asked_at);
    let held = Duration::from_mins(3);
    for second in 1..=600 {
        let sent = asked_at + second * SECOND;
        follower.take(&heartbeat(i64::from(second) * 1000), asked_at, sent + held).unwrap();
        assert_eq!(follower.freshness(sent + held), Freshness::Stale { age: held });
    }
    let held = Duration::from_mins(16);
    follower.take(&heartbeat(601_000), asked_at, asked_at + 601 * SECOND + held).unwrap();
    assert_eq!(follower.freshness(asked_at + 601 * SECOND + held), Freshness::Expired);
}

#[test]
fn a_request_that_is_held_back_makes_the_directory_older_and_never_younger() {
    let asked_at = Instant::now();
    let mut follower = following(asked_at);
    let (held, now) = (30 * SECOND, asked_at + 40 * SECOND);
    follower.take(&heartbeat(10_000), asked_at, now).unwrap();
    assert_eq!(follower.freshness(now), Freshness::Stale { age: held });
}

#[test]
fn a_clock_that_stood_still_makes_nothing_fresh() {
    let now = Instant::now();
    let mut follower = following(now);
    let (later, ms) = (now + 10 * SECOND, Duration::from_millis);
    follower.take(&heartbeat(10_120), now, later).unwrap();
    assert_eq!(follower.known().unwrap().age(later), Some(Duration::ZERO), "clocks drift a little");
    for ahead in [13_000, i64::MAX] {
        let mut follower = follower.clone();
        assert!(matches!(follower.take(&heartbeat(ahead), now, later), Err(NeedSnapshot::Ahead)));
        assert_eq!(follower.freshness(later + ms(2_500)), Freshness::Stale { age: ms(2_500) });
        assert_eq!(follower.since(), None);
    }
}

#[test]
fn a_frame_that_does_not_say_when_the_database_was_read_is_none() {
    let now = Instant::now();
    let mut follower = following(now);
    for body in ["{}", r#"{"read_age_ms":0}"#, r#"{"read_at_ms":null}"#, r#"{"read_at_ms":0.5}"#] {
        let line = format!(r#"{{"stream":1,"frame":"heartbeat","body":{body}}}"#);
        assert!(follower.take(line.as_bytes(), now, now + 3 * SECOND).is_err(), "{body}");
        assert_eq!(follower.freshness(now + 3 * SECOND), Freshness::Stale { age: 3 * SECOND });
    }
}

#[test]
fn a_change_is_no_evidence_that_the_database_was_read_just_now() {
    let start = Instant::now();
    let mut follower = following(start);
    let late = start + 5 * SECOND;
    let change = next_line(&follower);
    follower.take(&change, late, late).unwrap();
    assert_eq!(follower.freshness(late), Freshness::Stale { age: 5 * SECOND });
}

#[test]
fn what_was_published_ages_by_itself() {
    let start = Instant::now();
    let published = following(start).known().unwrap().clone();
    assert_eq!(published.freshness(start + SECOND), Freshness::Fresh);
    assert_eq!(published.freshness(start + 3 * SECOND), Freshness::Stale { age: 3 * SECOND });
    assert_eq!(published.freshness(start + Duration::from_hours(1)), Freshness::Expired);
}

#[test]
fn who_knows_nothing_trusts_nothing() {
    let now = Instant::now();
    let mut follower = Follower::new();
    assert_eq!((follower.freshness(now), version(&follower)), (Freshness::Expired, None));
    assert!(matches!(follower.take(&heartbeat(0), now, now), Err(NeedSnapshot::NoSnapshot)));
    assert!(follower.view().is_none());
    let mut old = fixtures::snapshot();
    old.read_at_ms = i64::MIN;
    follower.take(&snapshot_line(old), now, now).unwrap();
    assert_eq!(
        follower.freshness(now),
        Freshness::Expired,
        "a snapshot read before the clock began is not fresh"
    );
}

#[test]
fn pruning_keeps_the_place_in_the_stream() {
    let now = Instant::now();
    let mut follower = following(now);
    let ended = ChangeState::Session { id: SESSION, until: NOW };
    let change = Change::following(&fixtures::view().digest, 2, "session", "s", "n", ended);
    follower.take(&line(change), now, now).unwrap();
    assert!(follower.prune(NOW).unwrap().sessions.is_empty());
    assert!(follower.prune(NOW).is_none());
    let change = next_line(&follower);
    assert!(matches!(follower.take(&change, now, now), Ok(Step::Advanced(view)) if view.version == 3));
}
