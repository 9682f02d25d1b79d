use tenantry_directory::MinEpoch;

use super::Gate;
use crate::world::{World, on_both};

on_both!(
    at_rest_nothing_is_made_again,
    a_dropped_trigger_is_made_again_and_everything_is_read_anew,
    a_table_that_a_migration_tool_re_created_is_watched_again,
    a_trigger_of_our_name_that_does_something_else_is_replaced,
    whoever_changes_a_row_needs_no_right_to_the_marks,
    a_truncated_table_is_felt,
);

async fn at_rest_nothing_is_made_again(world: World) {
    let before = world.by_hand("SELECT version FROM tenantry.directory_head").await;
    assert!(!world.store.restore_triggers().await.unwrap());
    assert_eq!(world.by_hand("SELECT version FROM tenantry.directory_head").await, before);
}

fn drop_update_trigger(world: &World) -> &'static str {
    if world.is_sqlite() {
        "DROP TRIGGER tenantry_mark_users_update"
    } else {
        "DROP TRIGGER tenantry_mark_update ON users"
    }
}

async fn a_dropped_trigger_is_made_again_and_everything_is_read_anew(world: World) {
    world.write_settings().await;
    world.organization("a").await;
    let mut gate = Gate::new(&world.store).await;
    world.by_hand(drop_update_trigger(&world)).await;
    world.by_hand("UPDATE users SET is_active = FALSE").await;
    assert!(gate.catch_up(&world.store).await.is_empty(), "unfelt");
    assert!(world.store.restore_triggers().await.unwrap());
    assert!(gate.is_behind_a_gap(&world.store).await);
    gate = Gate::new(&world.store).await;
    gate.catch_up(&world.store).await;
    assert_eq!(gate.view.users.values().next().unwrap().min_epoch, MinEpoch::NONE, "felt after all");
}

async fn a_table_that_a_migration_tool_re_created_is_watched_again(world: World) {
    world.write_settings().await;
    world.organization("a").await;
    if world.is_sqlite() {
        world
            .by_hand(
                "CREATE TABLE new_users AS SELECT * FROM users; DROP TABLE users; ALTER TABLE new_users RENAME TO users",
            )
            .await;
    } else {
        world
            .by_hand(
                "CREATE TABLE new_users AS TABLE users; DROP TABLE users; ALTER TABLE new_users RENAME TO users",
            )
            .await;
    }
    assert!(world.store.restore_triggers().await.unwrap());
    let mut gate = Gate::new(&world.store).await;
    world.by_hand("UPDATE users SET role = 'viewer'").await;
    gate.catch_up(&world.store).await;
    assert_eq!(gate.view.users.len(), 1);
}

async fn a_trigger_of_our_name_that_does_something_else_is_replaced(world: World) {
    world.by_hand(drop_update_trigger(&world)).await;
    let fake = if world.is_sqlite() {
        "CREATE TRIGGER tenantry_mark_users_update AFTER UPDATE ON users BEGIN SELECT 1; END"
    } else {
        "CREATE FUNCTION public.mark() RETURNS trigger LANGUAGE plpgsql AS 'BEGIN RETURN NULL; END'; \
         CREATE TRIGGER tenantry_mark_update AFTER UPDATE ON users FOR EACH ROW EXECUTE FUNCTION public.mark()"
    };
    world.by_hand(fake).await;
    assert!(world.store.restore_triggers().await.unwrap());
    assert!(!world.store.restore_triggers().await.unwrap());
    if !world.is_sqlite() {
        world.by_hand("ALTER TABLE users DISABLE TRIGGER tenantry_mark_update").await;
        assert!(world.store.restore_triggers().await.unwrap(), "disabled is as good as gone");
    }
}

async fn whoever_changes_a_row_needs_no_right_to_the_marks(world: World) {
    if world.is_sqlite() {
        return;
    }
    world.write_settings().await;
    world.organization("a").await;
    let mut gate = Gate::new(&world.store).await;
    let role = format!("application_{}", std::process::id());
    world
        .by_hand(&format!(
            "CREATE ROLE {role}; GRANT SELECT, UPDATE ON users TO {role}; SET ROLE {role}; \
             SET search_path = pg_temp, public; CREATE TEMP TABLE directory_head (version bigint); \
             UPDATE public.users SET role = 'viewer'"
        ))
        .await;
    gate.catch_up(&world.store).await;
    assert_eq!(gate.view.users.len(), 1);
    let denied = world.try_by_hand(&format!("SET ROLE {role}; DELETE FROM tenantry.directory_changes")).await;
    assert!(denied.unwrap_err().contains("permission denied"));
}

async fn a_truncated_table_is_felt(world: World) {
    if world.is_sqlite() {
        return;
    }
    world.write_settings().await;
    world.organization("a").await;
    let gate = Gate::new(&world.store).await;
    world.by_hand("TRUNCATE users").await;
    assert!(gate.is_behind_a_gap(&world.store).await);
    assert_eq!(Gate::new(&world.store).await.view.users.values().next().unwrap().min_epoch, MinEpoch::NONE);
}
