//! What stands under a name: its description, then the content of its current version.

use aws_sdk_secretsmanager::Client;
use aws_sdk_secretsmanager::operation::describe_secret::DescribeSecretOutput;
use aws_sdk_secretsmanager::primitives::DateTime;
use chrono::Utc;
use secrecy::SecretString;

use super::{CURRENT, PREVIOUS, errors};
use crate::stores::vault::{VaultError, VaultSecret};

pub(super) async fn observe(client: &Client, name: &str) -> Result<Option<VaultSecret>, VaultError> {
    let described = match client.describe_secret().secret_id(name).send().await {
        Ok(described) => described,
        Err(error) if errors::is_not_found(&error) => return Ok(None),
        Err(error) => return Err(errors::vault_error("secretsmanager:DescribeSecret", &error, None)),
    };
    let mut secret = described_as(described);
    if secret.deletion_scheduled {
        return Ok(Some(secret));
    }
    match client.get_secret_value().secret_id(name).version_stage(CURRENT).send().await {
        Ok(value) => {
            // The description's date moves with every tag, too.
            secret.changed_at = value.created_date.as_ref().and_then(time).or(secret.changed_at);
            secret.version = value.version_id.unwrap_or_default();
            secret.content = value.secret_string.map(SecretString::from);
        }
        // A secret without a version: somebody made it by hand and gave it nothing yet.
        Err(error) if errors::is_not_found(&error) => {}
        Err(error) => return Err(errors::vault_error("secretsmanager:GetSecretValue", &error, None)),
    }
    Ok(Some(secret))
}

fn described_as(described: DescribeSecretOutput) -> VaultSecret {
    let changed_at = described.last_changed_date().or(described.created_date()).and_then(time);
    let tag = |tag: aws_sdk_secretsmanager::types::Tag| Some((tag.key?, tag.value.unwrap_or_default()));
    let previous = described.version_ids_to_stages().and_then(|versions| {
        versions
            .iter()
            .find(|(_, stages)| stages.iter().any(|stage| stage == PREVIOUS))
            .map(|(id, _)| id.clone())
    });
    VaultSecret {
        version: String::new(),
        previous: previous.unwrap_or_default(),
        content: None,
        tags: described.tags.unwrap_or_default().into_iter().filter_map(tag).collect(),
        kms_key_id: described.kms_key_id,
        changed_at,
        deletion_scheduled: described.deleted_date.is_some(),
        arn: described.arn.unwrap_or_default(),
    }
}

fn time(time: &DateTime) -> Option<chrono::DateTime<Utc>> {
    chrono::DateTime::from_timestamp(time.secs(), time.subsec_nanos())
}
