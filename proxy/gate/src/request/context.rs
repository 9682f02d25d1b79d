//! What is known of a request before it is judged, and what its answer needs.

use std::net::IpAddr;
use std::sync::Arc;

use aws_lc_rs::rand;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};
use tenantry_directory::BackendSettings;
use tenantry_directory::stream::Known;

use super::{Client, forwarded};
use crate::worker::Listener;

/// One request's context.
#[allow(clippy::struct_excessive_bools, reason = "independent facts")]
pub(crate) struct Context {
    pub client: Client,
    pub known: Option<Arc<Known>>,
    pub request_id: HeaderValue,
    /// The client's address, behind proxies that are trusted.
    pub address: IpAddr,
    /// `X-Forwarded-For` for the backend.
    pub forwarded_for: HeaderValue,
    /// The `Origin`, sent once.
    pub origin: Option<HeaderValue>,
    /// A browser that navigates, and can be sent to a page.
    pub navigates: bool,
    /// Path and query as sent.
    pub target: String,
    pub host: String,
    /// The credential came by cookie.
    pub by_cookie: bool,
    /// The `Authorization` header carries one of ours, valid or not: the backend does not get it.
    pub has_our_token: bool,
    /// Our cookie was sent, valid or not.
    pub has_cookie: bool,
    /// The path is the authority's.
    pub is_own: bool,
}

impl Context {
    pub fn new(known: Option<Arc<Known>>, client: Client, parts: &Parts) -> Option<Self> {
        let trusted = known.as_ref().map_or(&[][..], |known| &known.view.backend.trusted_proxies);
        let from = forwarded::client(client.peer.ip(), trusted, &parts.headers);
        let request_id = request_id(&parts.headers, from.is_trusted_peer)?;
        Some(Self {
            client,
            request_id,
            address: from.address,
            forwarded_for: from.header,
            origin: once(&parts.headers, header::ORIGIN.as_str()).cloned(),
            navigates: navigates(parts),
            target: parts.uri.path_and_query().map_or("/", http::uri::PathAndQuery::as_str).to_owned(),
            host: String::new(),
            by_cookie: false,
            has_our_token: false,
            has_cookie: false,
            is_own: false,
            known,
        })
    }

    pub fn backend(&self) -> Option<&BackendSettings> {
        self.known.as_ref().map(|known| known.view.backend.as_ref())
    }

    pub fn is_tls(&self) -> bool {
        self.client.listener == Listener::Tls
    }
}

/// The value of a header that was sent exactly once.
pub(super) fn once<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h HeaderValue> {
    let mut values = headers.get_all(name).iter();
    match (values.next(), values.next()) {
        (Some(one), None) => Some(one),
        _ => None,
    }
}

/// A fresh id of 128 bits, or the one that a trusted proxy gave.
fn request_id(headers: &HeaderMap, trusted: bool) -> Option<HeaderValue> {
    let given = if trusted { once(headers, "x-request-id") } else { None };
    let plain = |value: &&HeaderValue| {
        (1..=128).contains(&value.len()) && value.as_bytes().iter().all(u8::is_ascii_graphic)
    };
    if let Some(given) = given.filter(plain) {
        return Some(given.clone());
    }
    let mut bytes = [0_u8; 16];
    rand::fill(&mut bytes).ok()?;
    let mut text = [0_u8; 32];
    for (pair, byte) in text.chunks_exact_mut(2).zip(bytes) {
        pair[0] = b"0123456789abcdef"[usize::from(byte >> 4)];
        pair[1] = b"0123456789abcdef"[usize::from(byte & 15)];
    }
    HeaderValue::from_bytes(&text).ok()
}

fn navigates(parts: &Parts) -> bool {
    let wants_html = parts.headers.get_all(header::ACCEPT).iter().any(|accept| {
        accept.to_str().is_ok_and(|accept| {
            accept.split(',').any(|one| one.trim().to_ascii_lowercase().starts_with("text/html"))
        })
    });
    // A client with a credential of its own is told of it: after a redirect it would send the same again.
    if parts.headers.contains_key(header::AUTHORIZATION) {
        return false;
    }
    let mode = parts.headers.get("sec-fetch-mode");
    (parts.method == Method::GET || parts.method == Method::HEAD)
        && wants_html
        && mode.is_none_or(|mode| mode.as_bytes() == b"navigate")
}
