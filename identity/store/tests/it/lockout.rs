use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use tenantry_rules::email::Email;
use tenantry_rules::lockout::{LockoutPolicy, Outcome};
use tenantry_store::lockout::{Admission, Attempt, reserve, settle};
use tokio::task::JoinSet;

use crate::world::{START, World, on_both};

on_both!(
    fifty_parallel_guesses_get_five_looks,
    fifty_parallel_right_logins_lock_nobody,
    the_fifth_wrong_password_locks_for_fifteen_minutes,
    a_right_password_forgets_the_wrong_ones,
    guesses_in_flight_count_and_the_next_one_waits,
    a_guess_whose_process_died_gives_its_place_back,
    a_wrong_password_is_forgotten_after_the_lock_time,
    a_lock_outlives_the_process,
);

const POLICY: LockoutPolicy = LockoutPolicy { after: 5, lock_for: Duration::from_mins(15) };
fn who() -> Email {
    // Another spelling each time: they count as one.
    static SPELLING: AtomicUsize = AtomicUsize::new(0);
    let spellings = ["admin@mini-corp.example", "Admin@Mini-Corp.Example", "ADMIN@MINI-CORP.EXAMPLE"];
    spellings[SPELLING.fetch_add(1, Ordering::Relaxed) % 3].parse().unwrap()
}

async fn try_once(world: &World) -> Admission {
    let mut tx = world.write().await;
    let admission = reserve(&mut tx, &who(), POLICY).await.unwrap();
    tx.commit().await.unwrap();
    admission
}

async fn admitted(world: &World) -> Attempt {
    match try_once(world).await {
        Admission::Admitted(attempt) => attempt,
        other => panic!("not admitted: {other:?}"),
    }
}

async fn end(world: &World, attempt: Attempt, outcome: Outcome) -> Option<tenantry_directory::Timestamp> {
    let mut tx = world.write().await;
    let until = settle(&mut tx, attempt, outcome, POLICY).await.unwrap();
    tx.commit().await.unwrap();
    until
}

async fn fifty_parallel_guesses_get_five_looks(world: World) {
    let mut guesses = JoinSet::new();
    for _ in 0..50 {
        let store = world.store.clone();
        guesses.spawn(async move {
            let mut tx = store.write().await.unwrap();
            let admission = reserve(&mut tx, &who(), POLICY).await.unwrap();
            tx.commit().await.unwrap();
            let Admission::Admitted(attempt) = admission else { return 0 };
            tokio::time::sleep(Duration::from_millis(5)).await;
            let mut tx = store.write().await.unwrap();
            settle(&mut tx, attempt, Outcome::Wrong, POLICY).await.unwrap();
            tx.commit().await.unwrap();
            1
        });
    }
    let looks: u32 = guesses.join_all().await.into_iter().sum();
    assert_eq!(looks, 5);
    assert!(
        matches!(try_once(&world).await, Admission::Locked { until } if until == START.plus(POLICY.lock_for))
    );
}

async fn fifty_parallel_right_logins_lock_nobody(world: World) {
    let mut logins = JoinSet::new();
    for _ in 0..50 {
        let store = world.store.clone();
        logins.spawn(async move {
            loop {
                let mut tx = store.write().await.unwrap();
                let admission = reserve(&mut tx, &who(), POLICY).await.unwrap();
                tx.commit().await.unwrap();
                match admission {
                    Admission::Admitted(attempt) => {
                        let mut tx = store.write().await.unwrap();
                        settle(&mut tx, attempt, Outcome::Right, POLICY).await.unwrap();
                        tx.commit().await.unwrap();
                        return;
                    }
                    Admission::Busy => tokio::time::sleep(Duration::from_millis(2)).await,
                    Admission::Locked { .. } => panic!("right passwords locked the account"),
                }
            }
        });
    }
    logins.join_all().await;
    let row = world.by_hand("SELECT failures, in_flight FROM tenantry.lockout").await;
    assert_eq!(row, "0|0");
}

async fn the_fifth_wrong_password_locks_for_fifteen_minutes(world: World) {
    for n in 1..=5 {
        let attempt = admitted(&world).await;
        let until = end(&world, attempt, Outcome::Wrong).await;
        assert_eq!(until, (n == 5).then(|| START.plus(POLICY.lock_for)), "guess {n}");
    }
    world.clock.set(START.plus(POLICY.lock_for).minus(Duration::from_millis(1)));
    assert!(matches!(try_once(&world).await, Admission::Locked { .. }));
    world.clock.advance(Duration::from_millis(1));
    let attempt = admitted(&world).await;
    assert_eq!(end(&world, attempt, Outcome::Wrong).await, None, "counting begins anew");
}

async fn a_right_password_forgets_the_wrong_ones(world: World) {
    for outcome in [Outcome::Wrong, Outcome::Wrong, Outcome::Wrong, Outcome::Wrong, Outcome::Right] {
        let attempt = admitted(&world).await;
        assert_eq!(end(&world, attempt, outcome).await, None);
    }
    for _ in 0..4 {
        let attempt = admitted(&world).await;
        assert_eq!(end(&world, attempt, Outcome::Wrong).await, None);
    }
}

async fn guesses_in_flight_count_and_the_next_one_waits(world: World) {
    let wrong = admitted(&world).await;
    end(&world, wrong, Outcome::Wrong).await;
    let mut in_flight = Vec::new();
    for _ in 0..4 {
        in_flight.push(admitted(&world).await);
    }
    assert!(matches!(try_once(&world).await, Admission::Busy));
    end(&world, in_flight.pop().unwrap(), Outcome::Abandoned).await;
    assert!(matches!(try_once(&world).await, Admission::Admitted(_)));
}

async fn a_guess_whose_process_died_gives_its_place_back(world: World) {
    for _ in 0..5 {
        drop(admitted(&world).await);
    }
    assert!(matches!(try_once(&world).await, Admission::Busy));
    world.clock.advance(Duration::from_secs(61));
    let attempt = admitted(&world).await;
    assert_eq!(end(&world, attempt, Outcome::Wrong).await, None);
}

async fn a_wrong_password_is_forgotten_after_the_lock_time(world: World) {
    for _ in 0..3 {
        for _ in 0..4 {
            let attempt = admitted(&world).await;
            assert_eq!(end(&world, attempt, Outcome::Wrong).await, None);
        }
        world.clock.advance(POLICY.lock_for);
    }
}

async fn a_lock_outlives_the_process(world: World) {
    for _ in 0..5 {
        let attempt = admitted(&world).await;
        end(&world, attempt, Outcome::Wrong).await;
    }
    world.store.close().await;
    let store = world.open().await.unwrap();
    let mut tx = store.write().await.unwrap();
    assert!(matches!(reserve(&mut tx, &who(), POLICY).await.unwrap(), Admission::Locked { .. }));
}
