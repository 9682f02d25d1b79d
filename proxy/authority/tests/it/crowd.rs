//! Strangers who reach the listeners and want gates not to.

use std::time::Duration;

use reqwest::StatusCode;
use tenantry_authority::MostConnections;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use crate::world::World;

impl World {
    async fn metrics(&self) -> String {
        let admin = self.authority.addresses().admin.unwrap();
        self.client.get(format!("http://{admin}/metrics")).send().await.unwrap().text().await.unwrap()
    }

    async fn refused(&self, listener: &str) -> u64 {
        let name = format!("tenantry_authority_connections_refused_total{{listener=\"{listener}\"}} ");
        let metrics = self.metrics().await;
        metrics.lines().find_map(|line| line.strip_prefix(&name)).unwrap().parse().unwrap()
    }
}

/// Whether the other side ends the connection soon.
async fn ends(stream: &mut TcpStream) -> bool {
    let reading = tokio::time::timeout(Duration::from_secs(5), stream.read(&mut [0; 16])).await;
    matches!(reading, Ok(Ok(0) | Err(_)))
}

#[tokio::test(flavor = "multi_thread")]
async fn strangers_who_hold_connections_open_keep_no_gate_out_and_cut_none() {
    let world = World::crowded(MostConnections { requests: 4, stream: 4 }).await;
    let mut before = world.follow(None).await;
    before.line().await;
    let addresses = world.authority.addresses();
    let mut strangers = Vec::new();
    for count in 0..60 {
        strangers.push(TcpStream::connect(addresses.requests).await.unwrap());
        strangers.push(TcpStream::connect(addresses.stream.unwrap()).await.unwrap());
        if count % 20 == 19 {
            assert_eq!(world.get("/-/login", None).await.status, StatusCode::OK);
            world.follow(None).await.line().await;
        }
    }
    before.line().await;
    assert!(ends(&mut strangers[0]).await && ends(&mut strangers[1]).await, "the oldest give way");
    assert!(world.refused("requests").await > 40 && world.refused("stream").await > 40);
}

#[tokio::test(flavor = "multi_thread")]
async fn gates_beyond_the_bound_are_closed_at_once_and_counted() {
    let world = World::crowded(MostConnections { requests: 4, stream: 2 }).await;
    let (mut one, mut two) = (world.follow(None).await, world.follow(None).await);
    let mut third = TcpStream::connect(world.authority.addresses().stream.unwrap()).await.unwrap();
    assert!(ends(&mut third).await);
    assert_eq!(world.refused("stream").await, 1);
    one.line().await;
    two.line().await;
    drop(one);
    let mut after = loop {
        if let Some(following) = world.try_follow().await {
            break following;
        }
    };
    after.line().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_that_says_nothing_or_half_a_request_is_closed_within_ten_seconds() {
    let world = World::new().await;
    for said in ["", "GET /internal/directory HTTP/1.1\r\nhost: auth"] {
        let address = world.authority.addresses().stream.unwrap();
        let mut stream = TcpStream::connect(address).await.unwrap();
        stream.write_all(said.as_bytes()).await.unwrap();
        let reading = tokio::time::timeout(Duration::from_secs(13), stream.read(&mut [0; 16])).await;
        assert!(matches!(reading, Ok(Ok(0) | Err(_))), "{said:?}: {reading:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stranger_that_was_turned_away_keeps_no_connection_by_asking_again_and_again() {
    let world = World::new().await;
    let addresses = world.authority.addresses();
    for (address, path, status) in
        [(addresses.requests, "/api/auth/me", 403), (addresses.stream.unwrap(), "/internal/directory", 401)]
    {
        let mut stream = TcpStream::connect(address).await.unwrap();
        let request = format!("GET {path} HTTP/1.1\r\nhost: authority\r\nx-tenantry-gate: guess\r\n\r\n");
        stream.write_all(request.as_bytes()).await.unwrap();
        let mut answer = String::new();
        let reading = tokio::time::timeout(Duration::from_secs(5), stream.read_to_string(&mut answer)).await;
        assert!(reading.is_ok(), "it stays open: {answer}");
        assert!(answer.starts_with(&format!("HTTP/1.1 {status} ")), "{answer}");
    }
    let metrics = world.metrics().await;
    assert!(metrics.contains("tenantry_authority_strangers_total 2"), "{metrics}");
}
