//! POST /api/auth/logout: the session ends everywhere.

use axum::extract::State;
use axum::response::Response;
use secrecy::ExposeSecret as _;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::refresh::{RefreshDecision, RefreshToken, decide};
use tenantry_store::sessions::{self, Session};

use super::{note, private};
use crate::answers::MessageAnswer;
use crate::auth;
use crate::cookies;
use crate::edge::{Caller, Credential};
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

/// Answers 200 with a message.
pub(crate) async fn answer(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    logout(&state, &caller).await?;
    let mut response = private(MessageAnswer { message: "You have been logged out." });
    if matches!(caller.credential, Credential::Cookie(_)) || caller.refresh_cookie.is_some() {
        cookies::clear(response.headers_mut(), &caller);
    }
    Ok(response)
}

/// Ends the session of the access token, or where that has expired, of the refresh token's cookie.
pub(crate) async fn logout(state: &AppState, caller: &Caller) -> Result<(), Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let by_header = matches!(caller.credential, Credential::Bearer(_) | Credential::Malformed);
    if !by_header {
        auth::same_origin(state, caller)?;
    }
    let session = match auth::member(state, caller).await {
        Ok(member) => member.session,
        Err(problem) if by_header => return Err(problem),
        Err(problem) => of_the_refresh_cookie(state, caller).await?.ok_or(problem)?,
    };
    let mut tx = state.store.write().await?;
    if sessions::end(&mut tx, session.id, "logout").await? {
        let (actor, subject) = (format!("user:{}", session.user_id), format!("session:{}", session.id));
        note(&mut tx, caller, session.organization_id, &actor, AuditKind::SessionEnded, Some(&subject))
            .await?;
    }
    state.commit_and_publish(tx).await
}

async fn of_the_refresh_cookie(state: &AppState, caller: &Caller) -> Result<Option<Session>, Problem> {
    let token =
        caller.refresh_cookie.as_ref().and_then(|token| RefreshToken::parse(token.expose_secret()).ok());
    let Some(token) = token else { return Ok(None) };
    let mut tx = state.store.read().await?;
    let session = sessions::by_id(&mut tx, token.session()).await?;
    let now = tx.now;
    tx.rollback().await?;
    Ok(session.filter(|session| {
        matches!(
            decide(&token, &session.state, now),
            RefreshDecision::Current { .. } | RefreshDecision::Grace { .. }
        )
    }))
}
