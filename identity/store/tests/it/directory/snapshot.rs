use std::time::Duration;

use tenantry_directory::MinEpoch;
use tenantry_rules::random::SystemRandom;
use tenantry_store::directory::SnapshotError;
use tenantry_store::ownership::DeletionPolicy;
use tenantry_store::sessions::{self, NewSession};
use tenantry_store::{provision, users};

use super::Gate;
use crate::world::{Wish, World, days, on_both, role, settings};

on_both!(
    without_settings_there_is_none,
    it_holds_what_a_gate_needs_and_nothing_secret,
    what_no_token_can_be_revoked_by_any_more_is_left_out,
    a_change_by_hand_while_nobody_watched_is_in_it,
    deleted_organizations_and_their_keys_are_left_out,
);

async fn without_settings_there_is_none(world: World) {
    world.organization("a").await;
    assert!(matches!(world.store.snapshot().await, Err(SnapshotError::NoSettings)));
}

async fn it_holds_what_a_gate_needs_and_nothing_secret(world: World) {
    world.write_settings().await;
    let id = world.organization("mini-corp").await;
    let snapshot = world.store.snapshot().await.unwrap();
    assert_eq!(snapshot.backend, settings());
    assert_eq!(snapshot.organizations.len(), 1);
    assert_eq!((snapshot.organizations[0].0, snapshot.organizations[0].1.slug.as_str()), (id, "mini-corp"));
    assert_eq!(snapshot.keys.len(), 1);
    assert_eq!(snapshot.keys[0].1.organization, id);
    assert!(snapshot.users.is_empty() && snapshot.sessions.is_empty());
    let text = serde_json::to_string(&snapshot).unwrap();
    for secret in ["hash-of", "admin@mini-corp", "sealed", "\"d\""] {
        assert!(!text.contains(secret), "{secret}");
    }
}

async fn what_no_token_can_be_revoked_by_any_more_is_left_out(world: World) {
    world.write_settings().await;
    let id = world.organization("a").await;
    let user = world.user(id, "ann@a.example").await;
    let mut tx = world.write().await;
    let new =
        NewSession { user_id: user.id, organization_id: id, ttl: days(30), address: None, user_agent: None };
    let session = sessions::create(&mut tx, &SystemRandom, &new).await.unwrap();
    sessions::end(&mut tx, session.id, "logout").await.unwrap();
    users::set_role(&mut tx, id, user.id, &role("admin")).await.unwrap();
    tx.commit().await.unwrap();
    let snapshot = world.store.snapshot().await.unwrap();
    assert_eq!((snapshot.users.len(), snapshot.sessions.len()), (1, 1));
    world.clock.advance(days(1) + Duration::from_secs(61));
    let snapshot = world.store.snapshot().await.unwrap();
    assert_eq!((snapshot.users.len(), snapshot.sessions.len(), snapshot.keys.len()), (0, 0, 1));
    world.clock.advance(days(62));
    assert!(world.store.snapshot().await.unwrap().keys.is_empty());
}

async fn a_change_by_hand_while_nobody_watched_is_in_it(world: World) {
    world.write_settings().await;
    world.organization("a").await;
    Gate::new(&world.store).await;
    world.store.close().await;
    world.by_hand("UPDATE users SET is_active = FALSE; UPDATE organizations SET status = 'closed'").await;
    let store = world.open().await.unwrap();
    let gate = Gate::new(&store).await;
    assert_eq!(gate.view.users.values().next().unwrap().min_epoch, MinEpoch::NONE);
    assert!(!gate.view.organizations.values().next().unwrap().is_active());
}

async fn deleted_organizations_and_their_keys_are_left_out(world: World) {
    world.write_settings().await;
    let wish = Wish { deletion_policy: DeletionPolicy::Delete, ..Wish::new("a") };
    world.provision(&wish).await.unwrap();
    let mut gate = Gate::new(&world.store).await;
    provision::remove(&world.store, &wish.owner).await.unwrap();
    gate.catch_up(&world.store).await;
    assert!(gate.view.organizations.is_empty() && gate.view.keys.is_empty());
    assert_eq!(gate.view.organizations, Gate::new(&world.store).await.view.organizations);
}
