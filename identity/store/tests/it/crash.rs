//! What a crash in the middle leaves: everything that was answered, and nothing by halves.

use std::io::{BufRead as _, BufReader, Write as _};
use std::process::{Command, Stdio};
use std::time::Duration;

use tenantry_rules::random::SystemRandom;
use tenantry_store::provision::{Admin, Registration, register};
use tenantry_store::{Store, signing_keys};

use crate::world::{FIRST_KEY, Place, World, hash, on_both, role};

on_both!(killed_while_registering_no_organization_has_half_its_rows);

/// Registers one organization after the other and prints each once it is answered, until somebody kills it. Not a
/// test: the story below runs it as a process of its own.
#[tokio::test]
#[ignore = "the process that is killed"]
async fn registering_process() {
    let Ok(url) = std::env::var("TENANTRY_TEST_URL") else { return };
    let keyring = std::env::var("TENANTRY_TEST_KEYRING").unwrap();
    let ca = std::env::var("TENANTRY_TEST_CA").ok().map(|path| std::path::PathBuf::from(path).into());
    let store = Store::open(tenantry_store::Options {
        url: url.into(),
        ca,
        connections: 4,
        keyring: tenantry_rules::sealing::Keyring::from_json(&keyring).unwrap(),
        backend: crate::world::BACKEND.into(),
        cluster: "laptop".into(),
        clock: None,
    })
    .await
    .unwrap();
    for n in 0.. {
        let slug = format!("org-{}-{n}", std::process::id());
        sign_up(&store, &slug).await;
        writeln!(std::io::stdout(), "answered {slug}").unwrap();
    }
}

async fn sign_up(store: &Store, slug: &str) {
    let email = format!("admin@{slug}.example").parse().unwrap();
    let (role, password) = (role("admin"), hash("admin"));
    let admin = Admin {
        email: &email,
        full_name: "Admin",
        role: &role,
        hashed_password: &password,
        email_verified: false,
        shown_password: None,
    };
    let new = Registration {
        slug: &slug.parse().unwrap(),
        name: slug,
        max_users: None,
        admin,
        first_key: FIRST_KEY,
    };
    let mut tx = store.write().await.unwrap();
    register(&mut tx, &SystemRandom, &new).await.unwrap();
    tx.commit().await.unwrap();
}

async fn killed_while_registering_no_organization_has_half_its_rows(world: World) {
    use secrecy::ExposeSecret as _;
    let mut answered = Vec::new();
    for round in 0..4_u64 {
        let mut command = Command::new(std::env::current_exe().unwrap());
        command
            .args(["--exact", "crash::registering_process", "--ignored", "--nocapture"])
            .env("TENANTRY_TEST_URL", world.options().url.expose_secret())
            .env("TENANTRY_TEST_KEYRING", world.keyring.expose_secret())
            .stdout(Stdio::piped())
            .stderr(Stdio::null());
        if let Place::Postgres(database) = &world.place {
            command.env("TENANTRY_TEST_CA", database.ca_path());
        }
        let mut process = command.spawn().unwrap();
        let mut lines = BufReader::new(process.stdout.take().unwrap()).lines().map(Result::unwrap);
        // Killed at another moment of a registration each time.
        answered.extend(lines.by_ref().filter_map(|line| slug_of(&line)).take(3));
        std::thread::sleep(Duration::from_micros(1300 * round));
        process.kill().unwrap();
        answered.extend(lines.filter_map(|line| slug_of(&line)));
        process.wait().unwrap();
    }
    assert!(answered.len() >= 12);
    for slug in &answered {
        let found = world.by_hand(&format!("SELECT count(*) FROM organizations WHERE slug = '{slug}'")).await;
        assert_eq!(found, "1", "{slug} was answered");
    }
    for (what, rows) in [
        ("user", "SELECT count(DISTINCT organization_id) FROM users"),
        ("signing key", "SELECT count(DISTINCT organization_id) FROM tenantry.signing_keys"),
        ("data key", "SELECT count(DISTINCT organization_id) FROM tenantry.secrets"),
    ] {
        let organizations = world.by_hand("SELECT count(*) FROM organizations").await;
        assert_eq!(world.by_hand(rows).await, organizations, "each organization has a {what}");
    }
    let store = world.open().await.unwrap();
    let mut tx = store.write().await.unwrap();
    for id in tenantry_store::organizations::ids(&mut tx).await.unwrap() {
        assert!(signing_keys::list(&mut tx, id).await.unwrap().len() == 1);
    }
}

fn slug_of(line: &str) -> Option<String> {
    line.split_once("answered ").map(|(_, slug)| slug.to_owned())
}

#[tokio::test(flavor = "multi_thread")]
async fn a_connection_cut_in_the_middle_of_a_transaction_leaves_nothing_and_the_next_one_works() {
    let world = World::postgres().await;
    let id = world.organization("a").await;
    let mut tx = world.write().await;
    let email = "ann@a.example".parse().unwrap();
    let new = tenantry_store::users::NewUser {
        organization_id: id,
        email: &email,
        full_name: "Ann",
        role: &role("viewer"),
        hashed_password: &hash("x"),
        email_verified: false,
    };
    tenantry_store::users::create(&mut tx, &new).await.unwrap();
    world
        .by_hand(
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
             WHERE application_name = 'tenantry' AND datname = current_database()",
        )
        .await;
    let lost = tx.commit().await.unwrap_err();
    assert!(lost.is_transient(), "{lost:?}");
    assert_eq!(world.by_hand("SELECT count(*) FROM users").await, "1");
    world.user(id, "ann@a.example").await;
}
