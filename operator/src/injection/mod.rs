//! The gate is added to pods that ask for it, before they are made: a mutating webhook of the operator's.
//!
//! [`server`] is asked by the API server and has [`decide`] decide: [`choose`] finds the pod's Backend, [`trust`] what its gate is to
//! trust, [`asked`] what its annotations want ([`quantity`] has their form), [`patch`] puts the [`gate`] in front of the backend's port
//! ([`ports`]), or there is a [`refusal`]. [`certificate`] is what the server shows, and what the API server is told to trust.

pub mod asked;
pub mod certificate;
pub mod choose;
pub mod decide;
pub mod gate;
pub mod patch;
pub mod ports;
pub mod quantity;
pub mod refusal;
pub mod server;
pub mod trust;
