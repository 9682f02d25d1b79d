//! Signing in, registering, joining; and what every page has.

use std::time::Duration;

use reqwest::StatusCode;
use serde_json::Value;
use tenantry_authority::Policy;

use super::{Browser, JOINED, attribute, html, location, registered, tags};
use crate::world::{PASSWORD, World};

#[tokio::test(flavor = "multi_thread")]
async fn every_page_names_its_language_title_landmarks_and_fields_and_runs_nothing_inline() {
    let world = registered().await;
    let mut admin = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    admin.invite("ann@minicorp.example").await;
    world.clock.advance(Duration::from_secs(301));
    for path in ["/-/login", "/-/register", "/-/accept-invite", "/-/account"] {
        let answer = admin.get(path).await;
        assert_eq!(answer.status, StatusCode::OK, "{path}");
        let page = html(&answer);
        assert!(page.contains("<html lang=\"en\">") && page.contains("<main id=\"main\""), "{path}");
        assert!(page.contains("<title>") && !page.contains("<title> "), "{path}");
        assert_eq!(page.matches("<h1>").count(), 1, "{path}");
        assert!(page.contains("class=\"skip\" href=\"#main\""), "{path}");
        let labels: Vec<_> =
            tags(page, "label").into_iter().filter_map(|tag| attribute(tag, "for")).collect();
        let fields = tags(page, "input").into_iter().chain(tags(page, "select"));
        let shown = fields.filter(|tag| !tag.contains("type=\"hidden\"") && !tag.contains("aria-hidden"));
        let mut count = 0;
        for tag in shown {
            let id = attribute(tag, "id").unwrap_or_else(|| panic!("{path}: {tag}"));
            assert!(labels.contains(&id), "{path}: no label for {tag}");
            assert!(
                !tag.contains("type=\"password\"") || attribute(tag, "autocomplete").is_some(),
                "{path}: {tag}"
            );
            count += 1;
        }
        assert!(count > 0, "{path}");
        for inline in [" style=\"", " onclick=", "<style", "<script>", "javascript:"] {
            assert!(!page.contains(inline), "{path}: {inline}");
        }
        assert!(tags(page, "form").iter().all(|tag| tag.contains("method=\"post\"")), "{path}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_a_page_loads_comes_from_here_and_may_be_kept() {
    let world = World::new().await;
    let browser = Browser::new(&world);
    let page = browser.get("/-/login").await;
    let links = tags(html(&page), "link").into_iter().filter_map(|tag| attribute(tag, "href"));
    let scripts = tags(html(&page), "script").into_iter().filter_map(|tag| attribute(tag, "src"));
    let assets: Vec<_> = links.chain(scripts).collect();
    assert_eq!(assets.len(), 3);
    for asset in assets {
        assert!(asset.starts_with("/-/assets/") && asset.contains("?v="), "{asset}");
        let answer = browser.get(asset).await;
        assert_eq!(answer.status, StatusCode::OK, "{asset}");
        assert_eq!(answer.headers["x-content-type-options"], "nosniff");
        assert!(answer.headers["cache-control"].to_str().unwrap().contains("immutable"));
    }
    assert_eq!(browser.get("/-/assets/..%2f..%2fCargo.toml").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn registering_by_form_signs_in_and_a_refusal_keeps_what_was_typed_but_no_password() {
    let world = World::new().await;
    let mut browser = Browser::new(&world);
    let fields = |password: &'static str| {
        [
            ("organization_name", "Mini & \"Corp\""),
            ("admin_name", "Ada"),
            ("admin_email", "ada@minicorp.example"),
            ("admin_password", password),
            ("return", "/incidents?a=1&b=2"),
        ]
    };
    let refused = browser.post("/-/register", &fields("weak-secret")).await;
    assert!(refused.status.is_client_error() && browser.cookie.is_empty(), "{refused:?}");
    let page = html(&refused);
    assert!(page.contains("role=\"alert\"") && page.contains("<title>Error: "));
    assert!(page.contains("Mini &#38; &#34;Corp&#34;") && page.contains("ada@minicorp.example"));
    assert!(page.contains("/incidents?a=1&#38;b=2") && !page.contains("weak-secret"));

    let answer = browser.post("/-/register", &fields(PASSWORD)).await;
    assert_eq!(location(&answer), "/incidents?a=1&b=2");
    let account = browser.get("/-/account").await;
    assert!(html(&account).contains("<h1>Mini &#38; &#34;Corp&#34;</h1>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn closed_registration_has_no_page_no_link_and_no_way_around() {
    let world = World::with(Policy { registration_open: false, ..Policy::default() }).await;
    let mut browser = Browser::new(&world);
    assert!(!html(&browser.get("/-/login").await).contains("/-/register"));
    let page = browser.get("/-/register").await;
    assert_eq!(page.status, StatusCode::FORBIDDEN);
    assert!(html(&page).contains("Ask for an invitation"));
    let fields = [
        ("organization_name", "x corp"),
        ("admin_name", "x"),
        ("admin_email", "x@x.example"),
        ("admin_password", PASSWORD),
    ];
    let answer = browser.post("/-/register", &fields).await;
    assert_eq!(answer.status, StatusCode::FORBIDDEN);
    assert!(browser.cookie.is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_and_an_unknown_address_show_the_same_page() {
    let world = registered().await;
    let mut shown = Vec::new();
    for email in ["admin@minicorp.example", "nobody@minicorp.example"] {
        let answer =
            Browser::new(&world).post("/-/login", &[("email", email), ("password", "wrong-one")]).await;
        assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
        assert!(!html(&answer).contains("wrong-one"));
        shown.push(html(&answer).replace(email, "EMAIL"));
    }
    assert_eq!(shown[0], shown[1]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_invitation_is_accepted_once_and_a_weak_password_costs_no_second_pasting() {
    let world = registered().await;
    let mut admin = Browser::signed_in(&world, "admin@minicorp.example", PASSWORD).await;
    let secret = admin.invite("ann@minicorp.example").await;
    assert!(!html(&admin.get("/-/account").await).contains(&secret), "shown only once");

    let mut ann = Browser::new(&world);
    let weak = ann.post("/-/accept-invite", &[("token", &secret), ("password", "short")]).await;
    assert!(weak.status.is_client_error() && ann.cookie.is_empty());
    assert!(html(&weak).contains(&secret) && !html(&weak).contains("value=\"short\""));
    let joined = ann.post("/-/accept-invite", &[("token", &secret), ("password", JOINED)]).await;
    assert_eq!(location(&joined), "/");
    assert!(html(&ann.get("/-/account").await).contains("<h1>mini corp</h1>"));

    let again =
        Browser::new(&world).post("/-/accept-invite", &[("token", &secret), ("password", JOINED)]).await;
    assert!(again.status.is_client_error() && again.headers.get("set-cookie").is_none(), "{again:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_41_no_password_or_token_stands_in_a_redirect_or_in_a_page() {
    let world = registered().await;
    let mut browser = Browser::new(&world);
    let fields = [("email", "admin@minicorp.example"), ("password", PASSWORD), ("return", "/incidents")];
    let answer = browser.post("/-/login", &fields).await;
    assert_eq!(location(&answer), "/incidents");
    assert_eq!(answer.body, Value::String(String::new()));
    let page = browser.get("/-/account").await;
    for pair in browser.cookie.split("; ") {
        let value = pair.split_once('=').unwrap().1;
        assert!(value.len() > 20 && !html(&page).contains(value));
    }
    assert!(!html(&page).contains(PASSWORD));
}
