//! The webhook's certificate and the authority that signs it, both made here, kept in a Secret of the operator's own namespace.
//!
//! The leader [`keep`]s them: [`plan`] says what is to change next in what is [`held`], [`webhook`] tells the API server
//! whom to trust. An authority is told to it before the first certificate that it signs is shown. Every replica shows what is held
//! ([`shown`]).

pub mod held;
pub mod keep;
pub mod plan;
pub mod shown;
pub mod webhook;

/// What these certificates are called.
const OF: &str = "tenantry-operator webhook";
