//! AWS Secrets Manager as a [`Vault`], or an endpoint that speaks its protocol.
//!
//! [`client`] says who calls, where, and for how long; [`SecretsManager`] makes the calls; [`observe`] reads what stands there;
//! [`errors`] says what a failure means for us.

mod client;
mod errors;
mod observe;

use async_trait::async_trait;
use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::types::Tag;
use secrecy::{ExposeSecret, SecretString};

use super::vault::{Tags, Vault, VaultError, VaultSecret, Wanted};

pub use client::loader;

/// The version that counts.
const CURRENT: &str = "AWSCURRENT";
/// The one that counted before it.
const PREVIOUS: &str = "AWSPREVIOUS";
/// How often a put looks for a version that is not there yet.
const PUTS: usize = 5;

/// Secrets of one region of one account.
#[derive(Clone, Debug)]
pub struct SecretsManager {
    client: Client,
}

impl SecretsManager {
    /// With the credentials that the SDK finds: environment, web identity (IRSA), container (Pod Identity), instance. `endpoint` is for
    /// what is not AWS itself. Credentials are looked for at the first call, so that this cannot fail.
    pub async fn connect(region: &str, endpoint: Option<&str>) -> Self {
        Self::new(&loader(region, endpoint).load().await)
    }

    /// With everything as `config` has it.
    pub fn new(config: &aws_config::SdkConfig) -> Self {
        Self { client: Client::new(config) }
    }
}

fn sdk_tags(tags: &Tags) -> Vec<Tag> {
    tags.iter().map(|(key, value)| Tag::builder().key(key).value(value).build()).collect()
}

#[async_trait]
impl Vault for SecretsManager {
    async fn observe(&self, name: &str) -> Result<Option<VaultSecret>, VaultError> {
        observe::observe(&self.client, name).await
    }

    async fn create(&self, wanted: &Wanted<'_>) -> Result<String, VaultError> {
        let call = self
            .client
            .create_secret()
            .name(wanted.name)
            .secret_string(wanted.content.expose_secret())
            .set_tags(Some(sdk_tags(wanted.tags)))
            .set_kms_key_id(wanted.kms_key_id.map(str::to_owned))
            .client_request_token(wanted.token);
        let made = call.send().await;
        let made = made.map_err(|error| {
            errors::vault_error("secretsmanager:CreateSecret", &error, Some(wanted.content))
        })?;
        Ok(made.arn.unwrap_or_default())
    }

    async fn put(&self, name: &str, content: &SecretString, token: &str) -> Result<(), VaultError> {
        let mut token = token.to_owned();
        for _ in 0..PUTS {
            let call = self
                .client
                .put_secret_value()
                .secret_id(name)
                .secret_string(content.expose_secret())
                .client_request_token(&token);
            let put = call.send().await;
            let put = put.map_err(|error| {
                errors::vault_error("secretsmanager:PutSecretValue", &error, Some(content))
            })?;
            if put.version_stages().iter().any(|stage| stage == CURRENT) {
                return Ok(());
            }
            // We made this very version once and somebody went back behind it: AWS ignored the put.
            token = crate::token::after(content, &token);
        }
        Err(VaultError::Conflict(format!("somebody keeps taking {name} back to an older version")))
    }

    async fn tag(&self, name: &str, tags: &Tags) -> Result<(), VaultError> {
        if tags.is_empty() {
            return Ok(());
        }
        let call = self.client.tag_resource().secret_id(name).set_tags(Some(sdk_tags(tags)));
        let tagged = call.send().await;
        tagged.map(drop).map_err(|error| errors::vault_error("secretsmanager:TagResource", &error, None))
    }

    async fn set_key(&self, name: &str, kms_key_id: &str) -> Result<(), VaultError> {
        let call = self.client.update_secret().secret_id(name).kms_key_id(kms_key_id);
        let updated = call.send().await;
        updated.map(drop).map_err(|error| errors::vault_error("secretsmanager:UpdateSecret", &error, None))
    }

    async fn restore(&self, name: &str) -> Result<(), VaultError> {
        let restored = self.client.restore_secret().secret_id(name).send().await;
        restored.map(drop).map_err(|error| errors::vault_error("secretsmanager:RestoreSecret", &error, None))
    }

    async fn delete(&self, name: &str, recovery_days: u32) -> Result<(), VaultError> {
        let call =
            self.client.delete_secret().secret_id(name).recovery_window_in_days(i64::from(recovery_days));
        match call.send().await {
            Ok(_) => Ok(()),
            Err(error) if errors::is_not_found(&error) || errors::is_scheduled_for_deletion(&error) => Ok(()),
            Err(error) => Err(errors::vault_error("secretsmanager:DeleteSecret", &error, None)),
        }
    }
}
