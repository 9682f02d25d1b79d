//! A running operator: wait for the cluster and its definitions ([`start`]), wait for the lease, and work ([`controllers`]) for as long
//! as it is held. [`context`] is what a reconcile finds around it, [`known`] whether all manifests were seen yet, [`pauses`] how long
//! failures wait, [`turns`] who waits for whom, [`sweeper`] what looks after rows without a manifest, [`gauges`] what tells
//! Prometheus how the world stands. [`webhook`] is served all the while, whoever leads.

mod context;
mod controllers;
mod gauges;
mod known;
mod pauses;
mod start;
mod sweeper;
mod turns;
mod webhook;

pub use known::Caches;
pub use start::{Started, run, start};
