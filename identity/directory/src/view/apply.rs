use std::sync::Arc;

use imbl::{HashMap, HashSet};

use super::{Change, ChangeState, MinEpoch, PublicKey, Snapshot, VerifyingKey, View};
use crate::Kid;

/// Why a change cannot be used: only a new snapshot helps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The change is not the next one.
    #[error("the change is not the next one")]
    Gap,
    /// Another history led to this change.
    #[error("the digest chain does not match")]
    DigestMismatch,
}

impl View {
    /// The picture a snapshot shows.
    pub fn from_snapshot(snapshot: Snapshot) -> Self {
        let mut view = Self {
            version: snapshot.version,
            digest: snapshot.digest,
            backend: Arc::new(snapshot.backend),
            organizations: snapshot.organizations.into_iter().map(|(id, o)| (id, Arc::new(o))).collect(),
            keys: HashMap::new(),
            unusable_keys: HashSet::new(),
            users: snapshot.users.into_iter().collect(),
            sessions: snapshot.sessions.into_iter().collect(),
        };
        for (kid, key) in snapshot.keys {
            view.set_key(kid, Some(key));
        }
        view
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
            // The same settings stay the same pointer: caches of verified tokens hang on it.
            ChangeState::Backend(settings) if **settings == *self.backend => {}
            ChangeState::Backend(settings) => next.backend = Arc::new((**settings).clone()),
            ChangeState::Organization { id, organization: Some(organization) } => {
                next.organizations.insert(*id, Arc::new(organization.clone()));
            }
            ChangeState::Organization { id, organization: None } => {
                next.organizations.remove(id);
            }
            ChangeState::Key { kid, key } => next.set_key(*kid, key.clone()),
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

    /// A key that cannot be used silences its own organization, not every one.
    fn set_key(&mut self, kid: Kid, key: Option<PublicKey>) {
        self.keys.remove(&kid);
        self.unusable_keys.remove(&kid);
        match key.map(|key| VerifyingKey::new(kid, key)) {
            Some(Ok(key)) => drop(self.keys.insert(kid, Arc::new(key))),
            Some(Err(_)) => drop(self.unusable_keys.insert(kid)),
            None => {}
        }
    }
}
