//! Tokens that were verified before, with the header values made from them: bounded in bytes, oldest out first. An entry is
//! good while the Backend's settings are the same object; whether its holder still counts is asked of the directory whenever
//! that has moved on, and its expiry at every use.

use std::cell::{Cell, RefCell};
use std::collections::{HashMap, VecDeque};
use std::rc::Rc;
use std::sync::Arc;

use http::HeaderValue;
use tenantry_directory::{BackendSettings, Identity, OrganizationId, Timestamp, View};

use super::identity::IdentityHeaders;

/// Bytes of tokens and what hangs on them that one worker keeps.
const BUDGET: usize = 16 * 1024 * 1024;
/// What an entry weighs besides its token.
const OVERHEAD: usize = 1536;

/// A verified token.
pub(crate) struct Entry {
    pub identity: Identity,
    pub headers: IdentityHeaders,
    /// The assertion last minted, when and for which picture of the organization.
    pub assertion: RefCell<Option<(HeaderValue, Timestamp)>>,
    backend: Arc<BackendSettings>,
    /// The directory's version at which the holder was last found to count.
    current_at: Cell<i64>,
}

impl Entry {
    pub fn new(identity: Identity, view: &View) -> Option<Self> {
        let headers = IdentityHeaders::new(&identity, view)?;
        Some(Self {
            identity,
            headers,
            assertion: RefCell::new(None),
            backend: Arc::clone(&view.backend),
            current_at: Cell::new(view.version),
        })
    }

    pub fn organization(&self) -> OrganizationId {
        self.identity.organization_id
    }

    /// Whether nothing was found against the holder at this version of the directory.
    pub fn is_current_at(&self, version: i64) -> bool {
        self.current_at.get() == version
    }

    pub fn set_current_at(&self, version: i64) {
        self.current_at.set(version);
    }
}

/// The tokens of one worker.
#[derive(Default)]
pub(crate) struct TokenCache(RefCell<Kept>);

#[derive(Default)]
struct Kept {
    entries: HashMap<Rc<str>, Rc<Entry>>,
    order: VecDeque<Rc<str>>,
    bytes: usize,
}

impl TokenCache {
    /// The entry of a token, if it was made under these settings.
    pub fn get(&self, token: &str, backend: &Arc<BackendSettings>) -> Option<Rc<Entry>> {
        let kept = self.0.borrow();
        kept.entries.get(token).filter(|entry| Arc::ptr_eq(&entry.backend, backend)).cloned()
    }

    /// Keeps an entry, and lets go of the oldest beyond the budget.
    pub fn put(&self, token: &str, entry: Rc<Entry>) {
        let mut kept = self.0.borrow_mut();
        let token: Rc<str> = token.into();
        if kept.entries.insert(Rc::clone(&token), entry).is_none() {
            kept.bytes += token.len() + OVERHEAD;
            kept.order.push_back(token);
        }
        while kept.bytes > BUDGET {
            let Some(oldest) = kept.order.pop_front() else { break };
            kept.entries.remove(&oldest);
            kept.bytes -= oldest.len() + OVERHEAD;
        }
    }
}

#[cfg(test)]
mod tests {
    use tenantry_directory::{fixtures, verify};

    use super::*;

    fn entry(view: &View) -> Rc<Entry> {
        let identity = verify(&fixtures::token(fixtures::NOW), view, fixtures::NOW).unwrap();
        Rc::new(Entry::new(identity, view).unwrap())
    }

    #[test]
    fn a_token_is_found_under_the_same_settings_only() {
        let (view, other) = (fixtures::view(), fixtures::view());
        let cache = TokenCache::default();
        cache.put("token", entry(&view));
        assert!(cache.get("token", &view.backend).is_some());
        assert!(cache.get("token", &other.backend).is_none());
        assert!(cache.get("tokem", &view.backend).is_none());
    }

    #[test]
    fn the_oldest_go_when_the_budget_is_spent() {
        let view = fixtures::view();
        let cache = TokenCache::default();
        let entry = entry(&view);
        for n in 0..BUDGET / OVERHEAD + 10 {
            cache.put(&format!("token-{n:08}"), Rc::clone(&entry));
        }
        assert!(cache.get("token-00000000", &view.backend).is_none());
        assert!(cache.0.borrow().bytes <= BUDGET);
        assert_eq!(cache.0.borrow().entries.len(), cache.0.borrow().order.len());
    }
}
