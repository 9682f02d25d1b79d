//! The directory in its wire form: what a gate hears, and how soon.

use std::time::{Duration, Instant};

use tenantry_directory::{Follower, UserId, View, verify};
use tokio::io::{AsyncBufReadExt as _, BufReader, DuplexStream};

use crate::world::{START, World};

/// A gate's ear.
struct Gate {
    reader: BufReader<DuplexStream>,
    follower: Follower,
    asked_at: Instant,
}

impl Gate {
    fn new(world: &World) -> Self {
        let asked_at = Instant::now();
        Self { reader: BufReader::new(world.authority.follow()), follower: Follower::new(), asked_at }
    }

    /// Listens until `what` holds; how long it took.
    async fn until(&mut self, what: impl Fn(&View) -> bool) -> Duration {
        let begun = Instant::now();
        let listening = async {
            while !self.follower.view().is_some_and(|view| what(view)) {
                let mut line = Vec::new();
                self.reader.read_until(b'\n', &mut line).await.unwrap();
                self.follower.take(&line, self.asked_at, Instant::now()).unwrap();
            }
        };
        tokio::time::timeout(Duration::from_secs(5), listening).await.expect("heard in time");
        begun.elapsed()
    }
}

/// Writes by hand, as a person with a database client would.
pub fn by_hand(world: &World, sql: &str) {
    let path = world.folder().join("tenantry.db");
    let done = std::process::Command::new("sqlite3")
        .arg("-cmd")
        .arg(".timeout 5000")
        .arg(path)
        .arg(sql)
        .output()
        .unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_hears_of_an_organization_and_its_key_and_can_verify_alone() {
    let world = World::new().await;
    let mut gate = Gate::new(&world);
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap().to_owned();
    gate.until(|view| verify(&token, view, START).is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_changed_by_hand_are_felt_within_a_second() {
    let world = World::new().await;
    let mut gate = Gate::new(&world);
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap().to_owned();
    let user = UserId(registered["user"]["id"].as_i64().unwrap());
    gate.until(|view| verify(&token, view, START).is_ok()).await;
    for (sql, reason) in [
        ("UPDATE users SET role = 'viewer'", "stale_epoch"),
        ("UPDATE organizations SET status = 'suspended'", "suspended"),
    ] {
        by_hand(&world, sql);
        let took = gate
            .until(|view| verify(&token, view, START).is_err_and(|refusal| refusal.reason() == reason))
            .await;
        assert!(took < Duration::from_secs(1), "{sql}: {took:?}");
    }
    assert!(gate.follower.view().unwrap().users[&user].min_epoch > 1);
    by_hand(&world, "UPDATE organizations SET status = 'active'");
    gate.until(|view| verify(&token, view, START).is_err_and(|refusal| refusal.reason() == "stale_epoch"))
        .await;
    by_hand(&world, "UPDATE tenantry_signing_keys SET revoked_at = 1767225600000");
    let took = gate.until(|view| view.keys.is_empty()).await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    // The next login signs with a key that was made at once.
    let login = world.login("admin@minicorp.example", crate::world::PASSWORD).await;
    let token = login.text("/access_token");
    gate.until(|view| verify(&token, view, START).is_ok()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_logout_is_heard_within_a_second_and_a_heartbeat_every_second() {
    let world = World::new().await;
    let mut gate = Gate::new(&world);
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap().to_owned();
    gate.until(|view| verify(&token, view, START).is_ok()).await;
    world.post("/api/auth/logout", Some(&token), serde_json::json!({})).await;
    let took = gate
        .until(|view| verify(&token, view, START).is_err_and(|refusal| refusal.reason() == "revoked_session"))
        .await;
    assert!(took < Duration::from_secs(1), "{took:?}");
    let mut beats = 0;
    let until = Instant::now() + Duration::from_millis(2600);
    while Instant::now() < until {
        let mut line = Vec::new();
        let next = gate.reader.read_until(b'\n', &mut line);
        if tokio::time::timeout_at(until.into(), next).await.is_ok() {
            beats += usize::from(String::from_utf8_lossy(&line).contains("heartbeat"));
        }
    }
    assert!((2..=4).contains(&beats), "{beats}");
}
