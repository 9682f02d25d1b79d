//! A CA that was trusted and is no longer, perhaps because its key was stolen: what was connected to while it counted.

use std::time::{Duration, Instant};

use tenantry_directory::fixtures::SESSION;
use tenantry_directory::{ChangeState, Timestamp};
use tenantry_harness::certificates::Authority as Ca;

use super::{Apart, metric};
use crate::world::bearer;

/// Longer than the bundle may go unread.
const READ: Duration = Duration::from_secs(7);

impl Apart {
    /// Asks the authority again and again, for as long as `goes_on`; each request is answered.
    async fn ask_while(&self, goes_on: impl Fn() -> bool) {
        let begun = Instant::now();
        while goes_on() {
            assert!(begun.elapsed() < Duration::from_secs(20), "it goes on and on");
            assert_eq!(self.get("/api/auth/me", &[]).await, 200);
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connections_under_a_withdrawn_ca_are_left_and_nothing_is_lost_or_sent_again() {
    let world = Apart::new().await;
    let next = Ca::new("next").unwrap();
    world.files().write_ca(&format!("{}{}", world.ca.pem(), next.pem()));
    world.authority.set_certificate(&next.server(&[]).unwrap());
    let begun = Instant::now();
    world.ask_while(|| begun.elapsed() < READ).await;
    let connections = world.authority.connections();
    assert!(world.authority.streams() == 1 && connections < 6, "an added CA disturbs none: {connections}");

    world.files().write_ca(next.pem());
    world
        .ask_while(|| world.authority.streams() < 2 || world.authority.connections() < connections + 2)
        .await;
    let begun = Instant::now();
    world.ask_while(|| begun.elapsed() < Duration::from_secs(1)).await;
    assert_eq!(world.authority.streams(), 2, "it is left once");
    world.until_metric("directory_reconnects_total{reason=\"withdrawn\"} 1").await;
    assert!(metric(&world.gate, "directory_fresh").await > 0.5);
    assert_eq!(world.authority.snapshots(), 1);
    assert!(world.authority.take_streams()[1].contains("&since=1-"));
}

#[tokio::test(flavor = "multi_thread")]
async fn whoever_has_a_certificate_of_a_withdrawn_ca_is_neither_heard_nor_spoken_to_any_more() {
    let world = Apart::new().await;
    assert_eq!(world.get("/api/auth/me", &[]).await, 200);
    world.files().write_ca(Ca::new("next").unwrap().pem());
    world.until_metric("directory_reconnects_total{reason=\"withdrawn\"} 1").await;
    world.authority.take();
    // It still has its end of the stream.
    let until = Timestamp::from_secs(1_999_999_999);
    world.authority.change("session", &SESSION.to_string(), ChangeState::Session { id: SESSION, until });
    world.until_metric("directory_fresh 0").await;
    assert!(metric(&world.gate, "directory_version").await < 1.5);
    assert_eq!(world.get("/x", &[&bearer()]).await, 200, "it goes on with what it knew");
    assert_eq!(world.get("/api/auth/me", &[]).await, 502);
    assert!(world.authority.take().is_empty(), "it got the token");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_in_flight_while_a_ca_is_withdrawn_gets_its_answer() {
    let world = Apart::new().await;
    world.authority.answer_after(Duration::from_secs(3));
    let next = Ca::new("next").unwrap();
    let withdrawing = async {
        tokio::time::sleep(Duration::from_millis(500)).await;
        world.authority.set_certificate(&next.server(&[]).unwrap());
        world.files().write_ca(next.pem());
        // The bundle is read again where a stream begins.
        world.authority.close_streams();
        world.authority.until_streams(2).await;
    };
    let (status, ()) = tokio::join!(world.get("/api/auth/me", &[]), withdrawing);
    assert_eq!(status, 200);
    // Its connection is not used again.
    world.authority.answer_after(Duration::ZERO);
    let before = world.authority.connections();
    assert_eq!(world.get("/api/auth/me", &[]).await, 200);
    assert_eq!(world.authority.connections(), before + 1);
}
