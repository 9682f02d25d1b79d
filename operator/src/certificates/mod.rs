//! Certificates that the operator makes: a [`Pair`] is one with its key. [`Ca`] is an authority with its successor, for gates and what
//! they speak to; the webhook's is in `injection`.

mod ca;
mod pair;

pub use ca::{Ca, Lasts};
pub use pair::{MakeError, Pair, Says};
