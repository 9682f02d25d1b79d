//! POST /api/auth/login: equal answers, and the lockout (BYPASS 32-35).

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::json;

use crate::world::{PASSWORD, World};

#[tokio::test(flavor = "multi_thread")]
async fn bypass_35_every_failed_login_is_answered_alike() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let token = registered["access_token"].as_str().unwrap();
    let invite = json!({"email": "ann@minicorp.example", "full_name": "Ann", "role": "analyst"});
    let url = world.post("/api/auth/invite", Some(token), invite).await.text("/invitation_url");
    let accept = json!({"token": url.split_once('#').unwrap().1, "password": PASSWORD});
    world.post("/api/auth/accept-invite", None, accept).await;
    let users = world.get("/api/auth/users", Some(token)).await;
    let ann = users.body["users"][1]["id"].as_i64().unwrap();
    let off = world
        .call(
            reqwest::Method::PATCH,
            &format!("/api/auth/users/{ann}"),
            Some(token),
            Some(json!({"is_active": false})),
        )
        .await;
    assert_eq!(off.status, StatusCode::OK, "{off:?}");

    let wrong = world.login("admin@minicorp.example", "not-the-password").await;
    assert_eq!(
        (wrong.status, wrong.headers["www-authenticate"].to_str().unwrap()),
        (StatusCode::UNAUTHORIZED, "Bearer")
    );
    for (email, password) in [
        ("nobody@minicorp.example", "not-the-password"),
        ("nobody@elsewhere.example", PASSWORD),
        ("ann@minicorp.example", PASSWORD),
        ("ADMIN@minicorp.example", "x"),
    ] {
        let answer = world.login(email, password).await;
        assert_eq!((answer.status, &answer.body), (wrong.status, &wrong.body), "{email}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_35_every_failed_login_costs_the_same_work() {
    let world = World::new().await;
    world.register("mini corp").await;
    let cost = async |email: &str, password: &str| {
        let before = world.authority.passwords_hashed();
        assert_eq!(world.login(email, password).await.status, StatusCode::UNAUTHORIZED);
        world.authority.passwords_hashed() - before
    };
    for n in 0..5 {
        assert_eq!(cost("admin@minicorp.example", &format!("wrong-{n}")).await, 1, "known");
        assert_eq!(cost("nobody@minicorp.example", &format!("wrong-{n}")).await, 1, "unknown");
    }
    assert_eq!(cost("admin@minicorp.example", PASSWORD).await, 1, "known and locked");
    assert_eq!(cost("nobody@minicorp.example", PASSWORD).await, 1, "unknown and locked");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_33_fifty_parallel_guesses_are_five_and_lock() {
    let world = World::new().await;
    world.register("mini corp").await;
    let guesses = (0..50).map(|n| {
        let password = format!("wrong-guess-{n}");
        let world = &world;
        async move { world.login("admin@minicorp.example", &password).await.status }
    });
    let answers = futures_util::future::join_all(guesses).await;
    assert!(answers.iter().all(|status| [401, 429].contains(&status.as_u16())), "{answers:?}");
    let locked = world.login("admin@minicorp.example", PASSWORD).await;
    assert_eq!(locked.status, StatusCode::UNAUTHORIZED, "locked, also for the right password");
    world.clock.advance(Duration::from_mins(16));
    assert_eq!(world.login("admin@minicorp.example", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn five_wrong_passwords_lock_and_four_do_not() {
    let world = World::new().await;
    world.register("mini corp").await;
    for n in 0..4 {
        assert_eq!(
            world.login("admin@minicorp.example", &format!("wrong-{n}")).await.status,
            StatusCode::UNAUTHORIZED
        );
    }
    assert_eq!(
        world.login("admin@minicorp.example", PASSWORD).await.status,
        StatusCode::OK,
        "and forgets the four"
    );
    for n in 0..5 {
        world.login("Admin@Minicorp.Example", &format!("wrong-{n}")).await;
    }
    let locked = world.login("admin@minicorp.example", PASSWORD).await;
    assert_eq!(locked.status, StatusCode::UNAUTHORIZED, "BYPASS 32: counted whatever the spelling");
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_parallel_right_logins_lock_nobody_out() {
    let world = World::new().await;
    world.register("mini corp").await;
    let logins = (0..50).map(|_| world.login("admin@minicorp.example", PASSWORD));
    let answers = futures_util::future::join_all(logins).await;
    let right = answers.iter().filter(|answer| answer.status == StatusCode::OK).count();
    let told_to_wait = answers.iter().filter(|answer| answer.status == StatusCode::TOO_MANY_REQUESTS).count();
    assert_eq!(right + told_to_wait, 50, "{answers:?}");
    assert!(right >= 5, "{right}");
    assert_eq!(world.login("admin@minicorp.example", PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_33_a_client_that_hangs_up_is_counted_all_the_same() {
    let world = World::new().await;
    world.register("mini corp").await;
    for n in 0..5 {
        let password = format!("wrong-{n}");
        let guess = world.login("admin@minicorp.example", &password);
        drop(tokio::time::timeout(Duration::from_millis(40), guess).await);
    }
    tokio::time::sleep(Duration::from_secs(3)).await;
    assert_eq!(world.login("admin@minicorp.example", PASSWORD).await.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_37_an_address_that_floods_is_told_to_wait() {
    let world = World::new().await;
    let mut statuses = Vec::new();
    for n in 0..160 {
        let answer = world
            .post("/api/auth/accept-invite", None, json!({"token": format!("t{n}"), "password": "x"}))
            .await;
        if answer.status == StatusCode::TOO_MANY_REQUESTS {
            assert!(answer.headers["retry-after"].to_str().unwrap().parse::<u64>().unwrap() >= 1);
        }
        statuses.push(answer.status.as_u16());
    }
    assert!(statuses.contains(&429), "{statuses:?}");
}
