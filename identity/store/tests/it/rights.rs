//! PostgreSQL users that may do no more than they must. A server of its own: its roles are everybody's.

use std::sync::{Arc, LazyLock};

use secrecy::SecretString;
use tenantry_harness::{Database, Postgres};
use tenantry_rules::clock::ManualClock;
use tenantry_rules::random::SystemRandom;
use tenantry_rules::sealing::Keyring;
use tenantry_store::provision::{self, Purged};
use tenantry_store::{OpenError, Options, Store};

use crate::world::{Place, START, Wish, options, provision_on};

/// A database in which nobody but its owner may do anything, and a user of it called as our schema is.
async fn locked(server: &Postgres) -> Database {
    let database = server.create_database().await.unwrap();
    let name = database.name();
    let sql = format!(
        "REVOKE ALL ON SCHEMA public FROM PUBLIC; REVOKE ALL ON DATABASE {name} FROM PUBLIC; \
         GRANT CONNECT ON DATABASE {name} TO tenantry"
    );
    database.psql(&sql).await.unwrap();
    database
}

async fn open(database: &Database) -> Result<Store, OpenError> {
    let url = database.url();
    let (_, place) = url.split_once('@').unwrap();
    let (clock, place_of) = (Arc::new(ManualClock::new(START)), Place::Postgres(database.clone()));
    let url = format!("postgres://tenantry:x@{place}").into();
    Store::open(Options { url, ..options(&place_of, &clock, &KEYRING) }).await
}

/// Runs what the refusals say until the database opens, and tells what that was.
async fn do_as_told(database: &Database) -> (Store, Vec<String>) {
    let mut done = Vec::new();
    loop {
        let error = match open(database).await {
            Ok(store) => return (store, done),
            Err(error) => error,
        };
        let statement = match &error {
            OpenError::Rights { statement, .. } => statement.clone(),
            OpenError::Unusable { remedy, .. } => remedy.strip_prefix("run: ").unwrap().to_owned(),
            other => panic!("{other}"),
        };
        assert!(!done.contains(&statement), "it did not help: {error:?}");
        database.psql(&statement).await.unwrap();
        done.push(statement);
    }
}

/// Makes an organization and takes it away again.
async fn works(store: &Store) {
    let wish = Wish::new("mini-corp");
    provision_on(store, &wish).await.unwrap();
    assert!(provision::bury(store, &wish.owner).await.unwrap());
    assert_eq!(provision::purge(store, &wish.owner).await.unwrap(), Purged::Done);
}

/// The same at each attempt, as what one sealed the next has to read.
static KEYRING: LazyLock<SecretString> = LazyLock::new(|| Keyring::generate("one", &SystemRandom).unwrap());

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_user_with_no_rights_is_told_them_one_by_one_and_the_applications_tables_stay_out_of_our_schema() {
    let server = Postgres::start().await.unwrap();
    server.create_database().await.unwrap().psql("CREATE ROLE tenantry LOGIN PASSWORD 'x'").await.unwrap();

    let database = locked(&server).await;
    let (store, done) = do_as_told(&database).await;
    assert_eq!(
        done,
        ["CREATE SCHEMA tenantry AUTHORIZATION tenantry", "GRANT USAGE, CREATE ON SCHEMA public TO tenantry"]
    );
    let place = "SELECT schemaname FROM pg_tables WHERE tablename IN ('organizations', 'users')";
    assert_eq!(database.psql(place).await.unwrap().trim(), "public\npublic");
    works(&store).await;

    // The application's tables are there, and stay its own.
    let database = locked(&server).await;
    database.psql(include_str!("../../migrations/application.sql")).await.unwrap();
    database
        .psql("GRANT USAGE ON SCHEMA public TO tenantry; CREATE SCHEMA tenantry AUTHORIZATION tenantry")
        .await
        .unwrap();
    let (store, done) = do_as_told(&database).await;
    assert_eq!(done, ["GRANT SELECT, INSERT, UPDATE, DELETE, TRIGGER ON organizations, users TO tenantry"]);
    works(&store).await;

    // A right that goes while it is at work.
    database.psql("REVOKE INSERT ON users FROM tenantry").await.unwrap();
    let error = provision_on(&store, &Wish::new("old-mill")).await.unwrap_err();
    let provision::ProvisionError::Found(provision::FoundError::Store(error)) = error else {
        panic!("{error}")
    };
    assert!(error.lacks_rights() && !error.is_transient(), "{error:?}");
}
