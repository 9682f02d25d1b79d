use axum::body::Body;
use secrecy::ExposeSecret as _;

use super::*;

#[derive(Debug)]
struct Login {
    email: String,
    password: SecretString,
    remember: Option<bool>,
}

impl FromFields for Login {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            email: fields.text("email")?,
            password: fields.secret("password")?,
            remember: fields.optional_flag("remember")?,
        })
    }
}

async fn json(content_type: &str, body: impl Into<Body>) -> Result<Login, Problem> {
    let request = Request::post("/").header("content-type", content_type).body(body.into()).unwrap();
    JsonBody::from_request(request, &()).await.map(|JsonBody(login)| login)
}

#[tokio::test]
async fn a_body_is_read_and_fields_nobody_asked_for_are_ignored() {
    let body = r#"{"email": " a@b.example ", "password": " p ", "remember": true, "client": {"os": []}}"#;
    let login = json("application/json; charset=utf-8", body).await.unwrap();
    assert_eq!(
        (login.email.as_str(), login.password.expose_secret(), login.remember),
        ("a@b.example", " p ", Some(true))
    );
}

#[tokio::test]
async fn a_wrong_body_is_refused_with_the_field_named_and_no_value_repeated() {
    for (content_type, body, status, code, field) in [
        ("text/plain", "{}", 415, "unsupported_media_type", None),
        ("", "{}", 415, "unsupported_media_type", None),
        ("application/json", "", 400, "invalid_json", None),
        ("application/json", "[31337]", 400, "invalid_json", None),
        ("application/json", r#"{"email": 31337"#, 400, "invalid_json", None),
        ("application/json", r#"{"password": "31337", "password": "31337"}"#, 400, "invalid_json", None),
        (
            "application/json",
            r#"{"email": "a", "email\u0000": "31337"}"#,
            422,
            "invalid_field",
            Some("password"),
        ),
        ("application/json", r#"{"password": "31337"}"#, 422, "invalid_field", Some("email")),
        ("application/json", r#"{"email": "a", "password": 31337}"#, 422, "invalid_field", Some("password")),
        ("application/json", r#"{"email": "a", "password": null}"#, 422, "invalid_field", Some("password")),
        (
            "application/json",
            r#"{"email": "a\u0000", "password": "31337"}"#,
            422,
            "invalid_field",
            Some("email"),
        ),
        (
            "application/json",
            r#"{"email": "a", "password": "31337", "remember": "yes"}"#,
            422,
            "invalid_field",
            Some("remember"),
        ),
    ] {
        let problem = json(content_type, body).await.unwrap_err();
        assert_eq!(
            (problem.status().as_u16(), problem.code(), problem.field()),
            (status, code, field),
            "{body}"
        );
        assert!(!problem.detail().contains("31337"), "{}", problem.detail());
    }
}

#[tokio::test]
async fn a_body_past_64_kib_is_refused() {
    let body = format!(r#"{{"email": "a", "password": "p", "pad": "{}"}}"#, "x".repeat(MAX_BODY));
    assert_eq!(json("application/json", body).await.unwrap_err().status(), StatusCode::PAYLOAD_TOO_LARGE);
}

#[tokio::test]
async fn a_deeply_nested_body_is_refused_without_harm() {
    let body = format!(r#"{{"email": {}"#, "[".repeat(20_000));
    assert_eq!(json("application/json", body).await.unwrap_err().code(), "invalid_json");
}

#[tokio::test]
async fn a_form_gives_the_same_fields() {
    let request = |body: &'static str| {
        Request::post("/")
            .header("content-type", "application/x-www-form-urlencoded")
            .body(Body::from(body))
            .unwrap()
    };
    let FormBody(login) =
        FormBody::<Login>::from_request(request("email=a%40b.example&password=p+q%26&next="), &())
            .await
            .unwrap();
    assert_eq!((login.email.as_str(), login.password.expose_secret()), ("a@b.example", "p q&"));
    let problem = FormBody::<Login>::from_request(request("email=a&email=b&password=p"), &())
        .await
        .map(|_| ())
        .unwrap_err();
    assert_eq!(problem.code(), "invalid_form");
}
