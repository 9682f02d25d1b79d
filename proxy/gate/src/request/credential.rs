//! The credential of a request. An `Authorization` header, even a malformed one, means that the cookie is never looked at.

use http::{HeaderMap, header};
use tenantry_directory::{View, is_ours};

/// Name of the cookie with the access token.
pub(super) const ACCESS_COOKIE: &str = "__Host-tenantry";
/// Names of our cookies: never passed to the backend, never taken from it.
pub(super) const OUR_COOKIES: [&str; 2] = [ACCESS_COOKIE, "__Secure-tenantry-refresh"];

/// What a request brings.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Credential<'a> {
    None,
    /// Somebody else's: the backend's own, perhaps.
    Foreign,
    /// One of ours, to be verified.
    Ours {
        token: &'a str,
        by_cookie: bool,
    },
    /// Can be read in two ways.
    Unclear(&'static str),
}

pub(super) fn read<'a>(headers: &'a HeaderMap, cookies: bool, view: &View) -> Credential<'a> {
    let mut lines = headers.get_all(header::AUTHORIZATION).iter();
    match (lines.next(), lines.next()) {
        (None, _) => {}
        (Some(_), Some(_)) => return Credential::Unclear("duplicate_authorization"),
        // Other readers may find a token of ours in it.
        (Some(line), None) if line.to_str().is_err() => {
            return Credential::Unclear("malformed_authorization");
        }
        (Some(line), None) => return by_header(line, view),
    }
    if !cookies {
        return Credential::None;
    }
    match cookie(headers) {
        Ok(None) => Credential::None,
        Ok(Some(token)) => Credential::Ours { token, by_cookie: true },
        Err(reason) => Credential::Unclear(reason),
    }
}

fn by_header<'a>(line: &'a http::HeaderValue, view: &View) -> Credential<'a> {
    let Ok(line) = line.to_str() else { return Credential::Foreign };
    // Every part is looked at: a second token behind a comma, or another scheme's parameter, could be one of ours for the backend.
    let ours = line.split([' ', '\t', ',', '"', '=']).any(|part| part.contains('.') && is_ours(part, view));
    match line.split_once([' ', '\t']) {
        Some((scheme, token)) if scheme.eq_ignore_ascii_case("bearer") => {
            let token = token.trim_matches([' ', '\t']);
            if ours { Credential::Ours { token, by_cookie: false } } else { Credential::Foreign }
        }
        // Verification refuses it, so that it is stripped where anybody may pass.
        _ if ours => Credential::Ours { token: line, by_cookie: false },
        _ => Credential::Foreign,
    }
}

/// The access token's cookie. Sent twice it is unclear: one of the two was planted.
fn cookie(headers: &HeaderMap) -> Result<Option<&str>, &'static str> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        let Ok(line) = line.to_str() else {
            if has_name(line.as_bytes()) {
                return Err("malformed_cookie");
            }
            continue;
        };
        for pair in line.split(';') {
            if let Some((name, value)) = pair.split_once('=')
                && name.trim() == ACCESS_COOKIE
                && found.replace(value.trim().trim_matches('"')).is_some()
            {
                return Err("duplicate_cookie");
            }
        }
    }
    Ok(found.filter(|token| !token.is_empty()))
}

fn has_name(line: &[u8]) -> bool {
    line.windows(ACCESS_COOKIE.len()).any(|part| part == ACCESS_COOKIE.as_bytes())
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;
    use tenantry_directory::fixtures;

    use super::*;

    fn headers(lines: &[(&'static str, &str)]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for (name, value) in lines {
            headers.append(*name, HeaderValue::try_from(*value).unwrap());
        }
        headers
    }

    #[test]
    fn bypass_19_a_malformed_authorization_header_hides_the_cookie() {
        let view = fixtures::view();
        let token = fixtures::token(fixtures::NOW);
        for authorization in ["", "Bearer", "Bearer  ", "Basic YTpi", "Bearer x y", "nonsense"] {
            let headers =
                headers(&[("authorization", authorization), ("cookie", &format!("__Host-tenantry={token}"))]);
            assert_eq!(read(&headers, true, &view), Credential::Foreign, "{authorization:?}");
        }
    }

    #[test]
    fn two_authorization_headers_or_cookies_are_unclear() {
        let view = fixtures::view();
        let twice = headers(&[("authorization", "Bearer a"), ("authorization", "Bearer b")]);
        assert_eq!(read(&twice, true, &view), Credential::Unclear("duplicate_authorization"));
        let twice = headers(&[("cookie", "__Host-tenantry=a; __Host-tenantry=b")]);
        assert_eq!(read(&twice, true, &view), Credential::Unclear("duplicate_cookie"));
        let lines = headers(&[("cookie", "__Host-tenantry=a"), ("cookie", "x=1; __Host-tenantry=b")]);
        assert_eq!(read(&lines, true, &view), Credential::Unclear("duplicate_cookie"));
    }

    #[test]
    fn one_of_ours_is_recognised_wherever_it_stands() {
        let view = fixtures::view();
        let token = fixtures::token(fixtures::NOW);
        let bearer = headers(&[("authorization", &format!("bEARER  {token}"))]);
        assert_eq!(read(&bearer, true, &view), Credential::Ours { token: &token, by_cookie: false });
        for line in
            [format!("Basic {token}"), format!("Token token=\"{token}\""), format!("Bearer a,{token}")]
        {
            let headers = headers(&[("authorization", &line)]);
            assert!(matches!(read(&headers, true, &view), Credential::Ours { .. }), "{line}");
        }
    }

    #[test]
    fn without_cookies_none_is_read() {
        let view = fixtures::view();
        let headers = headers(&[("cookie", "__Host-tenantry=a")]);
        assert_eq!(read(&headers, false, &view), Credential::None);
        assert_eq!(read(&headers, true, &view), Credential::Ours { token: "a", by_cookie: true });
    }
}
