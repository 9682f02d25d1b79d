//! Making organizations: everything that one needs to exist, in one transaction, so that a crash leaves all of it
//! or nothing. `plan` says what a manifest wants, `apply` makes it so, `found` is what a manifest and a
//! registration have in common, `register` lets people found their own, `remove` follows manifests that are gone.

mod apply;
mod found;
mod plan;
mod register;
mod remove;

pub use apply::{ProvisionError, apply, needs_admin};
pub use found::FoundError;
pub use plan::{Admin, AdminOutcome, Adoption, FirstKey, ProvisionPlan, Provisioned};
pub use register::{RegisterError, Registered, Registration, register};
pub use remove::{Removed, remove, remove_absent};
