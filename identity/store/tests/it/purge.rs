use tenantry_directory::OrganizationId;
use tenantry_rules::holds::Status;
use tenantry_store::ownership::DeletionPolicy;
use tenantry_store::provision::{self, ProvisionError, Purged, Reference, SlugState};
use tenantry_store::{StoreError, organizations, signing_keys};

use crate::world::{Place, Wish, World, on_both, owner};

on_both!(
    retained_it_is_closed_whatever_the_policy,
    buried_it_has_no_credential_and_is_still_owned,
    buried_it_is_not_provisioned_again,
    what_is_not_buried_is_not_purged,
    purged_only_its_tombstone_and_its_events_are_left,
    purged_twice_is_done,
    a_row_that_references_it_blocks_and_nothing_is_changed,
    a_cascade_never_reaches_what_is_another_applications,
    a_table_with_its_id_in_a_column_blocks_too,
    members_of_others_that_point_at_it_block,
    its_own_members_may_point_at_each_other,
    the_id_of_a_purged_organization_is_not_issued_again,
    an_applications_own_table_issues_no_id_again,
    the_backends_own_keys_survive_a_purge,
    a_row_that_was_deleted_by_hand_is_cleaned_up_after,
    given_up_it_stays_as_it_is_and_may_be_adopted,
    interrupted_anywhere_a_deletion_is_finished_by_repeating_it,
);

async fn buried(world: &World, slug: &str) -> OrganizationId {
    let id = world.organization(slug).await;
    assert!(provision::bury(&world.store, &owner(slug)).await.unwrap());
    id
}

async fn purge(world: &World, name: &str) -> Purged {
    provision::purge(&world.store, &owner(name)).await.unwrap()
}

fn blocked(references: &[(&str, &str, i64)]) -> Purged {
    let reference = |(table, column, rows): &(&str, &str, i64)| Reference {
        table: (*table).to_owned(),
        column: (*column).to_owned(),
        rows: *rows,
    };
    Purged::Blocked(references.iter().map(reference).collect())
}

/// Everything that a purge may change, as one text.
async fn everything(world: &World) -> String {
    world
        .by_hand(
            "SELECT count(*) FROM organizations; SELECT count(*) FROM users; SELECT count(*) FROM tenantry.accounts; \
             SELECT count(*) FROM tenantry.secrets; SELECT count(*) FROM tenantry.signing_keys; \
             SELECT count(*) FROM tenantry.ownership; SELECT count(*) FROM tenantry.tombstones; \
             SELECT version FROM tenantry.directory_head; SELECT count(*) FROM tenantry.audit_events",
        )
        .await
}

async fn retained_it_is_closed_whatever_the_policy(world: World) {
    let wish = Wish { deletion_policy: DeletionPolicy::Delete, ..Wish::new("a") };
    let id = world.provision(&wish).await.unwrap().organization_id;
    assert!(provision::retain(&world.store, &wish.owner).await.unwrap());
    assert!(!provision::retain(&world.store, &wish.owner).await.unwrap(), "once");
    let mut tx = world.write().await;
    assert_eq!(organizations::by_id(&mut tx, id).await.unwrap().unwrap().status, Status::Suspended);
    drop(tx);
    assert!(!provision::retain(&world.store, &owner("stranger")).await.unwrap());
    provision::bury(&world.store, &wish.owner).await.unwrap();
    assert!(!provision::retain(&world.store, &wish.owner).await.unwrap(), "it is closed for good");
}

async fn buried_it_has_no_credential_and_is_still_owned(world: World) {
    let id = buried(&world, "a").await;
    let before = everything(&world).await;
    assert!(!provision::bury(&world.store, &owner("a")).await.unwrap(), "once");
    assert_eq!(everything(&world).await, before);
    let seen = provision::observe(&world.store, &owner("a"), &"a".parse().unwrap()).await.unwrap();
    let owned = seen.owned.unwrap();
    assert!(owned.buried && owned.data_keys.is_empty());
    assert_eq!(owned.organization.status, Status::Deleted);
    let mut tx = world.write().await;
    assert!(signing_keys::signing(&mut tx, id).await.unwrap().is_none());
    assert!(!signing_keys::lock(&mut tx, id).await.unwrap(), "it gets no new key");
    assert!(organizations::living_ids(&mut tx).await.unwrap().is_empty());
}

async fn buried_it_is_not_provisioned_again(world: World) {
    let id = buried(&world, "a").await;
    let before = everything(&world).await;
    let error = world.provision(&Wish::new("a")).await.unwrap_err();
    assert!(matches!(error, ProvisionError::SlugDeleted { id: found, .. } if found == id), "{error}");
    world.by_hand("UPDATE organizations SET status = 'active'").await;
    let error = world.provision(&Wish::new("a")).await.unwrap_err();
    assert!(matches!(error, ProvisionError::SlugDeleted { .. }), "{error}");
    world.by_hand("UPDATE organizations SET status = 'deleted'").await;
    let count = |text: &str| text.lines().map(str::to_owned).collect::<Vec<_>>();
    assert_eq!(count(&everything(&world).await)[..7], count(&before)[..7]);
}

async fn what_is_not_buried_is_not_purged(world: World) {
    world.organization("a").await;
    let before = everything(&world).await;
    let error = provision::purge(&world.store, &owner("a")).await.unwrap_err();
    assert!(matches!(error, StoreError::Corrupt { .. }), "{error}");
    assert_eq!(everything(&world).await, before);
}

async fn purged_only_its_tombstone_and_its_events_are_left(world: World) {
    let other = world.organization("other").await;
    let id = world.organization("a").await;
    let user = world.user(id, "ann@a.example").await;
    world
        .by_hand(&format!(
            "INSERT INTO tenantry.lockout (account) VALUES ('ann@a.example'), ('admin@other.example'); \
             INSERT INTO tenantry.sessions (id, user_id, organization_id, sealed, sealed_by, created_at, rotated_at, \
               authenticated_at, expires_at) VALUES ('s', {0}, {id}, '', 'one', 0, 0, 0, 0); \
             INSERT INTO tenantry.registrations VALUES ({id}, 0); \
             INSERT INTO tenantry.rotation_requests VALUES ({id}, 0); \
             INSERT INTO tenantry.invitations (organization_id, email, typed_email, full_name, role, secret_digest, \
               invited_by, created_at, expires_at) VALUES ({id}, 'b', 'b', 'b', 'viewer', '', {0}, 0, 0)",
            user.id.0
        ))
        .await;
    provision::bury(&world.store, &owner("a")).await.unwrap();
    assert_eq!(purge(&world, "a").await, Purged::Done);
    for (table, left) in [
        ("organizations", "1"),
        ("users", "1"),
        ("tenantry.accounts", "1"),
        ("tenantry.lockout", "1"),
        ("tenantry.sessions", "0"),
        ("tenantry.invitations", "0"),
        ("tenantry.registrations", "0"),
        ("tenantry.rotation_requests", "0"),
        ("tenantry.signing_keys", "1"),
        ("tenantry.secrets", "1"),
        ("tenantry.holds", "0"),
        ("tenantry.ownership", "1"),
        ("tenantry.tombstones", "1"),
    ] {
        assert_eq!(world.by_hand(&format!("SELECT count(*) FROM {table}")).await, left, "{table}");
    }
    let last = format!(
        "SELECT action FROM tenantry.audit_events WHERE organization_id = {id} ORDER BY id DESC LIMIT 1"
    );
    assert_eq!(world.by_hand(&last).await, "organization.purged");
    let slug = "a".parse().unwrap();
    let seen = provision::observe(&world.store, &owner("a"), &slug).await.unwrap();
    assert!(seen.owned.is_none());
    assert_eq!(seen.slug, SlugState::Free);
    let mut tx = world.write().await;
    assert_eq!(organizations::by_id(&mut tx, other).await.unwrap().unwrap().status, Status::Active);
}

async fn purged_twice_is_done(world: World) {
    buried(&world, "a").await;
    purge(&world, "a").await;
    let before = everything(&world).await;
    assert_eq!(purge(&world, "a").await, Purged::Done);
    assert_eq!(purge(&world, "stranger").await, Purged::Done);
    assert_eq!(everything(&world).await, before);
}

async fn a_row_that_references_it_blocks_and_nothing_is_changed(world: World) {
    let (other, id) = (world.organization("other").await, buried(&world, "a").await);
    world
        .by_hand(&format!(
            "CREATE TABLE \"My \"\"Events\"\"\" (id INTEGER PRIMARY KEY, org BIGINT REFERENCES organizations (id)); \
             INSERT INTO \"My \"\"Events\"\"\" VALUES (1, {id}), (2, {id}), (3, {other}), (4, NULL); \
             CREATE TABLE notes (id INTEGER PRIMARY KEY, author BIGINT REFERENCES users (id)); \
             INSERT INTO notes SELECT id, id FROM users"
        ))
        .await;
    let before = everything(&world).await;
    assert_eq!(purge(&world, "a").await, blocked(&[("My \"Events\"", "org", 2), ("notes", "author", 1)]));
    assert_eq!(everything(&world).await, before);
    world.by_hand(&format!("DELETE FROM \"My \"\"Events\"\"\" WHERE org = {id}; DELETE FROM notes")).await;
    assert_eq!(purge(&world, "a").await, Purged::Done);
}

async fn a_cascade_never_reaches_what_is_another_applications(world: World) {
    let id = buried(&world, "a").await;
    world
        .by_hand(&format!(
            "CREATE TABLE events (id INTEGER PRIMARY KEY, organization_id INTEGER NOT NULL \
               REFERENCES organizations (id) ON DELETE CASCADE); \
             CREATE TABLE logins (id INTEGER PRIMARY KEY, who BIGINT REFERENCES users (id) ON DELETE CASCADE); \
             CREATE TABLE drafts (id INTEGER PRIMARY KEY, who BIGINT REFERENCES users (id) ON DELETE SET NULL); \
             INSERT INTO events VALUES (1, {id}), (2, {id}); INSERT INTO logins SELECT id, id FROM users; \
             INSERT INTO drafts SELECT id, id FROM users"
        ))
        .await;
    let found = blocked(&[("drafts", "who", 1), ("events", "organization_id", 2), ("logins", "who", 1)]);
    assert_eq!(purge(&world, "a").await, found);
    let rows = "SELECT count(*) FROM events; SELECT count(*) FROM logins; SELECT count(who) FROM drafts";
    assert_eq!(world.by_hand(rows).await, "2\n1\n1");
}

async fn a_table_with_its_id_in_a_column_blocks_too(world: World) {
    let (other, id) = (world.organization("other").await, buried(&world, "a").await);
    world
        .by_hand(&format!(
            "CREATE TABLE events (organization_id INTEGER); CREATE TABLE texts (organization_id VARCHAR(20)); \
             INSERT INTO events VALUES ({id}), ({other}), (NULL); INSERT INTO texts VALUES ('{id}'), ('{id}0')"
        ))
        .await;
    let found = blocked(&[("events", "organization_id", 1), ("texts", "organization_id", 1)]);
    assert_eq!(purge(&world, "a").await, found);
    world.by_hand(&format!("DELETE FROM events WHERE organization_id = {id}; DELETE FROM texts")).await;
    assert_eq!(purge(&world, "a").await, Purged::Done);
}

async fn members_of_others_that_point_at_it_block(world: World) {
    let (other, id) = (world.organization("other").await, buried(&world, "a").await);
    world
        .by_hand(&format!(
            "ALTER TABLE users ADD COLUMN invited_by BIGINT REFERENCES users (id) ON DELETE CASCADE; \
             ALTER TABLE organizations ADD COLUMN parent BIGINT REFERENCES organizations (id); \
             UPDATE users SET invited_by = (SELECT id FROM users WHERE organization_id = {id}) \
               WHERE organization_id = {other}; \
             UPDATE organizations SET parent = {id} WHERE id = {other}"
        ))
        .await;
    assert_eq!(
        purge(&world, "a").await,
        blocked(&[("organizations", "parent", 1), ("users", "invited_by", 1)])
    );
    assert_eq!(world.by_hand("SELECT count(*) FROM users").await, "2");
}

async fn its_own_members_may_point_at_each_other(world: World) {
    let id = world.organization("a").await;
    world.user(id, "ann@a.example").await;
    provision::bury(&world.store, &owner("a")).await.unwrap();
    world
        .by_hand(
            "ALTER TABLE users ADD COLUMN invited_by BIGINT REFERENCES users (id); \
             ALTER TABLE organizations ADD COLUMN parent BIGINT REFERENCES organizations (id); \
             UPDATE users SET invited_by = (SELECT min(id) FROM users); UPDATE organizations SET parent = id",
        )
        .await;
    assert_eq!(purge(&world, "a").await, Purged::Done);
    assert_eq!(world.by_hand("SELECT count(*) FROM users").await, "0");
}

async fn the_id_of_a_purged_organization_is_not_issued_again(world: World) {
    let id = buried(&world, "a").await;
    purge(&world, "a").await;
    let heir = world.organization("a").await;
    assert!(heir.0 > id.0, "{heir} after {id}");
}

async fn an_applications_own_table_issues_no_id_again(world: World) {
    if !world.is_sqlite() {
        return;
    }
    // As SQLAlchemy makes it: without AUTOINCREMENT the next id is the largest there is, and one.
    world
        .by_hand(
            "DROP TABLE users; DROP TABLE organizations; \
             CREATE TABLE organizations (id INTEGER NOT NULL PRIMARY KEY, name TEXT, slug TEXT UNIQUE, status TEXT, \
               settings JSON, max_users INTEGER, created_at DATETIME, updated_at DATETIME); \
             CREATE TABLE users (id INTEGER NOT NULL PRIMARY KEY, organization_id INTEGER, email TEXT UNIQUE, \
               hashed_password TEXT, full_name TEXT, role TEXT, is_active BOOLEAN, last_login DATETIME, \
               failed_login_attempts INTEGER, locked_until DATETIME, created_at DATETIME, updated_at DATETIME); \
             DELETE FROM sqlite_sequence WHERE name IN ('organizations', 'users')",
        )
        .await;
    let first = world.organization("first").await;
    let last = buried(&world, "last").await;
    assert_eq!((first.0, last.0), (1, 2));
    purge(&world, "last").await;
    assert_eq!(world.organization("heir").await.0, 3);
    assert_eq!(world.organization("next").await.0, 4);
}

async fn the_backends_own_keys_survive_a_purge(world: World) {
    let none = provision::BackendKeys::default();
    provision::backend_keys(&world.store, &tenantry_rules::random::SystemRandom, &none).await.unwrap();
    world.by_hand("INSERT INTO organizations (id, name, slug) VALUES (0, 'Zero', 'a')").await;
    let wish = Wish { adoption: provision::Adoption::Adopt, ..Wish::new("a") };
    assert_eq!(world.provision(&wish).await.unwrap().organization_id.0, 0);
    provision::bury(&world.store, &wish.owner).await.unwrap();
    assert_eq!(purge(&world, "a").await, Purged::Done);
    let names = "SELECT name FROM tenantry.secrets WHERE retired_at IS NULL ORDER BY name";
    assert_eq!(world.by_hand(names).await, "encryption_key\njwt_secret_key");
}

async fn a_row_that_was_deleted_by_hand_is_cleaned_up_after(world: World) {
    world.organization("a").await;
    world.by_hand("DELETE FROM users; DELETE FROM organizations").await;
    assert!(!provision::bury(&world.store, &owner("a")).await.unwrap());
    assert_eq!(purge(&world, "a").await, Purged::Done);
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.ownership").await, "0");
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.signing_keys").await, "0");
}

async fn given_up_it_stays_as_it_is_and_may_be_adopted(world: World) {
    let id = world.organization("a").await;
    assert!(provision::release(&world.store, &owner("a")).await.unwrap());
    assert!(!provision::release(&world.store, &owner("a")).await.unwrap());
    let last = "SELECT action, actor FROM tenantry.audit_events ORDER BY id DESC LIMIT 1";
    assert_eq!(world.by_hand(last).await, "organization.given_up|manifest:laptop/xdr/a");
    let error = world.provision(&Wish::new("a")).await.unwrap_err();
    assert!(matches!(error, ProvisionError::SlugUnowned { .. }), "{error}");
    let wish = Wish { adoption: provision::Adoption::Adopt, admin: None, ..Wish::new("a") };
    assert_eq!(world.provision(&wish).await.unwrap().organization_id, id);
}

async fn interrupted_anywhere_a_deletion_is_finished_by_repeating_it(world: World) {
    for n in 0..12_u64 {
        let name = format!("org-{n}");
        world.organization(&name).await;
        let (store, gone) = (world.store.clone(), owner(&name));
        let task = tokio::spawn(async move {
            provision::bury(&store, &gone).await.map(drop).ok();
            provision::purge(&store, &gone).await.map(drop).ok();
        });
        tokio::time::sleep(std::time::Duration::from_micros(n * 900)).await;
        task.abort();
        drop(task.await);
        provision::bury(&world.store, &owner(&name)).await.unwrap();
        assert_eq!(purge(&world, &name).await, Purged::Done);
    }
    for table in ["organizations", "users", "tenantry.ownership", "tenantry.secrets", "tenantry.signing_keys"]
    {
        assert_eq!(world.by_hand(&format!("SELECT count(*) FROM {table}")).await, "0", "{table}");
    }
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.tombstones").await, "12");
}

#[tokio::test(flavor = "multi_thread")]
async fn what_an_application_adds_meanwhile_is_not_lost_to_its_cascade() {
    let world = World::postgres().await;
    let id = buried(&world, "a").await;
    let Place::Postgres(database) = &world.place else { unreachable!() };
    world
        .by_hand(
            "CREATE TABLE events (id BIGINT PRIMARY KEY, \
               org BIGINT NOT NULL REFERENCES organizations (id) ON DELETE CASCADE)",
        )
        .await;
    let (database, slow) =
        (database.clone(), format!("INSERT INTO events VALUES (1, {id}); SELECT pg_sleep(1)"));
    let application = tokio::spawn(async move { database.psql(&slow).await.map(drop) });
    tokio::time::sleep(std::time::Duration::from_millis(400)).await;
    assert_eq!(purge(&world, "a").await, blocked(&[("events", "org", 1)]), "it waits for the application");
    application.await.unwrap().unwrap();
    assert_eq!(world.by_hand("SELECT count(*) FROM events").await, "1");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_a_policy_hides_are_not_taken_for_none() {
    let world = World::postgres().await;
    let id = buried(&world, "a").await;
    let Place::Postgres(database) = &world.place else { unreachable!() };
    world
        .by_hand(&format!(
            "CREATE TABLE events (organization_id BIGINT); INSERT INTO events VALUES ({id}); \
             CREATE ROLE confined LOGIN PASSWORD 'x'; GRANT USAGE ON SCHEMA tenantry, public TO confined; \
             GRANT ALL ON ALL TABLES IN SCHEMA tenantry, public TO confined; \
             GRANT ALL ON ALL SEQUENCES IN SCHEMA tenantry TO confined; \
             ALTER TABLE events ENABLE ROW LEVEL SECURITY; \
             CREATE POLICY none ON events USING (false)"
        ))
        .await;
    let (_, rest) = database.url().split_once('@').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
    let options =
        tenantry_store::Options { url: format!("postgres://confined:x@{rest}").into(), ..world.options() };
    let confined = tenantry_store::Store::open(options).await.unwrap();
    assert!(provision::purge(&confined, &owner("a")).await.is_err());
    assert_eq!(purge(&world, "a").await, blocked(&[("events", "organization_id", 1)]));
}
