//! AWS Secrets Manager as the operator's vault, tried on an endpoint that is as strict as AWS.
#![allow(clippy::unwrap_used, clippy::expect_used, missing_docs)]

mod credentials;
mod failures;
mod logs;
mod policy;
mod story;

use std::collections::BTreeMap;
use std::process::Command;

use aws_config::ConfigLoader;
use aws_credential_types::Credentials;
use secrecy::SecretString;
use tenantry_harness::vault::REGION;
use tenantry_operator::stores::aws::{SecretsManager, loader};
use tenantry_operator::stores::vault::{Tags, Vault, VaultError, Wanted};
use tenantry_operator::token;

const NAME: &str = "tenantry/mini-xdr/mini-corp";

/// A fresh endpoint, and us speaking to it.
async fn world() -> (tenantry_harness::Vault, SecretsManager) {
    let endpoint = tenantry_harness::Vault::start().await.unwrap();
    let vault = SecretsManager::new(&config(&endpoint).load().await);
    (endpoint, vault)
}

/// What the operator has in production, but for the credentials.
fn config(endpoint: &tenantry_harness::Vault) -> ConfigLoader {
    with_keys(&endpoint.endpoint(), "test", "test")
}

fn with_keys(endpoint: &str, id: &str, secret: &str) -> ConfigLoader {
    loader(REGION, Some(endpoint)).credentials_provider(Credentials::new(id, secret, None, None, "test"))
}

fn tags(pairs: &[(&str, &str)]) -> Tags {
    pairs.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect::<BTreeMap<_, _>>()
}

/// What an ignored test prints in a process of its own that has this environment alone.
fn alone(test: &str, environment: Vec<(String, String)>) -> String {
    let output = Command::new(std::env::current_exe().unwrap())
        .args(["--ignored", "--nocapture", "--exact", test])
        .env_clear()
        .envs(environment)
        .output()
        .unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8(output.stdout).unwrap()
}

/// Makes a secret as the operator does.
async fn create(vault: &SecretsManager, name: &str, content: &str) -> Result<String, VaultError> {
    let content = SecretString::from(content);
    let tags = tags(&[("tenantry:owner", "Organization/mini-corp")]);
    let token = token::after(&content, "");
    let wanted = Wanted { name, content: &content, tags: &tags, kms_key_id: None, token: &token };
    vault.create(&wanted).await
}

/// Puts a content as the operator does, after the version that it saw.
async fn put(vault: &SecretsManager, name: &str, content: &str, version: &str) -> Result<(), VaultError> {
    let content = SecretString::from(content);
    vault.put(name, &content, &token::after(&content, version)).await
}
