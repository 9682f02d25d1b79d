//! Whether one of our tokens counts now: from the cache where it was verified before, else by its signature.

use std::rc::Rc;

use tenantry_directory::{Timestamp, View, check_current, verify};

use super::cache::Entry;
use crate::worker::Worker;

/// The verified token, or the reason against it.
pub(super) fn token(
    worker: &Worker,
    token: &str,
    view: &View,
    now: Timestamp,
) -> Result<Rc<Entry>, &'static str> {
    let Some(entry) = worker.cache.get(token, &view.backend) else {
        worker.shared.metrics.cache_misses.inc();
        let identity = verify(token, view, now).map_err(tenantry_directory::Refusal::reason)?;
        let entry = Rc::new(Entry::new(identity, view).ok_or("unprintable_claim")?);
        worker.cache.put(token, Rc::clone(&entry));
        return Ok(entry);
    };
    worker.shared.metrics.cache_hits.inc();
    if entry.is_current_at(view.version) && !is_about_to_end(&entry, now) {
        return Ok(entry);
    }
    check_current(&entry.identity, view, now).map_err(tenantry_directory::Refusal::reason)?;
    entry.set_current_at(view.version);
    Ok(entry)
}

/// Time alone can end a token: near its expiry everything is asked again. Keys live longer than the tokens they signed.
fn is_about_to_end(entry: &Entry, now: Timestamp) -> bool {
    now >= entry.identity.expires_at
}
