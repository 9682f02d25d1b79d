//! What a gate proves itself with.

use std::time::{Duration, Instant};

use super::Apart;

#[tokio::test(flavor = "multi_thread")]
async fn the_token_goes_to_both_listeners_and_whatever_a_client_sends_in_its_place_to_none() {
    let world = Apart::new().await;
    assert_eq!(world.get("/api/auth/me", &["x-tenantry-gate: forged"]).await, 200);
    let seen = world.authority.take();
    assert_eq!(seen.len(), 2, "{seen:?}");
    for request in &seen {
        assert_eq!(request.all("x-tenantry-gate"), ["first-token"], "{}", request.head);
    }
    assert_eq!(seen[0].line(), "GET /internal/directory?stream=1 HTTP/1.1");
    assert_eq!(world.get("/public/a", &[]).await, 200);
    assert!(world.backend.take()[0].all("x-tenantry-gate").is_empty(), "the backend has no use for it");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_token_is_used_at_the_next_stream() {
    let world = Apart::new().await;
    world.authority.take();
    world.files().write_token("second-token\n");
    world.authority.close_streams();
    world.authority.until_streams(2).await;
    assert_eq!(world.get("/api/auth/me", &[]).await, 200);
    for request in world.authority.take() {
        assert_eq!(request.all("x-tenantry-gate"), ["second-token"], "{}", request.head);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_token_is_used_within_ten_seconds_and_an_emptied_file_is_not() {
    let world = Apart::new().await;
    world.files().write_token("second-token");
    let begun = Instant::now();
    let sent = loop {
        world.authority.take();
        assert_eq!(world.get("/api/auth/me", &[]).await, 200);
        let sent = world.authority.take()[0].all("x-tenantry-gate").join(",");
        if sent != "first-token" {
            break sent;
        }
        assert!(begun.elapsed() < Duration::from_secs(10), "the old token is still sent");
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    assert_eq!(sent, "second-token");
    world.files().write_token("");
    world.authority.close_streams();
    world.authority.until_streams(2).await;
    assert_eq!(world.get("/api/auth/me", &[]).await, 200);
    for request in world.authority.take() {
        assert_eq!(request.all("x-tenantry-gate"), ["second-token"], "{}", request.head);
    }
}
