//! BYPASS 31 and its kin: what the directory takes back ends with the next request, and what it cannot confirm is refused.

use std::time::Duration;

use tenantry_directory::fixtures::{self, ORGANIZATION, SESSION, USER};
use tenantry_directory::{ChangeState, MinEpoch, OrganizationStatus, Timestamp};

use crate::world::{World, bearer};

const LATER: Timestamp = Timestamp::from_secs(1_999_999_999);

#[tokio::test(flavor = "multi_thread")]
async fn bypass_31_each_revocation_stops_the_next_request_of_a_cached_token() {
    let mut suspended = fixtures::organization("mini-corp", "mini corp");
    suspended.status = OrganizationStatus::Suspended;
    for (name, kind, key, state) in [
        (
            "suspended",
            "organization",
            "7".to_owned(),
            ChangeState::Organization { id: ORGANIZATION, organization: Some(suspended) },
        ),
        (
            "deleted",
            "organization",
            "7".to_owned(),
            ChangeState::Organization { id: ORGANIZATION, organization: None },
        ),
        ("logged out", "session", SESSION.to_string(), ChangeState::Session { id: SESSION, until: LATER }),
        ("demoted", "user", "42".to_owned(), ChangeState::User { id: USER, min_epoch: 4, until: LATER }),
        (
            "user gone",
            "user",
            "42".to_owned(),
            ChangeState::User { id: USER, min_epoch: MinEpoch::NONE, until: LATER },
        ),
        (
            "key revoked",
            "key",
            fixtures::key().kid().to_string(),
            ChangeState::Key { kid: fixtures::key().kid(), key: None },
        ),
    ] {
        let world = World::new().await;
        let bearer = bearer();
        assert_eq!(world.send("GET", "/x", &[&bearer]).await.0, 200, "{name}");
        world.change(kind, &key, state).await;
        assert_eq!(world.send("GET", "/x", &[&bearer]).await.0, 401, "{name}");
        assert_eq!(world.backend.take().len(), 1, "{name}");
        let (status, _) = world.send("GET", "/public/a", &[&bearer]).await;
        assert_eq!((status, world.only().all("x-user-id").len()), (200, 0), "{name}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn changed_settings_are_felt_and_forget_what_was_verified_under_the_old_ones() {
    let world = World::new().await;
    let bearer = bearer();
    assert_eq!(world.send("GET", "/x", &[&bearer]).await.0, 200);
    let mut settings = crate::world::snapshot(world.backend.address).backend;
    settings.audience = "mini-xdr/renamed".into();
    world.change("backend", "", ChangeState::Backend(Box::new(settings))).await;
    assert_eq!(world.send("GET", "/x", &[&bearer]).await.0, 401);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_directory_too_old_closes_protected_routes_and_no_others() {
    let world = World::with(|snapshot| snapshot.backend.max_staleness = Duration::from_millis(300)).await;
    let bearer = bearer();
    assert_eq!(world.send("GET", "/x", &[&bearer]).await.0, 200);
    tokio::time::sleep(Duration::from_millis(2400)).await;
    assert_eq!(world.send("GET", "/x", &[&bearer]).await.0, 503);
    assert_eq!(world.backend.take().len(), 1);
    assert_eq!(world.send("GET", "/public/a", &[&bearer]).await.0, 200);
    assert!(world.only().all("x-user-id").is_empty());
    world.heartbeat(Duration::ZERO);
    tokio::time::sleep(Duration::from_millis(100)).await;
    assert_eq!(world.send("GET", "/x", &[&bearer]).await.0, 200);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_answer_is_cut_when_its_caller_is_taken_back() {
    let world = World::new().await;
    world.backend.answer("HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    let bearer = bearer();
    let lines = [bearer.as_str()];
    let open = world.send("GET", "/x", &lines);
    let revoke = async {
        tokio::time::sleep(Duration::from_millis(300)).await;
        world
            .change("session", &SESSION.to_string(), ChangeState::Session { id: SESSION, until: LATER })
            .await;
    };
    let begun = std::time::Instant::now();
    let ((status, answer), ()) = tokio::join!(open, revoke);
    assert!(status == 200 && answer.contains("first") && !answer.ends_with("0\r\n\r\n"), "{answer}");
    assert!(begun.elapsed() < Duration::from_secs(3), "cut, not waited for");
}
