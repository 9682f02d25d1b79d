//! One Organization, told as a story: what it asks for ([`desired`]), what stands in every store ([`observed`]), what to do next
//! ([`plan`]), doing it ([`apply`]), and saying how it stands ([`report`]). [`mod@reconcile`] tells it from beginning to end;
//! [`sweep()`] looks after rows whose manifest vanished.

pub mod apply;
pub mod desired;
pub mod observed;
pub mod plan;
pub mod reconcile;
pub mod report;
mod sweep;

pub use desired::Desired;
pub use observed::{Observed, Stores};
pub use plan::{Plan, Step};
pub use reconcile::{Outcome, reconcile};
pub use sweep::sweep;
