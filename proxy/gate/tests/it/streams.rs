//! Streaming both ways with back-pressure, connections that are used again, and the end of a gate.

use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpListener;

use crate::world::{HOST, World, bearer, status};

/// More than all buffers on the way can hold.
const MUCH: usize = 64 << 20;

/// A backend of one connection, in the test's hands.
async fn backend() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap().to_string();
    (listener, address)
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_reader_slows_the_backend_down() {
    let (listener, address) = backend().await;
    let world = World::with(|snapshot| snapshot.backend.upstream.address = address).await;
    let sent = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        stream
            .write_all(format!("HTTP/1.1 200 OK\r\ncontent-length: {MUCH}\r\n\r\n").as_bytes())
            .await
            .unwrap();
        let (mut sent, part) = (0, vec![b'a'; 64 * 1024]);
        while sent < MUCH {
            match tokio::time::timeout(Duration::from_millis(700), stream.write(&part)).await {
                Ok(count) => sent += count.unwrap(),
                Err(_) => break,
            }
        }
        sent
    });
    let mut client = world.connect().await;
    let request = format!("GET /x HTTP/1.1\r\nhost: {HOST}\r\n{}\r\n\r\n", bearer());
    client.write_all(request.as_bytes()).await.unwrap();
    let sent = sent.await.unwrap();
    assert!(sent < MUCH / 2, "the backend could send {sent} bytes that nobody read");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_slow_backend_slows_the_client_down() {
    let (listener, address) = backend().await;
    let world = World::with(|snapshot| {
        snapshot.backend.upstream.address = address;
        snapshot.backend.limits.body_bytes = 1 << 30;
    })
    .await;
    let mut client = world.connect().await;
    let request =
        format!("POST /x HTTP/1.1\r\nhost: {HOST}\r\n{}\r\ncontent-length: {MUCH}\r\n\r\n", bearer());
    client.write_all(request.as_bytes()).await.unwrap();
    let held = tokio::spawn(async move { listener.accept().await.unwrap() });
    let (mut sent, part) = (0, vec![b'a'; 64 * 1024]);
    while sent < MUCH {
        match tokio::time::timeout(Duration::from_millis(700), client.write(&part)).await {
            Ok(count) => sent += count.unwrap(),
            Err(_) => break,
        }
    }
    assert!(sent < MUCH / 2, "the client could send {sent} bytes that nobody read");
    drop(held.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_to_the_backend_are_used_again() {
    let world = World::new().await;
    for _ in 0..10 {
        assert_eq!(world.send("GET", "/public/a", &[]).await.0, 200);
    }
    assert_eq!(*world.backend.connections.lock().unwrap(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_closes_idle_connections_costs_no_request() {
    let (listener, address) = backend().await;
    let world = World::with(|snapshot| snapshot.backend.upstream.address = address).await;
    tokio::spawn(async move {
        // Answers one request a connection, promises to go on, and closes.
        while let Ok((mut stream, _)) = listener.accept().await {
            let mut head = [0; 4096];
            if stream.read(&mut head).await.is_ok() {
                stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\nok").await.unwrap();
            }
        }
    });
    for _ in 0..20 {
        assert_eq!(world.send("GET", "/public/a", &[]).await.0, 200);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_not_there_is_a_502_and_one_that_is_silent_a_504() {
    let (listener, address) = backend().await;
    let world = World::with(|snapshot| {
        snapshot.backend.upstream.address = address;
        snapshot.backend.limits.request = Duration::from_millis(300);
    })
    .await;
    assert_eq!(world.send("GET", "/public/a", &[]).await.0, 504);
    drop(listener);
    let world = World::with(|snapshot| snapshot.backend.upstream.address = "127.0.0.1:1".into()).await;
    let (status, answer) = world.send("GET", "/public/a", &[]).await;
    assert!(status == 502 && answer.contains("The application does not answer."), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_drain_lets_requests_end_and_takes_no_new_ones() {
    let (listener, address) = backend().await;
    let mut world = World::with(|snapshot| snapshot.backend.upstream.address = address).await;
    let slow = tokio::spawn(async move {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut head = [0; 4096];
        assert!(stream.read(&mut head).await.unwrap() > 0);
        tokio::time::sleep(Duration::from_millis(600)).await;
        stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\ndone").await.unwrap();
        stream
    });
    let gate = world.gate.take().unwrap();
    let address = gate.addresses().plain[0];
    let mut client = tokio::net::TcpStream::connect(address).await.unwrap();
    client.write_all(b"GET /public/a HTTP/1.1\r\nhost: localhost\r\n\r\n").await.unwrap();
    tokio::time::sleep(Duration::from_millis(200)).await;
    let draining = tokio::spawn(gate.drain(Duration::from_secs(5)));
    let mut answer = String::new();
    client.read_to_string(&mut answer).await.unwrap();
    assert!(
        status(&answer) == 200
            && answer.ends_with("done")
            && answer.to_lowercase().contains("connection: close"),
        "{answer}"
    );
    assert_eq!(draining.await.unwrap().cut, 0);
    assert!(tokio::net::TcpStream::connect(address).await.is_err());
    drop(slow.await);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_assertion_verifies_with_the_published_key() {
    let world = World::new().await;
    assert_eq!(world.send("GET", "/x", &[&bearer()]).await.0, 200);
    let recorded = world.only();
    let jwks = std::fs::read_to_string(world.folder.path().join("assertion/jwks.json")).unwrap();
    let set: jsonwebtoken::jwk::JwkSet = serde_json::from_str(&jwks).unwrap();
    let key = jsonwebtoken::DecodingKey::from_jwk(&set.keys[0]).unwrap();
    let mut validation = jsonwebtoken::Validation::new(jsonwebtoken::Algorithm::EdDSA);
    validation.set_audience(&["mini-xdr/mini-xdr"]);
    validation.set_issuer(&["tenantry-gate"]);
    validation.validate_exp = false;
    let claims =
        jsonwebtoken::decode::<serde_json::Value>(recorded.all("x-tenantry-assertion")[0], &key, &validation)
            .unwrap()
            .claims;
    assert_eq!(
        (claims["user_id"].as_i64(), claims["organization_id"].as_i64(), claims["role"].as_str()),
        (Some(42), Some(7), Some("analyst"))
    );
    assert!(claims["exp"].as_i64().unwrap() - claims["iat"].as_i64().unwrap() <= 60);
    assert_eq!(world.send("GET", "/x", &[&bearer()]).await.0, 200);
    assert_eq!(
        world.only().all("x-tenantry-assertion"),
        recorded.all("x-tenantry-assertion"),
        "used again while half its life remains"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn bypass_16_an_upgrade_that_nobody_asked_for_is_a_502() {
    let world = World::new().await;
    world
        .backend
        .answer("HTTP/1.1 101 Switching Protocols\r\nconnection: upgrade\r\nupgrade: evil\r\n\r\nbytes");
    let (status, answer) = world.send("GET", "/public/a", &[]).await;
    assert!(status == 502 && !answer.contains("bytes"), "{answer}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_certificate_serves_new_connections_and_a_bad_one_is_refused() {
    let world = World::new().await;
    let gate = world.gate.as_ref().unwrap();
    let folder = world.folder.path().join("tls");
    let before = world.connect().await.get_ref().1.peer_certificates().unwrap()[0].to_vec();
    std::fs::write(folder.join("tls.crt"), "nothing").unwrap();
    assert!(gate.reload_tls().is_err());
    assert_eq!(
        world.raw("GET /-/healthz HTTP/1.1\r\nhost: a\r\nconnection: close\r\n\r\n").await.len().min(1),
        1,
        "the old one serves on"
    );
    std::fs::remove_file(folder.join("tls.crt")).unwrap();
    gate.reload_tls().unwrap();
    let after = std::fs::read_to_string(folder.join("tls.crt")).unwrap();
    assert!(after.contains("BEGIN CERTIFICATE") && !before.is_empty());
}
