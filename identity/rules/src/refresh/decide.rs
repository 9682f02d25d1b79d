use std::time::Duration;

use tenantry_directory::Timestamp;

use super::{Generation, RefreshToken, RotationTrail, SessionSecret};

/// For how long a token that was used may be presented again, and gets the same successor.
pub const REUSE_GRACE: Duration = Duration::from_secs(10);

/// The row of the session that a token names.
pub struct SessionState {
    /// Made every token of it.
    pub secret: SessionSecret,
    /// The newest generation handed out.
    pub generation: Generation,
    /// When the generations before it were used.
    pub trail: RotationTrail,
    /// End of the newest token's life.
    pub expires_at: Timestamp,
    /// It was ended: logout, re-use, a changed password.
    pub is_ended: bool,
}

/// What a presented token is worth. Everything but the first two is one answer to the client: sign in again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum RefreshDecision {
    /// The newest token: store this generation and trail if the row still has the old generation, then hand out
    /// [`SessionSecret::token`] of it.
    Current {
        /// The successor's generation.
        successor: Generation,
        /// The trail to store with it.
        trail: RotationTrail,
    },
    /// It was used a moment ago: hand out its one successor again, store nothing.
    Grace {
        /// The generation that its first use led to.
        successor: Generation,
    },
    /// It was used too long ago: somebody holds a copy. End the session.
    Reuse,
    /// The session has ended or expired.
    Over,
    /// Not made by this session's secret, or of a generation that was never handed out. Changes nothing: whoever
    /// knows a session id must not be able to end it.
    Unknown,
}

/// Judges `token` against the row of its session.
pub fn decide(token: &RefreshToken, session: &SessionState, now: Timestamp) -> RefreshDecision {
    if !token.is_genuine(&session.secret) {
        return RefreshDecision::Unknown;
    }
    if session.is_ended || now >= session.expires_at {
        return RefreshDecision::Over;
    }
    let presented = token.generation();
    let Some(back) = session.generation.0.checked_sub(presented.0) else {
        return RefreshDecision::Unknown;
    };
    if back == 0 {
        let trail = session.trail.after_use(now, REUSE_GRACE);
        return RefreshDecision::Current { successor: presented.next(), trail };
    }
    match session.trail.used_at(back) {
        Some(used) if now.saturating_since(used) <= REUSE_GRACE => {
            RefreshDecision::Grace { successor: presented.next() }
        }
        _ => RefreshDecision::Reuse,
    }
}
