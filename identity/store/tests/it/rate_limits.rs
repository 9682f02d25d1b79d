use std::time::Duration;

use tenantry_store::rate_limits::Rate;

use crate::world::{World, on_both};

on_both!(
    a_burst_passes_then_the_wait_is_told_and_nothing_is_counted_meanwhile,
    attempts_at_the_same_time_never_pass_beyond_the_burst,
    a_shorter_allowance_counts_from_the_next_attempt_on,
    what_is_over_is_forgotten,
);

const RATE: Rate = Rate { burst: 3, every: Duration::from_secs(2) };

async fn a_burst_passes_then_the_wait_is_told_and_nothing_is_counted_meanwhile(world: World) {
    let attempt = async |key: &str| world.store.attempt(key, RATE).await.unwrap();
    for _ in 0..3 {
        assert_eq!(attempt("ada").await, Ok(()));
    }
    for _ in 0..3 {
        assert_eq!(attempt("ada").await, Err(Duration::from_secs(2)), "asking again puts nothing off");
    }
    assert_eq!(attempt("bob").await, Ok(()));
    world.clock.advance(Duration::from_millis(500));
    assert_eq!(attempt("ada").await, Err(Duration::from_millis(1500)));
    world.clock.advance(Duration::from_millis(1500));
    assert_eq!(attempt("ada").await, Ok(()));
    assert!(attempt("ada").await.is_err());
    world.clock.advance(Duration::from_mins(1));
    for _ in 0..3 {
        assert_eq!(attempt("ada").await, Ok(()), "no more than the burst is given back");
    }
    assert!(attempt("ada").await.is_err());
}

async fn attempts_at_the_same_time_never_pass_beyond_the_burst(world: World) {
    let other = world.open().await.unwrap();
    let tries = (0..12).map(|number| {
        let store = if number % 2 == 0 { world.store.clone() } else { other.clone() };
        tokio::spawn(async move { store.attempt("ada", RATE).await.unwrap().is_ok() })
    });
    let mut passed = 0;
    for attempt in tries.collect::<Vec<_>>() {
        passed += u32::from(attempt.await.unwrap());
    }
    assert_eq!(passed, 3);
}

async fn a_shorter_allowance_counts_from_the_next_attempt_on(world: World) {
    let longer = Rate { burst: 3, every: Duration::from_hours(1) };
    for _ in 0..3 {
        world.store.attempt("ada", longer).await.unwrap().unwrap();
    }
    world.store.attempt("ada", longer).await.unwrap().unwrap_err();
    assert_eq!(world.store.attempt("ada", RATE).await.unwrap(), Ok(()));
    assert_eq!(world.store.attempt("ada", RATE).await.unwrap(), Err(Duration::from_secs(2)));
    // Below a millisecond nothing can be kept; it still counts.
    let fast = Rate { burst: 2, every: Duration::from_micros(1) };
    world.store.attempt("bob", fast).await.unwrap().unwrap();
    world.store.attempt("bob", fast).await.unwrap().unwrap();
    world.store.attempt("bob", fast).await.unwrap().unwrap_err();
}

async fn what_is_over_is_forgotten(world: World) {
    world.store.attempt("ada", RATE).await.unwrap().unwrap();
    assert_eq!(world.store.forget_attempts().await.unwrap(), 0);
    world.clock.advance(Duration::from_secs(3));
    assert_eq!(world.store.forget_attempts().await.unwrap(), 1);
}
