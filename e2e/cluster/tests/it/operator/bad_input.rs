//! What is wrong with what somebody wrote or forgot is said in a condition and an event, with what to do, keeps nobody else waiting,
//! and makes the operator try no faster.

use std::time::{Duration, Instant};

use tenantry_harness::certificates::Authority;
use tenantry_harness::vault::Fault;
use tenantry_harness::{Cluster, ClusterOptions};

use super::world::{self, Wanted, World};

const SUSPEND: &str = r#"{"spec":{"suspended":true}}"#;

/// Nothing is looked at again and again: not much more often than the shortest period asks for, 20 s, and the first pauses.
async fn is_calm(world: &World, resources: u64) {
    tokio::time::sleep(Duration::from_secs(10)).await;
    let looked = async || world.reconciles("backend").await + world.reconciles("organization").await;
    let before = looked().await;
    tokio::time::sleep(Duration::from_secs(20)).await;
    let looks = looked().await - before;
    assert!(looks <= resources * 5, "{looks} looks at {resources} resources in 20 s");
}

async fn said(world: &World, what: &str, reason: &str, parts: &[&str]) {
    let condition = world.reason(what, "Ready", reason).await;
    for part in parts {
        assert!(condition.contains(part), "{what}: {part:?} is not in {condition:?}");
    }
    world.event(what, reason).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_whose_database_cannot_be_used_says_why() {
    let world = World::start(Wanted::default()).await;
    let url = world::url(&world.database);
    let (name, elsewhere) = (world.database.name(), Authority::new("elsewhere").unwrap());
    let password = url.split(':').nth(2).unwrap().split('@').next().unwrap();
    let port = url.rsplit(':').next().unwrap().split('/').next().unwrap();
    world.backend("").await;
    // A database is that Backend's which opened it first.
    world.ready("backend/app").await;
    world.backend_on("scheme", &world.database, &url.replace("postgres://", "mysql://"), "").await;
    world.backend_on("password", &world.database, &url.replace(password, "wrong"), "").await;
    world.backend_on("missing", &world.database, &url.replace(name, "nowhere"), "").await;
    world.backend_on("unreachable", &world.database, &url.replace(port, "1"), "").await;
    world.backend_trusting("authority", elsewhere.pem(), &url, "").await;
    world.backend_on("other", &world.database, &url, "").await;
    world.backend_on("keyless", &world.database, " ", "").await;
    world.backend_on("nosecret", &world.database, &url, "").await;
    world.kubectl(&["delete", "secret", "nosecret-db"]).await;
    world.kubectl(&["annotate", "backend/nosecret", "tenantry.io/reconcile=1"]).await;
    world.organization("acme", "  backendRef: { name: app }\n").await;

    said(&world, "backend/scheme", "DatabaseUrl", &["postgres://"]).await;
    said(&world, "backend/password", "DatabaseCredentials", &[]).await;
    said(&world, "backend/missing", "DatabaseMissing", &["nowhere"]).await;
    said(&world, "backend/unreachable", "DatabaseUnavailable", &[]).await;
    said(&world, "backend/authority", "DatabaseCertificate", &[]).await;
    said(&world, "backend/keyless", "SecretKeyMissing", &["keyless-db", "DATABASE_URL"]).await;
    world.ready("backend/app").await;
    world.ready("org/acme").await;
    let other = world.until("backend/other", "Ready", "False").await;
    let other = world::find(&other, "Ready").unwrap()["reason"].clone();
    assert!(other == "OtherBackend" || other == "SealingKeyMissing", "{other}");
    let shown = world.kubectl(&["get", "backends,events", "-o", "json"]).await;
    assert!(!shown.contains(password), "a password is shown");
    is_calm(&world, 9).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_expires_is_told_and_its_renewal_noticed_within_half_a_minute() {
    let wanted = Wanted { own_postgres: true, resync: Some("10m"), ..Wanted::default() };
    let world = World::start(wanted).await;
    let (postgres, url) = (world.postgres.as_ref().unwrap(), world::url(&world.database));
    let authority = Authority::new("the database's").unwrap();
    let (good, expired) = (authority.server(&[]).unwrap(), authority.server_until(2020, &[]).unwrap());
    postgres.show(&expired).await.unwrap();
    world.backend_trusting("app", authority.pem(), &url, "").await;
    world.organization("acme", "").await;
    let parts = &["expired", "check its validity"];
    said(&world, "backend/app", "DatabaseCertificate", parts).await;
    said(&world, "org/acme", "DatabaseCertificate", parts).await;
    is_calm(&world, 2).await;

    let renewed = async || {
        let began = Instant::now();
        world.ready("backend/app").await;
        world.ready("org/acme").await;
        assert!(began.elapsed() < Duration::from_secs(40), "it took {:?}", began.elapsed());
    };
    postgres.show(&good).await.unwrap();
    renewed().await;

    // It expires while the database is open; no connection outlives a restart.
    postgres.show(&expired).await.unwrap();
    postgres.stop().await.unwrap();
    postgres.start_again().await.unwrap();
    said(&world, "backend/app", "DatabaseCertificate", parts).await;
    said(&world, "org/acme", "DatabaseCertificate", parts).await;
    postgres.show(&good).await.unwrap();
    renewed().await;

    // The authority itself.
    let old = Authority::until(2020, "the database's").unwrap();
    world.backend_trusting("app", old.pem(), &url, "").await;
    said(&world, "backend/app", "DatabaseCertificate", &["expired on 2020-01-01", "put the authority"]).await;
    world.backend_trusting("app", authority.pem(), &url, "").await;
    renewed().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_secret_that_is_missing_is_asked_for_by_its_name() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.ready("backend/app").await;
    world.kubectl(&["delete", "secret", "app-db"]).await;
    world.kubectl(&["annotate", "backend/app", "tenantry.io/reconcile=1"]).await;
    said(&world, "backend/app", "SecretMissing", &["app-db", "make it"]).await;
    world.backend("").await;
    world.ready("backend/app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_that_cannot_be_made_says_why_and_delays_no_other() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.ready("backend/app").await;
    world.kubectl(&["create", "secret", "generic", "tenantry-org-foreign", "--from-literal=a=b"]).await;
    world.kubectl(&["create", "secret", "generic", "weak", "--from-literal=password=password"]).await;
    let admin = |secret: &str| {
        format!(
            "  admin:\n    email: {secret}@acme.example\n    name: Admin\n    passwordSecretRef: {{ name: {secret}, key: password }}\n"
        )
    };
    world.organization("foreign", "").await;
    world.organization("weak", &admin("weak")).await;
    world.organization("absent", &admin("absent")).await;
    world.organization("lost", "  backendRef: { name: nowhere }\n").await;
    world.organization("elsewhere", "  backendRef: { name: app, namespace: kube-system }\n").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;
    said(&world, "org/foreign", "ForeignSecret", &["tenantry-org-foreign", "rename or delete"]).await;
    said(&world, "org/weak", "WeakPassword", &["passwordSecretRef"]).await;
    said(&world, "org/absent", "PasswordSecretMissing", &["absent", "make it"]).await;
    said(&world, "org/lost", "BackendMissing", &["nowhere"]).await;
    said(&world, "org/elsewhere", "BackendMissing", &["kube-system/app"]).await;
    assert_eq!(world.secret("tenantry-org-foreign").await.unwrap()["a"], "b");

    // A second Backend makes the choice unclear.
    world.backend_on("second", &world.database, &world::url(&world.database), "").await;
    world.organization("unclear", "").await;
    said(&world, "org/unclear", "BackendAmbiguous", &["app, second", "spec.backendRef"]).await;
    is_calm(&world, 9).await;

    // What is put right is noticed.
    world.kubectl(&["delete", "backend/second"]).await;
    world.kubectl(&["delete", "secret", "tenantry-org-foreign"]).await;
    let good = "--from-literal=password=correct-horse-Battery-7-staple";
    world.kubectl(&["create", "secret", "generic", "absent", good]).await;
    for name in ["foreign", "absent", "unclear"] {
        world.ready(&format!("org/{name}")).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_stays_in_its_backend_when_a_second_one_comes_and_keeps_it() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;
    world.backend_on("second", &world.database, &world::url(&world.database), "").await;
    world.organization("unclear", "").await;
    said(&world, "org/unclear", "BackendAmbiguous", &["app, second"]).await;
    world.kubectl(&["patch", "org/acme", "--type=merge", "-p", SUSPEND]).await;
    world.reason("org/acme", "Ready", "Suspended").await;
    assert_eq!(world.psql("SELECT slug, status FROM organizations").await, "acme|suspended");

    world.kubectl(&["delete", "backend/app", "--wait=false"]).await;
    let blocked = world.reason("backend/app", "DeletionBlocked", "OrganizationsExist").await;
    assert!(blocked.starts_with("1 Organizations"), "{blocked}");
    assert!(world.secret("tenantry-backend-app").await.is_some());
    world.kubectl(&["delete", "org/acme", "--wait=false"]).await;
    world.gone("org/acme").await;
    world.gone("backend/app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_foreign_secret_in_a_backends_way_is_never_written_over() {
    let world = World::start(Wanted::default()).await;
    world.kubectl(&["create", "secret", "generic", "tenantry-backend-app", "--from-literal=a=b"]).await;
    world.backend("").await;
    said(&world, "backend/app", "ForeignSecret", &["tenantry-backend-app", "rename or delete"]).await;
    assert_eq!(world.secret("tenantry-backend-app").await.unwrap()["a"], "b");
    world.kubectl(&["delete", "secret", "tenantry-backend-app"]).await;
    world.ready("backend/app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_denial_by_aws_names_the_action() {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    world.vault.as_ref().unwrap().fail_next("*", Fault::Denied, 10_000);
    world.backend("").await;
    said(&world, "backend/app", "AwsAccessDenied", &["secretsmanager:"]).await;
    world.organization("acme", "").await;
    world.until("org/acme", "Ready", "False").await;
    is_calm(&world, 2).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_rights_the_operator_says_what_to_install() {
    let world = World::start(Wanted::default()).await;
    world.kill();
    world.forbid(&world.namespace).await;
    world.start_again();
    world
        .wait("a word in the log", async || {
            let log = world.operator.log("operator");
            let told = log.contains("RbacMissing") && log.contains("install the chart's Role");
            told.then_some(())
        })
        .await;
    world.permit(&world.namespace).await;
    world.backend("").await;
    world.ready("backend/app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_right_that_its_role_lacks_is_named_where_it_is_missed() {
    let world = World::start(Wanted::default()).await;
    let roles = world.list("Role", "").await;
    let role = roles.iter().find(|role| role["rules"].to_string().contains("\"secrets\"")).unwrap();
    let name = role["metadata"]["name"].as_str().unwrap();
    let rules = role["rules"].as_array().unwrap();
    let others = rules.iter().filter(|rule| !rule["resources"].to_string().contains("\"secrets\""));
    let others: Vec<_> = others.cloned().collect();
    assert!(others.len() < rules.len(), "{rules:?}");
    let set = async |rules: &[serde_json::Value]| {
        let patch = serde_json::json!([{ "op": "replace", "path": "/rules", "value": rules }]).to_string();
        world.kubectl(&["patch", "role", name, "--type=json", "-p", &patch]).await;
    };
    set(&others).await;
    world.backend("").await;
    said(&world, "backend/app", "RbacMissing", &["secrets"]).await;
    world.organization("acme", "").await;
    world.until("org/acme", "Ready", "False").await;
    is_calm(&world, 2).await;
    set(rules).await;
    world.ready("backend/app").await;
    world.ready("org/acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_rights_in_a_namespace_the_operator_delays_and_keeps_nothing_in_another() {
    let other = Cluster::shared().await.unwrap().namespace("other").await.unwrap();
    let world = World::start(Wanted { also_watch: vec![other.clone()], ..Wanted::default() }).await;
    world.kill();
    world.forbid(&other).await;
    world.start_again();
    world.backend("").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;
    let log = world.operator.log("operator");
    assert!(log.contains("RbacMissing") && log.contains(&format!("in the namespace {other}")), "{log}");
    let began = Instant::now();
    world.kubectl(&["patch", "org/acme", "--type=merge", "-p", SUSPEND]).await;
    world.reason("org/acme", "Ready", "Suspended").await;
    assert!(began.elapsed() < Duration::from_secs(8), "it took {:?}", began.elapsed());
    world.kubectl(&["delete", "org/acme", "backend/app", "--wait=false"]).await;
    world.gone("org/acme").await;
    world.gone("backend/app").await;

    // A Backend that lets everybody in may have Organizations there.
    world.backend("  allowedNamespaces: { from: All }\n").await;
    world.ready("backend/app").await;
    world.kubectl(&["delete", "backend/app", "--wait=false"]).await;
    let said = world.reason("backend/app", "DeletionBlocked", "OrganizationsUnknown").await;
    assert!(said.contains("tenantry.io/abandon: "), "{said}");
    world.permit(&other).await;
    world.gone("backend/app").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn without_its_definitions_the_operator_says_what_to_install_and_waits() {
    let cluster = Cluster::start(ClusterOptions::default()).await.unwrap();
    let namespace = cluster.namespace("app").await.unwrap();
    let world = World::start_in(cluster, namespace, Wanted::default()).await;
    world.kill();
    world.kubectl(&["delete", "crd", "backends.tenantry.io", "organizations.tenantry.io"]).await;
    world.start_again();
    world
        .wait("a word in the log", async || {
            world.operator.log("operator").contains("helm install tenantry-crds").then_some(())
        })
        .await;
    world::definitions(&world.cluster).await;
    world.backend("").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;

    // Those of an older version, which knew less: what it knew goes on, and an upgrade takes nothing away.
    let before = world.get("org/acme").await.unwrap();
    let older = serde_json::json!([
        { "op": "remove", "path": "/spec/versions/0/schema/openAPIV3Schema/properties/spec/properties/settings" },
        { "op": "replace", "path": "/metadata/annotations/tenantry.io~1schema", "value": "older" },
    ]);
    world.kill();
    world
        .kubectl(&["patch", "crd", "organizations.tenantry.io", "--type=json", "-p", &older.to_string()])
        .await;
    world.start_again();
    let told = async || {
        let log = world.operator.log("operator");
        (log.contains("DefinitionDiffers") && log.contains("organizations.tenantry.io is another version's"))
            .then_some(())
    };
    world.wait("a word in the log", told).await;
    world.kubectl(&["patch", "org/acme", "--type=merge", "-p", SUSPEND]).await;
    world.reason("org/acme", "Ready", "Suspended").await;
    // An upgrade: the definitions first, then the operator.
    world::definitions(&world.cluster).await;
    world.kill();
    let patch = r#"{"spec":{"suspended":false,"settings":{"plan":"gold"}}}"#;
    // The API server takes a moment to know the field again; until then it leaves it out.
    let is_taken = async || {
        world.kubectl(&["patch", "org/acme", "--type=merge", "-p", patch]).await;
        (world.get("org/acme").await?["spec"]["settings"]["plan"] == "gold").then_some(())
    };
    world.wait("the field", is_taken).await;
    world.start_again();
    world.reason("org/acme", "Ready", "Provisioned").await;
    let after = world.get("org/acme").await.unwrap();
    assert_eq!(after["status"]["organizationId"], before["status"]["organizationId"]);
    let settings = "SELECT settings->>'plan' FROM organizations";
    world.wait("the settings", async || (world.psql(settings).await == "gold").then_some(())).await;
}
