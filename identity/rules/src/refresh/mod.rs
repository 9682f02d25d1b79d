//! Refresh tokens: opaque, rotated at each use, tied to one session.
//!
//! A token names its session and generation and proves them by a MAC under the session's sealed secret. The successor
//! of a generation is therefore always the same text: tabs that refresh together get the same one, and none has two.
//!
//! - [`RefreshToken`]: the text, parsed whole or not at all
//! - [`RotationTrail`]: when the last few generations were used
//! - [`decide`]: what a presented token is worth

mod decide;
mod token;
mod trail;

pub use decide::{REUSE_GRACE, RefreshDecision, SessionState, decide};
pub use token::{Generation, MalformedToken, RefreshToken, SessionSecret, new_session_id};
pub use trail::{MalformedTrail, RotationTrail};

#[cfg(test)]
mod tests;
