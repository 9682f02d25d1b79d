//! The directory stream: continued where it ended, and believed only where it is one.

use std::time::{Duration, Instant};

use tenantry_directory::fixtures::SESSION;
use tenantry_directory::stream::MAX_FRAME_BYTES;
use tenantry_directory::{ChangeState, Timestamp};

use super::Apart;
use crate::world::bearer;

const LATER: Timestamp = Timestamp::from_secs(1_999_999_999);

fn logged_out() -> ChangeState {
    ChangeState::Session { id: SESSION, until: LATER }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_resumes_from_its_position_after_the_authority_went_away_and_no_snapshot_is_sent() {
    let world = Apart::new().await;
    let bearer = bearer();
    assert_eq!(world.get("/x", &[&bearer]).await, 200);
    world.authority.stop().await;
    // It happens while the gate is cut off.
    let version = world.authority.change("session", &SESSION.to_string(), logged_out());
    assert_eq!(world.get("/x", &[&bearer]).await, 200, "the gate goes on with what it knows");
    world.authority.take();
    world.authority.begin_again().await;
    world.until_metric(&format!("directory_version {version}")).await;
    assert_eq!(world.get("/x", &[&bearer]).await, 401);
    assert_eq!(world.authority.snapshots(), 1);
    let streams = world.authority.take_streams();
    assert!(
        streams.len() == 1 && streams[0].starts_with("/internal/directory?stream=1&since=1-"),
        "{streams:?}"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_stream_that_ends_in_the_middle_of_a_line_is_resumed_too() {
    let world = Apart::new().await;
    world.authority.take();
    world.authority.close_streams_after(br#"{"stream":1,"frame":"chan"#);
    world.authority.until_streams(2).await;
    let version = world.authority.change("session", &SESSION.to_string(), logged_out());
    world.until_metric(&format!("directory_version {version}")).await;
    assert_eq!(world.authority.snapshots(), 1);
    assert!(world.authority.take_streams().iter().all(|target| target.contains("&since=1-")));
}

#[tokio::test(flavor = "multi_thread")]
async fn what_cannot_be_continued_begins_anew_with_a_snapshot() {
    let world = Apart::new().await;
    world.authority.take();
    world.authority.send(b"{\"stream\":1,\"frame\":\"change\",\"body\":{}}\n");
    world.authority.until_streams(2).await;
    assert!(world.ended("unusable").await > 0.0);
    let version = world.authority.change("session", &SESSION.to_string(), logged_out());
    world.until_metric(&format!("directory_version {version}")).await;
    assert_eq!(world.authority.snapshots(), 2);
    assert_eq!(world.authority.take_streams(), ["/internal/directory?stream=1"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_answer_that_is_no_stream_of_frames_is_no_directory() {
    let world = Apart::new().await;
    let version = world.authority.change("session", &SESSION.to_string(), logged_out());
    world.until_metric(&format!("directory_version {version}")).await;
    // What a gate would believe if it did not look at what it got.
    let critical = r#"{"stream":1,"frame":"closing","critical":true,"body":{}}"#;
    for (head, reason) in [
        ("200 OK\r\ncontent-type: text/html", "no_directory"),
        ("200 OK", "no_directory"),
        ("404 Not Found\r\ncontent-type: application/x-ndjson", "no_directory"),
        ("401 Unauthorized\r\ncontent-type: application/x-ndjson", "refused"),
        ("403 Forbidden\r\ncontent-type: application/problem+json", "refused"),
        ("500 Internal Server Error\r\ncontent-type: application/x-ndjson", "failed"),
        ("302 Found\r\nlocation: https://elsewhere.example/", "failed"),
    ] {
        world.authority.instead(Some(&format!(
            "HTTP/1.1 {head}\r\ncontent-length: {}\r\n\r\n{critical}\n",
            critical.len() + 1
        )));
        let (streams, before, begun) = (world.authority.streams(), world.ended(reason).await, Instant::now());
        world.authority.close_streams();
        while world.ended(reason).await <= before {
            assert!(begun.elapsed() < Duration::from_secs(10), "{head} is not told as {reason}");
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(world.get("/public/a", &[]).await, 200, "{head}");
        world.authority.instead(None);
        world.authority.until_streams(streams + 1).await;
    }
    assert_eq!(world.authority.snapshots(), 1);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_line_without_end_is_given_up_and_the_gate_goes_on() {
    let world = Apart::new().await;
    let bearer = bearer();
    world.authority.send(&vec![b' '; MAX_FRAME_BYTES + (1 << 20)]);
    world.until_metric("directory_reconnects_total{reason=\"unusable\"} 1").await;
    assert_eq!(world.get("/x", &[&bearer]).await, 200);
    world.authority.until_streams(2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn while_one_authority_makes_way_for_another_no_request_is_lost() {
    let world = Apart::new().await;
    for (closed, expected) in [(1, 200), (2, 200), (3, 502)] {
        let streams = world.authority.streams();
        // So that no connection is left to be used again, and none is asked for in between.
        world.authority.stop().await;
        world.authority.begin_again().await;
        world.authority.until_streams(streams + 1).await;
        world.authority.close_next(closed);
        assert_eq!(world.get("/api/auth/me", &[]).await, expected, "after {closed} connections that closed");
    }
}
