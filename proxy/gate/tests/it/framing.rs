//! BYPASS 17: messages whose end two readers see in different places; and limits.

use crate::world::{HOST, World, bearer, status};

#[tokio::test(flavor = "multi_thread")]
async fn bypass_17_ambiguous_framing_is_refused() {
    let world = World::new().await;
    for (name, request) in [
        (
            "CL and TE",
            "POST /public/a HTTP/1.1\r\nhost: H\r\ncontent-length: 3\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n",
        ),
        (
            "TE and CL",
            "POST /public/a HTTP/1.1\r\nhost: H\r\ntransfer-encoding: chunked\r\ncontent-length: 3\r\n\r\n0\r\n\r\n",
        ),
        ("two CL", "POST /public/a HTTP/1.1\r\nhost: H\r\ncontent-length: 1\r\ncontent-length: 1\r\n\r\nx"),
        ("CL list", "POST /public/a HTTP/1.1\r\nhost: H\r\ncontent-length: 1, 1\r\n\r\nx"),
        ("signed CL", "POST /public/a HTTP/1.1\r\nhost: H\r\ncontent-length: +1\r\n\r\nx"),
        (
            "TE gzip",
            "POST /public/a HTTP/1.1\r\nhost: H\r\ntransfer-encoding: gzip, chunked\r\n\r\n0\r\n\r\n",
        ),
        ("TE tab", "POST /public/a HTTP/1.1\r\nhost: H\r\ntransfer-encoding : chunked\r\n\r\n0\r\n\r\n"),
        ("TE on 1.0", "POST /public/a HTTP/1.0\r\nhost: H\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n"),
        ("two hosts", "GET /public/a HTTP/1.1\r\nhost: H\r\nhost: H\r\n\r\n"),
        ("no host", "GET /public/a HTTP/1.1\r\nconnection: close\r\n\r\n"),
        ("bare LF", "GET /public/a HTTP/1.1\nhost: H\n\n\r\n\r\n"),
        ("folded", "GET /public/a HTTP/1.1\r\nhost: H\r\nx: a\r\n b\r\n\r\n"),
        ("space before colon", "GET /public/a HTTP/1.1\r\nhost : H\r\n\r\n"),
    ] {
        let answer = world.raw(&request.replace("host: H", &format!("host: {HOST}"))).await;
        assert_eq!(status(&answer), 400, "{name}: {answer}");
        world.nothing_reached_the_backend();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_17_what_follows_a_refused_message_is_never_a_request() {
    let world = World::new().await;
    let request = format!(
        "POST /public/a HTTP/1.1\r\nhost: {HOST}\r\ncontent-length: 6\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\nGET /public/smuggled HTTP/1.1\r\nhost: {HOST}\r\n\r\n"
    );
    let answer = world.raw(&request).await;
    assert_eq!(answer.matches("HTTP/1.1 ").count(), 1, "{answer}");
    world.nothing_reached_the_backend();
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_16_18_connect_trace_and_upgrades_are_refused() {
    let world = World::new().await;
    for (request, expected) in [
        ("CONNECT evil.example:80 HTTP/1.1\r\nhost: evil.example:80\r\n\r\n", 405),
        ("TRACE /public/a HTTP/1.1\r\nhost: H\r\nconnection: close\r\n\r\n", 405),
        (
            "GET /public/a HTTP/1.1\r\nhost: H\r\nconnection: upgrade\r\nupgrade: h2c\r\n\r\nGET /admin/x HTTP/1.1\r\nhost: H\r\nconnection: close\r\n\r\n",
            501,
        ),
    ] {
        let answer = world.raw(&request.replace("host: H", &format!("host: {HOST}"))).await;
        assert_eq!(status(&answer), expected, "{request}");
        world.nothing_reached_the_backend();
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn heads_and_bodies_beyond_the_limits_are_refused() {
    let world = World::new().await;
    let long = format!("x-long: {}", "a".repeat(40 * 1024));
    assert_eq!(world.send("GET", "/public/a", &[&long]).await.0, 431);
    let many: Vec<String> = (0..120).map(|n| format!("x-{n}: a")).collect();
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert_eq!(world.send("GET", "/public/a", &many).await.0, 431);
    assert_eq!(world.send("POST", "/public/a", &["content-length: 2000000"]).await.0, 413);
    world.nothing_reached_the_backend();
    let chunk = "a".repeat(0x10000);
    let mut request = format!(
        "POST /x HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n{}\r\ntransfer-encoding: chunked\r\n\r\n",
        bearer()
    );
    for _ in 0..20 {
        request.extend(["10000\r\n", &chunk, "\r\n"]);
    }
    assert_eq!(status(&world.raw(&(request + "0\r\n\r\n")).await), 413);
    world.nothing_reached_the_backend();
}
