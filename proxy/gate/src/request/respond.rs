//! Answers that the gate gives itself.

use bytes::Bytes;
use http::{HeaderValue, Response, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::context::Context;
use super::cors;
use super::refusal::Refusal;
use crate::body::GateBody;

/// A short text.
pub(super) fn text(status: StatusCode, text: &'static str) -> Response<GateBody> {
    let mut response = Response::new(GateBody::full(Bytes::from_static(text.as_bytes())));
    *response.status_mut() = status;
    response
        .headers_mut()
        .insert(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"));
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// The answer to a preflight for a path of ours.
pub(super) fn preflight(context: &Context) -> Response<GateBody> {
    let mut response = Response::new(GateBody::empty());
    *response.status_mut() = StatusCode::NO_CONTENT;
    cors::answer_preflight(context, response.headers_mut());
    response
}

/// A refusal, as a problem document (RFC 9457), or as a redirect for a browser that can mend it.
pub(super) fn refusal(context: Option<&Context>, refusal: Refusal) -> Response<GateBody> {
    if let Some(response) = context.and_then(|context| redirect(context, refusal)) {
        return response;
    }
    let title = refusal.status.canonical_reason().unwrap_or("Error");
    let body = format!(
        r#"{{"type":"about:blank","title":"{title}","status":{},"detail":"{}"}}"#,
        refusal.status.as_u16(),
        refusal.detail()
    );
    let mut response = Response::new(GateBody::full(Bytes::from(body)));
    *response.status_mut() = refusal.status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    if let Some(challenge) = refusal.challenge {
        headers.insert(header::WWW_AUTHENTICATE, HeaderValue::from_static(challenge));
    }
    if refusal.status == StatusCode::SERVICE_UNAVAILABLE {
        headers.insert(header::RETRY_AFTER, HeaderValue::from_static("2"));
    }
    response
}

/// 303 to where a navigating browser gets a session: a refresh where our cookie was sent, else the login page; on the plain
/// listener, where there are no cookies, to the same place over TLS.
fn redirect(context: &Context, refusal: Refusal) -> Option<Response<GateBody>> {
    let backend = context.backend()?;
    if refusal.status != StatusCode::UNAUTHORIZED || !context.navigates || !backend.pages.enabled {
        return None;
    }
    if !context.is_tls() {
        return to_tls(context);
    }
    let back = utf8_percent_encode(&context.target, NON_ALPHANUMERIC);
    let to = if context.has_cookie && backend.cookies.enabled {
        format!("/api/auth/refresh?return={back}")
    } else {
        let login = &backend.pages.login_url;
        let mark = if login.contains('?') { '&' } else { '?' };
        format!("{login}{mark}return={back}")
    };
    see(&to)
}

/// 303 to the same path at the public URL.
pub(super) fn to_tls(context: &Context) -> Option<Response<GateBody>> {
    see(&format!("{}{}", context.backend()?.public_url.origin(), context.target))
}

fn see(to: &str) -> Option<Response<GateBody>> {
    let mut response = Response::new(GateBody::empty());
    *response.status_mut() = StatusCode::SEE_OTHER;
    response.headers_mut().insert(header::LOCATION, HeaderValue::try_from(to).ok()?);
    response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    Some(response)
}
