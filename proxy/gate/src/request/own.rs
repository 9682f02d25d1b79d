//! Paths that are ours: the authority's calls, key sets and pages; and those that are nobody's.

use std::borrow::Cow;

use percent_encoding::percent_decode_str;

/// Whose a path is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Whose {
    /// The backend's.
    Backend,
    /// Looks like one of ours and is none: 404, unless a route of the Backend names it.
    Nobody,
    /// Never served here, whatever the routes say.
    Internal,
    /// The authority's API or key sets.
    Authority,
    /// The authority's pages.
    Page,
    /// The gate's own answer for load balancers.
    Health,
}

const EXACT: [&str; 16] = [
    "/api/auth/register",
    "/api/auth/login",
    "/api/auth/refresh",
    "/api/auth/me",
    "/api/auth/invite",
    "/api/auth/invitations",
    "/api/auth/accept-invite",
    "/api/auth/logout",
    "/api/auth/change-password",
    "/api/auth/forgot-password",
    "/api/auth/reset-password",
    "/api/auth/verify-email",
    "/api/auth/sessions",
    "/api/auth/users",
    "/api/auth/audit",
    "/api/auth/verify",
];
const WITH_ID: [&str; 3] = ["/api/auth/invitations/", "/api/auth/sessions/", "/api/auth/users/"];

/// Judges a path as sent, without its query. Ours are matched to the letter; what only resembles them in another spelling is
/// never the backend's by accident.
pub(super) fn whose(path: &str) -> Whose {
    if path == "/-/healthz" {
        return Whose::Health;
    }
    if EXACT.contains(&path) || WITH_ID.iter().any(|prefix| path.strip_prefix(prefix).is_some_and(is_id)) {
        return Whose::Authority;
    }
    if path
        .strip_prefix("/o/")
        .and_then(|rest| rest.strip_suffix("/.well-known/jwks.json"))
        .is_some_and(is_id)
    {
        return Whose::Authority;
    }
    let folded = fold(path);
    let below = |prefix: &str| {
        folded.strip_prefix(prefix).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    };
    if below("/internal") {
        return Whose::Internal;
    }
    if path.starts_with("/-/") {
        return Whose::Page;
    }
    if below("/-") || below("/api/auth") {
        return Whose::Nobody;
    }
    Whose::Backend
}

fn is_id(text: &str) -> bool {
    !text.is_empty()
        && text.len() <= 64
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"-_".contains(&byte))
}

/// As a careless reader would: decoded, in lower case, slashes merged, without parameters.
fn fold(path: &str) -> Cow<'_, str> {
    let plain = |byte: u8| !byte.is_ascii_uppercase() && byte != b'%' && byte != b';';
    if path.bytes().all(plain) && !path.contains("//") {
        return Cow::Borrowed(path);
    }
    let decoded = percent_decode_str(path).decode_utf8_lossy().to_lowercase();
    let mut folded = String::with_capacity(decoded.len());
    for segment in decoded.split('/').filter(|segment| !segment.is_empty()) {
        folded.push('/');
        folded.push_str(segment.split(';').next().unwrap_or_default());
    }
    Cow::Owned(folded)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ours_are_matched_to_the_letter() {
        for (path, expected) in [
            ("/api/auth/login", Whose::Authority),
            ("/api/auth/users/12", Whose::Authority),
            ("/o/7/.well-known/jwks.json", Whose::Authority),
            ("/-/login", Whose::Page),
            ("/-/healthz", Whose::Health),
            ("/api/auth", Whose::Nobody),
            ("/api/auth/elsewhere", Whose::Nobody),
            ("/API/Auth/login", Whose::Nobody),
            ("/api/%61uth/login", Whose::Nobody),
            ("/api//auth/login", Whose::Nobody),
            ("/api/auth;x/login", Whose::Nobody),
            ("/api/auth/users/1/2", Whose::Nobody),
            ("/-", Whose::Nobody),
            ("/internal/directory", Whose::Internal),
            ("/Internal", Whose::Internal),
            ("/%69nternal/directory", Whose::Internal),
            ("/internals", Whose::Backend),
            ("/api/authors", Whose::Backend),
            ("/o/7/x/.well-known/jwks.json", Whose::Backend),
            ("/", Whose::Backend),
        ] {
            assert_eq!(whose(path), expected, "{path}");
        }
    }
}
