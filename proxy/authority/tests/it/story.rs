//! The main story: found an organization, sign in, invite, refresh, change the password, log out.

use reqwest::StatusCode;
use serde_json::{Value, json};

use crate::world::{PASSWORD, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_is_founded_and_its_people_come_and_go() {
    tell(World::new().await).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_on_postgresql() {
    tell(World::postgres().await).await;
}

async fn tell(world: World) {
    let registered = world.register("mini corp").await;
    assert_eq!(registered["token_type"], "bearer");
    assert_eq!(registered["expires_in"], 8 * 3600);
    assert_eq!(registered["user"]["role"], "admin");
    assert_eq!(registered["organization"]["slug"], "mini-corp");

    let token = registered["access_token"].as_str().unwrap();
    let me = world.get("/api/auth/me", Some(token)).await;
    assert_eq!(me.status, StatusCode::OK);
    assert_eq!(me.body["user"], registered["user"]);
    assert_eq!(me.body["organization"], registered["organization"]);

    let login = world.login("Admin@MiniCorp.example", PASSWORD).await;
    assert_eq!(login.status, StatusCode::OK, "{login:?}");
    let refreshed =
        world.post("/api/auth/refresh", None, json!({"refresh_token": login.text("/refresh_token")})).await;
    assert_eq!(refreshed.status, StatusCode::OK);
    assert_ne!(refreshed.text("/refresh_token"), login.text("/refresh_token"));

    let invite = json!({"email": "ann@minicorp.example", "full_name": "Ann", "role": "analyst"});
    let invited = world.post("/api/auth/invite", Some(token), invite).await;
    assert_eq!((invited.status, &invited.body["user"]["id"]), (StatusCode::CREATED, &Value::Null));
    let url = invited.text("/invitation_url");
    let (page, secret) = url.split_once('#').unwrap();
    assert_eq!(page, "https://tenantry.localhost:8443/-/accept-invite");
    let accept = json!({"token": secret, "password": "lantern-birch-quartz-17"});
    let accepted = world.post("/api/auth/accept-invite", None, accept.clone()).await;
    assert_eq!(accepted.status, StatusCode::OK, "{accepted:?}");
    assert_eq!(world.post("/api/auth/accept-invite", None, accept).await.status, StatusCode::BAD_REQUEST);

    let ann = accepted.text("/access_token");
    assert_eq!(world.get("/api/auth/invitations", Some(&ann)).await.status, StatusCode::FORBIDDEN);
    let changed = world
        .post(
            "/api/auth/change-password",
            Some(&ann),
            json!({"current_password": "lantern-birch-quartz-17", "new_password": "quartz-lantern-birch-18"}),
        )
        .await;
    assert_eq!(changed.status, StatusCode::OK, "{changed:?}");
    assert_eq!(world.get("/api/auth/me", Some(&ann)).await.status, StatusCode::UNAUTHORIZED);
    let ann = changed.text("/access_token");
    assert_eq!(world.get("/api/auth/me", Some(&ann)).await.status, StatusCode::OK);

    let out = world.post("/api/auth/logout", Some(&ann), json!({})).await;
    assert_eq!((out.status, out.text("/message")), (StatusCode::OK, "You have been logged out.".to_owned()));
    assert_eq!(world.get("/api/auth/me", Some(&ann)).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_peer_that_is_no_gate_gets_nothing() {
    let world = World::new().await;
    let url = format!("http://{}/api/auth/me", world.authority.addresses().requests);
    assert_eq!(world.client.get(&url).send().await.unwrap().status(), StatusCode::FORBIDDEN);
    let wrong = world.client.get(&url).header("x-tenantry-gate", "wrong").send().await.unwrap();
    assert_eq!(wrong.status(), StatusCode::FORBIDDEN);
}
