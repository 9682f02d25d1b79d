//! The main job, and that it survives restarts.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use crate::world::{PASSWORD, World, register_body};

#[tokio::test(flavor = "multi_thread")]
async fn the_commands_people_wrote_for_their_own_backend_work_to_the_letter() {
    let world = World::new();
    let running = world.start().await;
    let body = json!({"organization_name": "mini corp", "admin_email": "admin@minicorp.example", "admin_password": "demo-sensor-api-key", "admin_name": "Mini Corp Admin"});
    let (status, registered) = running.post("/api/auth/register", None, body).await;
    assert_eq!((status, registered["token_type"].as_str()), (StatusCode::CREATED, Some("bearer")));
    let (status, token) = running.login("admin@minicorp.example", "demo-sensor-api-key").await;
    assert_eq!(status, StatusCode::OK);

    let anonymous = running.client.get(format!("{}/api/incidents", running.plain)).send().await.unwrap();
    assert_eq!(
        (anonymous.status(), anonymous.headers()["www-authenticate"].to_str().unwrap()),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    let (status, body) = running.get("/api/incidents", Some(&token)).await;
    assert_eq!((status, body["organization"].as_str()), (StatusCode::OK, Some("1")));
    let tls = running
        .client
        .get(format!("{}/api/incidents", running.https))
        .bearer_auth(&token)
        .send()
        .await
        .unwrap();
    assert_eq!((tls.status(), tls.version()), (StatusCode::OK, reqwest::Version::HTTP_2));
    let heads = world.backend.heads.lock().unwrap().clone();
    for head in heads {
        assert_eq!(head.matches("x-organization-id:").count(), 1, "{head}");
        assert_eq!(head.matches("x-tenantry-assertion:").count(), 1, "{head}");
        assert!(!head.contains("authorization:"), "{head}");
    }
    assert_eq!(running.terminate(), Some(0));
    assert!(!world.data().join("addresses.json").exists());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_start_finds_everything_as_it_was() {
    let world = World::new();
    let running = world.start().await;
    running.post("/api/auth/register", None, register_body("mini corp")).await;
    let (_, token) = running.login("admin@minicorp.example", PASSWORD).await;
    let certificate = std::fs::read(world.data().join("tls/tls.crt")).unwrap();
    assert_eq!(running.terminate(), Some(0));
    let running = world.start().await;
    assert_eq!(
        running.get("/api/incidents", Some(&token)).await.0,
        StatusCode::OK,
        "a token of before counts"
    );
    assert_eq!(running.login("admin@minicorp.example", PASSWORD).await.0, StatusCode::OK);
    assert_eq!(std::fs::read(world.data().join("tls/tls.crt")).unwrap(), certificate);
}

#[tokio::test(flavor = "multi_thread")]
async fn logout_suspension_demotion_and_key_revocation_stop_the_next_request_within_a_second() {
    let world = World::new();
    let running = world.start().await;
    running.post("/api/auth/register", None, register_body("mini corp")).await;
    let mut took = Vec::new();
    for what in ["logout", "demotion", "suspension", "key revocation"] {
        let (status, token) = running.login("admin@minicorp.example", PASSWORD).await;
        assert_eq!(status, StatusCode::OK, "{what}: {}", running.log());
        let mut waited = 0;
        while running.get("/api/incidents", Some(&token)).await.0 != StatusCode::OK {
            waited += 1;
            assert!(waited < 200, "{what}: a new token is let in");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        match what {
            "logout" => {
                let (status, _) = running.post("/api/auth/logout", Some(&token), json!({})).await;
                assert_eq!(status, StatusCode::OK);
            }
            "demotion" => assert_eq!(world.sqlite("UPDATE users SET role = 'analyst'"), ""),
            "suspension" => assert_eq!(world.sqlite("UPDATE organizations SET status = 'suspended'"), ""),
            _ => assert_eq!(world.sqlite("UPDATE tenantry_signing_keys SET revoked_at = 1"), ""),
        }
        let after = running.until_refused(&token).await;
        assert!(after < Duration::from_secs(1), "{what}: {after:?}");
        took.push(format!("{what} {} ms", after.as_millis()));
        world.sqlite("UPDATE organizations SET status = 'active'");
        // The directory hears of it before the next login is let in.
        tokio::time::sleep(Duration::from_millis(400)).await;
    }
    println!("from the change to the refusal: {}", took.join(", "));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_login_flood_does_not_stop_proxied_requests() {
    let world = World::new();
    let running = world.start().await;
    running.post("/api/auth/register", None, register_body("mini corp")).await;
    let (_, token) = running.login("admin@minicorp.example", PASSWORD).await;
    let flood = async {
        let logins = (0..60).map(|_| running.login("nobody@minicorp.example", PASSWORD));
        futures_util::future::join_all(logins).await
    };
    let traffic = async {
        let mut slowest = Duration::ZERO;
        for _ in 0..50 {
            let begun = std::time::Instant::now();
            assert_eq!(running.get("/api/incidents", Some(&token)).await.0, StatusCode::OK);
            slowest = slowest.max(begun.elapsed());
        }
        slowest
    };
    let (_, slowest) = tokio::join!(flood, traffic);
    assert!(slowest < Duration::from_secs(2), "{slowest:?}");
}
