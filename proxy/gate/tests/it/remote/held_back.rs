//! Somebody on the way between gate and authority, who can read and forge nothing but holds packets back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tenantry_directory::fixtures::SESSION;
use tenantry_directory::{ChangeState, Timestamp};
use tenantry_gate::{RemoteDirectory, Running};
use tenantry_harness::certificates::Authority as Ca;
use tokio::io::{AsyncRead, AsyncReadExt as _, AsyncWrite, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::unbounded_channel;

use super::server::Remote;
use super::{Files, get, metric, remote, start_following, until_metric};
use crate::world::{Recorder, bearer};

const SECOND: Duration = Duration::from_secs(1);

/// Lets everything through, later than it came; its pace stays.
#[derive(Clone, Default)]
struct Held {
    requests: Arc<Mutex<Duration>>,
    answers: Arc<Mutex<Duration>>,
}

impl Held {
    async fn before(&self, to: SocketAddr) -> SocketAddr {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let (address, held) = (listener.local_addr().unwrap(), self.clone());
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let (near_read, near_write) = near.into_split();
                let (far_read, far_write) = TcpStream::connect(to).await.unwrap().into_split();
                tokio::spawn(pass(near_read, far_write, Arc::clone(&held.requests)));
                tokio::spawn(pass(far_read, near_write, Arc::clone(&held.answers)));
            }
        });
        address
    }
}

async fn pass(
    mut from: impl AsyncRead + Unpin + Send + 'static,
    mut to: impl AsyncWrite + Unpin,
    by: Arc<Mutex<Duration>>,
) {
    let (send, mut parts) = unbounded_channel();
    tokio::spawn(async move {
        let mut part = vec![0; 64 * 1024];
        while let Ok(count @ 1..) = from.read(&mut part).await {
            let due = tokio::time::Instant::now() + *by.lock().unwrap();
            if send.send((due, part[..count].to_vec())).is_err() {
                return;
            }
        }
    });
    while let Some((due, part)) = parts.recv().await {
        tokio::time::sleep_until(due).await;
        if to.write_all(&part).await.is_err() {
            return;
        }
    }
    drop(to.shutdown().await);
}

struct World {
    authority: Remote,
    gate: Running,
    held: Held,
    _kept: (tempfile::TempDir, Recorder),
}

async fn world(held: Held, max_staleness: Duration, life: Duration) -> World {
    let (ca, backend, folder) =
        (Ca::new("first").unwrap(), Recorder::start().await, tempfile::tempdir().unwrap());
    let authority = remote(&ca, &backend, |snapshot| snapshot.backend.max_staleness = max_staleness).await;
    let files = Files { folder: folder.path().to_owned() };
    files.write_ca(ca.pem());
    files.write_token("token");
    let directory = files.endpoint(held.before(authority.address).await, vec![]);
    let directory = RemoteDirectory::new(directory).renewed_within(life);
    let gate = start_following(&files, files.endpoint(authority.address, vec![]), directory);
    assert!(gate.wait_ready(10 * SECOND).await);
    World { authority, gate, held, _kept: (folder, backend) }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_revocation_that_is_held_back_closes_protected_routes_though_heartbeats_keep_their_pace() {
    let world = world(Held::default(), 4 * SECOND, 240 * SECOND).await;
    let bearer = bearer();
    until_metric(&world.gate, "directory_fresh 1").await;
    *world.held.answers.lock().unwrap() = 6 * SECOND;
    let until = Timestamp::from_secs(1_999_999_999);
    world.authority.change("session", &SESSION.to_string(), ChangeState::Session { id: SESSION, until });
    tokio::time::sleep(5 * SECOND).await;
    assert_eq!(get(&world.gate, "/x", &[&bearer]).await, 503, "nothing is heard");
    // What was held back arrives, a heartbeat after the other, as if nothing were.
    tokio::time::sleep(4 * SECOND).await;
    let age = metric(&world.gate, "directory_age_seconds").await;
    assert!((5.9..8.0).contains(&age), "{age}");
    assert_eq!(world.authority.streams(), 1);
    assert_eq!(get(&world.gate, "/x", &[&bearer]).await, 503, "what arrives is as old as it was held");
    assert_eq!(get(&world.gate, "/public/a", &[]).await, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_for_the_stream_that_is_held_back_makes_nothing_fresh() {
    let held = Held::default();
    let world = world(held.clone(), 900 * SECOND, 240 * SECOND).await;
    *held.requests.lock().unwrap() = 3 * SECOND;
    world.authority.close_streams();
    world.authority.until_streams(2).await;
    tokio::time::sleep(SECOND).await;
    let age = metric(&world.gate, "directory_age_seconds").await;
    assert!((2.9..5.0).contains(&age), "{age}");
    until_metric(&world.gate, "directory_fresh 0").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_whose_clock_may_have_drifted_makes_way_for_another_and_nothing_ages_or_is_sent_again() {
    let world = world(Held::default(), 900 * SECOND, 2 * SECOND).await;
    until_metric(&world.gate, "directory_fresh 1").await;
    while world.authority.streams() < 4 {
        assert!(metric(&world.gate, "directory_fresh").await > 0.5);
        tokio::time::sleep(SECOND / 50).await;
    }
    until_metric(&world.gate, "directory_reconnects_total{reason=\"renewed\"} 3").await;
    assert_eq!(world.authority.snapshots(), 1);
    let asked = world.authority.take_streams();
    assert!(asked[1..].iter().all(|target| target.contains("&since=1-")), "{asked:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_takes_no_other_stream_keeps_its_gate_until_the_clock_counts_no_longer() {
    let world = world(Held::default(), 900 * SECOND, 4 * SECOND).await;
    world.authority.instead(Some("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n"));
    let begun = Instant::now();
    while metric(&world.gate, "directory_reconnects_total{reason=\"old\"}").await < 1.0 {
        assert!(begun.elapsed() < 20 * SECOND);
        assert!(metric(&world.gate, "directory_fresh").await > 0.5);
        tokio::time::sleep(SECOND / 20).await;
    }
    assert!(begun.elapsed() > 6 * SECOND, "{:?}", begun.elapsed());
    world.authority.instead(None);
    world.authority.until_streams(2).await;
    assert_eq!(world.authority.snapshots(), 1);
}
