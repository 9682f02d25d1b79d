use std::time::Duration;

use tenantry_directory::{Digest, Position};

use super::Gate;
use crate::world::{BACKEND, Place, START, World, on_both};

on_both!(
    a_restored_older_database_that_went_on_is_told_apart_by_its_digest,
    a_position_ahead_of_the_database_is_a_gap,
    a_position_that_was_never_handed_out_is_a_gap,
    a_reader_that_was_away_too_long_starts_over,
    marks_are_kept_until_nobody_asks_for_them,
);

async fn a_restored_older_database_that_went_on_is_told_apart_by_its_digest(world: World) {
    world.write_settings().await;
    world.organization("a").await;
    let backup = backup(&world).await;
    world.organization("b").await;
    let gate = Gate::new(&world.store).await;
    assert!(!gate.is_behind_a_gap(&world.store).await);
    world.store.close().await;
    restore(&world, backup).await;
    let store = world.open().await.unwrap();
    assert!(gate.is_behind_a_gap(&store).await, "behind what the gate has");
    let world = World { store, ..world };
    world.organization("b").await;
    world.organization("c").await;
    let mut tx = world.write().await;
    assert!(tenantry_store::directory::head(&mut tx).await.unwrap() >= gate.view.version);
    drop(tx);
    assert!(gate.is_behind_a_gap(&world.store).await, "the same version, another history");
    Gate::new(&world.store).await.catch_up(&world.store).await;
}

enum Backup {
    File(Vec<u8>),
    Tables,
}

async fn backup(world: &World) -> Backup {
    if let Place::Sqlite { path, .. } = &world.place {
        world.by_hand("PRAGMA wal_checkpoint(TRUNCATE)").await;
        return Backup::File(std::fs::read(path).unwrap());
    }
    world
        .by_hand(
            "CREATE SCHEMA backup; CREATE TABLE backup.directory_head AS TABLE tenantry.directory_head; \
             CREATE TABLE backup.directory_changes AS TABLE tenantry.directory_changes",
        )
        .await;
    Backup::Tables
}

async fn restore(world: &World, backup: Backup) {
    match (backup, &world.place) {
        (Backup::File(bytes), Place::Sqlite { path, .. }) => {
            for suffix in ["-wal", "-shm"] {
                drop(std::fs::remove_file(format!("{}{suffix}", path.display())));
            }
            std::fs::write(path, bytes).unwrap();
        }
        _ => {
            world
                .by_hand(
                    "DELETE FROM users WHERE email = 'admin@b.example'; \
                     DELETE FROM tenantry.ownership WHERE name = 'b'; DELETE FROM organizations WHERE slug = 'b'; \
                     SET CONSTRAINTS ALL IMMEDIATE; DELETE FROM tenantry.directory_changes; \
                     INSERT INTO tenantry.directory_changes SELECT * FROM backup.directory_changes; \
                     UPDATE tenantry.directory_head SET version = (SELECT version FROM backup.directory_head)",
                )
                .await;
        }
    }
}

async fn a_position_ahead_of_the_database_is_a_gap(world: World) {
    world.write_settings().await;
    let mut gate = Gate::new(&world.store).await;
    gate.view.version += 1;
    assert!(gate.is_behind_a_gap(&world.store).await);
}

async fn a_position_that_was_never_handed_out_is_a_gap(world: World) {
    world.write_settings().await;
    let mut gate = Gate::new(&world.store).await;
    gate.view.digest = Digest::genesis("another/backend");
    assert!(gate.is_behind_a_gap(&world.store).await);
    let beginning = Position { version: 0, digest: Digest::genesis(BACKEND) };
    let changes = world.store.changes(beginning).await.unwrap();
    assert!(
        matches!(changes, tenantry_store::directory::Changes::Gap),
        "the first mark says: read everything"
    );
}

async fn a_reader_that_was_away_too_long_starts_over(world: World) {
    world.write_settings().await;
    let gate = Gate::new(&world.store).await;
    many_marks(&world, 1200).await;
    Gate::new(&world.store).await;
    world.clock.advance(Duration::from_hours(2));
    assert!(world.store.prune().await.unwrap().marks > 0);
    assert!(gate.is_behind_a_gap(&world.store).await);
    let mut fresh = Gate::new(&world.store).await;
    world.organization("a").await;
    fresh.catch_up(&world.store).await;
    assert_eq!(fresh.view.organizations.len(), 1, "the chain goes on after pruning");
}

async fn marks_are_kept_until_nobody_asks_for_them(world: World) {
    world.write_settings().await;
    let mut gate = Gate::new(&world.store).await;
    many_marks(&world, 1200).await;
    assert_eq!(world.store.prune().await.unwrap().marks, 0, "not looked at yet");
    gate.catch_up(&world.store).await;
    assert_eq!(world.store.prune().await.unwrap().marks, 0, "too fresh");
    assert!(gate.view.version >= 1200 && START.millis() > 0);
}

/// Many marks in one statement, the way a job would leave them.
async fn many_marks(world: &World, count: u32) {
    let numbers = format!(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < {count}) \
         INSERT INTO tenantry.holds (organization_id, kind, since) SELECT 100000 + i, 'admin', 0 FROM n"
    );
    world.by_hand(&numbers).await;
}
