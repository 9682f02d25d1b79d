//! Room for connections among the files that the process may open: without it those of the database would be what strangers take.

use rustix::process::{Resource, getrlimit, setrlimit};

/// Files for everything that is no connection of the listeners.
const BESIDE: u64 = 256;

/// Raises the soft limit of open files, so that so many connections fit; tells where the hard limit forbids it.
pub(crate) fn make_room(connections: usize) {
    let wanted = u64::try_from(connections).unwrap_or(u64::MAX).saturating_add(BESIDE);
    let mut limit = getrlimit(Resource::Nofile);
    if limit.current.is_none_or(|current| current >= wanted) {
        return;
    }
    limit.current = Some(limit.maximum.map_or(wanted, |most| most.min(wanted)));
    let raised = setrlimit(Resource::Nofile, limit).is_ok();
    let may_open = getrlimit(Resource::Nofile).current;
    if !raised || may_open.is_some_and(|may_open| may_open < wanted) {
        tracing::warn!(
            wanted,
            may_open,
            "the process may open fewer files than it admits connections: raise its limit of open files, or lower \
             --max-connections and --max-streams"
        );
    }
}
