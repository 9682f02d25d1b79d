//! Refresh tokens: rotation, the grace of ten seconds, re-use (BYPASS 26, 27).

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use crate::world::{Answer, PASSWORD, World};

async fn refresh(world: &World, token: &str) -> Answer {
    world.post("/api/auth/refresh", None, json!({"refresh_token": token})).await
}

async fn login(world: &World) -> (String, String) {
    let answer = world.login("admin@minicorp.example", PASSWORD).await;
    (answer.text("/access_token"), answer.text("/refresh_token"))
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_27_parallel_refreshes_get_one_successor() {
    let world = World::new().await;
    world.register("mini corp").await;
    let (_, first) = login(&world).await;
    let answers = futures_util::future::join_all((0..10).map(|_| refresh(&world, &first))).await;
    let successors: std::collections::BTreeSet<String> =
        answers.iter().map(|answer| answer.text("/refresh_token")).collect();
    assert_eq!(successors.len(), 1, "no token ever yields two successors");
    assert_eq!(refresh(&world, successors.first().unwrap()).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_27_a_used_token_works_for_ten_seconds_and_ends_the_session_after() {
    let world = World::new().await;
    world.register("mini corp").await;
    let (_, first) = login(&world).await;
    let second = refresh(&world, &first).await.text("/refresh_token");
    world.clock.advance(Duration::from_secs(9));
    assert_eq!(refresh(&world, &first).await.text("/refresh_token"), second);
    world.clock.advance(Duration::from_secs(2));
    let reused = refresh(&world, &first).await;
    assert_eq!(
        (reused.status, reused.body["code"].as_str()),
        (StatusCode::UNAUTHORIZED, Some("invalid_refresh_token"))
    );
    let after = refresh(&world, &second).await;
    assert_eq!((after.status, &after.body), (reused.status, &reused.body), "the session has ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_that_ended_by_reuse_ends_its_access_token() {
    let world = World::new().await;
    world.register("mini corp").await;
    let (access, first) = login(&world).await;
    refresh(&world, &first).await;
    world.clock.advance(Duration::from_mins(1));
    assert_eq!(world.get("/api/auth/me", Some(&access)).await.status, StatusCode::OK);
    refresh(&world, &first).await;
    assert_eq!(world.get("/api/auth/me", Some(&access)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_26_a_cut_or_changed_token_is_nothing() {
    let world = World::new().await;
    world.register("mini corp").await;
    let (access, first) = login(&world).await;
    for spoiled in [
        first[..first.len() - 1].to_owned(),
        format!("{first}A"),
        first[1..].to_owned(),
        first.replace("tnr1_", "tnr2_"),
        access,
        String::new(),
        " ".to_owned(),
    ] {
        assert_eq!(refresh(&world, &spoiled).await.status, StatusCode::UNAUTHORIZED, "{spoiled}");
    }
    assert_eq!(refresh(&world, &first).await.status, StatusCode::OK, "and ended nothing");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_session_ends_after_thirty_days_without_use() {
    let world = World::new().await;
    world.register("mini corp").await;
    let (_, first) = login(&world).await;
    world.clock.advance(Duration::from_hours(29 * 24));
    let second = refresh(&world, &first).await.text("/refresh_token");
    world.clock.advance(Duration::from_hours(31 * 24));
    assert_eq!(refresh(&world, &second).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_access_token_ends_after_eight_hours() {
    let world = World::new().await;
    world.register("mini corp").await;
    let (access, _) = login(&world).await;
    world.clock.advance(Duration::from_secs(8 * 3600 - 1));
    assert_eq!(world.get("/api/auth/me", Some(&access)).await.status, StatusCode::OK);
    world.clock.advance(Duration::from_secs(7));
    let late = world.get("/api/auth/me", Some(&access)).await;
    assert_eq!(
        (late.status, late.headers["www-authenticate"].to_str().unwrap()),
        (StatusCode::UNAUTHORIZED, "Bearer error=\"invalid_token\"")
    );
}
