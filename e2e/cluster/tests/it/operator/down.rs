//! A store that is gone while manifests are made, edited and deleted: once it is back everything is as they say, and until then
//! nobody else waits for it.

use std::sync::Arc;
use std::time::{Duration, Instant};

use tenantry_harness::vault::Fault;
use tenantry_harness::{Cluster, ClusterOptions, Database};
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;

use super::world::{Wanted, World, organization, url};

const CLOSED_AND_KEPT: &str = "  deletionPolicy: Retain\n";
const DELETED: &str = "  deletionPolicy: Delete\n";

async fn three(world: &World) {
    world.backend("").await;
    for (name, spec) in [("edited", ""), ("kept", CLOSED_AND_KEPT), ("deleted", DELETED)] {
        world.organization(name, spec).await;
    }
    for name in ["edited", "kept", "deleted"] {
        world.ready(&format!("org/{name}")).await;
    }
}

/// One is made, one edited, two are deleted.
async fn meanwhile(world: &World) {
    world.organization("made", "").await;
    world
        .kubectl(&["patch", "org/edited", "--type=merge", "-p", r#"{"spec":{"displayName":"Edited"}}"#])
        .await;
    world.kubectl(&["delete", "org/kept", "org/deleted", "--wait=false"]).await;
}

async fn everything_is_as_the_manifests_say(world: &World) {
    world.ready("org/made").await;
    world.ready("org/edited").await;
    world.gone("org/kept").await;
    world.gone("org/deleted").await;
    let rows = "SELECT slug, name, status FROM organizations ORDER BY slug";
    world
        .wait("the rows", async || {
            let found = world.psql(rows).await;
            (found == "edited|Edited|active\nkept|kept|suspended\nmade|made|active").then_some(())
        })
        .await;
    for gone in ["kept", "deleted"] {
        assert!(world.secret(&format!("tenantry-org-{gone}")).await.is_none(), "{gone}");
    }
    assert!(world.secret("tenantry-org-made").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_database_everything_waits_and_says_so() {
    let world = World::start(Wanted { own_postgres: true, ..Wanted::default() }).await;
    three(&world).await;
    let keys = world.secret("tenantry-org-edited").await.unwrap();
    world.postgres.as_ref().unwrap().stop().await.unwrap();
    meanwhile(&world).await;
    world.reason("org/made", "Ready", "DatabaseUnavailable").await;
    world.reason("org/edited", "DatabaseReady", "DatabaseUnavailable").await;
    world.reason("org/kept", "DeletionBlocked", "DatabaseUnavailable").await;
    world.reason("org/deleted", "DeletionBlocked", "DatabaseUnavailable").await;
    world.reason("backend/app", "Ready", "DatabaseUnavailable").await;
    world.store_answers("database", false).await;
    world.postgres.as_ref().unwrap().start_again().await.unwrap();
    everything_is_as_the_manifests_say(&world).await;
    assert_eq!(world.secret("tenantry-org-edited").await.unwrap(), keys);
    world.ready("backend/app").await;
    world.store_answers("database", true).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_aws_what_needs_it_waits_and_nothing_else() {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    three(&world).await;
    let vault = world.vault.as_ref().unwrap();
    vault.down(true);
    meanwhile(&world).await;
    world.reason("org/made", "AwsSecretsReady", "AwsUnavailable").await;
    // Nobody knows whether it has keys there already.
    world.reason("org/made", "DatabaseReady", "WaitsForSecrets").await;
    world
        .wait("the edit in the database", async || {
            (world.psql("SELECT name FROM organizations WHERE slug = 'edited'").await == "Edited")
                .then_some(())
        })
        .await;
    world.gone("org/kept").await;
    world.reason("org/deleted", "DeletionBlocked", "AwsUnavailable").await;
    world.store_answers("aws", false).await;
    world.store_answers("database", true).await;
    vault.down(false);
    everything_is_as_the_manifests_say(&world).await;
    assert!(vault.secret("tenantry/app/made").await.unwrap().unwrap().content.is_some());
    assert!(vault.secret("tenantry/app/deleted").await.unwrap().unwrap().deletion_scheduled);
}

#[tokio::test(flavor = "multi_thread")]
async fn throttled_and_denied_by_aws_it_says_so_and_goes_on_afterwards() {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    three(&world).await;
    let vault = world.vault.as_ref().unwrap();
    vault.throttle(true);
    meanwhile(&world).await;
    world.reason("org/made", "AwsSecretsReady", "AwsThrottled").await;
    vault.throttle(false);
    everything_is_as_the_manifests_say(&world).await;
    vault.fail_next("CreateSecret", Fault::Denied, 1);
    world.organization("later", "").await;
    let said = world.event("org/later", "AwsAccessDenied").await;
    assert!(said.contains("secretsmanager:CreateSecret"), "{said}");
    world.ready("org/later").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_api_server_that_goes_in_the_middle_of_work_finds_it_done_afterwards() {
    let cluster = Cluster::start(ClusterOptions::default()).await.unwrap();
    let namespace = cluster.namespace("app").await.unwrap();
    let world = World::start_in(cluster, namespace, Wanted::default()).await;
    three(&world).await;
    meanwhile(&world).await;
    world.cluster.stop_api().await.unwrap();
    // Longer than the lease lasts.
    tokio::time::sleep(Duration::from_secs(15)).await;
    world.psql("UPDATE organizations SET name = 'by hand' WHERE slug = 'edited'").await;
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(world.operator.is_alive("operator").unwrap());
    world.cluster.start_api().await.unwrap();
    everything_is_as_the_manifests_say(&world).await;
}

/// A way to a database that can be stopped up, as a network that loses everything does.
struct Way {
    port: u16,
    open: watch::Sender<bool>,
}

impl Way {
    async fn to(database: &Database) -> Self {
        let there = url(database);
        let address = there.rsplit('@').next().unwrap().split('/').next().unwrap().to_owned();
        let address = address.replace("localhost", "127.0.0.1");
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let (open, opened) = watch::channel(true);
        tokio::spawn(async move {
            while let Ok((near, _)) = listener.accept().await {
                let far = TcpStream::connect(&address).await.unwrap();
                let ((near_read, near_write), (far_read, far_write)) = (near.into_split(), far.into_split());
                tokio::spawn(pass(near_read, far_write, opened.clone()));
                tokio::spawn(pass(far_read, near_write, opened.clone()));
            }
        });
        Self { port, open }
    }

    fn url(&self, database: &Database) -> String {
        let there = url(database);
        let (before, after) = there.rsplit_once(':').unwrap();
        format!("{before}:{}/{}", self.port, after.split_once('/').unwrap().1)
    }
}

async fn pass(
    mut from: tokio::net::tcp::OwnedReadHalf,
    mut to: tokio::net::tcp::OwnedWriteHalf,
    mut open: watch::Receiver<bool>,
) {
    let mut bytes = vec![0; 16_384];
    while let Ok(read @ 1..) = from.read(&mut bytes).await {
        if open.wait_for(|open| *open).await.is_err() || to.write_all(&bytes[..read]).await.is_err() {
            return;
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_answers_nothing_keeps_no_organization_of_another_backend_waiting() {
    let world = Arc::new(World::start(Wanted::default()).await);
    let other = tenantry_harness::Postgres::shared().await.unwrap().create_database().await.unwrap();
    let way = Way::to(&other).await;
    world.backend("").await;
    world.backend_on("silent", &other, &way.url(&other), "").await;
    let many: Vec<String> = (0..24)
        .map(|number| organization(&format!("silent-{number}"), "  backendRef: { name: silent }\n"))
        .collect();
    world.apply(&many.join("---\n")).await;
    for number in 0..24 {
        world.ready(&format!("org/silent-{number}")).await;
    }
    way.open.send(false).unwrap();
    let edited: Vec<String> =
        many.iter().map(|one| one.replace("displayName: ", "displayName: edited ")).collect();
    world.apply(&edited.join("---\n")).await;
    let began = Instant::now();
    world.organization("acme", "  backendRef: { name: app }\n").await;
    world.ready("org/acme").await;
    assert!(began.elapsed() < Duration::from_secs(15), "it took {:?}", began.elapsed());
    world.reason("org/silent-7", "DatabaseReady", "DatabaseUnavailable").await;
    way.open.send(true).unwrap();
    for number in 0..24 {
        world
            .wait("the edit", async || {
                let found = world.get(&format!("org/silent-{number}")).await?;
                let settled = found["status"]["observedGeneration"] == found["metadata"]["generation"];
                (settled && super::world::find(&found, "Ready")?["status"] == "True").then_some(())
            })
            .await;
    }
}
