use std::sync::Arc;
use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use serde_json::{Map, json};
use tenantry_directory::{BackendSettings, Kid, OrganizationId, Timestamp};
use tenantry_rules::clock::ManualClock;
use tenantry_rules::key_life::KeyState;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;
use tenantry_store::ownership::{DeletionPolicy, Owner};
use tenantry_store::provision::{self, Adoption, FirstKey, ProvisionPlan};
use tenantry_store::{Options, Store, signing_keys};

use super::settle;
use crate::policy::Policy;

const START: Timestamp = Timestamp::from_secs(1_767_225_600);

/// One organization of a manifest, and its keys over time.
struct World {
    store: Store,
    clock: Arc<ManualClock>,
    policy: Policy,
    settings: BackendSettings,
    owner: Owner,
    id: OrganizationId,
    _folder: tempfile::TempDir,
}

impl World {
    async fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let clock = Arc::new(ManualClock::new(START));
        let keyring = Keyring::generate("k1", &SystemRandom).unwrap();
        let store = Store::open(Options {
            url: format!("sqlite://{}/tenantry.db", folder.path().display()).into(),
            ca: None,
            connections: 2,
            keyring: Keyring::from_json(keyring.expose_secret()).unwrap(),
            backend: "default/incidents".to_owned(),
            cluster: "test".to_owned(),
            clock: Some(clock.clone()),
        })
        .await
        .unwrap();
        let settings = serde_json::from_value(json!({
            "audience": "default/incidents",
            "public_url": "https://xdr.example.com",
            "upstream": { "address": "127.0.0.1:9000" },
            "roles": ["viewer", "admin"],
        }))
        .unwrap();
        let owner = Owner {
            cluster: "test".into(),
            namespace: "default".into(),
            name: "acme".into(),
            uid: "uid".into(),
        };
        let (policy, id) = (Policy::default(), OrganizationId(0));
        let mut world = Self { store, clock, policy, settings, owner, id, _folder: folder };
        world.id = world.apply(None).await.organization_id;
        world
    }

    /// Applies the manifest with this annotation.
    async fn apply(&self, rotate: Option<&str>) -> provision::Provisioned {
        let none: &[SecretString] = &[];
        let plan = ProvisionPlan {
            owner: &self.owner,
            slug: &"acme".parse().unwrap(),
            name: "acme",
            max_users: None,
            settings: &Map::new(),
            suspended: false,
            deletion_policy: DeletionPolicy::Delete,
            adoption: Adoption::Fail,
            admin: None,
            first_key: FirstKey {
                algorithm: self.policy.algorithm,
                policy: self.policy.keys(&self.settings),
            },
            data_keys: none,
            rotate,
        };
        provision::apply(&self.store, &SystemRandom, &plan).await.unwrap()
    }

    async fn settle(&self) -> bool {
        let mut tx = self.store.write().await.unwrap();
        let moved = settle(&self.policy, &mut tx, &self.settings, self.id).await.unwrap();
        tx.commit().await.unwrap();
        moved
    }

    async fn states(&self) -> Vec<KeyState> {
        let mut tx = self.store.read().await.unwrap();
        let keys = signing_keys::list(&mut tx, self.id).await.unwrap();
        keys.iter().map(|key| key.times.state(tx.now)).collect()
    }

    async fn signer(&self) -> Option<Kid> {
        let mut tx = self.store.read().await.unwrap();
        signing_keys::signing(&mut tx, self.id).await.unwrap().map(|key| key.kid())
    }

    async fn is_asked(&self) -> bool {
        let mut tx = self.store.read().await.unwrap();
        signing_keys::rotation_asked(&mut tx, self.id).await.unwrap().is_some()
    }
}

#[tokio::test]
async fn a_rotation_that_was_asked_for_publishes_the_next_key_now_and_lets_it_sign_in_time() {
    let world = World::new().await;
    let first = world.signer().await.unwrap();
    world.clock.advance(Duration::from_hours(1));
    assert!(!world.settle().await, "nothing is due");

    assert!(world.apply(Some("now")).await.rotated);
    assert!(world.settle().await);
    assert_eq!(world.states().await, [KeyState::Active, KeyState::Pending]);
    assert_eq!(world.signer().await, Some(first));
    assert!(!world.settle().await, "gates may not know it yet");
    assert!(world.is_asked().await, "until it signs");

    world.clock.advance(world.policy.keys(&world.settings).publish_ahead);
    assert!(world.settle().await);
    assert_eq!(world.states().await, [KeyState::Active, KeyState::Active]);
    assert_ne!(world.signer().await, Some(first));
    assert!(!world.is_asked().await, "forgotten with its activation");
    world.clock.advance(Duration::from_hours(1));
    assert!(!world.settle().await, "once");
}

#[tokio::test]
async fn a_deleted_organization_gets_no_key() {
    let world = World::new().await;
    provision::bury(&world.store, &world.owner).await.unwrap();
    assert!(!world.settle().await);
    assert!(world.states().await.is_empty());
}
