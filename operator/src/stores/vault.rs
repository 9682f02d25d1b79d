//! The trait of a vault, AWS Secrets Manager or what stands in for it in the simulation: secrets by name, each a JSON text with tags.

use std::collections::BTreeMap;

use async_trait::async_trait;
use chrono::{DateTime, Utc};
use secrecy::SecretString;

use crate::trouble::Trouble;

/// Labels of a secret; ours say who owns it.
pub type Tags = BTreeMap<String, String>;

/// A secret, as it stands there.
#[derive(Clone, Debug)]
pub struct VaultSecret {
    /// Its Amazon Resource Name.
    pub arn: String,
    /// The id of the version staged `AWSCURRENT`; empty where there is none, or where it is scheduled for deletion.
    pub version: String,
    /// The id of the version before it, staged `AWSPREVIOUS`; empty where there is none.
    pub previous: String,
    /// The text of the current version; `None` where there is none, or where it is scheduled for deletion.
    pub content: Option<SecretString>,
    /// All its tags.
    pub tags: Tags,
    /// The KMS key that encrypts it; `None`: the account's own.
    pub kms_key_id: Option<String>,
    /// When the current version was made, which its tags and key do not touch; without one, when anything of it last changed.
    pub changed_at: Option<DateTime<Utc>>,
    /// Whether its deletion is scheduled: nothing but `restore` works on it then.
    pub deletion_scheduled: bool,
}

impl VaultSecret {
    /// Whether its current version is one that we made: nobody changed its content since. The id of such a version is the token that it
    /// was made with, so that a process knows this of what an earlier one wrote.
    pub fn is_as_we_left_it(&self) -> bool {
        self.content
            .as_ref()
            .is_some_and(|content| crate::token::after(content, &self.previous) == self.version)
    }

    /// Whether this KMS key encrypts it. AWS may tell the ARN of a key that was given by its id or alias.
    pub fn is_encrypted_with(&self, kms_key_id: &str) -> bool {
        let Some(found) = self.kms_key_id.as_deref() else { return false };
        found == kms_key_id || local_id(found) == Some(kms_key_id) || local_id(kms_key_id) == Some(found)
    }
}

/// The `<id>` or `alias/<name>` of a key's ARN.
fn local_id(arn: &str) -> Option<&str> {
    let resource = arn.strip_prefix("arn:")?.rsplit(':').next()?;
    Some(resource.strip_prefix("key/").unwrap_or(resource))
}

/// What a secret is to be.
#[derive(Clone, Debug)]
pub struct Wanted<'a> {
    /// Its whole name, `<prefix>/<backend>[/<organization>]`.
    pub name: &'a str,
    /// Its content, a JSON text.
    pub content: &'a SecretString,
    /// Its tags; others that somebody added are left alone.
    pub tags: &'a Tags,
    /// The KMS key that encrypts it; `None`: the account's own.
    pub kms_key_id: Option<&'a str>,
    /// The idempotency token (`ClientRequestToken`), 32 to 64 characters: the same for the same content after the same version.
    pub token: &'a str,
}

/// Why a call did not succeed. The texts say what to do.
#[derive(Debug, thiserror::Error)]
pub enum VaultError {
    /// The credentials may not do this.
    #[error(
        "AWS refused {action}: {message}; allow it in the operator's IAM policy (docs/aws.md has the least one)"
    )]
    Denied {
        /// `secretsmanager:CreateSecret`, …
        action: &'static str,
        /// What AWS said.
        message: String,
    },
    /// There are no credentials, or they cannot be fetched.
    #[error(
        "no AWS credentials: {0}; give the operator's service account a role (IRSA or Pod Identity), or set the variables of the AWS SDK"
    )]
    NoCredentials(String),
    /// Too many calls; later ones may succeed.
    #[error("AWS asks for fewer calls")]
    Throttled,
    /// Somebody else made or changed it in between: look again.
    #[error("the secret changed in between: {0}")]
    Conflict(String),
    /// The request itself is wrong and will never succeed.
    #[error("AWS does not accept {action}: {message}")]
    Invalid {
        /// Which call.
        action: &'static str,
        /// What AWS said.
        message: String,
    },
    /// Nobody answered in time, or with an error of the service.
    #[error("AWS Secrets Manager cannot be reached: {0}")]
    Unavailable(String),
}

/// Secrets by name.
#[async_trait]
pub trait Vault: Send + Sync {
    /// What stands under this name; `None`: nothing.
    async fn observe(&self, name: &str) -> Result<Option<VaultSecret>, VaultError>;
    /// Makes a secret that is not there; its ARN.
    async fn create(&self, wanted: &Wanted<'_>) -> Result<String, VaultError>;
    /// Puts a new current version.
    async fn put(&self, name: &str, content: &SecretString, token: &str) -> Result<(), VaultError>;
    /// Adds or changes these tags.
    async fn tag(&self, name: &str, tags: &Tags) -> Result<(), VaultError>;
    /// Sets the KMS key for the versions to come.
    async fn set_key(&self, name: &str, kms_key_id: &str) -> Result<(), VaultError>;
    /// Takes a scheduled deletion back.
    async fn restore(&self, name: &str) -> Result<(), VaultError>;
    /// Schedules the deletion, in so many days. What is scheduled already stays so.
    async fn delete(&self, name: &str, recovery_days: u32) -> Result<(), VaultError>;
}

/// A Backend's vault that nobody connected to yet.
pub(crate) fn not_connected() -> Trouble {
    Trouble::passing("AwsUnavailable", "the Backend's connection to AWS is not ready yet")
}

/// A vault that a process writes to only while it leads.
pub struct Fenced<V> {
    /// The vault.
    pub vault: V,
    /// Asked before every write.
    pub leadership: crate::leader::Leadership,
}

impl<V: Vault> Fenced<V> {
    fn check(&self) -> Result<(), VaultError> {
        self.leadership.check().map_err(|trouble| VaultError::Conflict(trouble.message))
    }
}

#[async_trait]
impl<V: Vault> Vault for Fenced<V> {
    async fn observe(&self, name: &str) -> Result<Option<VaultSecret>, VaultError> {
        self.vault.observe(name).await
    }

    async fn create(&self, wanted: &Wanted<'_>) -> Result<String, VaultError> {
        self.check()?;
        self.vault.create(wanted).await
    }

    async fn put(&self, name: &str, content: &SecretString, token: &str) -> Result<(), VaultError> {
        self.check()?;
        self.vault.put(name, content, token).await
    }

    async fn tag(&self, name: &str, tags: &Tags) -> Result<(), VaultError> {
        self.check()?;
        self.vault.tag(name, tags).await
    }

    async fn set_key(&self, name: &str, kms_key_id: &str) -> Result<(), VaultError> {
        self.check()?;
        self.vault.set_key(name, kms_key_id).await
    }

    async fn restore(&self, name: &str) -> Result<(), VaultError> {
        self.check()?;
        self.vault.restore(name).await
    }

    async fn delete(&self, name: &str, recovery_days: u32) -> Result<(), VaultError> {
        self.check()?;
        self.vault.delete(name, recovery_days).await
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret() -> VaultSecret {
        VaultSecret {
            arn: String::new(),
            version: String::new(),
            previous: String::new(),
            content: None,
            tags: Tags::new(),
            kms_key_id: None,
            changed_at: None,
            deletion_scheduled: false,
        }
    }

    #[test]
    fn an_entry_is_as_we_left_it_until_somebody_else_writes_or_goes_back() {
        use crate::token::after;
        let is_ours = |content: &str, version: &str, previous: &str| {
            let content = Some(SecretString::from(content));
            VaultSecret { content, version: version.into(), previous: previous.into(), ..secret() }
                .is_as_we_left_it()
        };
        let made = after(&"one".into(), "");
        let put = after(&"two".into(), &made);
        assert!(is_ours("one", &made, "") && is_ours("two", &put, &made));
        assert!(!is_ours("three", "theirs", &put), "somebody put another");
        assert!(is_ours("two", &after(&"two".into(), "theirs"), "theirs"), "and we put it right");
        assert!(!is_ours("one", &made, &put), "somebody went back");
        assert!(!secret().is_as_we_left_it(), "nothing is in it");
    }

    #[test]
    fn a_key_is_the_same_by_id_alias_and_arn() {
        let secret = |key: Option<&str>| VaultSecret { kms_key_id: key.map(str::to_owned), ..secret() };
        for (found, wanted, same) in [
            ("1234", "1234", true),
            ("arn:aws:kms:us-east-1:1:key/1234", "1234", true),
            ("1234", "arn:aws:kms:us-east-1:1:key/1234", true),
            ("arn:aws:kms:us-east-1:1:alias/a", "alias/a", true),
            ("arn:aws:kms:us-east-1:1:key/1234", "arn:aws:kms:us-east-1:2:key/1234", false),
            ("alias/a", "alias/b", false),
        ] {
            assert_eq!(secret(Some(found)).is_encrypted_with(wanted), same, "{found} {wanted}");
        }
        assert!(!secret(None).is_encrypted_with("1234"));
    }
}
