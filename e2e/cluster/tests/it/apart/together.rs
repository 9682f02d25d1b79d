//! Several authorities are one: what one counts the others know.

use super::world::{PASSWORD, World};

#[tokio::test(flavor = "multi_thread")]
async fn guesses_at_two_authorities_lock_as_if_they_were_one() {
    let world = World::start(2, 1).await;
    world.register("acme").await;
    // Each connection of the gate goes to the other authority than the one before.
    for _ in 0..5 {
        let (status, _) = world.login("admin@acme.example", "Wrong-guess-of-this-test-1").await;
        assert_eq!(status, 401);
    }
    assert_eq!(world.login("admin@acme.example", PASSWORD).await.0, 401, "locked wherever one asks");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_whose_token_nobody_knows_hears_nothing_and_lets_nobody_in() {
    let world = World::start(1, 1).await;
    let token = world.register("acme").await;
    world.process.write("other.token", "a-token-that-is-in-no-file-of-the-authority").unwrap();
    let stranger = world.gate("stranger", "other.token").await;
    let said = async || world.process.log("stranger").contains("401").then_some(());
    world.wait("the gate says why", said).await;
    let (status, _) = crate::client::ask(stranger, "GET", "/things", &token, None).await.unwrap();
    assert_eq!(status, 503);
    let (status, _) = crate::client::ask(stranger, "POST", "/api/auth/login", "", None).await.unwrap();
    assert!(status >= 400, "{status}");
}
