//! The life of connections: slow heads, pipelines, another certificate, streams side by side, the end of a gate.

use std::fs;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bytes::Bytes;
use http::Request;
use tenantry_directory::fixtures::{self, NOW};
use tenantry_gate::{AuthorityEndpoint, Connecting, Credential, Gate, GateClock, GateConfig, TlsSource};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};

use crate::world::{HOST, World, bearer, exchange, status};

const MUCH: usize = 64 << 20;

#[tokio::test(flavor = "multi_thread")]
async fn a_head_that_takes_too_long_is_a_408_and_an_idle_connection_ends() {
    let world = World::with(|snapshot| {
        snapshot.backend.limits.header_read = Duration::from_millis(400);
        snapshot.backend.limits.idle = Duration::from_millis(1200);
    })
    .await;
    let begun = Instant::now();
    let answer = world.raw(&format!("GET /public/a HTTP/1.1\r\nhost: {HOST}\r\nx-slow: ")).await;
    assert_eq!(status(&answer), 408);
    assert_eq!(world.raw("").await, "", "an idle connection ends without a word");
    assert!(begun.elapsed() < Duration::from_secs(4));
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_17_a_bad_message_in_a_pipeline_is_answered_after_the_good_one() {
    let world = World::new().await;
    let good = format!("GET /public/a HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    let bad = "GET /public/b HTTP/1.1\r\nhost: x\r\nhost: y\r\n\r\n";
    let answer = world.raw(&format!("{good}{bad}{good}")).await;
    let statuses: Vec<u16> =
        answer.split("HTTP/1.1 ").skip(1).map(|part| part[..3].parse().unwrap()).collect();
    assert_eq!(statuses, [200, 400], "{answer}");
    assert_eq!(world.backend.take().len(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_20_no_request_is_answered_by_what_was_found_for_another_token() {
    let world = World::new().await;
    let mine = fixtures::token(NOW);
    let mut claims = fixtures::claims(NOW);
    claims.organization_id = fixtures::OTHER_ORGANIZATION;
    claims.organization_slug = "other-corp".into();
    claims.iss = claims.iss.replace("/o/7", "/o/8");
    let theirs = fixtures::other_key().token(&claims);
    for _ in 0..3 {
        for (token, organization) in [(&mine, "7"), (&theirs, "8")] {
            let line = format!("authorization: Bearer {token}");
            assert_eq!(world.send("GET", "/x", &[&line]).await.0, 200);
            assert_eq!(world.only().all("x-organization-id"), [organization]);
        }
    }
    // What is not to the letter a token that was verified is judged anew.
    let (body, _) = mine.rsplit_once('.').unwrap();
    let mixed = format!("{body}.{}", theirs.rsplit_once('.').unwrap().1);
    for token in [format!("{mine}="), format!("{mine}A"), mine[..mine.len() - 1].to_owned(), mixed] {
        let line = format!("authorization: Bearer {token}");
        assert_eq!(world.send("GET", "/x", &[&line]).await.0, 401, "{token}");
    }
    world.nothing_reached_the_backend();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_certificate_serves_new_connections_and_leaves_the_old_ones() {
    let world = World::new().await;
    let mut standing = world.connect().await;
    let (folder, other) = (world.folder.path().join("tls"), World::new().await);
    let gate = world.gate.as_ref().unwrap();
    let presented = |stream: &tokio_rustls::client::TlsStream<TcpStream>| {
        stream.get_ref().1.peer_certificates().unwrap()[0].to_vec()
    };
    let first = presented(&standing);

    fs::write(folder.join("tls.crt"), "no certificate").unwrap();
    assert!(gate.reload_tls().is_err());
    assert_eq!(presented(&world.connect().await), first, "a bad pair is refused and the old one serves on");

    for name in ["tls.crt", "tls.key"] {
        fs::copy(other.folder.path().join("tls").join(name), folder.join(name)).unwrap();
    }
    gate.reload_tls().unwrap();
    assert_ne!(presented(&other.connect_to(world.tls_address()).await), first);
    let request = format!("GET /public/a HTTP/1.1\r\nhost: {HOST}\r\nconnection: close\r\n\r\n");
    standing.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    standing.read_to_end(&mut answer).await.unwrap();
    assert_eq!(status(&String::from_utf8_lossy(&answer)), 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_of_one_stream_slows_the_backend_down_and_no_other_stream() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let world = World::with(|snapshot| snapshot.backend.upstream.address = address).await;
    let sent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert_ne!(stream.read(&mut head).await.unwrap(), 0);
        let head = format!("HTTP/1.1 200 OK\r\ncontent-length: {MUCH}\r\n\r\n");
        stream.write_all(head.as_bytes()).await.unwrap();
        let (mut sent, part) = (0, vec![b'a'; 64 * 1024]);
        while sent < MUCH {
            match tokio::time::timeout(Duration::from_millis(700), stream.write(&part)).await {
                Ok(count) => sent += count.unwrap(),
                Err(_) => break,
            }
        }
        sent
    });
    let (mut client, _) = world.connect_h2().await;
    let token = bearer();
    let get = |path: &str| {
        let builder = Request::get(format!("https://{HOST}{path}"));
        builder.header("authorization", token.trim_start_matches("authorization: ")).body(()).unwrap()
    };
    let (unread, _) = client.send_request(get("/x"), true).unwrap();
    let unread = unread.await.unwrap();
    let sent = sent.await.unwrap();
    assert!(sent < MUCH / 2, "the backend could send {sent} bytes that nobody read");
    let (health, _) = client.send_request(get("/-/healthz"), true).unwrap();
    assert_eq!(health.await.unwrap().status(), 200);
    drop(unread);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_streams_end_and_tells_clients_to_go_elsewhere() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let mut world = World::with(|snapshot| snapshot.backend.upstream.address = address).await;
    tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert_ne!(stream.read(&mut head).await.unwrap(), 0);
        tokio::time::sleep(Duration::from_millis(500)).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").await.unwrap();
        tokio::time::sleep(Duration::from_secs(5)).await;
    });
    let (mut client, ended) = world.connect_h2().await;
    let request = || Request::get(format!("https://{HOST}/public/a")).body(()).unwrap();
    let (slow, _) = client.send_request(request(), true).unwrap();
    tokio::time::sleep(Duration::from_millis(150)).await;
    let draining = tokio::spawn(world.gate.take().unwrap().drain(Duration::from_secs(5)));
    let mut body = slow.await.unwrap().into_body();
    assert_eq!(body.data().await.unwrap().unwrap(), Bytes::from_static(b"done"));
    assert_eq!(draining.await.unwrap().cut, 0);
    ended.await.unwrap();
    assert!(client.ready().await.is_err(), "the connection takes no more requests");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_that_leaves_ends_each_connection_with_its_next_answer_and_serves_who_still_comes() {
    let world = World::new().await;
    let request = format!("GET /public/a HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    let mut resting = world.connect().await;
    resting.write_all(request.as_bytes()).await.unwrap();
    let mut part = [0; 4096];
    let count = resting.read(&mut part).await.unwrap();
    let first = String::from_utf8_lossy(&part[..count]).to_ascii_lowercase();
    assert!(first.starts_with("http/1.1 200") && !first.contains("connection: close"), "{first}");
    let (http2, ended) = world.connect_h2().await;

    let gate = world.gate.as_ref().unwrap();
    gate.leave();
    // One that was in use before and one that is new: an answer each, and then the end.
    for answer in [exchange(&mut resting, request.as_bytes()).await, world.raw(&request).await] {
        let answer = answer.to_ascii_lowercase();
        assert!(answer.starts_with("http/1.1 200") && answer.contains("connection: close"), "{answer}");
    }
    ended.await.unwrap();
    assert!(http2.ready().await.is_err(), "the connection takes no more requests");
    assert_eq!(world.h2("GET", "/public/a", &[]).await.unwrap(), 200, "a new one is served");
    let health = world.raw(&format!("GET /-/healthz HTTP/1.1\r\nhost: {HOST}\r\n\r\n")).await;
    assert_eq!(status(&health), 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_does_not_end_by_the_deadline_is_cut() {
    let mut world = World::new().await;
    world.backend.answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    let mut client = world.connect().await;
    let request = format!("GET /public/a HTTP/1.1\r\nhost: {HOST}\r\n\r\n");
    client.write_all(request.as_bytes()).await.unwrap();
    let mut part = [0; 16];
    client.read_exact(&mut part).await.unwrap();
    let begun = Instant::now();
    assert_eq!(world.gate.take().unwrap().drain(Duration::from_millis(300)).await.cut, 1);
    assert!(begun.elapsed() < Duration::from_secs(2));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_gate_without_a_directory_lets_nobody_in_and_says_that_it_is_not_ready() {
    let folder = tempfile::tempdir().unwrap();
    let gate = Gate::start(GateConfig {
        listen: vec![],
        plain: vec![([127, 0, 0, 1], 0).into()],
        admin: Some(([127, 0, 0, 1], 0).into()),
        tls: TlsSource::Folder { folder: folder.path().join("tls"), names: vec![] },
        workers: 1,
        authority: AuthorityEndpoint {
            address: "127.0.0.1:1".to_owned(),
            tls: None,
            credential: Credential::fixed("proof").unwrap(),
        },
        directory: Arc::new(|_| -> Connecting { Box::pin(std::future::pending()) }),
        assertion_folder: None,
        clock: GateClock::system(),
    })
    .unwrap();
    assert!(!gate.wait_ready(Duration::from_millis(50)).await);
    let (plain, admin) = (gate.addresses().plain[0], gate.addresses().admin.unwrap());
    for (address, path, expected) in [
        (plain, "/-/healthz", 503),
        (plain, "/public/a", 503),
        (admin, "/healthz", 200),
        (admin, "/readyz", 503),
    ] {
        let mut client = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: localhost\r\nconnection: close\r\n\r\n");
        client.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).await.unwrap();
        assert_eq!(status(&answer), expected, "{path}: {answer}");
    }
}

/// Reads until the gate closes; whether it did in time.
async fn is_closed(stream: &mut (impl tokio::io::AsyncRead + Unpin)) -> bool {
    let reading = async {
        let mut part = [0; 1024];
        while stream.read(&mut part).await.is_ok_and(|count| count > 0) {}
    };
    tokio::time::timeout(Duration::from_secs(5), reading).await.is_ok()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_silent_http2_client_does_not_keep_its_connection() {
    let world = World::with(|snapshot| {
        snapshot.backend.limits.header_read = Duration::from_millis(400);
        snapshot.backend.limits.idle = Duration::from_millis(600);
    })
    .await;
    let mut without_preface = world.connect_h2_silent().await;
    assert!(is_closed(&mut without_preface).await, "without a preface");
    let mut without_pong = world.connect_h2_silent().await;
    // The preface and empty SETTINGS (RFC 9113, section 3.4); the ping that follows stays without an answer.
    without_pong.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n\0\0\0\x04\0\0\0\0\0").await.unwrap();
    without_pong.flush().await.unwrap();
    assert!(is_closed(&mut without_pong).await, "without an answer to the last ping");
}

#[tokio::test(flavor = "multi_thread")]
async fn too_many_headers_are_refused_over_http2_too() {
    let world = World::new().await;
    let names: Vec<String> = (0..120).map(|n| format!("x-{n}")).collect();
    let headers: Vec<(&str, &str)> = names.iter().map(|name| (name.as_str(), "a")).collect();
    assert_eq!(world.h2("GET", "/public/a", &headers).await.unwrap(), 431);
    world.nothing_reached_the_backend();
}

/// Length, type, flags and stream of an HTTP/2 frame, then its payload.
fn frame(kind: u8, flags: u8, stream: u8, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags, 0, 0, 0, stream], payload].concat()
}

/// A preface, SETTINGS, and one GET of this path, as bytes (RFC 9113, RFC 7541).
fn get_over_http2(path: &str) -> Vec<u8> {
    let literal =
        |index: u8, text: &str| [&[index, u8::try_from(text.len()).unwrap()], text.as_bytes()].concat();
    // :method GET and :scheme https by index, :authority and :path as literals.
    let head = [vec![0x82, 0x87], literal(0x01, HOST), literal(0x04, path)].concat();
    [b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(), frame(4, 0, 0, b""), frame(1, 5, 1, &head)].concat()
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_14_a_path_without_a_leading_slash_reaches_nobody_over_http2() {
    let world = World::new().await;
    for path in ["public/a", "?/public/a", "admin/x", "/public/a"] {
        let mut stream = world.connect_h2_silent().await;
        stream.write_all(&get_over_http2(path)).await.unwrap();
        stream.flush().await.unwrap();
        tokio::time::sleep(Duration::from_millis(300)).await;
        // With the slash the same bytes are a request, which shows that they are well made.
        let expected = if path.starts_with('/') { vec!["GET /public/a HTTP/1.1".to_owned()] } else { vec![] };
        let seen: Vec<String> = world.backend.take().iter().map(|one| one.line().to_owned()).collect();
        assert_eq!(seen, expected, "{path}");
    }
}
