//! What a browser brings: forms, cookies, origins, return paths (BYPASS 36, 38, 42).

use reqwest::{Method, StatusCode};
use serde_json::json;

use crate::world::{Answer, PASSWORD, World};

const ORIGIN: &str = "https://tenantry.localhost:8443";

async fn form(world: &World, path: &str, origin: Option<&str>, cookie: Option<&str>, body: &str) -> Answer {
    let mut request = world
        .request(Method::POST, path)
        .header("content-type", "application/x-www-form-urlencoded")
        .body(body.to_owned());
    if let Some(origin) = origin {
        request = request.header("origin", origin);
    }
    if let Some(cookie) = cookie {
        request = request.header("cookie", cookie);
    }
    world.send(request).await
}

/// `name=value` of every cookie that an answer sets, and what else it says of them.
fn cookies(answer: &Answer) -> Vec<String> {
    answer.headers.get_all("set-cookie").iter().map(|line| line.to_str().unwrap().to_owned()).collect()
}

async fn sign_in(world: &World) -> String {
    let body = format!("email=admin%40minicorp.example&password={PASSWORD}&return=%2Fincidents");
    let answer = form(world, "/-/login", Some(ORIGIN), None, &body).await;
    assert_eq!(
        (answer.status, answer.headers["location"].to_str().unwrap()),
        (StatusCode::SEE_OTHER, "/incidents"),
        "{answer:?}"
    );
    cookies(&answer).iter().map(|line| line.split(';').next().unwrap()).collect::<Vec<_>>().join("; ")
}

#[tokio::test(flavor = "multi_thread")]
async fn signing_in_sets_confined_cookies_and_always_a_new_session() {
    let world = World::new().await;
    world.register("mini corp").await;
    let body = format!("email=admin%40minicorp.example&password={PASSWORD}");
    let answer = form(
        &world,
        "/-/login",
        Some(ORIGIN),
        Some("__Host-tenantry=planted; __Secure-tenantry-refresh=planted"),
        &body,
    )
    .await;
    let set = cookies(&answer);
    assert!(
        set[0].starts_with("__Host-tenantry=ey")
            && set[0].ends_with("; Path=/; Max-Age=2592000; Secure; HttpOnly; SameSite=Lax"),
        "{set:?}"
    );
    assert!(
        set[1].starts_with("__Secure-tenantry-refresh=tnr1_") && set[1].contains("; Path=/api/auth; "),
        "{set:?}"
    );
    assert_ne!(sign_in(&world).await, sign_in(&world).await, "BYPASS 38: never a session of before");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_38_a_foreign_page_signs_nobody_in_or_out() {
    let world = World::new().await;
    world.register("mini corp").await;
    let cookie = sign_in(&world).await;
    let login = format!("email=admin%40minicorp.example&password={PASSWORD}");
    for origin in [Some("https://evil.example"), Some("null"), Some("http://tenantry.localhost:8443"), None] {
        for (path, body) in [
            ("/-/login", login.as_str()),
            ("/-/register", "organization_name=x"),
            ("/-/accept-invite", "token=a&password=b"),
            ("/-/logout", ""),
            ("/-/account/password", "current_password=a&new_password=b"),
            ("/-/account/invite", "email=a%40b.example&full_name=a&role=viewer"),
            ("/-/account/withdraw", "id=1"),
            ("/-/account/sessions", "password=a"),
        ] {
            let answer = form(&world, path, origin, Some(&cookie), body).await;
            let refused = [StatusCode::FORBIDDEN, StatusCode::UNPROCESSABLE_ENTITY].contains(&answer.status);
            assert!(refused && cookies(&answer).is_empty(), "{origin:?} {path}: {answer:?}");
        }
    }
    let me = world.send(world.request(Method::GET, "/api/auth/me").header("cookie", &cookie)).await;
    assert_eq!(me.status, StatusCode::OK, "still signed in");
}

#[tokio::test(flavor = "multi_thread")]
async fn changes_by_cookie_need_the_password_within_five_minutes() {
    let world = World::new().await;
    world.register("mini corp").await;
    let cookie = sign_in(&world).await;
    let invite = |password: Option<&'static str>| {
        let mut body = json!({"email": "ann@minicorp.example", "full_name": "Ann", "role": "viewer"});
        if let Some(password) = password {
            body["current_password"] = password.into();
        }
        let request = world
            .request(Method::POST, "/api/auth/invite")
            .header("cookie", &cookie)
            .header("origin", ORIGIN);
        world.send(request.json(&body))
    };
    assert_eq!(invite(None).await.status, StatusCode::CREATED);
    world.clock.advance(std::time::Duration::from_secs(301));
    let asked = invite(None).await;
    assert_eq!((asked.status, asked.body["code"].as_str()), (StatusCode::FORBIDDEN, Some("password_needed")));
    assert_eq!(invite(Some("wrong-password")).await.status, StatusCode::FORBIDDEN);
    assert_eq!(invite(Some(PASSWORD)).await.status, StatusCode::CREATED);
    assert_eq!(invite(None).await.status, StatusCode::CREATED, "and is remembered");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_42_no_return_path_leaves_this_host() {
    let world = World::new().await;
    world.register("mini corp").await;
    let cookie = sign_in(&world).await;
    for to in [
        "//evil.example",
        "https://evil.example",
        "/\\evil.example",
        "/%09/evil.example",
        "javascript:alert(1)",
        "/-/logout",
    ] {
        let path = format!("/api/auth/refresh?return={}", percent(to));
        let answer = world.send(world.request(Method::GET, &path).header("cookie", &cookie)).await;
        assert_eq!(
            (answer.status, answer.headers["location"].to_str().unwrap()),
            (StatusCode::SEE_OTHER, "/"),
            "{to}"
        );
        let body = format!("email=admin%40minicorp.example&password={PASSWORD}&return={}", percent(to));
        let answer = form(&world, "/-/login", Some(ORIGIN), None, &body).await;
        assert_eq!(answer.headers["location"], "/", "{to}");
    }
}

fn percent(text: &str) -> String {
    percent_encoding::utf8_percent_encode(text, percent_encoding::NON_ALPHANUMERIC).to_string()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_dead_refresh_cookie_leads_to_the_login_page_and_is_cleared() {
    let world = World::new().await;
    let request = world
        .request(Method::GET, "/api/auth/refresh?return=%2Fincidents")
        .header("cookie", "__Secure-tenantry-refresh=dead");
    let answer = world.send(request).await;
    assert_eq!(answer.headers["location"], "/-/login?return=%2Fincidents");
    assert!(cookies(&answer).iter().all(|line| line.contains("Max-Age=0")) && cookies(&answer).len() == 2);
}

#[tokio::test(flavor = "multi_thread")]
async fn pages_are_confined_and_names_are_text() {
    let world = World::new().await;
    let body = json!({"organization_name": "<script>alert(1)</script> corp", "admin_email": "admin@minicorp.example", "admin_password": PASSWORD, "admin_name": "\"><img src=x>"});
    world.post("/api/auth/register", None, body).await;
    let cookie = sign_in(&world).await;
    let page = world.send(world.request(Method::GET, "/-/account").header("cookie", &cookie)).await;
    let text = page.body.as_str().unwrap();
    assert!(
        !text.contains("<script>alert") && !text.contains("<img src=x") && text.contains("&#60;script&#62;"),
        "{text}"
    );
    let policy = page.headers["content-security-policy"].to_str().unwrap();
    assert!(
        policy.contains("default-src 'none'")
            && policy.contains("frame-ancestors 'none'")
            && !policy.contains("unsafe")
    );
    assert_eq!(page.headers["x-content-type-options"], "nosniff");
    assert_eq!(page.headers["cache-control"], "no-store");
    let reflected = world.get("/-/login?return=%22%3E%3Cscript%3E", None).await;
    assert!(!reflected.body.as_str().unwrap().contains("\"><script>"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_36_a_link_names_the_public_url_whatever_the_host_header_says() {
    let world = World::new().await;
    let registered = world.register("mini corp").await;
    let body = json!({"email": "ann@minicorp.example", "full_name": "Ann", "role": "viewer"});
    let request = world
        .request(Method::POST, "/api/auth/invite")
        .header("host", "evil.example")
        .header("x-forwarded-host", "evil.example");
    let answer =
        world.send(request.bearer_auth(registered["access_token"].as_str().unwrap()).json(&body)).await;
    assert!(answer.text("/invitation_url").starts_with("https://tenantry.localhost:8443/-/accept-invite#"));
}
