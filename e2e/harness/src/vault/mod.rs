//! An AWS Secrets Manager endpoint for tests: moto keeps the secrets, and a proxy of ours in front of it is as strict as
//! AWS where moto is not, counts the calls, and fails on demand.
//!
//! [`proxy`] takes a call, [`calls`] counts it, [`faults`] may spoil it, [`rules`] judge it, [`moto`] answers it.

mod calls;
mod faults;
mod moto;
mod proxy;
mod rules;

pub use calls::Call;
pub use faults::Fault;

use crate::process::{PartError, blocking};
use proxy::Proxy;
use serde_json::{Value, json};
use std::{collections::BTreeMap, sync::Arc, time::Duration};

/// The only region of the endpoint.
pub const REGION: &str = "us-east-1";

/// A running endpoint on 127.0.0.1; gone on drop. Cloning shares it.
#[derive(Clone, Debug)]
pub struct Vault(Arc<Proxy>);

/// A secret as it is kept, whoever asks.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StoredSecret {
    /// The current version's text; `None` where there is none, or where the deletion is scheduled.
    pub content: Option<String>,
    /// Its tags.
    pub tags: BTreeMap<String, String>,
    /// The KMS key, as it was given.
    pub kms_key_id: Option<String>,
    /// How many versions it has had.
    pub versions: usize,
    /// Whether its deletion is scheduled.
    pub deletion_scheduled: bool,
}

impl Vault {
    /// Starts an endpoint of its own (about 2 s).
    pub async fn start() -> Result<Self, PartError> {
        blocking(Proxy::start).await.map(|proxy| Self(Arc::new(proxy)))
    }

    /// Its URL, for `spec.aws.endpoint` and the SDK.
    pub fn endpoint(&self) -> String {
        format!("http://127.0.0.1:{}", self.0.port())
    }

    /// The port of the moto behind it, to see that it goes.
    pub fn moto_port(&self) -> u16 {
        self.0.moto_port()
    }

    /// What gives credentials to the SDK of a process, and keeps it away from the machine's own.
    pub fn environment(&self) -> Vec<(String, String)> {
        [
            ("AWS_ACCESS_KEY_ID", "tenantry-test"),
            ("AWS_SECRET_ACCESS_KEY", "tenantry-test"),
            ("AWS_CONFIG_FILE", "/dev/null"),
            ("AWS_SHARED_CREDENTIALS_FILE", "/dev/null"),
            ("AWS_EC2_METADATA_DISABLED", "true"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec()
    }

    /// Forgets every secret, call and fault.
    pub async fn reset(&self) -> Result<(), PartError> {
        self.0.reset().await
    }

    /// Does what somebody else does: uncounted and never spoilt, under AWS's rules. A refusal is
    /// [`PartError::Refused`].
    pub async fn by_hand(&self, action: &str, body: Value) -> Result<Value, PartError> {
        self.0.by_hand(action, body).await
    }

    /// What is kept under this name.
    pub async fn secret(&self, name: &str) -> Result<Option<StoredSecret>, PartError> {
        let asked = json!({ "SecretId": name });
        let described = match self.by_hand("DescribeSecret", asked.clone()).await {
            Ok(described) => described,
            Err(PartError::Refused(text)) if text.starts_with("ResourceNotFoundException") => {
                return Ok(None);
            }
            Err(error) => return Err(error),
        };
        let deletion_scheduled = described["DeletedDate"].is_number();
        let versions = described["VersionIdsToStages"].as_object().map_or(0, serde_json::Map::len);
        let content = if deletion_scheduled || versions == 0 {
            None
        } else {
            let value = self.by_hand("GetSecretValue", asked).await?;
            value["SecretString"].as_str().map(str::to_owned)
        };
        let kms_key_id = described["KmsKeyId"].as_str().map(str::to_owned);
        Ok(Some(StoredSecret {
            content,
            tags: rules::tags(&described),
            kms_key_id,
            versions,
            deletion_scheduled,
        }))
    }

    /// Spoils the next so many calls of an action (`PutSecretValue`; `*` is any).
    pub fn fail_next(&self, action: &str, fault: Fault, times: u32) {
        self.0.faults().fail_next(action, fault, times);
    }

    /// While down, every connection is closed without an answer.
    pub fn down(&self, down: bool) {
        self.0.faults().down = down;
    }

    /// While throttled, every call is refused as one too many.
    pub fn throttle(&self, throttled: bool) {
        self.0.faults().throttled = throttled;
    }

    /// Every call waits so long before anything happens; one that is given up meanwhile does not happen.
    pub fn delay(&self, delay: Duration) {
        self.0.faults().delay = delay;
    }

    /// Every call that arrived, spoilt ones too.
    pub fn calls(&self) -> Vec<Call> {
        self.0.calls().clone()
    }

    /// A place in [`Vault::calls`]: how many there are now.
    pub fn mark(&self) -> usize {
        self.0.calls().len()
    }

    /// The calls since then that would change something.
    pub fn writes_since(&self, mark: usize) -> Vec<Call> {
        self.0.calls().iter().skip(mark).filter(|call| call.write).cloned().collect()
    }
}
