use std::time::Duration;

use tenantry_directory::view::OrganizationStatus;
use tenantry_directory::{ChangeState, MinEpoch};
use tenantry_rules::random::SystemRandom;
use tenantry_store::sessions::{self, NewSession};
use tenantry_store::{backend, signing_keys, users};

use super::{Gate, states};
use crate::world::{START, World, days, on_both, role, settings};

on_both!(
    a_role_changed_with_a_command_line_client_is_felt,
    a_user_shut_out_by_hand_has_no_token_that_counts,
    a_user_deleted_by_hand_has_no_token_that_counts,
    an_organization_suspended_by_hand_is_felt,
    a_hold_placed_by_hand_is_felt,
    a_session_deleted_by_hand_is_felt,
    our_own_changes_are_felt,
    what_a_gate_need_not_know_leaves_no_mark,
    several_changes_in_one_transaction_are_one_mark_each,
    a_changed_id_marks_both,
    what_was_undone_is_not_felt,
    settings_are_felt_once,
);

const REMEMBERED: Duration = Duration::from_mins(24 * 60 + 1);

async fn world_with_gate(world: World) -> (World, Gate) {
    world.write_settings().await;
    world.organization("a").await;
    let gate = Gate::new(&world.store).await;
    (world, gate)
}

async fn a_role_changed_with_a_command_line_client_is_felt(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("UPDATE users SET role = 'viewer'").await;
    gate.catch_up(&world.store).await;
    let min = MinEpoch { min_epoch: 2, until: START.plus(REMEMBERED) };
    assert_eq!(gate.view.users.values().collect::<Vec<_>>(), [&min]);
    assert!(gate.catch_up(&world.store).await.is_empty(), "taking notice comes to an end");
}

async fn a_user_shut_out_by_hand_has_no_token_that_counts(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("UPDATE users SET is_active = FALSE").await;
    gate.catch_up(&world.store).await;
    assert_eq!(gate.view.users.values().next().unwrap().min_epoch, MinEpoch::NONE);
}

async fn a_user_deleted_by_hand_has_no_token_that_counts(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("DELETE FROM users").await;
    gate.catch_up(&world.store).await;
    assert_eq!(gate.view.users.values().next().unwrap().min_epoch, MinEpoch::NONE);
}

async fn an_organization_suspended_by_hand_is_felt(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("UPDATE organizations SET status = 'suspended'").await;
    gate.catch_up(&world.store).await;
    let status = |gate: &Gate| gate.view.organizations.values().next().unwrap().status;
    assert_eq!(status(&gate), OrganizationStatus::Suspended);
    world.by_hand("UPDATE organizations SET status = 'active', name = 'Renamed'").await;
    gate.catch_up(&world.store).await;
    assert_eq!(status(&gate), OrganizationStatus::Active);
    assert_eq!(gate.view.organizations.values().next().unwrap().name, "Renamed");
    world.by_hand("DELETE FROM users").await;
    world.by_hand("DELETE FROM organizations").await;
    gate.catch_up(&world.store).await;
    assert!(gate.view.organizations.is_empty());
}

async fn a_hold_placed_by_hand_is_felt(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("INSERT INTO tenantry.holds SELECT id, 'admin', NULL, 0 FROM organizations").await;
    gate.catch_up(&world.store).await;
    assert_eq!(gate.view.organizations.values().next().unwrap().status, OrganizationStatus::Suspended);
}

async fn a_session_deleted_by_hand_is_felt(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    let mut tx = world.write().await;
    let user = users::by_email(&mut tx, &"admin@a.example".parse().unwrap()).await.unwrap().unwrap();
    let new = NewSession {
        user_id: user.id,
        organization_id: user.organization_id,
        ttl: days(30),
        address: None,
        user_agent: None,
    };
    let session = sessions::create(&mut tx, &SystemRandom, &new).await.unwrap();
    tx.commit().await.unwrap();
    world.by_hand("DELETE FROM tenantry.sessions").await;
    gate.catch_up(&world.store).await;
    assert!(gate.view.sessions.contains_key(&session.id));
}

async fn our_own_changes_are_felt(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    let mut tx = world.write().await;
    let user = users::by_email(&mut tx, &"admin@a.example".parse().unwrap()).await.unwrap().unwrap();
    let new = NewSession {
        user_id: user.id,
        organization_id: user.organization_id,
        ttl: days(30),
        address: None,
        user_agent: None,
    };
    let session = sessions::create(&mut tx, &SystemRandom, &new).await.unwrap();
    sessions::end(&mut tx, session.id, "logout").await.unwrap();
    users::set_role(&mut tx, user.organization_id, user.id, &role("viewer")).await.unwrap();
    let key = &signing_keys::list(&mut tx, user.organization_id).await.unwrap()[0];
    assert!(signing_keys::revoke(&mut tx, user.organization_id, key.kid()).await.unwrap());
    tx.commit().await.unwrap();
    gate.catch_up(&world.store).await;
    assert_eq!(gate.view.sessions.get(&session.id), Some(&START.plus(REMEMBERED)));
    assert_eq!(gate.view.users.get(&user.id).unwrap().min_epoch, 2);
    assert!(gate.view.keys.is_empty());
}

async fn what_a_gate_need_not_know_leaves_no_mark(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("UPDATE users SET last_login = NULL, full_name = 'x', role = role").await;
    world.by_hand("UPDATE organizations SET max_users = 7").await;
    assert!(gate.catch_up(&world.store).await.is_empty());
}

async fn several_changes_in_one_transaction_are_one_mark_each(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.organization("b").await;
    gate.catch_up(&world.store).await;
    let before = gate.view.version;
    world.by_hand("BEGIN; UPDATE organizations SET name = 'x'; COMMIT").await;
    let changes = gate.catch_up(&world.store).await;
    assert_eq!(gate.view.version, before + 2);
    assert!(states(&changes).iter().all(|state| matches!(state, ChangeState::Organization { .. })));
}

async fn a_changed_id_marks_both(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("UPDATE users SET id = 77").await;
    gate.catch_up(&world.store).await;
    let old = gate.view.users.iter().find(|(id, _)| id.0 != 77).unwrap().1;
    assert_eq!(old.min_epoch, MinEpoch::NONE);
}

async fn what_was_undone_is_not_felt(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    world.by_hand("BEGIN; UPDATE users SET role = 'viewer'; ROLLBACK").await;
    let mut tx = world.write().await;
    let user = users::by_email(&mut tx, &"admin@a.example".parse().unwrap()).await.unwrap().unwrap();
    users::set_role(&mut tx, user.organization_id, user.id, &role("viewer")).await.unwrap();
    drop(tx);
    assert!(gate.catch_up(&world.store).await.is_empty());
}

async fn settings_are_felt_once(world: World) {
    let (world, mut gate) = world_with_gate(world).await;
    let mut changed = settings();
    changed.max_staleness = Duration::from_mins(1);
    for expected in [true, false] {
        let mut tx = world.write().await;
        assert_eq!(backend::set_settings(&mut tx, &changed).await.unwrap(), expected);
        tx.commit().await.unwrap();
    }
    assert_eq!(gate.catch_up(&world.store).await.len(), 1);
    assert_eq!(*gate.view.backend, changed);
}
