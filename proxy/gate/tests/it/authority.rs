//! Paths of our own, the plaintext listener, CORS and redirects.

use tenantry_directory::fixtures::{self, NOW};

use crate::world::{HOST, World, status};

#[tokio::test(flavor = "multi_thread")]
async fn our_paths_reach_the_authority_with_proof_and_nothing_of_the_clients() {
    let world = World::new().await;
    let lines =
        ["x-tenantry-gate: forged", "x-forwarded-for: 10.9.9.9", "x-forwarded-proto: http", "x-user-id: 1"];
    for path in ["/api/auth/login", "/api/auth/users/12", "/o/7/.well-known/jwks.json", "/-/login"] {
        assert_eq!(world.send("GET", path, &lines).await.0, 200, "{path}");
        let seen = world.authority.take();
        assert_eq!(seen.len(), 1);
        assert_eq!(seen[0].all("x-tenantry-gate"), ["proof-of-a-gate"]);
        assert_eq!(seen[0].all("x-forwarded-for"), ["127.0.0.1"]);
        assert_eq!(seen[0].all("x-forwarded-proto"), ["https"]);
        assert_eq!(seen[0].all("x-request-id").len(), 1);
        assert!(seen[0].all("x-user-id").is_empty());
    }
    world.nothing_reached_the_backend();
}

#[tokio::test(flavor = "multi_thread")]
async fn what_only_resembles_our_paths_is_nobodys() {
    let world = World::new().await;
    let bearer = crate::world::bearer();
    for path in [
        "/api/auth/elsewhere",
        "/API/auth/login",
        "/api/%61uth/login",
        "/internal/directory",
        "/Internal/x",
        "/-",
    ] {
        assert_eq!(world.send("GET", path, &[&bearer]).await.0, 404, "{path}");
    }
    world.nothing_reached_the_backend();
    assert!(world.authority.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn the_plain_listener_knows_loopback_names_and_no_cookies() {
    let world = World::new().await;
    let rebound =
        world.plain("GET /public/a HTTP/1.1\r\nhost: rebound.example\r\nconnection: close\r\n\r\n").await;
    assert_eq!(status(&rebound), 421);
    world.nothing_reached_the_backend();
    let cookie = format!("__Host-tenantry={}", fixtures::token(NOW));
    let by_cookie = world
        .plain(&format!(
            "GET /x HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\nconnection: close\r\n\r\n"
        ))
        .await;
    assert_eq!(status(&by_cookie), 401);
    world.authority.answer("HTTP/1.1 200 OK\r\ncontent-length: 0\r\nset-cookie: __Host-tenantry=x\r\n\r\n");
    let login = world.plain(&format!("POST /api/auth/login HTTP/1.1\r\nhost: localhost\r\ncookie: {cookie}\r\ncontent-length: 0\r\nconnection: close\r\n\r\n")).await;
    assert!(status(&login) == 200 && !login.contains("__Host-tenantry"), "{login}");
    assert!(world.authority.take()[0].all("cookie").is_empty());
    let page = world
        .plain("GET /-/login?return=%2Fx HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n")
        .await;
    assert!(
        status(&page) == 303 && page.contains("location: https://xdr.example.com/-/login?return=%2Fx"),
        "{page}"
    );
    let bearer = crate::world::bearer();
    let api = world
        .plain(&format!("GET /x HTTP/1.1\r\nhost: localhost\r\n{bearer}\r\nconnection: close\r\n\r\n"))
        .await;
    assert_eq!(status(&api), 200);
    assert_eq!(world.only().all("x-forwarded-proto"), ["http"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_front_end_on_another_origin_gets_its_preflight_and_sees_the_401() {
    let world = World::new().await;
    let preflight = [
        "origin: http://localhost:3000",
        "access-control-request-method: POST",
        "access-control-request-headers: content-type",
    ];
    let (status, answer) = world.send("OPTIONS", "/api/auth/login", &preflight).await;
    let answer = answer.to_lowercase();
    assert_eq!(status, 204);
    assert!(
        answer.contains("access-control-allow-origin: http://localhost:3000")
            && answer.contains("access-control-allow-headers: authorization, content-type"),
        "{answer}"
    );
    let (status, answer) = world.send("GET", "/x", &["origin: http://localhost:3000"]).await;
    assert!(
        status == 401 && answer.contains("access-control-allow-origin: http://localhost:3000"),
        "{answer}"
    );
    let (status, answer) = world.send("GET", "/x", &["origin: https://evil.example"]).await;
    assert!(status == 401 && !answer.contains("access-control-allow-origin"), "{answer}");
    let bearer = crate::world::bearer();
    let lines =
        ["origin: http://localhost:3000", "access-control-request-method: PUT", &bearer, "x-user-id: evil"];
    assert_eq!(world.send("OPTIONS", "/x", &lines).await.0, 200);
    let recorded = world.only();
    assert!(
        recorded.all("authorization").is_empty() && recorded.all("x-user-id").is_empty(),
        "{}",
        recorded.head
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_42_a_browser_is_sent_to_sign_in_and_back_to_this_host_alone() {
    let world = World::new().await;
    let html = "accept: text/html,*/*";
    let (status, answer) = world.send("GET", "/incidents?a=b", &[html]).await;
    assert!(
        status == 303 && answer.contains("location: /-/login?return=%2Fincidents%3Fa%3Db\r\n"),
        "{answer}"
    );
    let (status, answer) = world.send("GET", "/incidents", &[html, "cookie: __Host-tenantry=dead"]).await;
    assert!(
        status == 303 && answer.contains("location: /api/auth/refresh?return=%2Fincidents\r\n"),
        "{answer}"
    );
    assert_eq!(world.send("GET", "/incidents", &["accept: application/json"]).await.0, 401);
    assert_eq!(world.send("POST", "/incidents", &[html, "content-length: 0"]).await.0, 401);
    assert_eq!(world.send("GET", "/incidents", &[html, "sec-fetch-mode: cors"]).await.0, 401);
    let (_, answer) = world.send("GET", "//evil.example/x", &[html]).await;
    assert!(!answer.contains("location:"), "{answer}");
    let request =
        format!("GET https://{HOST}/x HTTP/1.1\r\nhost: {HOST}\r\n{html}\r\nconnection: close\r\n\r\n");
    assert!(world.raw(&request).await.contains("location: /-/login?return=%2Fx\r\n"));
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_say_how_it_stands() {
    let world = World::new().await;
    let (status, answer) = world.send("GET", "/-/healthz", &["user-agent: kube-probe/1.37"]).await;
    assert!(status == 200 && answer.ends_with("ok\n"), "{answer}");
    let (status, _) = world.send("GET", "/x", &["user-agent: kube-probe/1.37"]).await;
    assert_eq!(status, 401, "BYPASS 15: a probe's user agent opens nothing");
    let metrics = world.metrics().await;
    for name in [
        "tenantry_gate_requests_total",
        "tenantry_gate_directory_version 1",
        "tenantry_gate_directory_fresh",
        "tenantry_gate_request_duration_seconds_bucket",
    ] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
}
