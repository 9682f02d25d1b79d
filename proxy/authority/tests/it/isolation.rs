//! BYPASS 29: nothing of one organization is seen or changed by another, through any endpoint.

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{PASSWORD, World};

#[tokio::test(flavor = "multi_thread")]
async fn bypass_29_no_endpoint_reaches_another_organizations_objects() {
    let world = World::new().await;
    let (ours, theirs) = (world.register("our corp").await, world.register("their corp").await);
    let (us, them) = (ours["access_token"].as_str().unwrap(), theirs["access_token"].as_str().unwrap());
    let invite =
        json!({"email": "secret-guest@theircorp.example", "full_name": "Secret Guest", "role": "viewer"});
    world.post("/api/auth/invite", Some(them), invite).await;
    let invitation =
        world.get("/api/auth/invitations", Some(them)).await.body["invitations"][0]["id"].as_i64().unwrap();
    let session = world.get("/api/auth/sessions", Some(them)).await.text("/sessions/0/id");
    let user = theirs["user"]["id"].as_i64().unwrap();

    for (method, path, body) in [
        (Method::DELETE, format!("/api/auth/invitations/{invitation}"), None),
        (Method::DELETE, format!("/api/auth/sessions/{session}"), None),
        (Method::PATCH, format!("/api/auth/users/{user}"), Some(json!({"role": "viewer"}))),
        (Method::PATCH, format!("/api/auth/users/{user}"), Some(json!({"is_active": false}))),
        (Method::DELETE, format!("/api/auth/users/{user}"), None),
    ] {
        let answer = world.call(method.clone(), &path, Some(us), body).await;
        let nothing = world
            .call(
                method,
                &path.replace(&user.to_string(), "987654"),
                Some(us),
                Some(json!({"role": "viewer"})),
            )
            .await;
        assert_eq!(answer.status, StatusCode::NOT_FOUND, "{path}: {answer:?}");
        if path.contains("users") {
            assert_eq!(answer.body, nothing.body, "{path}: as what does not exist");
        }
    }
    for path in
        ["/api/auth/me", "/api/auth/users", "/api/auth/invitations", "/api/auth/sessions", "/api/auth/audit"]
    {
        let answer = world.get(path, Some(us)).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let text = answer.body.to_string();
        assert!(
            !text.contains("theircorp") && !text.contains("their corp") && !text.contains("Secret Guest"),
            "{path}: {text}"
        );
    }
    // Everything of theirs is as it was.
    assert_eq!(world.get("/api/auth/me", Some(them)).await.body["user"]["role"], "admin");
    assert_eq!(
        world.get("/api/auth/invitations", Some(them)).await.body["invitations"].as_array().unwrap().len(),
        1
    );
    assert_eq!(world.login("admin@theircorp.example", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn every_endpoint_that_needs_a_member_says_401_to_nobody() {
    let world = World::new().await;
    world.register("our corp").await;
    for (method, path) in [
        (Method::GET, "/api/auth/me"),
        (Method::POST, "/api/auth/invite"),
        (Method::GET, "/api/auth/invitations"),
        (Method::DELETE, "/api/auth/invitations/1"),
        (Method::GET, "/api/auth/sessions"),
        (Method::DELETE, "/api/auth/sessions"),
        (Method::DELETE, "/api/auth/sessions/AAAAAAAAAAAAAAAAAAAAAA"),
        (Method::GET, "/api/auth/users"),
        (Method::PATCH, "/api/auth/users/1"),
        (Method::DELETE, "/api/auth/users/1"),
        (Method::GET, "/api/auth/audit"),
        (Method::POST, "/api/auth/change-password"),
        (Method::POST, "/api/auth/logout"),
    ] {
        let body = json!({"email": "a@b.example", "full_name": "A", "role": "viewer", "current_password": "a", "new_password": "b"});
        for token in ["not-a-token", "a.b.c"] {
            let answer = world.call(method.clone(), path, Some(token), Some(body.clone())).await;
            assert_eq!(answer.status, StatusCode::UNAUTHORIZED, "{method} {path}: {answer:?}");
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_does_not_administer_changes_nobody() {
    let world = World::new().await;
    let registered = world.register("our corp").await;
    let admin = registered["access_token"].as_str().unwrap();
    let invite = json!({"email": "ann@ourcorp.example", "full_name": "Ann", "role": "soc_lead"});
    let url = world.post("/api/auth/invite", Some(admin), invite.clone()).await.text("/invitation_url");
    let accept = json!({"token": url.split_once('#').unwrap().1, "password": PASSWORD});
    let ann = world.post("/api/auth/accept-invite", None, accept).await.text("/access_token");
    let id = registered["user"]["id"].as_i64().unwrap();
    for (method, path, body) in [
        (Method::POST, "/api/auth/invite".to_owned(), Some(invite)),
        (Method::GET, "/api/auth/users".to_owned(), None),
        (Method::GET, "/api/auth/invitations".to_owned(), None),
        (Method::GET, "/api/auth/audit".to_owned(), None),
        (Method::PATCH, format!("/api/auth/users/{id}"), Some(json!({"role": "viewer"}))),
        (Method::DELETE, format!("/api/auth/users/{id}"), None),
        (Method::DELETE, "/api/auth/invitations/1".to_owned(), None),
    ] {
        let answer = world.call(method, &path, Some(&ann), body).await;
        assert_eq!(
            (answer.status, answer.body["code"].as_str()),
            (StatusCode::FORBIDDEN, Some("not_an_administrator")),
            "{path}"
        );
    }
}
