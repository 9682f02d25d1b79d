use std::fmt;

macro_rules! refusals {
    ($($(#[$doc:meta])* $name:ident => $reason:literal,)*) => {
        /// Why a token is refused. For logs and metrics: the answer to the client is the same for all.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
        pub enum Refusal {
            $($(#[$doc])* $name,)*
        }

        impl Refusal {
            /// Every refusal, for metrics that exist before the first one.
            pub const ALL: &'static [Self] = &[$(Self::$name,)*];

            /// A word for logs and metrics.
            pub const fn reason(self) -> &'static str {
                match self {
                    $(Self::$name => $reason,)*
                }
            }
        }
    };
}

refusals! {
    /// Not three parts of base64url with JSON objects in the first two, or too long.
    Malformed => "malformed",
    /// A member of header or claims twice: two parsers would read it differently.
    DuplicateMember => "duplicate_member",
    /// `typ` is not `at+jwt`, or is missing.
    UnknownType => "unknown_typ",
    /// `crit` (RFC 7515 §4.1.11): we understand no extension.
    Critical => "crit",
    /// A header member our tokens never have: `jku`, `jwk`, `x5u`, `b64` and their like.
    UnexpectedHeader => "unexpected_header",
    /// `alg` is not the key's: `none`, HS256, another family.
    Algorithm => "algorithm",
    /// No `kid`, or none that verifies.
    UnknownKey => "unknown_key",
    /// The signature is not the key's.
    Signature => "signature",
    /// A claim is missing.
    MissingClaim => "missing_claim",
    /// A claim has another type, or a value that its type cannot have.
    ClaimType => "claim_type",
    /// Claim `type` is not `access`.
    NotAccess => "not_access",
    /// The key is another organization's, or the claims disagree about the organization.
    WrongOrganization => "wrong_organization",
    /// `iss` is not that organization's at this Backend.
    WrongIssuer => "wrong_issuer",
    /// `aud` is another Backend.
    WrongAudience => "wrong_audience",
    /// `exp` is over.
    Expired => "expired",
    /// `nbf` or `iat` is yet to come.
    NotYetValid => "not_yet_valid",
    /// The organization is suspended, deleted or unknown.
    Suspended => "suspended",
    /// The session has ended.
    RevokedSession => "revoked_session",
    /// Role, password or activity of the user changed since.
    StaleEpoch => "stale_epoch",
    /// The key was revoked, or its time is over, since the token was first seen.
    RevokedKey => "revoked_key",
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.reason())
    }
}

impl std::error::Error for Refusal {}
