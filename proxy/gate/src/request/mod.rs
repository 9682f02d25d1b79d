//! A request's way through the gate, as small steps over one context: framing and path (`target`) → whose it is (`own`) →
//! route → credential → verification (`verify`, `cache`) → strip what could pose as ours (`strip`) → set ours (`identity`,
//! `forwarded`) → forward. A step that finds anything unclear returns a `Refusal`, which knows its answer.
//!
//! WebSocket and gRPC join here with their issue: an upgrade is refused in `target` until then.

pub(crate) mod cache;
mod context;
mod cors;
mod credential;
mod forwarded;
mod handle;
mod identity;
mod own;
mod refusal;
mod respond;
mod strip;
mod target;
mod verify;

use std::net::SocketAddr;

pub(crate) use handle::handle;

use crate::worker::Listener;

/// The client at the other end of a connection.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Client {
    pub peer: SocketAddr,
    pub listener: Listener,
    pub http2: bool,
}
