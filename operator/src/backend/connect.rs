//! Opening a Backend's database.

use std::time::Duration;

use aws_lc_rs::digest;
use secrecy::{ExposeSecret, SecretString};
use tenantry_crds::Backend;
use tenantry_crds::backend::Algorithm;
use tenantry_directory::KeyAlgorithm;
use tenantry_rules::key_life::KeyPolicy;
use tenantry_rules::password::PasswordPolicy;
use tenantry_rules::sealing::Keyring;
use tenantry_store::provision::FirstKey;
use tenantry_store::{Authorities, OpenError, Options, Store};

use super::paused;
use crate::leader::Leadership;
use crate::stores::database::{self, Database};
use crate::trouble::Trouble;

/// Allowance for clocks after a token's expiry.
const LEEWAY: Duration = Duration::from_secs(30);
/// Slack after the slowest gate knows a key; the authority decides it anew for every later key.
const PUBLISH_SLACK: Duration = Duration::from_mins(6);

/// What a database is opened with.
pub struct Opening<'a> {
    /// The Backend.
    pub backend: &'a Backend,
    /// The cluster.
    pub cluster: &'a str,
    /// Its URL.
    pub url: &'a SecretString,
    /// The authorities of its certificate, as PEM.
    pub ca: Option<&'a SecretString>,
    /// The keyring's text.
    pub keyring: &'a SecretString,
    /// Who writes.
    pub leadership: &'a Leadership,
    /// How many connections there may be at a time.
    pub connections: u32,
    /// Whether nothing is to be changed in it but who leads.
    pub as_it_is: bool,
}

/// The beginning of a SHA-256 of these texts, each with its length, so that nothing can move from one to the next.
pub(crate) fn digest_of<const N: usize>(texts: [Option<&SecretString>; N]) -> digest::Context {
    let mut context = digest::Context::new(&digest::SHA256);
    for text in texts {
        let text = text.map_or("", ExposeSecret::expose_secret);
        context.update(&(text.len() as u64).to_be_bytes());
        context.update(text.as_bytes());
    }
    context
}

impl Opening<'_> {
    /// A digest of everything that a database has to be opened again for.
    pub fn digest(&self) -> String {
        let mut context = digest_of([Some(self.url), self.ca, Some(self.keyring)]);
        context.update(&self.leadership.generation().to_be_bytes());
        context.update(&[u8::from(self.as_it_is)]);
        hex::encode(context.finish())
    }

    /// Opens the database, for writes of this leader alone. Nothing is sealed by it: a keyring that was just made may be thrown away
    /// afterwards.
    pub async fn open(&self) -> Result<Store, Trouble> {
        self.leadership.check()?;
        let store = self.connect().await?;
        let generation = self.leadership.generation();
        database::in_time(async {
            store.fenced(self.cluster, generation).await.map_err(|error| database::trouble(&error))
        })
        .await
    }

    /// Opens the database without a fence, to read.
    pub async fn connect(&self) -> Result<Store, Trouble> {
        let keyring = Keyring::from_json(self.keyring.expose_secret())
            .map_err(|error| Trouble::standing("KeyringDamaged", error.to_string()))?;
        let options = Options {
            url: self.url.clone(),
            ca: self.ca.map(|pem| Authorities::Pem(pem.expose_secret().as_bytes().to_vec())),
            connections: self.connections,
            keyring,
            backend: self.backend.audience(),
            cluster: self.cluster.to_owned(),
            clock: None,
        };
        if !self.url.expose_secret().starts_with("postgres") {
            let message = "the database URL cannot be used: in a cluster it has to be postgres://user:password@host/database";
            return Err(Trouble::standing("DatabaseUrl", message));
        }
        let opening = async {
            if self.as_it_is { Store::open_as_it_is(options).await } else { Store::open(options).await }
        };
        let opening = tokio::time::timeout(Duration::from_secs(15), opening).await;
        let late = || {
            Trouble::passing(
                "DatabaseUnavailable",
                "the database did not answer within 15 s; check its address",
            )
        };
        opening.map_err(|_| late())?.map_err(|error| refused(&error))
    }

    /// The database as Organizations use it.
    pub fn rows(&self, store: Store) -> Result<Database, Trouble> {
        let spec = &self.backend.spec;
        let role = spec.roles.last().and_then(|role| role.parse().ok());
        let admin_role =
            role.ok_or_else(|| Trouble::standing("Roles", "spec.roles has no role for administrators"))?;
        let algorithm = match spec.tokens.algorithm {
            Algorithm::EdDsa => KeyAlgorithm::EdDsa,
            Algorithm::Es256 => KeyAlgorithm::Es256,
            Algorithm::Rs256 => KeyAlgorithm::Rs256,
        };
        let policy = KeyPolicy {
            rotate_every: spec.tokens.rotate_every.duration(),
            longest_ttl: spec.tokens.access_ttl.duration(),
            leeway: LEEWAY,
            publish_ahead: spec.max_staleness.duration() + PUBLISH_SLACK,
        };
        Ok(Database {
            store,
            leadership: self.leadership.clone(),
            admin_role,
            passwords: PasswordPolicy {
                min_length: usize::try_from(spec.passwords.min_length).unwrap_or(usize::MAX),
                composition: spec.passwords.composition,
            },
            first_key: FirstKey { algorithm, policy },
        })
    }
}

/// Says in the database which keyring seals it, now that the keyring is kept; refuses where another's does meanwhile.
pub async fn mark(store: &Store) -> Result<(), Trouble> {
    database::in_time(async { store.mark_keyring().await.map_err(|error| refused(&error)) }).await
}

/// Seals with the newest key what is sealed with older ones, while everything else goes on.
pub fn reseal(store: Store) {
    tokio::spawn(async move {
        if let Err(error) = store.reseal().await {
            tracing::warn!(%error, "what is sealed with older keys could not be sealed anew");
        }
    });
}

fn refused(error: &OpenError) -> Trouble {
    let message = tenantry_store::with_causes(error);
    let reason = match error {
        OpenError::Url(_) => "DatabaseUrl",
        OpenError::Credentials(_) => "DatabaseCredentials",
        OpenError::NoDatabase(_) => "DatabaseMissing",
        OpenError::Certificate(_) => "DatabaseCertificate",
        OpenError::NewerDatabase { .. } => "DatabaseNewer",
        OpenError::OtherBackend { .. } => "OtherBackend",
        OpenError::SealingKeyMissing { .. } => "SealingKeyMissing",
        OpenError::SealingKeyWrong { .. } => "SealingKeyWrong",
        OpenError::Unusable { .. } | OpenError::Rights { .. } => "DatabaseUnusable",
        OpenError::Unprepared(_) => {
            return paused("what the database needs of this operator's version, or at all");
        }
        OpenError::Store(error) => return database::trouble(error),
        OpenError::Unreachable(_) | OpenError::File { .. } => {
            return Trouble::passing("DatabaseUnavailable", message);
        }
    };
    Trouble::standing(reason, message)
}
