//! The two cookies of a browser session: `__Host-tenantry` carries the access token, `__Secure-tenantry-refresh` the refresh token (RFC 6265bis prefixes).
//!
//! Only forms set them, and only over TLS. Both live as long as the refresh token, so that an expired access token still says "try to refresh".

use std::time::Duration;

use http::{HeaderMap, HeaderValue, header};
use secrecy::{ExposeSecret as _, SecretString};

use crate::edge::Caller;
use crate::tokens::TokenPair;

/// Name of the cookie with the access token.
pub const ACCESS: &str = "__Host-tenantry";
/// Name of the cookie with the refresh token.
pub const REFRESH: &str = "__Secure-tenantry-refresh";

const REFRESH_PATH: &str = "/api/auth";

/// The value of our cookie `name`. Sent twice, it counts as not sent: one of the two was planted from a sibling domain.
pub fn read(headers: &HeaderMap, name: &str) -> Option<SecretString> {
    let mut found = None;
    for line in headers.get_all(header::COOKIE) {
        for pair in line.to_str().ok()?.split(';') {
            if let Some((key, value)) = pair.split_once('=')
                && key.trim() == name
            {
                if found.is_some() {
                    return None;
                }
                found = Some(value.trim());
            }
        }
    }
    found.filter(|value| !value.is_empty()).map(SecretString::from)
}

/// Adds `Set-Cookie` for both tokens, living for `refresh_ttl`; nothing on the plaintext listener.
pub fn set(headers: &mut HeaderMap, caller: &Caller, tokens: &TokenPair, refresh_ttl: Duration) {
    if caller.over_tls {
        let age = refresh_ttl.as_secs();
        append(headers, ACCESS, tokens.access_token.expose_secret(), "/", age);
        append(headers, REFRESH, tokens.refresh_token.expose_secret(), REFRESH_PATH, age);
    }
}

/// Adds `Set-Cookie` that removes both; nothing on the plaintext listener.
pub fn clear(headers: &mut HeaderMap, caller: &Caller) {
    if caller.over_tls {
        append(headers, ACCESS, "", "/", 0);
        append(headers, REFRESH, "", REFRESH_PATH, 0);
    }
}

fn append(headers: &mut HeaderMap, name: &str, value: &str, path: &str, max_age: u64) {
    let line = format!("{name}={value}; Path={path}; Max-Age={max_age}; Secure; HttpOnly; SameSite=Lax");
    match HeaderValue::try_from(line) {
        Ok(mut line) => {
            line.set_sensitive(true);
            headers.append(header::SET_COOKIE, line);
        }
        Err(_) => tracing::error!(cookie = name, "a cookie could not be written"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(lines: &[&'static str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append(header::COOKIE, HeaderValue::from_static(line));
        }
        headers
    }

    #[test]
    fn a_cookie_is_read_by_its_exact_name() {
        let headers = sent(&["x=1; __Host-tenantry=abc", "__host-tenantry=no; y=2"]);
        assert_eq!(read(&headers, ACCESS).unwrap().expose_secret(), "abc");
        assert!(read(&headers, REFRESH).is_none());
    }

    #[test]
    fn bypass_38_a_cookie_sent_twice_does_not_count() {
        assert!(read(&sent(&["__Host-tenantry=a; __Host-tenantry=b"]), ACCESS).is_none());
        assert!(
            read(&sent(&["__Secure-tenantry-refresh=a", "__Secure-tenantry-refresh=a"]), REFRESH).is_none()
        );
        assert!(read(&sent(&["__Host-tenantry="]), ACCESS).is_none());
    }
}
