//! What a request is for: method, host and path, in one reading only.

use http::request::Parts;
use http::{HeaderMap, Method, StatusCode, Version, header};

use super::refusal::Refusal;
use super::{Client, context::once};
use crate::worker::Listener;

/// Refuses what could be read in two ways, and what is not offered; returns the host.
pub(super) fn check(parts: &Parts, client: Client, most_headers: usize) -> Result<String, Refusal> {
    if parts.method == Method::CONNECT || parts.method == Method::TRACE {
        return Err(Refusal::new(StatusCode::METHOD_NOT_ALLOWED, "method"));
    }
    if parts.headers.contains_key(header::UPGRADE) || names(&parts.headers, "upgrade") {
        return Err(Refusal::new(StatusCode::NOT_IMPLEMENTED, "upgrade"));
    }
    if client.http2 {
        http2(parts, most_headers)?;
    }
    let host = host(parts)?;
    if client.listener == Listener::Plain && !is_loopback_name(&host) {
        return Err(Refusal::new(StatusCode::MISDIRECTED_REQUEST, "host_not_loopback"));
    }
    let target = parts.uri.path_and_query().map_or("", http::uri::PathAndQuery::as_str);
    if !target.starts_with('/') {
        return Err(Refusal::unclear("path_not_absolute"));
    }
    Ok(host)
}

/// What HTTP/2 forbids of a message (RFC 9113, section 8.2.2), and of two lengths.
fn http2(parts: &Parts, most_headers: usize) -> Result<(), Refusal> {
    if parts.headers.len() > most_headers {
        return Err(Refusal::new(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE, "too_many_headers"));
    }
    for name in ["connection", "keep-alive", "proxy-connection", "transfer-encoding"] {
        if parts.headers.contains_key(name) {
            return Err(Refusal::unclear("connection_header_on_http2"));
        }
    }
    if parts.headers.get(header::TE).is_some_and(|te| te != "trailers") {
        return Err(Refusal::unclear("te_on_http2"));
    }
    if parts.headers.contains_key(header::CONTENT_LENGTH) && once(&parts.headers, "content-length").is_none()
    {
        return Err(Refusal::unclear("duplicate_content_length"));
    }
    Ok(())
}

/// The one host of a request: `:authority` or an absolute target, and `Host`, must agree.
fn host(parts: &Parts) -> Result<String, Refusal> {
    let said = match parts.headers.get_all(header::HOST).iter().count() {
        0 => None,
        1 => {
            let host = parts.headers.get(header::HOST).and_then(|host| host.to_str().ok());
            Some(host.ok_or(Refusal::unclear("host"))?)
        }
        _ => return Err(Refusal::unclear("duplicate_host")),
    };
    let authority = parts.uri.authority().map(http::uri::Authority::as_str);
    let host = match (authority, said) {
        (Some(authority), Some(host)) if !authority.eq_ignore_ascii_case(host) => {
            return Err(Refusal::unclear("host_unlike_authority"));
        }
        (Some(host), _) | (None, Some(host)) => host,
        (None, None) if parts.version == Version::HTTP_10 => "",
        (None, None) => return Err(Refusal::unclear("host_missing")),
    };
    let plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._:[]".contains(byte);
    if !host.as_bytes().iter().all(plain) {
        return Err(Refusal::unclear("host"));
    }
    Ok(host.to_ascii_lowercase())
}

/// Names that only this machine resolves to itself: a page elsewhere whose name was made to point here (DNS rebinding) has
/// another one.
fn is_loopback_name(host: &str) -> bool {
    let name = if host.starts_with('[') { host.split_inclusive(']').next() } else { host.split(':').next() };
    let name = name.unwrap_or_default();
    name == "localhost" || name.ends_with(".localhost") || name == "127.0.0.1" || name == "[::1]"
}

/// Whether any `Connection` line names `option`.
fn names(headers: &HeaderMap, option: &str) -> bool {
    headers.get_all(header::CONNECTION).iter().any(|line| {
        line.to_str().is_ok_and(|line| line.split(',').any(|one| one.trim().eq_ignore_ascii_case(option)))
    })
}

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    fn check_on(listener: Listener, build: http::request::Builder) -> Result<String, &'static str> {
        let (parts, ()) = build.body(()).unwrap().into_parts();
        let client = Client { peer: ([127, 0, 0, 1], 1).into(), listener, http2: false };
        check(&parts, client, 100).map_err(|refusal| refusal.reason)
    }

    #[test]
    fn host_and_absolute_target_must_agree() {
        let same = Request::get("http://a.example/x").header("host", "A.example");
        assert_eq!(check_on(Listener::Tls, same), Ok("a.example".into()));
        let other = Request::get("http://a.example/x").header("host", "b.example");
        assert_eq!(check_on(Listener::Tls, other), Err("host_unlike_authority"));
        let twice = Request::get("/").header("host", "a").header("host", "a");
        assert_eq!(check_on(Listener::Tls, twice), Err("duplicate_host"));
        assert_eq!(check_on(Listener::Tls, Request::get("/")), Err("host_missing"));
        assert_eq!(check_on(Listener::Tls, Request::get("/").header("host", "a@b")), Err("host"));
    }

    #[test]
    fn the_plain_listener_knows_loopback_names_only() {
        for host in ["localhost:8000", "127.0.0.1", "[::1]:8000", "tenantry.localhost"] {
            assert!(check_on(Listener::Plain, Request::get("/").header("host", host)).is_ok(), "{host}");
        }
        for host in ["rebound.example", "localhost.evil.example", "10.0.0.1:8000", "[::2]", "127.0.0.1.evil"]
        {
            let refused = check_on(Listener::Plain, Request::get("/").header("host", host));
            assert_eq!(refused, Err("host_not_loopback"), "{host}");
        }
    }

    #[test]
    fn connect_trace_and_upgrades_are_refused() {
        let host = |request: http::request::Builder| request.header("host", "a");
        assert_eq!(check_on(Listener::Tls, host(Request::builder().method("TRACE").uri("/"))), Err("method"));
        let upgrade =
            host(Request::get("/")).header("upgrade", "h2c").header("connection", "Upgrade, HTTP2-Settings");
        assert_eq!(check_on(Listener::Tls, upgrade), Err("upgrade"));
        let named = host(Request::get("/")).header("connection", "close").header("connection", "x, upgrade");
        assert_eq!(check_on(Listener::Tls, named), Err("upgrade"));
    }
}
