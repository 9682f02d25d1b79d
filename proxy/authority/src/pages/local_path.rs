//! Where to go after signing in. A `return` that could lead off this origin is an open redirect, so only what every
//! browser reads as a path on the same origin is a [`LocalPath`]; anything else is the front page.

use std::fmt;

use url::Url;

/// Longer than this no page of an application is.
const MAX_BYTES: usize = 2048;

/// A path on this origin, with its query: safe in a `Location` header and in a link.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalPath(String);

impl LocalPath {
    /// The application's front page.
    pub fn root() -> Self {
        Self("/".to_owned())
    }

    /// Takes a `return` parameter, already percent-decoded once, as the browser sent it.
    ///
    /// Refused: anything that does not start with a single slash, backslashes (browsers read them as slashes), control
    /// characters and spaces (browsers drop tabs and line ends), bytes outside ASCII, fragments, encoded slashes,
    /// backslashes and controls in the path, dot segments, and the authority's own calls.
    pub fn parse(text: &str) -> Option<Self> {
        if !text.starts_with('/') || text.len() > MAX_BYTES {
            return None;
        }
        if text
            .bytes()
            .any(|byte| !byte.is_ascii_graphic() || matches!(byte, b'\\' | b'#' | b'"' | b'<' | b'>'))
        {
            return None;
        }
        let path = text.split('?').next().unwrap_or_default();
        if path.contains("//") || hides_structure(path) || is_a_call_of_ours(path) || !stays_here(text) {
            return None;
        }
        Some(Self(text.to_owned()))
    }

    /// As [`parse`](Self::parse), the front page where it is refused or left out.
    pub fn or_root(text: Option<&str>) -> Self {
        text.and_then(Self::parse).unwrap_or_else(Self::root)
    }

    /// The path and query.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for LocalPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn hides_structure(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    let escapes = ["%2f", "%5c", "%2e", "%7f"];
    escapes.iter().any(|escape| lower.contains(escape))
        || lower.match_indices('%').any(|(at, _)| matches!(lower.as_bytes().get(at + 1), Some(b'0' | b'1')))
        || path.split('/').any(|segment| matches!(segment, "." | ".."))
}

/// Calls answer JSON or end the session: never a place to come back to.
fn is_a_call_of_ours(path: &str) -> bool {
    let path = path.to_ascii_lowercase();
    path.starts_with("/api/auth/")
        || path.starts_with("/internal/")
        || path == "/-/login"
        || path == "/-/logout"
}

/// The last word has the parser that browsers share (WHATWG URL).
fn stays_here(text: &str) -> bool {
    let Ok(here) = Url::parse("https://here.invalid:8443/") else { return false };
    here.join(text).is_ok_and(|there| there.origin() == here.origin() && there.username().is_empty())
}

#[cfg(test)]
mod tests {
    use super::LocalPath;

    #[test]
    fn paths_of_the_application_are_kept_as_they_are() {
        for path in [
            "/",
            "/incidents",
            "/incidents/17?tab=notes&from=https://elsewhere.example/x",
            "/a%20b/%C3%A9",
            "/-/account",
            "/-/accept-invite",
            "/api/authors",
            "/.well-known/thing",
            "/a:b@c",
        ] {
            assert_eq!(LocalPath::parse(path).as_ref().map(LocalPath::as_str), Some(path));
        }
    }

    #[test]
    fn bypass_42_whatever_could_leave_the_origin_is_the_front_page() {
        for attack in [
            "",
            "incidents",
            "//evil.example",
            "///evil.example",
            "////evil.example/%2f..",
            "/\\evil.example",
            "\\\\evil.example",
            "/\t/evil.example",
            "/\n/evil.example",
            "\t//evil.example",
            " //evil.example",
            "/a//evil.example",
            "/./",
            "/.//evil.example",
            "/..//evil.example",
            "/x/../..//evil.example",
            "/%2e%2e//evil.example",
            "/%2fevil.example",
            "/%2Fevil.example",
            "/%5Cevil.example",
            "/%09/evil.example",
            "/%0d%0aSet-Cookie:x=y",
            "/a\r\nSet-Cookie: x=y",
            "https://evil.example",
            "https:evil.example",
            "https:/evil.example",
            "HTTPS://evil.example",
            "javascript:alert(1)",
            "data:text/html,x",
            "@evil.example",
            ".evil.example",
            ":80",
            "?next=//evil.example",
            "#//evil.example",
            "/a#b",
            "/caf\u{e9}",
            "/\u{ff0f}evil.example",
            "/\u{3002}evil.example",
            "/\u{0}",
            "/\u{7f}",
            "/\u{2028}",
        ] {
            assert_eq!(LocalPath::parse(attack), None, "{attack:?}");
            assert_eq!(LocalPath::or_root(Some(attack)).as_str(), "/", "{attack:?}");
        }
    }

    #[test]
    fn signing_in_never_leads_to_a_call_that_signs_out_or_loops() {
        for path in [
            "/-/login",
            "/-/login?return=/",
            "/-/logout",
            "/api/auth/logout",
            "/API/auth/refresh?return=/",
            "/internal/x",
        ] {
            assert_eq!(LocalPath::parse(path), None, "{path}");
        }
    }

    #[test]
    fn a_path_of_unreasonable_length_is_refused() {
        assert!(LocalPath::parse(&format!("/{}", "a".repeat(2047))).is_some());
        assert!(LocalPath::parse(&format!("/{}", "a".repeat(2048))).is_none());
    }

    #[test]
    fn nothing_asked_for_is_the_front_page() {
        assert_eq!(LocalPath::or_root(None), LocalPath::root());
    }
}
