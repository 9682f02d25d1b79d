//! A gate that is cut off from its authority.

use std::time::{Duration, Instant};

use super::{Apart, admin, metric};
use crate::world::bearer;

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_cut_off_goes_on_says_so_closes_past_the_bound_and_recovers_by_itself() {
    let world = Apart::with(|snapshot| snapshot.backend.max_staleness = Duration::from_secs(4)).await;
    let bearer = bearer();
    world.until_metric("directory_state{state=\"fresh\"} 1").await;
    world.authority.stop().await;
    let cut = Instant::now();
    world.until_metric("directory_state{state=\"stale\"} 1").await;
    world.until_metric("directory_fresh 0").await;
    assert_eq!(world.get("/x", &[&bearer]).await, 200, "it goes on");
    assert!(admin(&world.gate, "/readyz").await.ends_with("ready\n"));

    world.until_metric("directory_state{state=\"expired\"} 1").await;
    assert!(cut.elapsed() > Duration::from_secs(3));
    assert_eq!(world.get("/x", &[&bearer]).await, 503);
    assert_eq!(world.get("/public/a", &[]).await, 200);
    assert!(admin(&world.gate, "/readyz").await.ends_with("the directory is too old\n"));
    assert!(metric(&world.gate, "directory_age_seconds").await > 4.0);
    assert!(world.ended("unreachable").await > 0.0);

    world.authority.begin_again().await;
    world.until_metric("directory_state{state=\"fresh\"} 1").await;
    assert_eq!(world.get("/x", &[&bearer]).await, 200);
    assert_eq!(world.authority.snapshots(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_is_away_for_long_is_asked_less_and_less_often() {
    let world = Apart::new().await;
    world.authority.stop().await;
    tokio::time::sleep(Duration::from_secs(4)).await;
    let failed = world.ended("unreachable").await;
    assert!((2.0..=8.0).contains(&failed), "{failed}");
}
