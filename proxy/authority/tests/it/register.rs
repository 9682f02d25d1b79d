//! POST /api/auth/register: its answers, and what it refuses.

use reqwest::StatusCode;
use serde_json::{Value, json};
use tenantry_authority::Policy;

use crate::world::{PASSWORD, World};

fn body(name: &str, email: &str) -> Value {
    json!({"organization_name": name, "admin_email": email, "admin_password": PASSWORD, "admin_name": "An Admin"})
}

#[tokio::test(flavor = "multi_thread")]
async fn the_answer_has_the_fields_of_the_contract() {
    let world = World::new().await;
    let answer =
        world.post("/api/auth/register", None, body("  Mini Corp & Söhne ", "Admin@MiniCorp.example")).await;
    assert_eq!(answer.status, StatusCode::CREATED);
    let mut fields: Vec<_> = answer.body.as_object().unwrap().keys().map(String::as_str).collect();
    fields.sort_unstable();
    assert_eq!(fields, ["access_token", "expires_in", "organization", "refresh_token", "token_type", "user"]);
    assert_eq!(answer.body["organization"]["slug"], "mini-corp-shne");
    assert_eq!(answer.body["organization"]["name"], "Mini Corp & Söhne");
    assert_eq!(answer.body["user"]["is_active"], true);
    assert_eq!(answer.headers["cache-control"], "no-store");
    assert!(!answer.headers.contains_key("set-cookie"), "a JSON client gets no cookies");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_registered_says_why_and_leaves_nothing() {
    let world = World::new().await;
    world.register("mini corp").await;
    let with = |field: &str, value: Value| {
        let mut body = body("other", "other@other.example");
        body[field] = value;
        body
    };
    for (body, status, field) in [
        (body("Mini  CORP!", "new@other.example"), 400, "organization_name"),
        (body("其他", "new@other.example"), 400, "organization_name"),
        (body("other", "ADMIN@minicorp.example"), 400, "admin_email"),
        (with("organization_name", json!("x")), 422, "organization_name"),
        (with("organization_name", json!("x".repeat(256))), 422, "organization_name"),
        (with("admin_email", json!("a@b@c.example")), 422, "admin_email"),
        (with("admin_email", json!("\"a b\"@c.example")), 422, "admin_email"),
        (with("admin_password", json!("short")), 400, "admin_password"),
        (with("admin_password", json!("passwordpassword")), 400, "admin_password"),
        (with("admin_name", json!("")), 422, "admin_name"),
        (with("admin_name", json!(7)), 422, "admin_name"),
        (with("admin_name", Value::Null), 422, "admin_name"),
    ] {
        let answer = world.post("/api/auth/register", None, body.clone()).await;
        assert_eq!(
            (answer.status.as_u16(), answer.body["field"].as_str()),
            (status, Some(field)),
            "{body} {answer:?}"
        );
        assert_eq!(answer.headers["content-type"], "application/problem+json");
        assert!(!answer.body["detail"].as_str().unwrap().is_empty());
    }
    let answer = world.post("/api/auth/register", None, body("other", "other@other.example")).await;
    assert_eq!(answer.status, StatusCode::CREATED, "nothing of the refused ones is left: {answer:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn where_registration_is_closed_nobody_registers() {
    let world = World::with(Policy::default()).await;
    let answer = world.post("/api/auth/register", None, body("mini corp", "admin@minicorp.example")).await;
    assert_eq!(
        (answer.status, answer.body["code"].as_str()),
        (StatusCode::FORBIDDEN, Some("registration_closed"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bodies_that_are_not_what_they_should_be_are_told_apart() {
    let world = World::new().await;
    let send = |kind: &'static str, body: String| {
        let request =
            world.request(reqwest::Method::POST, "/api/auth/login").header("content-type", kind).body(body);
        world.send(request)
    };
    for (kind, body, status) in [
        ("text/plain", "{}".to_owned(), 415),
        ("application/json", "{".to_owned(), 400),
        ("application/json", "[]".to_owned(), 400),
        (
            "application/json",
            "{\"email\":\"a@b.example\",\"email\":\"c@d.example\",\"password\":\"x\"}".to_owned(),
            400,
        ),
        ("application/json", "{\"email\":\"a@b.example\"}".to_owned(), 422),
        ("application/json", format!("{{\"email\":\"{}\"}}", "a".repeat(70_000)), 413),
    ] {
        assert_eq!(send(kind, body.clone()).await.status.as_u16(), status, "{}", &body[..body.len().min(60)]);
    }
    assert_eq!(world.get("/api/auth/login", None).await.status, StatusCode::METHOD_NOT_ALLOWED);
    assert_eq!(world.get("/api/auth/nothing", None).await.status, StatusCode::NOT_FOUND);
}

#[tokio::test(flavor = "multi_thread")]
async fn fifty_parallel_registrations_of_one_name_make_one_organization() {
    let world = World::new().await;
    let all = (0..12).map(|n| {
        world.post("/api/auth/register", None, body("mini corp", &format!("a{n}@minicorp.example")))
    });
    let answers = futures_util::future::join_all(all).await;
    let made = answers.iter().filter(|answer| answer.status == StatusCode::CREATED).count();
    assert_eq!(made, 1, "{answers:?}");
}
