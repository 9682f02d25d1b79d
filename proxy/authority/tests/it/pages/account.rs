//! The account page and its forms.

use std::time::Duration;

use reqwest::StatusCode;

use super::{Browser, JOINED, attribute, html, location, registered, tags};
use crate::world::PASSWORD;

#[tokio::test(flavor = "multi_thread")]
async fn a_member_who_does_not_administer_neither_sees_nor_makes_invitations() {
    let world = registered().await;
    let mut admin = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    let secret = admin.invite("ann@minicorp.example").await;
    admin.invite("ben@minicorp.example").await;
    let mut ann = Browser::new(&world);
    ann.post("/-/accept-invite", &[("token", &secret), ("password", JOINED)]).await;
    let page = ann.get("/-/account").await;
    assert!(!html(&page).contains("/-/account/invite") && !html(&page).contains("ben@minicorp.example"));
    let fields = [("email", "eve@minicorp.example"), ("full_name", "Eve"), ("role", "admin")];
    let answer = ann.post("/-/account/invite", &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(html(&answer).contains("Only an administrator"));
    assert_eq!(ann.post("/-/account/withdraw", &[("id", "2")]).await.status, StatusCode::FORBIDDEN);
    assert!(html(&admin.get("/-/account").await).contains("ben@minicorp.example"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_29_an_invitation_of_another_organization_is_neither_seen_nor_withdrawn() {
    let world = registered().await;
    world.register("other corp").await;
    let mut other = Browser::signed_in(&world, "admin@othercorp.example", PASSWORD).await;
    other.invite("ann@othercorp.example").await;
    let page = html(&other.get("/-/account").await).to_owned();
    let id = tags(&page, "input").into_iter().find(|tag| tag.contains("name=\"id\"")).unwrap();
    let id = attribute(id, "value").unwrap();

    let mut admin = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    assert!(!html(&admin.get("/-/account").await).contains("ann@othercorp.example"));
    assert_eq!(admin.post("/-/account/withdraw", &[("id", id)]).await.status, StatusCode::NOT_FOUND);
    assert!(html(&other.get("/-/account").await).contains("ann@othercorp.example"));
    assert_eq!(other.post("/-/account/withdraw", &[("id", id)]).await.status, StatusCode::OK);
    assert!(html(&other.get("/-/account").await).contains("Nobody is waiting to join"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_password_is_asked_for_again_only_when_the_last_is_five_minutes_old() {
    let world = registered().await;
    let mut admin = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    assert!(!html(&admin.get("/-/account").await).contains("id=\"invite-password\""));
    world.clock.advance(Duration::from_secs(301));
    assert!(html(&admin.get("/-/account").await).contains("id=\"invite-password\""));
    let fields = |password: &'static str| {
        [("email", "ann@minicorp.example"), ("full_name", "Ann"), ("role", "viewer"), ("password", password)]
    };
    let wrong = admin.post("/-/account/invite", &fields("not-my-password")).await;
    assert_eq!(wrong.status, StatusCode::FORBIDDEN);
    assert!(html(&wrong).contains("The password is wrong") && html(&wrong).contains("ann@minicorp.example"));
    assert!(!html(&wrong).contains("/-/accept-invite#"));
    let right = admin.post("/-/account/invite", &fields(PASSWORD)).await;
    assert!(html(&right).contains("/-/accept-invite#"), "{right:?}");
    assert!(!html(&right).contains("id=\"invite-password\""), "it was given a moment ago");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_password_ends_the_other_sessions_and_says_so() {
    let world = registered().await;
    let mut here = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    let there = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    let wrong =
        here.post("/-/account/password", &[("current_password", "not-mine"), ("new_password", JOINED)]).await;
    assert!(wrong.status.is_client_error() && html(&wrong).contains("role=\"alert\""));
    assert_eq!(there.get("/-/account").await.status, StatusCode::OK);

    let fields = [("current_password", PASSWORD), ("new_password", JOINED)];
    let done = here.post("/-/account/password", &fields).await;
    assert_eq!(location(&done), "/-/account?done=password");
    let page = here.get("/-/account?done=password").await;
    assert!(html(&page).contains("Your password has been changed."));
    assert_eq!(location(&there.get("/-/account").await), "/api/auth/refresh?return=%2F%2D%2Faccount");
    assert!(!html(&here.get("/-/account?done=%3Cb%3E").await).contains("<b>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sessions_end_at_a_press_and_this_one_goes_on() {
    let world = registered().await;
    let mut here = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    let there = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    assert!(html(&here.get("/-/account").await).contains("Sign out everywhere else"));
    world.clock.advance(Duration::from_secs(301));
    assert_eq!(here.post("/-/account/sessions", &[]).await.status, StatusCode::FORBIDDEN);
    let done = here.post("/-/account/sessions", &[("password", PASSWORD)]).await;
    assert!(html(&done).contains("You are signed out everywhere else."));
    assert_eq!(there.get("/-/account").await.status, StatusCode::SEE_OTHER);
}

#[tokio::test(flavor = "multi_thread")]
async fn logging_out_clears_the_cookies_and_ends_the_session_for_who_kept_them() {
    let world = registered().await;
    let mut browser = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    let kept = browser.cookie.clone();
    assert_eq!(location(&browser.post("/-/logout", &[]).await), "/-/login");
    assert_eq!(browser.cookie, "");
    assert_eq!(location(&browser.get("/-/account").await), "/-/login?return=%2F%2D%2Faccount");
    browser.cookie = kept;
    assert_eq!(location(&browser.get("/-/account").await), "/api/auth/refresh?return=%2F%2D%2Faccount");
}
