//! The URLs of a Backend's stores in its entry in AWS: there where the Backend asks for them, as their Secrets say, and nowhere else.

use std::collections::BTreeMap;

use serde_json::json;
use tenantry_harness::Vault;

use super::canaries::tells_no_secret;
use super::world::{Wanted, World, url};

type Texts = BTreeMap<String, String>;

const ENTRY: &str = "tenantry/app";
const PASSWORD: &str = "canary-of-the-second-user";

/// A Backend with an entry, and the keys in it.
async fn with_entry() -> (World, Texts) {
    let world = World::start(Wanted { vault: true, ..Wanted::default() }).await;
    world.backend("").await;
    world.ready("backend/app").await;
    let keys = world.secret("tenantry-backend-app").await.unwrap();
    assert_eq!(shown(vault(&world)).await, Some(keys.clone()));
    (world, keys)
}

fn vault(world: &World) -> &Vault {
    world.vault.as_ref().unwrap()
}

async fn shown(vault: &Vault) -> Option<Texts> {
    serde_json::from_str(&vault.secret(ENTRY).await.unwrap()?.content?).unwrap()
}

async fn until_shown(world: &World, expected: &Texts, what: &str) {
    world
        .wait(&format!("the entry: {what}"), async || {
            (shown(vault(world)).await.as_ref() == Some(expected)).then_some(())
        })
        .await;
}

async fn patch(world: &World, what: &str, patch: serde_json::Value) {
    world.kubectl(&["patch", what, "--type=merge", "-p", &patch.to_string()]).await;
}

async fn ask_for_urls(world: &World, asked: bool) {
    patch(world, "backend/app", json!({ "spec": { "aws": { "connectionUrls": asked } } })).await;
}

fn with(keys: &Texts, more: &[(&str, &str)]) -> Texts {
    let more = more.iter().map(|(key, text)| ((*key).to_owned(), (*text).to_owned()));
    keys.clone().into_iter().chain(more).collect()
}

/// The database's URL with another user, who is made.
async fn second_user(world: &World) -> String {
    let first = url(&world.database);
    let (_, place) = first.rsplit_once('@').unwrap();
    let user = format!("second_{}", place.rsplit('/').next().unwrap());
    world.psql(&format!("CREATE ROLE {user} LOGIN SUPERUSER PASSWORD '{PASSWORD}'")).await;
    format!("postgres://{user}:{PASSWORD}@{place}")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_entry_follows_the_database_url_at_once_and_gives_it_up_again() {
    let (world, keys) = with_entry().await;
    ask_for_urls(&world, true).await;
    let first = url(&world.database);
    until_shown(&world, &with(&keys, &[("DATABASE_URL", &first)]), "with the URL").await;

    let second = second_user(&world).await;
    // A file that was put into a Secret ends in a line break.
    patch(&world, "secret/app-db", json!({ "stringData": { "DATABASE_URL": format!("{second}\n") } })).await;
    until_shown(&world, &with(&keys, &[("DATABASE_URL", &second)]), "with the second user's").await;
    world.ready("backend/app").await;
    assert_eq!(world.secret("tenantry-backend-app").await.unwrap(), keys, "the Secret has no URLs");

    // An operator that has just begun knows that the entry is as it was left.
    world.kill();
    patch(&world, "secret/app-db", json!({ "stringData": { "DATABASE_URL": first } })).await;
    world.start_again();
    until_shown(&world, &with(&keys, &[("DATABASE_URL", &first)]), "with the first user's").await;

    ask_for_urls(&world, false).await;
    until_shown(&world, &keys, "without URLs").await;
    world.ready("backend/app").await;
    let entry = vault(&world).secret(ENTRY).await.unwrap().unwrap();
    assert_eq!(entry.versions, 5, "a version for each change");

    let told = world.kubectl(&["get", "backend,events", "-o", "yaml"]).await;
    assert!(!told.contains(PASSWORD), "{told}");
    let log = world.operator.whole_log("operator");
    assert!(!log.contains(PASSWORD), "{log}");
    tells_no_secret(&world).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_that_somebody_changes_in_aws_is_seen_and_not_fought_over() {
    let (world, keys) = with_entry().await;
    ask_for_urls(&world, true).await;
    let right = with(&keys, &[("DATABASE_URL", &url(&world.database))]);
    until_shown(&world, &right, "with the URL").await;
    world.ready("backend/app").await;
    let wrong = with(&keys, &[("DATABASE_URL", "postgres://somebody@elsewhere/app")]);
    let mark = vault(&world).mark();
    let text = serde_json::to_string(&wrong).unwrap();
    vault(&world)
        .by_hand("PutSecretValue", json!({ "SecretId": ENTRY, "SecretString": text }))
        .await
        .unwrap();
    world.kubectl(&["annotate", "backend/app", "tenantry.io/reconcile=1"]).await;
    world.reason("backend/app", "AwsSecretsReady", "ChangedByOthers").await;
    assert_eq!(vault(&world).writes_since(mark).len(), 0);
    assert_eq!(shown(vault(&world)).await, Some(wrong));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_url_of_redis_that_is_missing_is_told_and_stops_nothing_else() {
    let (world, keys) = with_entry().await;
    let redis = json!({ "mode": "acl", "urlSecretRef": { "name": "redis", "key": "url" } });
    patch(&world, "backend/app", json!({ "spec": { "aws": { "connectionUrls": true }, "redis": redis } }))
        .await;
    let said = world.reason("backend/app", "AwsSecretsReady", "SecretMissing").await;
    assert!(said.contains("spec.redis.urlSecretRef") && said.ends_with("make it"), "{said}");
    let without = with(&keys, &[("DATABASE_URL", &url(&world.database))]);
    until_shown(&world, &without, "with one URL").await;
    world.organization("acme", "").await;
    world.ready("org/acme").await;

    let redis = "rediss://admin:canary@redis.example:6379";
    world.kubectl(&["create", "secret", "generic", "redis", &format!("--from-literal=url={redis}")]).await;
    let both = with(&without, &[("REDIS_URL", redis)]);
    world.kubectl(&["annotate", "backend/app", "tenantry.io/reconcile=1"]).await;
    until_shown(&world, &both, "with both URLs").await;
    world.ready("backend/app").await;

    world.kubectl(&["delete", "secret", "redis"]).await;
    world.kubectl(&["annotate", "backend/app", "tenantry.io/reconcile=2", "--overwrite"]).await;
    world.reason("backend/app", "AwsSecretsReady", "SecretMissing").await;
    assert_eq!(shown(vault(&world)).await, Some(both), "it stays as it was");

    patch(&world, "backend/app", json!({ "spec": { "redis": null } })).await;
    until_shown(&world, &without, "without Redis").await;
    world.ready("backend/app").await;
}
