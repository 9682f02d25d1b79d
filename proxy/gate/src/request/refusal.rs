//! A refusal: its reason for log and metric, its status for the client, and nothing else that would help an attacker.

use http::StatusCode;

/// Why a request is not forwarded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub status: StatusCode,
    /// A word for logs and metrics; never sent.
    pub reason: &'static str,
    /// The `WWW-Authenticate` challenge of a 401 (RFC 6750, section 3).
    pub challenge: Option<&'static str>,
}

impl Refusal {
    pub const fn new(status: StatusCode, reason: &'static str) -> Self {
        Self { status, reason, challenge: None }
    }

    /// 400: the request can be read in more than one way.
    pub const fn unclear(reason: &'static str) -> Self {
        Self::new(StatusCode::BAD_REQUEST, reason)
    }

    /// 401 without a credential of ours.
    pub const fn unauthenticated(reason: &'static str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, reason, challenge: Some("Bearer") }
    }

    /// 401 for a credential of ours that does not count, whatever the reason.
    pub const fn invalid_token(reason: &'static str) -> Self {
        Self { status: StatusCode::UNAUTHORIZED, reason, challenge: Some("Bearer error=\"invalid_token\"") }
    }

    pub const fn forbidden(reason: &'static str) -> Self {
        Self::new(StatusCode::FORBIDDEN, reason)
    }

    pub const fn not_found(reason: &'static str) -> Self {
        Self::new(StatusCode::NOT_FOUND, reason)
    }

    /// The sentence a person reads.
    pub fn detail(&self) -> &'static str {
        match self.status.as_u16() {
            400 => "The request could not be understood.",
            401 => "Sign in to continue.",
            403 => "This is not allowed.",
            404 => "There is nothing here.",
            405 => "This method is not answered.",
            413 => "The request is too large.",
            421 => "This address is not served here.",
            501 => "Upgrading the connection is not supported.",
            502 => "The application does not answer.",
            503 => "The service is not available right now.",
            504 => "The application took too long to answer.",
            _ => "The request was refused.",
        }
    }
}
