//! The life of an Organization: made, edited, suspended, rotated, deleted.

use super::canaries::tells_no_secret;
use super::world::{Wanted, World};

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_applied_has_rows_keys_secrets_and_an_entry_in_aws() {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    world.backend("").await;
    world.organization("mini-corp", "  admin: { email: admin@minicorp.example, name: Admin }\n").await;
    world.ready("backend/app").await;
    world.ready("org/mini-corp").await;
    let rows = "SELECT o.slug, o.status, u.email, u.role FROM organizations o JOIN users u ON u.organization_id = o.id";
    assert_eq!(world.psql(rows).await, "mini-corp|active|admin@minicorp.example|admin");
    let secret = world.secret("tenantry-org-mini-corp").await.unwrap();
    let id = world.psql("SELECT id FROM organizations").await;
    assert_eq!(
        (secret["ORGANIZATION_ID"].as_str(), secret["ORGANIZATION_SLUG"].as_str()),
        (id.as_str(), "mini-corp")
    );
    assert_eq!((secret["DATA_KEY"].len(), &secret["DATA_KEYS"]), (44, &secret["DATA_KEY"]));
    let admin = world.secret("tenantry-org-mini-corp-admin").await.unwrap();
    assert_eq!(admin["email"], "admin@minicorp.example");
    assert!(admin["password"].len() >= 20);
    let backend = world.secret("tenantry-backend-app").await.unwrap();
    assert_eq!((backend["JWT_SECRET_KEY"].len(), backend["ENCRYPTION_KEY"].len()), (86, 44));
    let vault = world.vault.as_ref().unwrap();
    let entry = vault.secret("tenantry/app/mini-corp").await.unwrap().unwrap();
    let content: std::collections::BTreeMap<String, String> =
        serde_json::from_str(&entry.content.unwrap()).unwrap();
    assert_eq!(content, secret);
    assert!(vault.secret("tenantry/app").await.unwrap().is_some());
    assert!(vault.secret("tenantry/app/_sealing-keyring").await.unwrap().is_some());
    let table = world.kubectl(&["get", "tenantry"]).await;
    assert!(table.contains("mini-corp") && table.contains("True"), "{table}");
    tells_no_secret(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn suspended_resumed_rotated_and_deleted_it_is_as_its_manifest_says() {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    world.backend("").await;
    world.organization("acme", "  deletionPolicy: Delete\n").await;
    world.ready("org/acme").await;
    let before = world.secret("tenantry-org-acme").await.unwrap();

    world.kubectl(&["patch", "org/acme", "--type=merge", "-p", r#"{"spec":{"suspended":true}}"#]).await;
    world.reason("org/acme", "Ready", "Suspended").await;
    assert_eq!(world.psql("SELECT status FROM organizations").await, "suspended");
    world.kubectl(&["patch", "org/acme", "--type=merge", "-p", r#"{"spec":{"suspended":false}}"#]).await;
    world.reason("org/acme", "Ready", "Provisioned").await;
    assert_eq!(world.psql("SELECT status FROM organizations").await, "active");

    world.kubectl(&["annotate", "org/acme", "tenantry.io/rotate=1"]).await;
    let after = world
        .wait("new keys", async || world.secret("tenantry-org-acme").await.filter(|after| *after != before))
        .await;
    assert_eq!(after["DATA_KEYS"], format!("{},{}", after["DATA_KEY"], before["DATA_KEY"]));
    tells_no_secret(&world).await;

    world.kubectl(&["delete", "org/acme", "--wait=false"]).await;
    world.gone("org/acme").await;
    assert_eq!(world.psql("SELECT count(*) FROM organizations").await, "0");
    assert!(world.secret("tenantry-org-acme").await.is_none());
    let entry = world.vault.as_ref().unwrap().secret("tenantry/app/acme").await.unwrap().unwrap();
    assert!(entry.deletion_scheduled);
    world.kubectl(&["delete", "backend/app", "--wait=false"]).await;
    world.gone("backend/app").await;
    assert!(world.secret("tenantry-keyring-app").await.is_some(), "the keyring stays");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_paused_backend_is_left_as_it_is_while_its_organizations_go_on() {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    let pause = ["annotate", "backend/app", "tenantry.io/paused=true"];
    let go_on = ["annotate", "backend/app", "tenantry.io/paused-"];
    // From the beginning: nothing is made for it.
    world.backend_annotated("tenantry.io/paused: \"true\"").await;
    let said = world.reason("backend/app", "Stalled", "Paused").await;
    assert!(said.contains("tenantry.io/paused is set"), "{said}");
    world.organization("early", "").await;
    world.reason("org/early", "Ready", "Paused").await;
    assert!(world.secret("tenantry-keyring-app").await.is_none());
    assert_eq!(world.psql("SELECT count(*) FROM pg_namespace WHERE nspname = 'tenantry'").await, "0");
    assert_eq!(world.vault.as_ref().unwrap().writes_since(0).len(), 0);
    world.kubectl(&go_on).await;
    world.ready("backend/app").await;
    world.ready("org/early").await;

    // Later, with an operator that has just begun to lead.
    let keys = world.secret("tenantry-backend-app").await.unwrap();
    world.kubectl(&pause).await;
    world.kill();
    world.kubectl(&["delete", "secret", "tenantry-backend-app"]).await;
    world.start_again();
    world.organization("late", "").await;
    world.ready("org/late").await;
    let said = world.reason("backend/app", "SecretsReady", "Paused").await;
    assert!(said.contains("the Secret tenantry-backend-app waits"), "{said}");
    world.looked_again(&["backend/app"]).await;
    assert!(world.secret("tenantry-backend-app").await.is_none(), "it was made again");
    world.kubectl(&["delete", "backend/app", "--wait=false"]).await;
    world.kubectl(&["delete", "org/early", "org/late"]).await;
    world.reason("backend/app", "DeletionBlocked", "Paused").await;
    world.kubectl(&go_on).await;
    world.gone("backend/app").await;
    world.backend("").await;
    world.ready("backend/app").await;
    assert_eq!(world.secret("tenantry-backend-app").await.unwrap(), keys);
}
