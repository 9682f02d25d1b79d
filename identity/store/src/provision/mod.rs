//! Making organizations: everything that one needs to exist, in one transaction, so that a crash leaves all of it
//! or nothing. `plan` says what a manifest wants, `apply` makes it so, `found` is what a manifest and a
//! registration have in common, `register` lets people found their own, `remove` follows manifests that are gone.
//!
//! For the operator: `observe` reads what stands there, `rotate` makes new keys, `purge` follows a deletion step by step
//! (`references`: what keeps rows from going), `keys` are the Backend's own.

mod apply;
mod found;
mod keys;
mod observe;
mod plan;
mod purge;
mod references;
mod register;
mod remove;
mod rotate;

pub use apply::{ProvisionError, apply, needs_admin};
pub use found::FoundError;
pub use keys::{BackendKeys, BackendKeysError, backend_keys, observe_backend_keys};
pub use observe::{Observed, OwnedRow, SlugState, observe, owned_by_cluster, unowned};
pub use plan::{Admin, AdminOutcome, Adoption, FirstKey, ProvisionPlan, Provisioned};
pub use purge::{Purged, bury, purge, release, retain};
pub use references::Reference;
pub use register::{RegisterError, Registered, Registration, register};
pub use remove::{Removed, remove, remove_absent};
