//! The life of a client's connection: handshake, strict framing in front of the HTTP/1.1 parser (`framing`, `guard`), requests
//! one by one or as streams (`serve`), idle time and drain (`activity`).

mod activity;
mod framing;
mod guard;
pub(crate) mod serve;

pub(crate) use activity::InFlight;
