//! Messages that both sides may send and that a proxy has to carry, or end, as they are.

use std::time::Duration;

use tenantry_directory::{ChangeState, Timestamp, fixtures};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::{HOST, World, bearer, status};

#[tokio::test(flavor = "multi_thread")]
async fn a_body_in_chunks_reaches_the_backend_whatever_the_method() {
    let world = World::new().await;
    for method in ["POST", "PUT", "PATCH", "DELETE", "GET"] {
        let request = format!(
            "{method} /public/a HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\ntransfer-encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"
        );
        assert_eq!(status(&world.raw(&request).await), 200, "{method}");
        let recorded = world.only();
        assert!(String::from_utf8_lossy(&recorded.body).contains("hello"), "{method}: {recorded:?}");
        assert_eq!(recorded.all("transfer-encoding").len() + recorded.all("content-length").len(), 1);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_without_a_body_end_where_they_end() {
    let world = World::new().await;
    for (method, answer, expected) in [
        ("HEAD", "HTTP/1.1 200 OK\r\ncontent-length: 1234\r\n\r\n", "content-length: 1234"),
        ("GET", "HTTP/1.1 204 No Content\r\n\r\n", "204"),
        ("GET", "HTTP/1.1 304 Not Modified\r\ncontent-length: 77\r\netag: \"a\"\r\n\r\n", "etag: \"a\""),
        (
            "GET",
            "HTTP/1.1 103 Early Hints\r\nlink: </a>\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok",
            "200",
        ),
    ] {
        world.backend.answer(answer);
        for _ in 0..2 {
            let (_, text) = world.send(method, "/public/a", &[]).await;
            assert!(text.contains(expected), "{answer:?}: {text}");
        }
    }
    assert_eq!(*world.backend.connections.lock().unwrap(), 1, "each left its connection usable");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_16_a_backend_that_switches_protocols_unasked_is_a_502() {
    let world = World::new().await;
    world.backend.answer("HTTP/1.1 101 Switching Protocols\r\nupgrade: evil\r\nconnection: upgrade\r\n\r\nHTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\nevil");
    let (status, answer) = world.send("GET", "/public/a", &[]).await;
    assert!(status == 502 && !answer.contains("evil"), "{answer}");
    world.backend.answer("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok");
    let (status, answer) = world.send("GET", "/public/a", &[]).await;
    assert!(status == 200 && answer.ends_with("ok"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn answers_of_two_lengths_never_reach_a_client() {
    let world = World::new().await;
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 2\r\ncontent-length: 3\r\n\r\nabc",
        "HTTP/1.1 200 OK\r\ncontent-length: x\r\n\r\nabc",
    ] {
        world.backend.answer(answer);
        assert_eq!(world.send("GET", "/public/a", &[]).await.0, 502, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_31_a_busy_answer_is_cut_as_well_as_a_quiet_one() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let world = World::with(|snapshot| snapshot.backend.upstream.address = address).await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert_ne!(stream.read(&mut head).await.unwrap(), 0);
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 100000000000\r\n\r\n").await.unwrap();
        let part = vec![b'a'; 256 * 1024];
        while stream.write_all(&part).await.is_ok() {}
    });
    let mut client = world.connect().await;
    let request = format!("GET /x HTTP/1.1\r\nhost: {HOST}\r\n{}\r\n\r\n", bearer());
    client.write_all(request.as_bytes()).await.unwrap();
    let mut part = vec![0; 64 * 1024];
    client.read_exact(&mut part).await.unwrap();
    let (id, until) = (fixtures::SESSION, Timestamp::from_secs(1_999_999_999));
    world.change("session", &id.to_string(), ChangeState::Session { id, until }).await;
    // Slower than the backend, so that the gate always has more to give.
    let reading = async {
        loop {
            match client.read(&mut part).await {
                Ok(0) | Err(_) => return,
                Ok(_) => tokio::time::sleep(Duration::from_millis(4)).await,
            }
        }
    };
    assert!(tokio::time::timeout(Duration::from_secs(3), reading).await.is_ok(), "the answer went on");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_31_an_answer_that_begins_after_its_caller_was_taken_back_is_withheld() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let world = World::with(|snapshot| snapshot.backend.upstream.address = address).await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert_ne!(stream.read(&mut head).await.unwrap(), 0);
        tokio::time::sleep(Duration::from_millis(900)).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 6\r\n\r\nsecret").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let bearer = bearer();
    let lines = [bearer.as_str()];
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(200)).await;
        let (id, until) = (fixtures::SESSION, Timestamp::from_secs(1_999_999_999));
        world.change("session", &id.to_string(), ChangeState::Session { id, until }).await;
    };
    let ((status, answer), ()) = tokio::join!(world.send("GET", "/x", &lines), revoke);
    assert!(status == 401 && !answer.contains("secret"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_6_no_header_changes_the_method_that_was_matched() {
    let world = World::new().await;
    for name in ["x-http-method-override", "X_HTTP_Method_Override", "x-http-method", "x-method-override"] {
        let lines = [bearer(), format!("{name}: DELETE")];
        let lines: Vec<&str> = lines.iter().map(String::as_str).collect();
        assert_eq!(world.send("POST", "/x", &lines).await.0, 200);
        assert!(!world.only().head.contains("DELETE"), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_text_where_names_are_expected_is_unclear() {
    let world = World::new().await;
    for (name, before) in
        [("authorization", bearer()), ("connection", "connection: x-organization-id".to_owned())]
    {
        let mut client = world.connect().await;
        let mut request = format!("GET /public/a HTTP/1.1\r\nhost: {HOST}\r\n{before}").into_bytes();
        request.extend_from_slice(b"\xff\r\n\r\n");
        client.write_all(&request).await.unwrap();
        let mut answer = [0; 12];
        client.read_exact(&mut answer).await.unwrap();
        assert_eq!(&answer, b"HTTP/1.1 400", "{name}");
    }
    world.nothing_reached_the_backend();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_with_its_own_credential_is_told_and_not_sent_round() {
    let world = World::new().await;
    let lines = ["accept: text/html", "authorization: Basic YTpi", "cookie: __Host-tenantry=a.b.c"];
    let (status, answer) = world.send("GET", "/x", &lines).await;
    assert!(status == 401 && answer.contains("www-authenticate: Bearer\r\n"), "{answer}");
}
