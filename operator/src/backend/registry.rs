//! Backends that are open: Organizations find their database and vault here, and reopen nothing themselves.

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock};

use secrecy::SecretString;
use tenantry_crds::Backend;

use super::puts::Puts;
use crate::content::Content;
use crate::stores::database::Database;
use crate::stores::vault::Vault;
use crate::trouble::Trouble;

/// Namespace and name of a Backend.
pub type Key = (String, String);

/// The key of a Backend.
pub fn key_of(backend: &Backend) -> Key {
    (backend.namespace().to_owned(), backend.name().to_owned())
}

/// A Backend whose database is open.
#[derive(Clone)]
pub struct Open {
    /// Its database.
    pub rows: Database,
    /// Its database's URL.
    pub url: SecretString,
    /// Its vault.
    pub vault: Option<Arc<dyn Vault>>,
    /// A digest of all that it was opened with.
    pub opened_with: String,
    /// A digest of what its authority's pods read of it when they start.
    pub read: String,
    /// The keyring that it was opened with.
    pub keyring: SecretString,
}

impl Open {
    /// Whether it does not answer and is to be opened anew: it counts as opened with nothing then.
    pub fn is_doubted(&self) -> bool {
        self.opened_with.is_empty()
    }
}

/// What is open; the keyrings that this process worked with, which outlive a Backend that cannot be opened for a while; its writes to the
/// vault; and what Secrets held that nothing else holds.
#[derive(Clone, Default)]
pub struct Registry(Arc<RwLock<Known>>, Arc<RwLock<HashMap<Key, SecretString>>>, Puts, Remembered);

/// By namespace and name of the Secret.
type Remembered = Arc<RwLock<HashMap<(String, String), Content>>>;

type Known = HashMap<Key, Result<Arc<Open>, Trouble>>;

impl Registry {
    /// Whether the Backend was looked at since this process leads.
    pub fn knows(&self, key: &Key) -> bool {
        self.0.read().unwrap_or_else(PoisonError::into_inner).contains_key(key)
    }

    /// The open Backend, or why it is not.
    pub fn get(&self, key: &Key) -> Result<Arc<Open>, Trouble> {
        let open = self.0.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned();
        open.unwrap_or_else(|| {
            Err(Trouble::passing(
                "BackendNotReady",
                format!("the Backend {}/{} was not looked at yet", key.0, key.1),
            ))
        })
    }

    /// The keyring that the Backend was last opened with.
    pub fn keyring(&self, key: &Key) -> Option<SecretString> {
        self.1.read().unwrap_or_else(PoisonError::into_inner).get(key).cloned()
    }

    /// What a Secret held when it was last seen.
    pub fn remembered(&self, secret: &(String, String)) -> Option<Content> {
        self.3.read().unwrap_or_else(PoisonError::into_inner).get(secret).cloned()
    }

    /// Remembers what a Secret holds.
    pub fn remember(&self, secret: (String, String), content: Content) {
        self.3.write().unwrap_or_else(PoisonError::into_inner).insert(secret, content);
    }

    /// When entries of the vault were written.
    pub fn puts(&self) -> &Puts {
        &self.2
    }

    /// Notes a Backend as open; whether Organizations have to look again.
    pub fn open(&self, key: Key, open: Open) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        let same = matches!(all.get(&key), Some(Ok(known)) if known.opened_with == open.opened_with);
        let keyring = open.keyring.clone();
        self.1.write().unwrap_or_else(PoisonError::into_inner).insert(key.clone(), keyring);
        all.insert(key, Ok(Arc::new(open)));
        !same
    }

    /// Notes that an open Backend does not answer: it stays open, and is opened anew at the next look.
    pub fn doubt(&self, key: &Key) {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(Ok(open)) = all.get_mut(key) {
            *open = Arc::new(Open { opened_with: String::new(), ..Open::clone(open) });
        }
    }

    /// Notes why a Backend is not open. One that is open already stays so where the trouble passes, which is the store's own to tell, or
    /// is a right that is missing: a namespace that is going takes the Role first, and then the Secret with the database's URL.
    pub fn fail(&self, key: Key, trouble: Trouble) -> bool {
        let mut all = self.0.write().unwrap_or_else(PoisonError::into_inner);
        match all.get(&key) {
            Some(Ok(_)) if !trouble.needs_person() || trouble.is_forbidden() => false,
            Some(Err(known)) if *known == trouble => false,
            _ => {
                all.insert(key, Err(trouble));
                true
            }
        }
    }

    /// Forgets a Backend.
    pub fn close(&self, key: &Key) -> Option<Arc<Open>> {
        self.0.write().unwrap_or_else(PoisonError::into_inner).remove(key).and_then(Result::ok)
    }
}
