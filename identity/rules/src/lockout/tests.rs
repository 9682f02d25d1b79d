use proptest::{prelude::*, sample::select};

use super::*;

const POLICY: LockoutPolicy = LockoutPolicy { after: 5, lock_for: Duration::from_mins(15) };

fn at(millis: i64) -> Timestamp {
    Timestamp::from_millis(millis)
}

fn attempt(row: Lockout, outcome: Outcome, now: Timestamp) -> (Admission, Lockout) {
    match row.reserve(POLICY, now) {
        (Admission::Reserved, row) => (Admission::Reserved, row.settle(POLICY, outcome, now)),
        refused => refused,
    }
}

fn after(row: Lockout, outcomes: &[Outcome], now: Timestamp) -> Lockout {
    outcomes.iter().fold(row, |row, outcome| attempt(row, *outcome, now).1)
}

#[test]
fn the_fifth_wrong_password_locks_for_a_quarter_of_an_hour() {
    let row = after(Lockout::default(), &[Outcome::Wrong; 4], at(0));
    assert!(!row.is_locked(at(0)));
    let row = after(row, &[Outcome::Wrong], at(1_000));
    assert_eq!(row.locked_until, Some(at(901_000)));
    assert_eq!(row.reserve(POLICY, at(900_999)).0, Admission::Locked);
    assert_eq!(row.reserve(POLICY, at(901_000)).0, Admission::Reserved);
}

#[test]
fn after_a_lock_the_count_begins_anew() {
    let row = after(Lockout::default(), &[Outcome::Wrong; 5], at(0));
    let row = after(row, &[Outcome::Wrong; 4], at(900_000));
    assert_eq!((row.failures, row.is_locked(at(900_000))), (4, false));
}

#[test]
fn a_right_password_forgets_the_wrong_ones() {
    let row = after(Lockout::default(), &[Outcome::Wrong; 4], at(0));
    let row = after(row, &[Outcome::Right], at(1));
    assert_eq!(row.failures, 0);
    assert!(!after(row, &[Outcome::Wrong; 4], at(2)).is_locked(at(2)));
}

#[test]
fn of_fifty_parallel_guesses_five_are_judged() {
    let mut row = Lockout::default();
    let mut judged = 0;
    for _ in 0..50 {
        let (admission, next) = row.reserve(POLICY, at(0));
        judged += u32::from(admission == Admission::Reserved);
        row = next;
    }
    assert_eq!((judged, row.in_flight), (5, 5));
    for _ in 0..judged {
        row = row.settle(POLICY, Outcome::Wrong, at(10));
    }
    assert!(row.is_locked(at(10)));
    assert_eq!((row.failures, row.in_flight), (5, 0));
}

#[test]
fn fifty_parallel_right_logins_all_pass_in_waves_of_five() {
    let mut row = Lockout::default();
    let mut waiting = 50;
    let mut waves = 0;
    while waiting > 0 {
        let mut wave = 0;
        while let (Admission::Reserved, next) = row.reserve(POLICY, at(waves)) {
            (row, wave) = (next, wave + 1);
        }
        for _ in 0..wave.min(waiting) {
            row = row.settle(POLICY, Outcome::Right, at(waves));
        }
        (waiting, waves) = (waiting - wave.min(waiting), waves + 1);
    }
    assert_eq!((waves, row.failures), (10, 0));
}

#[test]
fn attempts_that_died_with_their_process_are_forgotten() {
    let mut row = Lockout::default();
    for _ in 0..5 {
        row = row.reserve(POLICY, at(0)).1;
    }
    assert_eq!(row.reserve(POLICY, at(59_999)).0, Admission::Busy);
    let (admission, row) = row.reserve(POLICY, at(60_000));
    assert_eq!((admission, row.in_flight), (Admission::Reserved, 1));
}

#[test]
fn an_abandoned_attempt_counts_neither_way() {
    let row = after(Lockout::default(), &[Outcome::Wrong, Outcome::Abandoned], at(0));
    assert_eq!((row.failures, row.in_flight), (1, 0));
}

#[test]
fn a_late_right_answer_does_not_lift_a_lock() {
    let locked = after(Lockout::default(), &[Outcome::Wrong; 5], at(0));
    assert!(locked.settle(POLICY, Outcome::Right, at(1)).is_locked(at(1)));
    let later = locked.settle(POLICY, Outcome::Wrong, at(1));
    assert_eq!(later.locked_until, locked.locked_until, "nor does a wrong one prolong it");
}

#[derive(Debug, Clone, Copy)]
enum Step {
    Reserve,
    Settle(Outcome),
    Wait(i64),
}

proptest! {
    // Whatever the interleaving, no more wrong passwords are judged between two locks than the policy allows.
    #[test]
    fn no_interleaving_judges_more_than_five_wrong_passwords_before_a_lock(
        steps in prop::collection::vec(prop_oneof![
            3 => Just(Step::Reserve),
            3 => select(vec![Outcome::Wrong, Outcome::Wrong, Outcome::Abandoned]).prop_map(Step::Settle),
            1 => (0_i64..50).prop_map(Step::Wait),
        ], 0..200)
    ) {
        let (mut row, mut now, mut open, mut wrong) = (Lockout::default(), 0, 0_u32, 0_u32);
        for step in steps {
            match step {
                Step::Wait(millis) => now += millis,
                Step::Reserve => {
                    let (admission, next) = row.reserve(POLICY, at(now));
                    row = next;
                    open += u32::from(admission == Admission::Reserved);
                }
                Step::Settle(outcome) if open > 0 => {
                    row = row.settle(POLICY, outcome, at(now));
                    (open, wrong) = (open - 1, wrong + u32::from(outcome == Outcome::Wrong));
                }
                Step::Settle(_) => {}
            }
            prop_assert_eq!(row.in_flight, open);
            prop_assert!(wrong + open <= 5);
            prop_assert_eq!(row.is_locked(at(now)), wrong == 5);
        }
    }
}
