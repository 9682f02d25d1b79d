use std::sync::Arc;

use super::{Change, ChangeState, InvalidKey, MinEpoch, PublicKey, Snapshot, VerifyingKey, View};
use crate::Kid;

/// Why a snapshot or change cannot be used: only a new snapshot helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The change is not the next one.
    #[error("the change is not the next one")]
    Gap,
    /// Another history led to this change.
    #[error("the digest chain does not match")]
    DigestMismatch,
    /// A key is not what its name says.
    #[error(transparent)]
    Key(#[from] InvalidKey),
}

impl View {
    /// The picture a snapshot shows.
    pub fn from_snapshot(snapshot: Snapshot) -> Result<Self, ApplyError> {
        let keys = snapshot
            .keys
            .into_iter()
            .map(|(kid, key)| Ok((kid, verifying(kid, key)?)))
            .collect::<Result<_, InvalidKey>>()?;
        Ok(Self {
            version: snapshot.version,
            digest: snapshot.digest,
            backend: Arc::new(snapshot.backend),
            organizations: snapshot.organizations.into_iter().map(|(id, o)| (id, Arc::new(o))).collect(),
            keys,
            users: snapshot.users.into_iter().collect(),
            sessions: snapshot.sessions.into_iter().collect(),
        })
    }

    /// The picture after one more change.
    pub fn apply(&self, change: &Change) -> Result<Self, ApplyError> {
        if self.version.checked_add(1) != Some(change.version) {
            return Err(ApplyError::Gap);
        }
        if self.digest.next(change.version, &change.kind, &change.key, &change.nonce) != change.digest {
            return Err(ApplyError::DigestMismatch);
        }
        let mut next = self.clone();
        next.version = change.version;
        next.digest = change.digest;
        match &change.state {
            ChangeState::Backend(settings) => next.backend = Arc::new((**settings).clone()),
            ChangeState::Organization { id, organization: Some(organization) } => {
                next.organizations.insert(*id, Arc::new(organization.clone()));
            }
            ChangeState::Organization { id, organization: None } => {
                next.organizations.remove(id);
            }
            ChangeState::Key { kid, key: Some(key) } => {
                next.keys.insert(*kid, verifying(*kid, key.clone())?);
            }
            ChangeState::Key { kid, key: None } => {
                next.keys.remove(kid);
            }
            ChangeState::User { id, min_epoch, until } => {
                next.users.insert(*id, MinEpoch { min_epoch: *min_epoch, until: *until });
            }
            ChangeState::Session { id, until } => {
                next.sessions.insert(*id, *until);
            }
            ChangeState::Nothing => {}
        }
        Ok(next)
    }
}

fn verifying(kid: Kid, key: PublicKey) -> Result<Arc<VerifyingKey>, InvalidKey> {
    VerifyingKey::new(kid, key).map(Arc::new)
}
