//! The IAM policy of the documentation: enough for everything we do, with nothing to spare and nothing beyond the prefix.

use std::collections::BTreeSet;

use secrecy::SecretString;
use serde_json::{Value, json};
use tenantry_harness::account::{ACCOUNT, AccessKey, Account};
use tenantry_harness::vault::REGION;
use tenantry_operator::stores::aws::SecretsManager;
use tenantry_operator::stores::vault::{Vault, VaultError};

use crate::{create, put, tags, with_keys};

const PAGE: &str = include_str!("../../../docs/aws.md");
const PREFIX: &str = "tenantry";

/// The page's JSON blocks with the placeholders filled in.
fn blocks() -> Vec<Value> {
    let blocks = PAGE.split("\n```json\n").skip(1).map(|rest| rest.split("\n```").next().unwrap());
    let filled =
        |block: &str| block.replace("REGION", REGION).replace("ACCOUNT", ACCOUNT).replace("PREFIX", PREFIX);
    blocks
        .map(|block| serde_json::from_str(&filled(block)).unwrap_or_else(|error| panic!("{error}: {block}")))
        .collect()
}

fn policy() -> Value {
    blocks().into_iter().find(|block| block.to_string().contains("secretsmanager:CreateSecret")).unwrap()
}

fn actions(policy: &Value) -> Vec<String> {
    policy["Statement"][0]["Action"]
        .as_array()
        .unwrap()
        .iter()
        .map(|action| action.as_str().unwrap().to_owned())
        .collect()
}

fn without(policy: &Value, action: &str) -> Value {
    let mut less = policy.clone();
    less["Statement"][0]["Action"].as_array_mut().unwrap().retain(|listed| listed != action);
    less
}

async fn vault(account: &Account, (id, secret): &AccessKey) -> SecretsManager {
    SecretsManager::new(&with_keys(&account.endpoint(), id, secret).load().await)
}

/// Every call that we have, on a secret of this name; goes on after a refusal, and tells all refused actions.
async fn denied(vault: &SecretsManager, name: &str) -> BTreeSet<&'static str> {
    let content = SecretString::from("two");
    let outcomes = [
        create(vault, name, "one").await.map(drop),
        vault.observe(name).await.map(drop),
        put(vault, name, "two", "").await,
        vault.tag(name, &tags(&[("a", "b")])).await,
        vault.set_key(name, "alias/aws/secretsmanager").await,
        vault.delete(name, 7).await,
        vault.restore(name).await,
        vault.put(name, &content, &"t".repeat(64)).await,
    ];
    let denied = outcomes.into_iter().filter_map(|outcome| match outcome {
        Err(VaultError::Denied { action, .. }) => Some(action),
        // What follows from the call that was refused before.
        Ok(()) | Err(VaultError::Conflict(_)) => None,
        Err(other) => panic!("{other}"),
    });
    denied.collect()
}

#[tokio::test]
async fn the_policy_is_enough_and_holds_for_its_prefix_alone() {
    let account = Account::start().await.unwrap();
    let keys = account.users(&[policy()]).await.unwrap();
    let vault = vault(&account, &keys[0]).await;
    let name = format!("{PREFIX}/mini-xdr/mini-corp");
    assert_eq!(denied(&vault, &name).await, BTreeSet::new());
    assert!(vault.observe(&name).await.unwrap().unwrap().content.is_some());
    assert!(vault.observe(&format!("{PREFIX}/mini-xdr/nobody")).await.unwrap().is_none());

    for other in ["other/mini-xdr/mini-corp", "tenantry-2/a", "tenantry"] {
        let refused = denied(&vault, other).await;
        // GetSecretValue is not even tried where DescribeSecret is refused.
        let expected =
            actions(&policy()).into_iter().filter(|action| action != "secretsmanager:GetSecretValue");
        assert_eq!(refused, expected.collect::<Vec<_>>().iter().map(String::as_str).collect(), "{other}");
    }
}

#[tokio::test]
async fn no_action_of_the_policy_can_be_left_out() {
    let account = Account::start().await.unwrap();
    let policy = policy();
    let actions = actions(&policy);
    let less: Vec<_> = actions.iter().map(|action| without(&policy, action)).collect();
    for (number, (action, key)) in actions.iter().zip(account.users(&less).await.unwrap()).enumerate() {
        let name = format!("{PREFIX}/mini-xdr/organization-{number}");
        // Made by somebody who may, so that the calls after a refused creation have their secret.
        if action == "secretsmanager:CreateSecret" {
            let other = account.users(std::slice::from_ref(&policy)).await.unwrap();
            create(&vault(&account, &other[0]).await, &name, "one").await.unwrap();
        }
        let refused = denied(&vault(&account, &key).await, &name).await;
        assert_eq!(refused, BTreeSet::from([action.as_str()]));
    }
}

#[test]
fn every_policy_of_the_page_is_one() {
    let blocks = blocks();
    assert_eq!(blocks.len(), 4);
    for block in blocks {
        assert_eq!(block["Version"], json!("2012-10-17"));
        assert!(block["Statement"].as_array().is_some_and(|statements| !statements.is_empty()));
    }
}
