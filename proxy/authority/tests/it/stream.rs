//! The directory's port, as gates of other processes meet it.

use std::time::{Duration, Instant};

use reqwest::{Response, StatusCode};
use serde_json::{Value, json};
use tenantry_directory::stream::{STREAM_VERSION, decode};
use tenantry_directory::{Digest, Follower, Frame, Position, Step};

use crate::world::{CREDENTIAL, World};

const GATE: &str = "x-tenantry-gate";

/// An open stream, a line at a time.
pub struct Following {
    asked_at: Instant,
    response: Response,
    read: Vec<u8>,
}

impl Following {
    pub async fn line(&mut self) -> Vec<u8> {
        loop {
            if let Some(end) = self.read.iter().position(|byte| *byte == b'\n') {
                let rest = self.read.split_off(end + 1);
                return std::mem::replace(&mut self.read, rest);
            }
            let more = tokio::time::timeout(Duration::from_secs(10), self.response.chunk()).await;
            self.read.extend_from_slice(&more.expect("it goes on").unwrap().expect("it has not ended"));
        }
    }

    /// The kind of the next frame that is no heartbeat.
    async fn frame(&mut self, follower: &mut Follower) -> &'static str {
        loop {
            match follower.take(&self.line().await, self.asked_at, Instant::now()).unwrap() {
                Step::Replaced(_) => return "snapshot",
                Step::Advanced(_) => return "change",
                Step::Alive | Step::Skipped => {}
            }
        }
    }
}

impl World {
    async fn stream(&self, query: &str, credential: Option<&str>) -> Response {
        let address = self.authority.addresses().stream.unwrap();
        let request = self.client.get(format!("http://{address}/internal/directory{query}"));
        let request = match credential {
            Some(credential) => request.header(GATE, credential),
            None => request,
        };
        request.send().await.unwrap()
    }

    /// A stream from the beginning, where one is given.
    pub async fn try_follow(&self) -> Option<Following> {
        let (address, asked_at) = (self.authority.addresses().stream.unwrap(), Instant::now());
        let url = format!("http://{address}/internal/directory?stream={STREAM_VERSION}");
        let response = self.client.get(url).header(GATE, CREDENTIAL).send().await.ok()?;
        (response.status() == StatusCode::OK).then(|| Following { asked_at, response, read: Vec::new() })
    }

    pub async fn follow(&self, since: Option<Position>) -> Following {
        let since = since.map_or_else(String::new, |since| format!("&since={since}"));
        let asked_at = Instant::now();
        let response = self.stream(&format!("?stream={STREAM_VERSION}{since}"), Some(CREDENTIAL)).await;
        assert_eq!(response.status(), StatusCode::OK);
        assert_eq!(response.headers()["content-type"], "application/x-ndjson");
        Following { asked_at, response, read: Vec::new() }
    }
}

async fn problem(response: Response) -> (StatusCode, String) {
    let status = response.status();
    let body: Value = response.json().await.unwrap();
    (status, body["code"].as_str().unwrap_or_default().to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn who_shows_no_gates_credential_follows_nothing() {
    let world = World::new().await;
    let query = format!("?stream={STREAM_VERSION}");
    for credential in
        [None, Some(""), Some("a-gate-credential-of-this-tes"), Some("Bearer a-gate-credential-of-this-test")]
    {
        let answer = problem(world.stream(&query, credential).await).await;
        assert_eq!(answer, (StatusCode::UNAUTHORIZED, "not_a_gate".into()), "{credential:?}");
    }
    // A user's token is no gate's.
    world.register("acme").await;
    let who = json!({ "email": "admin@acme.example", "password": crate::world::PASSWORD });
    let token = world.post("/api/auth/login", None, who).await.text("/access_token");
    assert_eq!(problem(world.stream(&query, Some(&token)).await).await.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_goes_on_from_a_position_and_gives_a_snapshot_where_it_cannot() {
    let world = World::new().await;
    let mut follower = Follower::new();
    let mut first = world.follow(None).await;
    assert_eq!(first.frame(&mut follower).await, "snapshot");
    world.register("acme").await;
    assert_eq!(first.frame(&mut follower).await, "change");
    drop(first);

    world.register("globex").await;
    let since = follower.since();
    assert!(since.is_some());
    let mut again = world.follow(since).await;
    while follower.view().unwrap().organizations.len() < 2 {
        assert_eq!(again.frame(&mut follower).await, "change", "what came meanwhile, and no snapshot");
    }

    // A position of another history, as after a restore.
    let other =
        Position { version: follower.view().unwrap().version, digest: Digest::genesis("other/backend") };
    assert_eq!(world.follow(Some(other)).await.frame(&mut Follower::new()).await, "snapshot");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_heartbeat_says_when_the_database_was_read_and_so_cannot_be_made_younger_by_holding_it_back() {
    let world = World::new().await;
    let mut stream = world.follow(None).await;
    let mut beats = 0;
    while beats < 3 {
        let line = stream.line().await;
        let since = i64::try_from(stream.asked_at.elapsed().as_millis()).unwrap();
        if let Some(Frame::Heartbeat { read_at_ms }) = decode(&line).unwrap() {
            assert!((since - 1500..=since).contains(&read_at_ms), "{read_at_ms} after {since} ms");
            beats += 1;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn the_streams_port_answers_nothing_else_and_no_other_port_gives_the_directory() {
    let world = World::new().await;
    let address = world.authority.addresses().stream.unwrap();
    for path in [
        "/api/auth/me",
        "/-/login",
        "/o/1/.well-known/jwks.json",
        "/internal/",
        "/internal/directory/",
        "/metrics",
    ] {
        let request = world.client.get(format!("http://{address}{path}")).header(GATE, CREDENTIAL);
        assert_eq!(request.send().await.unwrap().status(), StatusCode::NOT_FOUND, "{path}");
    }
    let post =
        world.client.post(format!("http://{address}/internal/directory?stream=1")).header(GATE, CREDENTIAL);
    assert_eq!(post.send().await.unwrap().status(), StatusCode::METHOD_NOT_ALLOWED);
    let query = format!("/internal/directory?stream={STREAM_VERSION}");
    assert_eq!(world.get(&query, None).await.status, StatusCode::NOT_FOUND, "for gates' requests");
    let admin = world.authority.addresses().admin.unwrap();
    let probe =
        world.client.get(format!("http://{admin}{query}")).header(GATE, CREDENTIAL).send().await.unwrap();
    assert_eq!(probe.status(), StatusCode::NOT_FOUND, "for probes");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_is_not_spoken_and_a_query_that_is_not_understood_are_refused() {
    let world = World::new().await;
    for (query, code) in
        [("", "stream_version"), ("?stream=99", "stream_version"), ("?stream=1&since=9", "since")]
    {
        assert_eq!(problem(world.stream(query, Some(CREDENTIAL)).await).await.1, code, "{query}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn who_sends_identity_headers_past_the_gates_gains_nothing() {
    let world = World::new().await;
    world.register("acme").await;
    let address = world.authority.addresses().requests;
    let ask = |credential: &'static str| {
        let request = world
            .client
            .get(format!("http://{address}/api/auth/me"))
            .header("x-forwarded-for", "192.0.2.1")
            .header("x-organization-id", "1")
            .header("x-user-id", "1")
            .header("x-user-role", "admin");
        let request = if credential.is_empty() { request } else { request.header(GATE, credential) };
        request.send()
    };
    assert_eq!(ask("").await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(ask("guess").await.unwrap().status(), StatusCode::FORBIDDEN);
    assert_eq!(
        ask(CREDENTIAL).await.unwrap().status(),
        StatusCode::UNAUTHORIZED,
        "a gate's word makes nobody a user"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn probes_and_metrics_tell_how_it_stands_and_no_data() {
    let world = World::new().await;
    world.register("acme").await;
    let mut stream = world.follow(None).await;
    stream.line().await;
    let admin = world.authority.addresses().admin.unwrap();
    let get = async |path: &str| {
        let answer = world.client.get(format!("http://{admin}{path}")).send().await.unwrap();
        (answer.status(), answer.text().await.unwrap())
    };
    assert_eq!(get("/healthz").await.0, StatusCode::OK);
    assert_eq!(get("/readyz").await.0, StatusCode::OK);
    let (_, metrics) = get("/metrics").await;
    assert!(metrics.contains("tenantry_authority_gates_following 1"), "{metrics}");
    assert!(metrics.contains("tenantry_authority_directory_read_age_seconds"), "{metrics}");
    assert!(!metrics.contains("acme"), "{metrics}");
    world.authority.leave();
    assert_eq!(get("/readyz").await, (StatusCode::SERVICE_UNAVAILABLE, "stopping\n".into()));
}
