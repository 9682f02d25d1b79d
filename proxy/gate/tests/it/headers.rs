//! BYPASS 1-7, 37, 38: identity headers in any spelling, `Connection`, trailers, forwarded headers, cookies.

use crate::world::{HOST, World, bearer, status};

const OURS: [(&str, &str); 8] = [
    ("x-organization-id", "7"),
    ("x-organization-slug", "mini-corp"),
    ("x-organization-name", "mini%20corp"),
    ("x-user-id", "42"),
    ("x-user-email", "ann@minicorp.example"),
    ("x-user-email-verified", "true"),
    ("x-user-name", "Ann%20%C3%85ngstr%C3%B6m"),
    ("x-user-role", "analyst"),
];

fn assert_identity(recorded: &crate::world::Recorded) {
    for (name, value) in OURS {
        assert_eq!(recorded.all(name), [value], "{name}: {}", recorded.head);
    }
    assert_eq!(recorded.all("x-tenantry-assertion").len(), 1);
    assert!(!recorded.head.contains("evil"), "{}", recorded.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_1_2_3_4_no_spelling_of_an_identity_header_reaches_the_backend() {
    let world = World::new().await;
    let (bearer, token) = (bearer(), tenantry_directory::fixtures::token(tenantry_directory::fixtures::NOW));
    for name in [
        "x_organization_id",
        "X-ORGANIZATION.ID",
        "X-Organization-Id",
        "x-organization-id",
        "XOrganizationId",
        "x_user_role",
        "X.User.Email",
        "x-tenantry-assertion",
        "X_Tenantry_Assertion",
        "x-session-id",
        "x-request-id",
    ] {
        let line = format!("{name}: evil, evil2");
        let (status, _) = world.send("GET", "/x", &[&bearer, &line, &line]).await;
        assert_eq!(status, 200, "{name}");
        assert_identity(&world.only());
        let lower = name.to_lowercase();
        let authorization = format!("Bearer {token}");
        let sent =
            [("authorization", authorization.as_str()), (lower.as_str(), "evil"), (lower.as_str(), "evil")];
        assert_eq!(world.h2("GET", "/x", &sent).await.unwrap(), 200, "{name}");
        assert_identity(&world.only());
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_1_an_anonymous_request_carries_no_identity_of_its_own() {
    let world = World::new().await;
    let lines = ["x-organization-id: evil", "x_user_id: evil", "x-tenantry-gate: evil", "x-user.role: evil"];
    assert_eq!(world.send("GET", "/public/a", &lines).await.0, 200);
    let recorded = world.only();
    assert!(!recorded.head.contains("evil"), "{}", recorded.head);
    assert!(recorded.all("x-user-id").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_5_connection_may_not_name_one_of_ours() {
    let world = World::new().await;
    let bearer = bearer();
    for named in ["X-Organization-Id", "x_user_id", "Authorization", "X-Forwarded-For", "cookie"] {
        let request = format!(
            "GET /x HTTP/1.1\r\nhost: {HOST}\r\n{bearer}\r\nconnection: close\r\nconnection: {named}\r\n\r\n"
        );
        assert_eq!(status(&world.raw(&request).await), 400, "{named}");
        world.nothing_reached_the_backend();
    }
    let request = format!(
        "GET /x HTTP/1.1\r\nhost: {HOST}\r\n{bearer}\r\nconnection: x-first\r\nconnection: close, x-second\r\nx-first: evil\r\nx-second: evil\r\n\r\n"
    );
    assert_eq!(status(&world.raw(&request).await), 200);
    assert_identity(&world.only());
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_4_trailers_do_not_reach_the_backend() {
    let world = World::new().await;
    let bearer = bearer();
    let request = format!(
        "POST /x HTTP/1.1\r\nhost: {HOST}\r\n{bearer}\r\nconnection: close\r\ntransfer-encoding: chunked\r\ntrailer: x-organization-id\r\n\r\n3\r\nabc\r\n0\r\nx-organization-id: evil\r\n\r\n"
    );
    assert_eq!(status(&world.raw(&request).await), 200);
    let recorded = world.only();
    assert_identity(&recorded);
    assert!(!String::from_utf8_lossy(&recorded.body).contains("evil"));
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_6_7_37_forwarded_headers_are_the_gates_own() {
    let world = World::new().await;
    let lines = [
        "x-forwarded-for: 10.9.9.9",
        "x-forwarded-proto: evil",
        "x-forwarded-host: evil",
        "x-forwarded-prefix: /evil",
        "x-forwarded-uri: /evil",
        "x-original-url: /evil",
        "forwarded: for=evil",
        "x-real-ip: evil",
    ];
    assert_eq!(world.send("GET", "/public/a", &lines).await.0, 200);
    let recorded = world.only();
    assert_eq!(recorded.all("x-forwarded-for"), ["127.0.0.1"]);
    assert_eq!(recorded.all("x-forwarded-proto"), ["https"]);
    assert_eq!(recorded.all("x-forwarded-host"), [HOST]);
    assert!(!recorded.head.contains("evil") && !recorded.head.contains("10.9.9.9"), "{}", recorded.head);
}

#[tokio::test(flavor = "multi_thread")]
async fn our_credential_and_cookies_stay_at_the_gate() {
    let world = World::new().await;
    let token = tenantry_directory::fixtures::token(tenantry_directory::fixtures::NOW);
    let cookie = format!("cookie: app=1; __Host-tenantry={token}; __Secure-tenantry-refresh=secret");
    let (status, answer) = world.send("GET", "/x", &[&cookie]).await;
    assert_eq!(status, 200);
    let recorded = world.only();
    assert_identity(&recorded);
    assert_eq!(recorded.all("cookie"), ["app=1"]);
    assert!(!recorded.head.contains(&token) && !recorded.head.contains("secret"));
    let answer = answer.to_lowercase();
    assert!(
        answer.contains("cache-control: private") && answer.contains("vary: cookie"),
        "BYPASS 20: {answer}"
    );
    assert_eq!(world.send("GET", "/x", &[&bearer()]).await.0, 200);
    assert!(world.only().all("authorization").is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_38_the_backend_cannot_plant_a_session() {
    let world = World::new().await;
    world.backend.answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: __Host-tenantry=planted; Path=/; Secure\r\nset-cookie: app=1\r\n\r\n");
    let (_, answer) = world.send("GET", "/public/a", &[]).await;
    assert!(answer.contains("app=1") && !answer.contains("planted"), "{answer}");
}
