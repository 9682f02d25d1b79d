//! kill -9 in mid-work: what was answered is there, and nothing is there by half.

use std::time::Duration;

use reqwest::StatusCode;

use crate::world::{PASSWORD, World, register_body};

#[tokio::test(flavor = "multi_thread")]
async fn kill_9_during_registrations_loses_nothing_that_was_answered() {
    let world = World::new();
    let mut answered: Vec<String> = Vec::new();
    for round in 0..6_u64 {
        let running = world.start().await;
        let names: Vec<String> = (0..6).map(|n| format!("corp {round} {n}")).collect();
        let registering = names.iter().map(|name| {
            let request = running
                .client
                .post(format!("{}/api/auth/register", running.plain))
                .json(&register_body(name));
            async move { request.send().await.is_ok_and(|answer| answer.status() == StatusCode::CREATED) }
        });
        let killing = async {
            tokio::time::sleep(Duration::from_millis(350 + round * 217)).await;
            world.kill_9().await;
        };
        let (made, ()) = tokio::join!(futures_util::future::join_all(registering), killing);
        answered.extend(names.into_iter().zip(made).filter(|(_, made)| *made).map(|(name, _)| name));
        running.kill();
    }
    assert!(!answered.is_empty());
    let running = world.start().await;
    for name in &answered {
        let email = format!("admin@{}.example", name.replace(' ', ""));
        assert_eq!(running.login(&email, PASSWORD).await.0, StatusCode::OK, "{name} was answered");
    }
    for (what, sql) in [
        (
            "an organization without a user",
            "SELECT count(*) FROM organizations o WHERE NOT EXISTS (SELECT 1 FROM users u WHERE u.organization_id = o.id)",
        ),
        (
            "an organization without a key",
            "SELECT count(*) FROM organizations o WHERE NOT EXISTS (SELECT 1 FROM tenantry_signing_keys k WHERE k.organization_id = o.id)",
        ),
        (
            "an organization without its secret",
            "SELECT count(*) FROM organizations o WHERE NOT EXISTS (SELECT 1 FROM tenantry_secrets s WHERE s.organization_id = o.id)",
        ),
        (
            "a user without an organization",
            "SELECT count(*) FROM users u WHERE NOT EXISTS (SELECT 1 FROM organizations o WHERE o.id = u.organization_id)",
        ),
    ] {
        assert_eq!(world.sqlite(sql), "0", "{what}");
    }
    assert_eq!(world.sqlite("PRAGMA integrity_check"), "ok");
    println!("{} of 36 registrations were answered before a kill, and all of them are there", answered.len());
}

impl World {
    /// Ends the process that the addresses file names, at once.
    async fn kill_9(&self) {
        let text = tokio::fs::read_to_string(self.data().join("addresses.json")).await.unwrap();
        let addresses: serde_json::Value = serde_json::from_str(&text).unwrap();
        let pid = addresses["pid"].to_string();
        assert!(std::process::Command::new("kill").args(["-9", &pid]).status().unwrap().success());
    }
}
