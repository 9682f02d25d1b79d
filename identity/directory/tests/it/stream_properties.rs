//! A snapshot and the changes after it lead to the same picture as a later snapshot, over the wire too.

use std::collections::BTreeMap;
use std::time::Instant;

use proptest::prelude::*;
use tenantry_directory::fixtures::{self, TestKey};
use tenantry_directory::{
    Change, ChangeState, Digest, Follower, Frame, Kid, MinEpoch, Organization, OrganizationId,
    OrganizationStatus, PublicKey, SessionId, Snapshot, Timestamp, UserId, encode,
};

/// The database behind the stream.
#[derive(Clone, Default)]
struct Rows {
    name: u8,
    organizations: BTreeMap<OrganizationId, Organization>,
    keys: BTreeMap<Kid, PublicKey>,
    users: BTreeMap<UserId, MinEpoch>,
    sessions: BTreeMap<SessionId, Timestamp>,
}

impl Rows {
    fn write(&mut self, state: &ChangeState) {
        match state.clone() {
            ChangeState::Backend(settings) => self.name = settings.pages.login_url.as_bytes()[1],
            ChangeState::Organization { id, organization } => set(&mut self.organizations, id, organization),
            ChangeState::Key { kid, key } => set(&mut self.keys, kid, key),
            ChangeState::User { id, min_epoch, until } => {
                set(&mut self.users, id, Some(MinEpoch { min_epoch, until }));
            }
            ChangeState::Session { id, until } => set(&mut self.sessions, id, Some(until)),
            ChangeState::Nothing => {}
        }
    }

    fn snapshot(&self, version: i64, digest: Digest) -> Snapshot {
        Snapshot {
            version,
            digest,
            read_at_ms: 0,
            critical: Vec::new(),
            backend: settings(self.name),
            organizations: self.organizations.clone().into_iter().collect(),
            keys: self.keys.clone().into_iter().collect(),
            users: self.users.clone().into_iter().collect(),
            sessions: self.sessions.clone().into_iter().collect(),
        }
    }
}

fn set<K: Ord, V>(rows: &mut BTreeMap<K, V>, key: K, row: Option<V>) {
    match row {
        Some(row) => rows.insert(key, row),
        None => rows.remove(&key),
    };
}

fn settings(name: u8) -> tenantry_directory::BackendSettings {
    let mut settings = fixtures::settings();
    settings.pages.login_url = format!("/{}", char::from(name.max(b'a')));
    settings
}

fn key_change(seed: u8, key: Option<OrganizationId>) -> ChangeState {
    let pair = TestKey::new(seed);
    ChangeState::Key { kid: pair.kid(), key: key.map(|organization| pair.public(organization)) }
}

fn states() -> impl Strategy<Value = ChangeState> {
    use OrganizationStatus::{Active, Deleted, Suspended};
    let until = (0..1000i64).prop_map(Timestamp::from_millis);
    let id = || (1..4i64).prop_map(OrganizationId);
    let status = prop_oneof![Just(Active), Just(Suspended), Just(Deleted)];
    let organization = ("[a-z]{1,3}", "\\PC{0,5}", status).prop_map(|(slug, name, status)| Organization {
        slug,
        name,
        status,
    });
    prop_oneof![
        (b'a'..=b'z').prop_map(|name| ChangeState::Backend(Box::new(settings(name)))),
        (id(), proptest::option::of(organization))
            .prop_map(|(id, organization)| ChangeState::Organization { id, organization }),
        (1..4u8, proptest::option::of(id())).prop_map(|(seed, key)| key_change(seed, key)),
        (1..4i64, 0..9i64, until.clone()).prop_map(|(id, min_epoch, until)| ChangeState::User {
            id: UserId(id),
            min_epoch,
            until
        }),
        (0..4u8, until)
            .prop_map(|(id, until)| ChangeState::Session { id: SessionId::from_bytes([id; 16]), until }),
        Just(ChangeState::Nothing),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_snapshot_and_the_changes_after_it_equal_a_later_snapshot(
        states in proptest::collection::vec(states(), 1..40),
        joined_after in 0..40usize,
    ) {
        let now = Instant::now();
        let mut follower = Follower::new();
        let mut rows = Rows { name: b'a', ..Rows::default() };
        let mut digest = Digest::genesis("b");
        let joined_after = joined_after % states.len();
        for (version, state) in (1i64..).zip(states) {
            rows.write(&state);
            let change = Change::following(&digest, version, "kind", "key", format!("nonce {version}"), state);
            digest = change.digest;
            let frame = match usize::try_from(version).unwrap() - 1 {
                n if n < joined_after => continue,
                n if n == joined_after => Frame::Snapshot(Box::new(rows.snapshot(version, digest))),
                _ => Frame::Change(Box::new(change)),
            };
            follower.take(&encode(&frame), now, now).unwrap();
        }
        let version = follower.view().unwrap().version;
        let mut fresh = Follower::new();
        fresh.take(&encode(&Frame::Snapshot(Box::new(rows.snapshot(version, digest)))), now, now).unwrap();
        prop_assert_eq!(follower.view(), fresh.view());
    }

    #[test]
    fn any_bytes_at_all_are_taken_or_ask_for_a_snapshot(line in proptest::collection::vec(any::<u8>(), 0..200)) {
        let (mut follower, now) = (Follower::new(), Instant::now());
        prop_assert!(follower.take(&line, now, now).is_err());
        prop_assert_eq!(follower.since(), None);
    }
}
