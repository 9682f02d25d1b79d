//! Two manifests that want one slug, rows that nobody or somebody else owns, and deletions that something stands in the way of.

use std::time::Duration;

use tenantry_harness::Cluster;

use super::world::{Wanted, World, organization};

const ALL: &str = "  allowedNamespaces: { from: All }\n";

/// A world whose operator watches a second namespace too, and lets its Organizations in.
async fn two_namespaces() -> (World, String) {
    let other = Cluster::shared().await.unwrap().namespace("other").await.unwrap();
    let wanted = Wanted { also_watch: vec![other.clone()], vault: true, ..Wanted::default() };
    let world = World::start(wanted).await;
    world.backend(ALL).await;
    world.ready("backend/app").await;
    (world, other)
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_namespaces_that_want_a_slug_the_second_waits_and_its_deletion_touches_nothing() {
    let (mut world, other) = two_namespaces().await;
    let mine = world.namespace.clone();
    world.organization("acme", "  deletionPolicy: Delete\n").await;
    world.ready("org/acme").await;
    let keys = world.secret("tenantry-org-acme").await.unwrap();
    let rows = "SELECT id, slug, status FROM organizations";
    let before = world.psql(rows).await;

    world.namespace = other.clone();
    let reference =
        format!("  slug: acme\n  backendRef: {{ name: app, namespace: {mine} }}\n  deletionPolicy: Delete\n");
    world.organization("too", &reference).await;
    let said = world.reason("org/too", "Stalled", "SlugTaken").await;
    assert!(said.contains(&format!("{mine}/acme")) && said.contains("choose another slug"), "{said}");
    assert!(world.secret("tenantry-org-too").await.is_none());
    world.event("org/too", "SlugTaken").await;
    world.kubectl(&["delete", "org/too"]).await;
    world.gone("org/too").await;

    world.namespace = mine;
    world.looked_again(&["org/acme"]).await;
    assert_eq!(world.psql(rows).await, before);
    assert_eq!(world.secret("tenantry-org-acme").await.unwrap(), keys);
    assert!(
        !world.vault.as_ref().unwrap().secret("tenantry/app/acme").await.unwrap().unwrap().deletion_scheduled
    );

    // The slug is free once the first is gone.
    world.kubectl(&["delete", "org/acme"]).await;
    world.namespace = other;
    world.organization("too", &reference).await;
    world.ready("org/too").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_namespaces_that_want_an_entry_in_aws_the_second_is_told_the_way_out_and_it_works() {
    let (mut world, other) = two_namespaces().await;
    let mine = world.namespace.clone();
    world.organization("acme", "").await;
    world.ready("org/acme").await;

    world.namespace = other;
    let spec = format!("  slug: acme-east\n  backendRef: {{ name: app, namespace: {mine} }}\n");
    world.organization("acme", &spec).await;
    let said = world.reason("org/acme", "AwsSecretsReady", "ForeignAwsSecret").await;
    assert!(
        said.contains(&format!("the Organization {mine}/acme")) && said.contains("another name"),
        "{said}"
    );
    world.until("org/acme", "SecretsReady", "True").await;
    let entry = async |name: &str| world.vault.as_ref().unwrap().secret(name).await.unwrap();
    let first = entry("tenantry/app/acme").await.unwrap();
    assert_eq!(first.tags["tenantry:namespace"], mine);

    let delete = r#"{"spec":{"deletionPolicy":"Delete"}}"#;
    world.kubectl(&["patch", "org/acme", "--type=merge", "-p", delete]).await;
    world.kubectl(&["delete", "org/acme"]).await;
    world.organization("acme-east", &spec).await;
    world.ready("org/acme-east").await;
    assert_eq!(entry("tenantry/app/acme").await.unwrap(), first, "the first's is as it was");
    assert!(entry("tenantry/app/acme-east").await.is_some());
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_whose_namespace_is_let_in_no_more_keeps_its_backend_even_unread() {
    let (mut world, other) = two_namespaces().await;
    let mine = world.namespace.clone();
    world.namespace = other.clone();
    world.organization("acme", &format!("  backendRef: {{ name: app, namespace: {mine} }}\n")).await;
    world.ready("org/acme").await;
    world.namespace = mine.clone();
    world.backend("").await;
    world.namespace = other.clone();
    world.reason("org/acme", "Stalled", "NamespaceNotAllowed").await;
    world.namespace = mine.clone();
    world.kubectl(&["delete", "backend/app", "--wait=false"]).await;
    world.reason("backend/app", "DeletionBlocked", "OrganizationsExist").await;

    // An operator that has just begun, and may not read it, knows of it by its rows alone.
    world.kill();
    world.forbid(&other).await;
    world.start_again();
    world.reason("backend/app", "DeletionBlocked", "OrganizationsUnknown").await;
    world.permit(&other).await;
    world.reason("backend/app", "DeletionBlocked", "OrganizationsExist").await;

    world.backend(ALL).await;
    world.namespace = other;
    world.kubectl(&["delete", "org/acme", "--wait=false"]).await;
    world.gone("org/acme").await;
    world.namespace = mine;
    world.gone("backend/app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn of_two_clusters_on_a_database_each_keeps_its_own() {
    let first = World::start(Wanted::default()).await;
    first.backend("").await;
    first.organization("acme", "").await;
    first.ready("org/acme").await;
    let keys = first.secret("tenantry-org-acme").await.unwrap();

    // The Backend is the same to the database: one name, in a namespace of one name, of another cluster.
    let cluster = Cluster::start(tenantry_harness::ClusterOptions::default()).await.unwrap();
    cluster.kubectl(&["create", "namespace", &first.namespace]).await.unwrap();
    let wanted = Wanted {
        database: Some(first.database.clone()),
        cluster_id: Some("second".to_owned()),
        ..Wanted::default()
    };
    let second = World::start_in(cluster, first.namespace.clone(), wanted).await;
    second.backend("").await;
    let said = second.reason("backend/app", "Stalled", "SealingKeyMissing").await;
    assert!(said.contains("keyring"), "{said}");
    let keyring = first.secret("tenantry-keyring-app").await.unwrap();
    let literal = format!("--from-literal=keyring.json={}", keyring["keyring.json"]);
    second.kubectl(&["create", "secret", "generic", "tenantry-keyring-app", &literal]).await;
    second.ready("backend/app").await;
    assert_eq!(second.secret("tenantry-backend-app").await, first.secret("tenantry-backend-app").await);

    second.organization("acme", "  deletionPolicy: Delete\n").await;
    let said = second.reason("org/acme", "Stalled", "SlugTaken").await;
    assert!(said.contains(&format!("of the cluster {}", first.namespace)), "{said}");
    second.organization("globex", "").await;
    second.ready("org/globex").await;
    second.kubectl(&["delete", "org/acme"]).await;
    // Neither's sweeper takes the other's rows for ones whose manifest vanished.
    tokio::time::sleep(Duration::from_secs(25)).await;
    assert_eq!(
        first.psql("SELECT slug, status FROM organizations ORDER BY 1").await,
        "acme|active\nglobex|active"
    );
    assert_eq!(first.secret("tenantry-org-acme").await.unwrap(), keys);
    first.ready("org/acme").await;
}

const BY_HAND: &str = "INSERT INTO organizations (name, slug) VALUES ('By hand', 'acme') RETURNING id";

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_nothing_owns_are_taken_over_only_where_the_manifest_says_so() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.ready("backend/app").await;
    let id = world.psql(BY_HAND).await.lines().next().unwrap().to_owned();
    world.organization("acme", "").await;
    let said = world.reason("org/acme", "Stalled", "SlugUnowned").await;
    assert!(said.contains(&format!("id {id}")) && said.contains("adoptionPolicy: Adopt"), "{said}");
    assert_eq!(world.psql("SELECT name FROM organizations").await, "By hand");
    world.organization("acme", "  adoptionPolicy: Adopt\n").await;
    world.ready("org/acme").await;
    assert_eq!(world.secret("tenantry-org-acme").await.unwrap()["ORGANIZATION_ID"], id);
    assert_eq!(world.psql("SELECT name FROM organizations").await, "acme");
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_registered_itself_is_taken_over_by_its_id_alone() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.ready("backend/app").await;
    let id = world.psql(BY_HAND).await.lines().next().unwrap().to_owned();
    world
        .psql(&format!(
            "INSERT INTO tenantry.registrations (organization_id, registered_at) VALUES ({id}, 1)"
        ))
        .await;
    world.organization("acme", "  adoptionPolicy: Adopt\n").await;
    let said = world.reason("org/acme", "Stalled", "SlugRegistered").await;
    assert!(said.contains(&format!("adoptId: {id}")), "{said}");
    world.organization("acme", "  adoptionPolicy: Adopt\n  adoptId: 4711\n").await;
    world
        .wait("a word on the wrong id", async || {
            let found = world.get("org/acme").await?;
            super::world::find(&found, "Stalled")?["message"].as_str()?.contains(&id).then_some(())
        })
        .await;
    world.organization("acme", &format!("  adoptionPolicy: Adopt\n  adoptId: {id}\n")).await;
    world.ready("org/acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_retained_is_found_again_with_its_id_and_its_keys() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.organization("acme", "  admin: { email: admin@acme.example, name: Admin }\n").await;
    world.ready("org/acme").await;
    let keys = world.secret("tenantry-org-acme").await.unwrap();
    let admin = world.secret("tenantry-org-acme-admin").await.unwrap();
    world.kubectl(&["delete", "org/acme"]).await;
    assert_eq!(world.psql("SELECT status FROM organizations").await, "suspended");
    assert!(world.secret("tenantry-org-acme").await.is_none());
    world.organization("acme", "  admin: { email: admin@acme.example, name: Admin }\n").await;
    world.ready("org/acme").await;
    assert_eq!(world.secret("tenantry-org-acme").await.unwrap(), keys);
    assert_eq!(world.secret("tenantry-org-acme-admin").await.unwrap(), admin);
    assert_eq!(world.psql("SELECT status FROM organizations").await, "active");
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_that_are_referred_to_block_a_deletion_until_they_are_not() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.organization("acme", "  deletionPolicy: Delete\n").await;
    world.ready("org/acme").await;
    world
        .psql(
            "CREATE TABLE events (id BIGSERIAL PRIMARY KEY, organization_id BIGINT REFERENCES organizations (id)); \
             INSERT INTO events (organization_id) SELECT id FROM organizations, generate_series(1, 3)",
        )
        .await;
    world.kubectl(&["delete", "org/acme", "--wait=false"]).await;
    let said = world.reason("org/acme", "DeletionBlocked", "ReferencedBy").await;
    assert!(said.contains("events") && said.contains("3 rows"), "{said}");
    world.event("org/acme", "ReferencedBy").await;
    assert!(world.secret("tenantry-org-acme").await.is_none(), "its keys are shown nowhere any more");
    assert_eq!(world.psql("SELECT count(*) FROM events").await, "3");
    world.psql("DELETE FROM events").await;
    world.gone("org/acme").await;
    assert_eq!(world.psql("SELECT count(*) FROM organizations").await, "0");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_deletion_whose_store_is_gone_for_good_ends_once_it_is_abandoned() {
    let world = World::start(Wanted { own_postgres: true, ..Wanted::default() }).await;
    world.backend("").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;
    world.postgres.as_ref().unwrap().stop().await.unwrap();
    world.kubectl(&["delete", "org/acme", "--wait=false"]).await;
    let said = world.reason("org/acme", "DeletionBlocked", "DatabaseUnavailable").await;
    let uid = world.get("org/acme").await.unwrap()["metadata"]["uid"].as_str().unwrap().to_owned();
    assert!(said.contains(&format!("tenantry.io/abandon: {uid}")), "{said}");
    world.kubectl(&["annotate", "org/acme", "tenantry.io/abandon=another"]).await;
    world.looked_again(&["org/acme"]).await;
    assert!(world.get("org/acme").await.is_some(), "another's UID abandons nothing");
    world.kubectl(&["annotate", "--overwrite", "org/acme", &format!("tenantry.io/abandon={uid}")]).await;
    world.gone("org/acme").await;
    world.event("org/acme", "Abandoned").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_and_its_organizations_that_go_while_the_operator_is_away_are_seen_to() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;
    world.kill();
    world.kubectl(&["delete", "backend/app", "org/acme", "--wait=false"]).await;
    world.start_again();
    world.gone("org/acme").await;
    world.gone("backend/app").await;
    assert_eq!(world.psql("SELECT status FROM organizations").await, "suspended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_namespace_that_goes_with_all_that_is_in_it_ends() {
    let other = Cluster::shared().await.unwrap().namespace("going").await.unwrap();
    let wanted = Wanted { also_watch: vec![other.clone()], rights_everywhere: true, ..Wanted::default() };
    let mut world = World::start(wanted).await;
    let mine = std::mem::replace(&mut world.namespace, other.clone());
    world.backend("").await;
    world.organization("acme", "").await;
    world.apply(&organization("globex", "  deletionPolicy: Delete\n")).await;
    world.ready("org/acme").await;
    world.ready("org/globex").await;
    world.kubectl(&["delete", "namespace", &other, "--wait=false"]).await;
    world.gone(&format!("namespace/{other}")).await;
    assert_eq!(world.psql("SELECT slug, status FROM organizations").await, "acme|suspended");
    world.namespace = mine;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_watched_namespace_that_took_the_operators_roles_with_it_ends_once_rights_are_lent() {
    let other = Cluster::shared().await.unwrap().namespace("going").await.unwrap();
    let wanted = Wanted { also_watch: vec![other.clone()], vault: true, ..Wanted::default() };
    let mut world = World::start(wanted).await;
    let mine = std::mem::replace(&mut world.namespace, other.clone());
    world.backend("").await;
    world.organization("acme", "  deletionPolicy: Delete\n").await;
    world.ready("org/acme").await;
    // It takes leave more slowly than its Roles go.
    world.vault.as_ref().unwrap().delay(Duration::from_secs(4));
    world.kubectl(&["delete", "namespace", &other, "--wait=false"]).await;
    let roles_are_gone = async || world.list("Role", "").await.is_empty().then_some(());
    world.wait("the Roles gone", roles_are_gone).await;
    world.vault.as_ref().unwrap().delay(Duration::ZERO);
    tokio::time::sleep(Duration::from_secs(5)).await;
    assert!(world.get("org/acme").await.is_some(), "without its Roles it cannot take leave");

    let account = format!("--serviceaccount={mine}:{mine}-tenantry-operator");
    let lend = ["create", "clusterrolebinding", &other, "--clusterrole=cluster-admin", &account];
    world.kubectl(&lend).await;
    world.gone(&format!("namespace/{other}")).await;
    world.kubectl(&["delete", "clusterrolebinding", &other]).await;
    assert_eq!(world.psql("SELECT count(*) FROM organizations").await, "0");
    world.namespace = mine;
}
