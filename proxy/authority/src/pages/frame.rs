//! What every page has: the application's name, the headers that confine it, the way a refusal is shown.

use askama::Template;
use axum::response::{IntoResponse as _, Redirect, Response};
use http::{HeaderName, StatusCode, header};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::{LocalPath, assets};
use crate::cookies;
use crate::edge::Caller;
use crate::policy::Policy;
use crate::problem::Problem;
use crate::state::AppState;
use crate::tokens::TokenPair;

/// Nothing but our own stylesheet, script and mark; no frames, no foreign forms.
const CONTENT_SECURITY_POLICY: &str = "default-src 'none'; style-src 'self'; script-src 'self'; img-src 'self'; \
    form-action 'self'; base-uri 'none'; frame-ancestors 'none'";

/// The parts of a page around its content.
pub(super) struct Frame {
    pub application: String,
}

#[allow(clippy::unused_self, reason = "templates call methods")]
impl Frame {
    pub fn new(state: &AppState) -> Result<Self, Problem> {
        let settings = state.settings()?;
        let application = settings.audience.rsplit('/').next().unwrap_or_default().to_owned();
        Ok(Self { application })
    }

    pub fn style(&self) -> &'static str {
        assets::STYLE.path()
    }

    pub fn script(&self) -> &'static str {
        assets::SCRIPT.path()
    }

    pub fn mark(&self) -> &'static str {
        assets::MARK.path()
    }
}

#[derive(Template)]
#[template(path = "error.html")]
struct ErrorPage<'a> {
    frame: Frame,
    heading: &'a str,
    detail: &'a str,
    sign_in: bool,
    request_id: &'a str,
}

/// A page that stands in for another where that cannot be shown.
pub(super) fn error(state: &AppState, caller: &Caller, problem: &Problem) -> Response {
    let Ok(frame) = Frame::new(state) else { return problem.clone().into_response() };
    let heading = problem.status().canonical_reason().unwrap_or("Error");
    let page = ErrorPage {
        frame,
        heading,
        detail: problem.detail(),
        sign_in: problem.status() == StatusCode::UNAUTHORIZED,
        request_id: &caller.request_id,
    };
    html(problem.status(), &page)
}

/// A page with the headers that confine it.
pub(super) fn html(status: StatusCode, page: &impl Template) -> Response {
    let body = match page.render() {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return Problem::internal().into_response();
        }
    };
    let headers: [(HeaderName, &str); 7] = [
        (header::CONTENT_TYPE, "text/html; charset=utf-8"),
        (header::CACHE_CONTROL, "no-store"),
        (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        // Not `no-referrer`, under which browsers send `Origin: null` with a form.
        (header::REFERRER_POLICY, "same-origin"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    ];
    (status, headers, body).into_response()
}

/// 303 to a place on this origin, which the browser may not keep.
pub(super) fn see(path: &str) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], Redirect::to(path)).into_response()
}

/// 303 with the cookies of a session that just began.
pub(super) fn signed_in(state: &AppState, caller: &Caller, pair: &TokenPair, to: &LocalPath) -> Response {
    let mut response = see(to.as_str());
    match state.settings() {
        Ok(settings) => cookies::set(response.headers_mut(), caller, pair, settings.refresh_ttl),
        Err(problem) => return problem.into_response(),
    }
    response
}

/// Where somebody without a valid session is sent from `path`: to refresh it, or to sign in.
pub(super) fn to_sign_in(state: &AppState, caller: &Caller, path: &str) -> Response {
    let back = utf8_percent_encode(path, NON_ALPHANUMERIC);
    if matches!(caller.credential, crate::edge::Credential::Cookie(_)) {
        return see(&format!("/api/auth/refresh?return={back}"));
    }
    match state.settings() {
        Ok(settings) => see(&format!("{}?return={back}", settings.pages.login_url)),
        Err(problem) => problem.into_response(),
    }
}

/// The sentence beside a field for a new password.
pub(super) fn password_hint(policy: &Policy) -> String {
    let least = policy.passwords.min_length;
    if policy.passwords.composition && least < 15 {
        return format!(
            "At least {least} characters with upper and lower case, a digit and a special character, or at least 15 of any kind."
        );
    }
    format!("At least {least} characters.")
}
