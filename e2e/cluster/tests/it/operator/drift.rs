//! What somebody changes by hand in a store is put right byte for byte, with the keys that stood there, and told.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use tenantry_harness::Vault;

use super::world::{Wanted, World};

type Texts = BTreeMap<String, String>;

/// Nothing of a Secret is ours but these.
async fn content_and_labels(world: &World, name: &str) -> Option<(Texts, Value)> {
    let labels = world.get(&format!("secret/{name}")).await?["metadata"]["labels"].clone();
    Some((world.secret(name).await?, labels))
}

async fn back(world: &World, name: &str, before: &(Texts, Value), what: &str) {
    world
        .wait(&format!("{name} as it was after: {what}"), async || {
            content_and_labels(world, name).await.filter(|now| now == before)
        })
        .await;
}

const EDITED: &str = r#"{"data":{"DATA_KEY":"b3RoZXI=","JWT_SECRET_KEY":"b3RoZXI=","password":"b3RoZXI="}}"#;
const ANOTHER_KEY: &str = r#"{"data":{"MORE":"bW9yZQ=="}}"#;
const NO_LABELS: &str = r#"{"metadata":{"labels":null}}"#;
const EMPTIED: &str = r#"{"data":null}"#;

#[tokio::test(flavor = "multi_thread")]
async fn secrets_that_somebody_edits_empties_unlabels_or_deletes_are_as_they_were() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.organization("acme", "  admin: { email: admin@acme.example, name: Admin }\n").await;
    world.ready("org/acme").await;
    world.ready("backend/app").await;
    for (name, whose) in [
        ("tenantry-org-acme", "org/acme"),
        ("tenantry-org-acme-admin", "org/acme"),
        ("tenantry-backend-app", "backend/app"),
        ("tenantry-keyring-app", "backend/app"),
    ] {
        let before = content_and_labels(&world, name).await.unwrap();
        // A Secret of the keyring with more in it is still one that somebody may have brought.
        let patches: &[&str] = if name == "tenantry-keyring-app" {
            &[EMPTIED]
        } else {
            &[EDITED, ANOTHER_KEY, NO_LABELS, EMPTIED]
        };
        for patch in patches {
            world.kubectl(&["patch", "secret", name, "--type=merge", "-p", patch]).await;
            back(&world, name, &before, patch).await;
        }
        world.kubectl(&["delete", "secret", name]).await;
        back(&world, name, &before, "deletion").await;
        let reason = if name == "tenantry-keyring-app" { "KeyringRestored" } else { "DriftRepaired" };
        world.event(whose, reason).await;
    }
    world.ready("org/acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backends_deleted_secret_is_made_again_and_told() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.ready("backend/app").await;
    let before = content_and_labels(&world, "tenantry-backend-app").await.unwrap();
    assert_eq!(world.events("backend/app", "DriftRepaired").await, Vec::<String>::new());
    world.kubectl(&["delete", "secret", "tenantry-backend-app"]).await;
    back(&world, "tenantry-backend-app", &before, "deletion").await;
    world.event("backend/app", "DriftRepaired").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn rows_are_what_the_manifest_says_and_what_it_does_not_name_stays() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    let spec = "  displayName: acme\n  limits: { users: 7 }\n  settings: { plan: pro, quota: { disk: 5 } }\n";
    world.organization("acme", spec.strip_prefix("  displayName: acme\n").unwrap()).await;
    world.ready("org/acme").await;
    let keys = world.secret("tenantry-org-acme").await.unwrap();
    world
        .psql(
            "UPDATE organizations SET name = 'other', max_users = 1, \
             settings = '{\"plan\": \"free\", \"quota\": {\"disk\": 9}, \"theme\": \"dark\"}'",
        )
        .await;
    let looked = "SELECT name, max_users, settings->>'plan', settings->'quota'->>'disk', settings->>'theme' FROM organizations";
    world
        .wait("the rows as the manifest says", async || {
            (world.psql(looked).await == "acme|7|pro|5|dark").then_some(())
        })
        .await;
    let event = world.event("org/acme", "DriftRepaired").await;
    assert!(event.contains("database"), "{event}");
    assert_eq!(world.secret("tenantry-org-acme").await.unwrap(), keys);
}

#[tokio::test(flavor = "multi_thread")]
async fn sealed_rows_that_somebody_deletes_come_back_from_what_shows_them() {
    let world = World::start(Wanted::default()).await;
    world.backend("").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;
    world.ready("backend/app").await;
    let organization = world.secret("tenantry-org-acme").await.unwrap();
    let backend = world.secret("tenantry-backend-app").await.unwrap();
    let count = "SELECT count(*) FROM tenantry.secrets";
    let before = world.psql(count).await;
    world.psql("DELETE FROM tenantry.secrets").await;
    world.wait("the sealed rows", async || (world.psql(count).await == before).then_some(())).await;
    // Keys that were made anew would show in the Secrets by the next look.
    world.looked_again(&["org/acme", "backend/app"]).await;
    assert_eq!(world.secret("tenantry-org-acme").await.unwrap(), organization);
    assert_eq!(world.secret("tenantry-backend-app").await.unwrap(), backend);
}

const ENTRY: &str = "tenantry/app/acme";

async fn with_entry() -> (World, Texts) {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    world.backend("").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;
    let keys = world.secret("tenantry-org-acme").await.unwrap();
    (world, keys)
}

async fn entry(vault: &Vault) -> (Option<Texts>, Texts) {
    let entry = vault.secret(ENTRY).await.unwrap().unwrap();
    (entry.content.map(|content| serde_json::from_str(&content).unwrap()), entry.tags)
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_in_aws_that_somebody_edits_is_seen_at_once_and_not_fought_over() {
    let (world, keys) = with_entry().await;
    let vault = world.vault.as_ref().unwrap();
    let mark = vault.mark();
    vault.by_hand("PutSecretValue", json!({ "SecretId": ENTRY, "SecretString": "{}" })).await.unwrap();
    let said = world.reason("org/acme", "Drifted", "ChangedByOthers").await;
    assert!(said.contains("15 minutes"), "{said}");
    world.until("org/acme", "AwsSecretsReady", "False").await;
    world.until("org/acme", "SecretsReady", "True").await;
    assert_eq!(vault.writes_since(mark).len(), 0, "one write in 15 minutes");
    assert_eq!(world.secret("tenantry-org-acme").await.unwrap(), keys);

    // An asked-for rotation does not wait.
    world.kubectl(&["annotate", "org/acme", "tenantry.io/rotate=1"]).await;
    let after = world
        .wait("new keys", async || world.secret("tenantry-org-acme").await.filter(|now| *now != keys))
        .await;
    world
        .wait("the new keys in AWS", async || (entry(vault).await.0.as_ref() == Some(&after)).then_some(()))
        .await;
    world.ready("org/acme").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_in_aws_that_is_scheduled_for_deletion_or_loses_its_tags_is_as_it_was() {
    let (world, keys) = with_entry().await;
    let vault = world.vault.as_ref().unwrap();
    let (_, tags) = entry(vault).await;

    vault.by_hand("DeleteSecret", json!({ "SecretId": ENTRY, "RecoveryWindowInDays": 7 })).await.unwrap();
    let as_it_was = async || (entry(vault).await == (Some(keys.clone()), tags.clone())).then_some(());
    world.wait("the entry restored", as_it_was).await;
    let event = world.event("org/acme", "DriftRepaired").await;
    assert!(event.contains("aws"), "{event}");

    let names: Vec<&String> = tags.keys().collect();
    vault.by_hand("UntagResource", json!({ "SecretId": ENTRY, "TagKeys": names })).await.unwrap();
    world.wait("the tags", as_it_was).await;
    let state = json!({ "SecretId": ENTRY, "Tags": [{ "Key": "tenantry:state", "Value": "mine" }] });
    vault.by_hand("TagResource", state).await.unwrap();
    world.wait("the tag of its state", as_it_was).await;
    world.ready("org/acme").await;
    assert_eq!(
        vault.secret(ENTRY).await.unwrap().unwrap().versions,
        1,
        "no write where the content is right"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn what_the_operator_changes_because_it_was_asked_to_is_no_drift() {
    let (world, keys) = with_entry().await;
    world.kubectl(&["annotate", "org/acme", "tenantry.io/rotate=1"]).await;
    world.wait("new keys", async || world.secret("tenantry-org-acme").await.filter(|now| *now != keys)).await;
    world.event("org/acme", "KeysRotated").await;
    world.ready("org/acme").await;
    assert_eq!(world.events("org/acme", "DriftRepaired").await, Vec::<String>::new());
}
