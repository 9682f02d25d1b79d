use std::sync::Arc;

use tenantry_rules::clock::{Clock as _, ManualClock, SystemClock};
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;
use tenantry_store::{OpenError, Store};

use crate::world::{Place, START, World, on_both, options, postgres_place, sqlite_place};

on_both!(
    a_second_start_finds_everything_and_writes_nothing,
    a_database_may_be_opened_as_it_is_and_is_refused_where_it_would_have_to_be_changed,
    two_that_open_at_once_do_not_disturb_each_other,
    a_newer_database_is_refused_with_a_sentence,
    another_backends_database_is_refused,
    a_table_that_lacks_a_column_is_refused_with_the_statement_that_helps,
    the_applications_own_tables_get_nothing_but_our_triggers,
    our_tables_stay_out_of_the_applications_way,
    in_production_now_is_the_databases,
);

async fn a_second_start_finds_everything_and_writes_nothing(world: World) {
    let id = world.organization("mini-corp").await;
    let before = world.by_hand("SELECT version FROM tenantry.directory_head").await;
    world.store.close().await;
    let again = world.open().await.unwrap();
    let mut tx = again.read().await.unwrap();
    assert!(tenantry_store::organizations::by_id(&mut tx, id).await.unwrap().is_some());
    tx.rollback().await.unwrap();
    assert_eq!(world.by_hand("SELECT version FROM tenantry.directory_head").await, before);
    assert_eq!(world.by_hand("SELECT count(*) FROM tenantry.migrations").await, "4");
}

async fn a_database_may_be_opened_as_it_is_and_is_refused_where_it_would_have_to_be_changed(world: World) {
    let unprepared = async |options| {
        let error = Store::open_as_it_is(options).await.err();
        assert!(matches!(error, Some(OpenError::Unprepared(_))), "{error:?}");
    };
    let tables =
        "SELECT count(*) FROM information_schema.tables WHERE table_schema IN ('public', 'tenantry')";
    if !world.is_sqlite() {
        let (clock, keyring) = (Arc::clone(&world.clock), world.keyring.clone());
        let empty = World { place: postgres_place().await, store: world.store.clone(), clock, keyring };
        unprepared(empty.options()).await;
        assert_eq!(empty.by_hand(tables).await, "0");
    }
    let store = Store::open_as_it_is(world.options()).await.unwrap();
    store.write().await.unwrap().commit().await.unwrap();

    let mut options = world.options();
    options.cluster = "another".into();
    unprepared(options).await;
    let trigger =
        if world.is_sqlite() { "tenantry_mark_users_update" } else { "tenantry_mark_update ON users" };
    world.by_hand(&format!("DROP TRIGGER {trigger}")).await;
    unprepared(world.options()).await;
}

async fn two_that_open_at_once_do_not_disturb_each_other(world: World) {
    let place = if world.is_sqlite() { sqlite_place() } else { postgres_place().await };
    let open = || Store::open(options(&place, &world.clock, &world.keyring));
    let (a, b, c, d) = tokio::join!(open(), open(), open(), open());
    for store in [a, b, c, d] {
        store.unwrap().read().await.unwrap().rollback().await.unwrap();
    }
}

async fn a_newer_database_is_refused_with_a_sentence(world: World) {
    world.by_hand("INSERT INTO tenantry.migrations VALUES (99, 'from the future', 0)").await;
    let error = world.open().await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the database was written by a newer Tenantry (schema 99, this program knows 4); \
         run the newer program, or restore a backup made before it"
    );
}

async fn another_backends_database_is_refused(world: World) {
    let mut options = world.options();
    options.backend = "shop/shop".into();
    let error = Store::open(options).await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the database belongs to the Backend xdr/mini-xdr, not to shop/shop; give each Backend a database of its own"
    );
}

async fn a_table_that_lacks_a_column_is_refused_with_the_statement_that_helps(world: World) {
    world.by_hand("ALTER TABLE users DROP COLUMN full_name").await;
    let error = world.open().await.err().unwrap();
    assert_eq!(
        error.to_string(),
        "the table users has no column full_name; run: ALTER TABLE users ADD COLUMN full_name TEXT"
    );
    world.by_hand("ALTER TABLE users ADD COLUMN full_name TEXT").await;
    world.open().await.unwrap();
}

async fn the_applications_own_tables_get_nothing_but_our_triggers(world: World) {
    let place = if world.is_sqlite() { sqlite_place() } else { postgres_place().await };
    let application = World { place, store: world.store, clock: world.clock, keyring: world.keyring };
    let (id, moment) = match application.place {
        Place::Sqlite { .. } => ("INTEGER PRIMARY KEY", "DATETIME"),
        Place::Postgres(_) => ("SERIAL PRIMARY KEY", "TIMESTAMP"),
    };
    application
        .by_hand(&format!(
            "CREATE TABLE organizations (id {id}, name VARCHAR(255) NOT NULL, slug VARCHAR(100) UNIQUE, \
               status VARCHAR(20), settings JSON, max_users INTEGER, created_at {moment}, updated_at {moment}); \
             CREATE TABLE users (id {id}, organization_id INTEGER REFERENCES organizations (id), \
               email VARCHAR(255) UNIQUE, hashed_password VARCHAR(255), full_name VARCHAR(255), role VARCHAR(50), \
               is_active BOOLEAN, last_login {moment}, failed_login_attempts INTEGER, locked_until {moment}, \
               created_at {moment}, updated_at {moment}); \
             INSERT INTO organizations (name, slug, status, settings) VALUES ('Old', 'old', 'active', '{{}}'); \
             INSERT INTO users (organization_id, email, hashed_password, role, is_active) \
               VALUES (1, 'Old@Old.example', 'h', 'viewer', true);"
        ))
        .await;
    let store = application.open().await.unwrap();
    let mut tx = store.write().await.unwrap();
    let user = tenantry_store::users::by_email(&mut tx, &"old@old.example".parse().unwrap()).await;
    let user = user.unwrap().expect("the application's user");
    let account = tenantry_store::accounts::current(&mut tx, user.id).await.unwrap().unwrap();
    assert_eq!((user.organization_id.0, account.epoch), (1, 1));
    tx.commit().await.unwrap();
    let application = World { store, ..application };
    let new = application.organization("new").await;
    let mut tx = application.write().await;
    let row = tenantry_store::organizations::by_id(&mut tx, new).await.unwrap().unwrap();
    assert_eq!(row.created_at, START, "a time without a zone is UTC");
    drop(tx);
    assert_eq!(application.by_hand("SELECT count(*) FROM users").await, "2");
}

async fn our_tables_stay_out_of_the_applications_way(world: World) {
    let tables = if world.is_sqlite() {
        "SELECT name FROM sqlite_master WHERE type = 'table' AND name NOT LIKE 'tenantry\\_%' ESCAPE '\\' \
         AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' ORDER BY name"
    } else {
        "SELECT tablename FROM pg_tables WHERE schemaname = 'public' ORDER BY tablename"
    };
    assert_eq!(world.by_hand(tables).await, "organizations\nusers");
    let references = if world.is_sqlite() {
        "SELECT count(*) FROM sqlite_master m, pragma_foreign_key_list(m.name) f WHERE m.name LIKE 'tenantry%'"
    } else {
        "SELECT count(*) FROM pg_constraint WHERE contype = 'f' AND connamespace = 'tenantry'::regnamespace"
    };
    assert_eq!(world.by_hand(references).await, "0", "no foreign key of ours points anywhere");
}

async fn in_production_now_is_the_databases(world: World) {
    let mut options = world.options();
    options.clock = None;
    let store = Store::open(options).await.unwrap();
    let tx = store.write().await.unwrap();
    let apart = SystemClock.now().millis() - tx.now.millis();
    assert!((0..5_000).contains(&apart), "{apart} ms");
}

#[tokio::test(flavor = "multi_thread")]
async fn the_database_file_is_its_owners_alone() {
    use std::os::unix::fs::PermissionsExt as _;
    let world = World::sqlite().await;
    world.organization("a").await;
    let Place::Sqlite { path, .. } = &world.place else { unreachable!() };
    for file in [path.clone(), path.with_extension("db-wal")] {
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{}", file.display());
    }
}

#[tokio::test]
async fn a_url_of_another_kind_is_refused_without_repeating_it() {
    for url in
        ["mysql://root:hunter2@db/x", "hunter2", "sqlite://", "sqlite://:memory:", "postgres://[hunter2"]
    {
        let clock = Arc::new(ManualClock::new(START));
        let keyring = Keyring::generate("one", &SystemRandom).unwrap();
        let mut options = options(&sqlite_place(), &clock, &keyring);
        options.url = url.to_owned().into();
        let error = Store::open(options).await.err().unwrap();
        assert!(matches!(error, OpenError::Url(_)), "{url}: {error:?}");
        assert!(!format!("{error} {error:?}").contains("hunter2"), "{error:?}");
    }
}

#[tokio::test]
async fn a_database_that_does_not_answer_is_said_to_be_unreachable() {
    let clock = Arc::new(ManualClock::new(START));
    let keyring = Keyring::generate("one", &SystemRandom).unwrap();
    let mut options = options(&sqlite_place(), &clock, &keyring);
    options.url = "postgres://tenantry@127.0.0.1:1/tenantry".to_owned().into();
    let error = Store::open(options).await.err().unwrap();
    assert!(matches!(error, OpenError::Unreachable(_)), "{error:?}");
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let clock = Arc::new(ManualClock::new(START));
    let keyring = Keyring::generate("one", &SystemRandom).unwrap();
    let place = sqlite_place();
    let Place::Sqlite { path, .. } = &place else { unreachable!() };
    let letter = "Dear reader, this is a letter. ".repeat(100);
    std::fs::write(path, &letter).unwrap();
    let error = Store::open(options(&place, &clock, &keyring)).await.err().unwrap();
    assert!(error.to_string().starts_with(&format!("the database file {}", path.display())), "{error}");
    assert_eq!(std::fs::read_to_string(path).unwrap(), letter);
    let mut options = options(&place, &clock, &keyring);
    options.url = "sqlite:///nonexistent/folder/tenantry.db".to_owned().into();
    let error = Store::open(options).await.err().unwrap();
    assert!(matches!(error, OpenError::File { .. }), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_whose_certificate_does_not_check_out_is_not_spoken_to() {
    let world = World::postgres().await;
    let mut options = world.options();
    let other = tempfile::NamedTempFile::new().unwrap();
    std::fs::write(other.path(), rcgen::generate_simple_self_signed(["other".into()]).unwrap().cert.pem())
        .unwrap();
    options.ca = Some(other.path().to_owned().into());
    assert!(matches!(Store::open(options).await, Err(OpenError::Certificate(_))));
    let Place::Postgres(database) = &world.place else { unreachable!() };
    let mut options = world.options();
    options.url = database.url().replace("verify-full", "disable").into();
    let store = Store::open(options).await.unwrap();
    let used = world
        .by_hand(
            "SELECT count(*) FROM pg_stat_ssl s JOIN pg_stat_activity a USING (pid) \
        WHERE a.application_name = 'tenantry' AND NOT s.ssl AND a.datname = current_database()",
        )
        .await;
    assert_eq!(used, "0", "the URL cannot switch TLS off");
    store.close().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_store_in_one_process_does_not_loosen_the_locks_of_the_first() {
    let world = World::sqlite().await;
    world.organization("a").await;
    let second = world.open().await.unwrap();
    // Whoever closes the last connection deletes the log; without our locks the sqlite3 program takes itself for it.
    world.by_hand("SELECT count(*) FROM organizations").await;
    let Place::Sqlite { path, .. } = &world.place else { unreachable!() };
    assert!(path.with_extension("db-wal").exists());
    second.close().await;
}
