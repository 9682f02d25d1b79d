//! BYPASS 41: at the most talkative level, no secret reaches the log.

use reqwest::Method;
use serde_json::json;

use crate::world::{PASSWORD, World, register_body};

#[tokio::test(flavor = "multi_thread")]
async fn bypass_41_no_secret_reaches_the_log_even_at_trace() {
    let world =
        World::with(&["--log", "trace,h2=info,hyper=info,mio=info,rustls=info,tokio=info,runtime=info"]);
    let running = world.start().await;
    let (_, registered) = running.post("/api/auth/register", None, register_body("mini corp")).await;
    let token = registered["access_token"].as_str().unwrap().to_owned();
    let refresh = registered["refresh_token"].as_str().unwrap().to_owned();
    running.login("admin@minicorp.example", "wrong-canary-password").await;
    let (_, refreshed) = running.post("/api/auth/refresh", None, json!({"refresh_token": refresh})).await;
    let invite = json!({"email": "ann@minicorp.example", "full_name": "Ann", "role": "viewer"});
    let (_, invited) = running.post("/api/auth/invite", Some(&token), invite).await;
    let secret = invited["invitation_url"].as_str().unwrap().split_once('#').unwrap().1.to_owned();
    running
        .post(
            "/api/auth/accept-invite",
            None,
            json!({"token": secret, "password": "lantern-canary-birch-17"}),
        )
        .await;
    running
        .post(
            "/api/auth/change-password",
            Some(&token),
            json!({"current_password": PASSWORD, "new_password": "quartz-canary-lantern-18"}),
        )
        .await;
    running.get("/api/incidents?token=query-canary", Some(&token)).await;
    running.get("/-/login?return=query-canary", None).await;
    running
        .call(
            Method::POST,
            "/api/auth/login",
            None,
            Some(json!({"email": "password-canary-typed-here", "password": 7})),
        )
        .await;
    let over_tls = running
        .client
        .get(format!("{}/x", running.https))
        .header("cookie", format!("__Host-tenantry={token}"));
    over_tls.send().await.unwrap();
    let keyring = std::fs::read_to_string(world.data().join("sealing-keyring.json")).unwrap();
    let keyring: serde_json::Value = serde_json::from_str(&keyring).unwrap();
    let log = running.log();
    assert!(log.len() > 5_000, "the log says something");
    for (what, canary) in [
        ("a password", PASSWORD),
        ("a wrong password", "wrong-canary-password"),
        ("an invited password", "lantern-canary-birch-17"),
        ("a new password", "quartz-canary-lantern-18"),
        ("an access token", &token),
        ("a signature", token.rsplit('.').next().unwrap()),
        ("a refresh token", &refresh),
        ("its successor", refreshed["refresh_token"].as_str().unwrap()),
        ("an invitation", &secret),
        ("a query", "query-canary"),
        ("a misplaced password", "password-canary-typed-here"),
        ("a sealing key", keyring[0]["key"].as_str().unwrap()),
        ("a hash", "$2b$"),
    ] {
        assert!(
            !log.contains(canary),
            "{what} is in the log: {}",
            log.lines().find(|line| line.contains(canary)).unwrap_or_default()
        );
    }
}
