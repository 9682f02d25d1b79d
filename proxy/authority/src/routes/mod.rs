//! `/api/auth/*` and the key sets, a file a route. Each file has what the call takes, what it does (pages call that too)
//! and how it answers.

pub(crate) mod accept_invite;
mod audit;
pub(crate) mod change_password;
pub(crate) mod invitations;
pub(crate) mod invite;
mod jwks;
pub(crate) mod login;
pub(crate) mod logout;
pub(crate) mod me;
pub(crate) mod refresh;
pub(crate) mod register;
pub(crate) mod sessions;
mod users;

use axum::Router;
use axum::response::{IntoResponse as _, Response};
use axum::routing::{delete, get, patch, post};
use http::header;
use tenantry_directory::OrganizationId;
use tenantry_rules::audit::AuditKind;
use tenantry_store::audit::{NewEvent, record};
use tenantry_store::{StoreError, Tx};

use crate::edge::Caller;
use crate::problem::Problem;
use crate::state::AppState;

/// Every call.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/api/auth/register", post(register::answer))
        .route("/api/auth/login", post(login::answer))
        .route("/api/auth/refresh", post(refresh::answer).get(refresh::for_a_page))
        .route("/api/auth/me", get(me::answer))
        .route("/api/auth/logout", post(logout::answer))
        .route("/api/auth/change-password", post(change_password::answer))
        .route("/api/auth/invite", post(invite::answer))
        .route("/api/auth/invitations", get(invitations::list))
        .route("/api/auth/invitations/{id}", delete(invitations::withdraw))
        .route("/api/auth/accept-invite", post(accept_invite::answer))
        .route("/api/auth/sessions", get(sessions::list).delete(sessions::end_others))
        .route("/api/auth/sessions/{id}", delete(sessions::end))
        .route("/api/auth/users", get(users::list))
        .route("/api/auth/users/{id}", patch(users::change).delete(users::remove))
        .route("/api/auth/audit", get(audit::list))
        .route("/o/{id}/.well-known/jwks.json", get(jwks::answer))
}

/// A JSON answer that nobody may keep.
pub(crate) fn private(answer: impl serde::Serialize) -> Response {
    ([(header::CACHE_CONTROL, "no-store")], axum::Json(answer)).into_response()
}

/// A path segment that is an id, or the answer for what does not exist.
pub(crate) fn id_in_path<T: std::str::FromStr>(text: &str) -> Result<T, Problem> {
    text.parse().map_err(|_| Problem::not_found())
}

/// Notes what a request did.
pub(crate) async fn note(
    tx: &mut Tx,
    caller: &Caller,
    organization: OrganizationId,
    actor: &str,
    kind: AuditKind,
    subject: Option<&str>,
) -> Result<(), StoreError> {
    let address = caller.address.to_string();
    let event = NewEvent {
        organization_id: Some(organization),
        actor,
        action: kind.name(),
        subject,
        address: Some(&address),
        detail: None,
    };
    record(tx, &event).await
}
