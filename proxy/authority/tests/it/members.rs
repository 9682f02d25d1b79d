//! Invitations, members and their roles (BYPASS 28).

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{PASSWORD, World};

async fn invite(world: &World, token: &str, email: &str, role: &str) -> String {
    let body = json!({"email": email, "full_name": "Some One", "role": role});
    let answer = world.post("/api/auth/invite", Some(token), body).await;
    assert_eq!(answer.status, StatusCode::CREATED, "{answer:?}");
    answer.text("/invitation_url").split_once('#').unwrap().1.to_owned()
}

async fn accept(world: &World, secret: &str) -> crate::world::Answer {
    world.post("/api/auth/accept-invite", None, json!({"token": secret, "password": PASSWORD})).await
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_28_an_invitation_works_once_however_many_try() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let secret =
        invite(&world, registered["access_token"].as_str().unwrap(), "ann@minicorp.example", "analyst").await;
    let answers = futures_util::future::join_all((0..8).map(|_| accept(&world, &secret))).await;
    assert_eq!(answers.iter().filter(|answer| answer.status == StatusCode::OK).count(), 1, "{answers:?}");
    for spoiled in [&secret[..secret.len() - 1], &format!("{secret}A"), "", "x"] {
        assert_eq!(accept(&world, spoiled).await.status, StatusCode::BAD_REQUEST, "{spoiled}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_28_inviting_again_withdrawing_and_time_end_an_invitation() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let first = invite(&world, token, "ann@minicorp.example", "analyst").await;
    let second = invite(&world, token, "Ann@minicorp.example", "viewer").await;
    assert_eq!(accept(&world, &first).await.status, StatusCode::BAD_REQUEST, "superseded");
    let pending = world.get("/api/auth/invitations", Some(token)).await;
    assert_eq!(pending.body["invitations"].as_array().unwrap().len(), 1);
    let id = pending.body["invitations"][0]["id"].as_i64().unwrap();
    let gone = world.call(Method::DELETE, &format!("/api/auth/invitations/{id}"), Some(token), None).await;
    assert_eq!(gone.status, StatusCode::OK);
    assert_eq!(accept(&world, &second).await.status, StatusCode::BAD_REQUEST, "withdrawn");
    let third = invite(&world, token, "ann@minicorp.example", "viewer").await;
    world.clock.advance(std::time::Duration::from_secs(7 * 24 * 3600 + 1));
    assert_eq!(accept(&world, &third).await.status, StatusCode::BAD_REQUEST, "seven days");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_35_an_invitation_answers_alike_whether_or_not_the_address_has_an_account() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    world.register("other corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let ask = |email: &'static str| {
        world.post(
            "/api/auth/invite",
            Some(token),
            json!({"email": email, "full_name": "X", "role": "viewer"}),
        )
    };
    let (known, unknown) = (ask("admin@othercorp.example").await, ask("nobody@othercorp.example").await);
    assert_eq!((known.status, &known.body["message"]), (unknown.status, &unknown.body["message"]));
    assert_eq!(
        known.body["user"].as_object().unwrap().len(),
        unknown.body["user"].as_object().unwrap().len()
    );
    let secret = known.text("/invitation_url").split_once('#').unwrap().1.to_owned();
    assert_eq!(accept(&world, &secret).await.status, StatusCode::BAD_REQUEST, "and takes nobody over");
    assert_eq!(world.login("admin@othercorp.example", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_demotion_ends_tokens_and_the_last_administrator_stays() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let me = registered["user"]["id"].as_i64().unwrap();
    let secret = invite(&world, token, "ann@minicorp.example", "admin").await;
    let ann = accept(&world, &secret).await.text("/access_token");
    let ann_id = world.get("/api/auth/me", Some(&ann)).await.body["user"]["id"].as_i64().unwrap();
    let patch = async |id: i64, body| {
        let path = format!("/api/auth/users/{id}");
        world.call(Method::PATCH, &path, Some(token), Some(body)).await
    };
    assert_eq!(patch(ann_id, json!({"role": "boss"})).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    let demoted = patch(ann_id, json!({"role": "viewer"})).await;
    assert_eq!((demoted.status, demoted.text("/role")), (StatusCode::OK, "viewer".to_owned()));
    assert_eq!(world.get("/api/auth/me", Some(&ann)).await.status, StatusCode::UNAUTHORIZED);
    for body in [json!({"role": "viewer"}), json!({"is_active": false})] {
        let refused = patch(me, body).await;
        assert_eq!(
            (refused.status, refused.body["code"].as_str()),
            (StatusCode::CONFLICT, Some("last_administrator"))
        );
    }
    let path = format!("/api/auth/users/{me}");
    assert_eq!(world.call(Method::DELETE, &path, Some(token), None).await.status, StatusCode::CONFLICT);
    let path = format!("/api/auth/users/{ann_id}");
    assert_eq!(world.call(Method::DELETE, &path, Some(token), None).await.status, StatusCode::OK);
    assert_eq!(world.login("ann@minicorp.example", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn sessions_are_listed_and_ended_by_their_user() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let other = world.login("admin@minicorp.example", PASSWORD).await.text("/access_token");
    let listed = world.get("/api/auth/sessions", Some(token)).await;
    let sessions = listed.body["sessions"].as_array().unwrap();
    assert_eq!(sessions.len(), 2);
    let id = sessions.iter().find(|session| session["current"] == false).unwrap()["id"].as_str().unwrap();
    let ended = world.call(Method::DELETE, &format!("/api/auth/sessions/{id}"), Some(token), None).await;
    assert_eq!(ended.status, StatusCode::OK);
    assert_eq!(world.get("/api/auth/me", Some(&other)).await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(world.get("/api/auth/me", Some(token)).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_set_has_public_halves_alone_and_may_be_kept() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let id = registered["organization"]["id"].as_i64().unwrap();
    let set = world.get(&format!("/o/{id}/.well-known/jwks.json"), None).await;
    assert_eq!(
        (set.status, set.headers["cache-control"].to_str().unwrap()),
        (StatusCode::OK, "public, max-age=300")
    );
    let key = set.body["keys"][0].as_object().unwrap();
    let mut members: Vec<_> = key.keys().map(String::as_str).collect();
    members.sort_unstable();
    assert_eq!(members, ["alg", "crv", "kid", "kty", "use", "x"]);
    assert_eq!(world.get("/o/999/.well-known/jwks.json", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_is_changed_once_however_many_try_with_the_old_one() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let change = |new: &'static str| {
        let body = json!({"current_password": PASSWORD, "new_password": new});
        world.post("/api/auth/change-password", Some(token), body)
    };
    let answers =
        futures_util::future::join_all(["quartz-lantern-birch-1", "quartz-lantern-birch-2"].map(change))
            .await;
    let changed = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    assert_eq!(changed, 1, "{answers:?}");
}
