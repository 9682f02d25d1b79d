//! CORS (Fetch standard): the gate answers preflights for its own paths, lets others reach the backend without identity or
//! credential, and lets allowed origins read its own answers and refusals, so that a front end sees the 401 it redirects on.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, header};

use super::context::Context;

/// Whether a request only asks what it may ask.
pub(super) fn is_preflight(parts: &Parts) -> bool {
    parts.method == Method::OPTIONS
        && parts.headers.contains_key(header::ORIGIN)
        && parts.headers.contains_key(header::ACCESS_CONTROL_REQUEST_METHOD)
}

/// The origin of the request, if it is one that may read answers.
fn allowed(context: &Context) -> Option<&HeaderValue> {
    let origins = &context.backend()?.cors.allowed_origins;
    context.origin.as_ref().filter(|origin| origins.iter().any(|one| one.as_bytes() == origin.as_bytes()))
}

/// Lets an allowed origin read one of our own answers.
pub(super) fn expose(context: &Context, headers: &mut HeaderMap) {
    headers.append(header::VARY, HeaderValue::from_static("Origin"));
    let Some(origin) = allowed(context) else { return };
    headers.insert(header::ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
    headers.insert(
        header::ACCESS_CONTROL_EXPOSE_HEADERS,
        HeaderValue::from_static("retry-after, www-authenticate, x-request-id"),
    );
    let with_cookies = context.backend().is_some_and(|backend| {
        backend.cookies.enabled
            && backend.cookies.allowed_origins.iter().any(|one| one.as_bytes() == origin.as_bytes())
    });
    if with_cookies {
        headers.insert(header::ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
}

/// The rest of the answer to a preflight for a path of ours.
pub(super) fn answer_preflight(context: &Context, headers: &mut HeaderMap) {
    if allowed(context).is_none() {
        return;
    }
    headers
        .insert(header::ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST, PATCH, DELETE"));
    headers.insert(
        header::ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("authorization, content-type"),
    );
    headers.insert(header::ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("600"));
}

/// Whether a request by cookie comes from a page that may send it: safe methods always, others from an allowed origin.
pub(super) fn may_use_cookie(parts: &Parts, context: &Context) -> bool {
    if parts.method.is_safe() {
        return true;
    }
    let Some(backend) = context.backend() else { return false };
    match (&context.origin, parts.headers.contains_key(header::ORIGIN)) {
        (Some(origin), _) => {
            let origin = origin.as_bytes();
            backend.public_url.origin().as_bytes() == origin
                || backend.cookies.allowed_origins.iter().any(|one| one.as_bytes() == origin)
        }
        (None, true) => false,
        (None, false) => {
            parts.headers.get("sec-fetch-site").is_some_and(|site| site.as_bytes() == b"same-origin")
        }
    }
}
