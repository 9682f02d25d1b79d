//! GET /api/auth/sessions, DELETE /api/auth/sessions[/{id}]: the caller's own.

use axum::extract::{Path, State};
use axum::response::Response;
use secrecy::SecretString;
use serde::Serialize;
use tenantry_directory::SessionId;
use tenantry_rules::audit::AuditKind;
use tenantry_store::sessions;

use super::{id_in_path, note, private};
use crate::answers::{MessageAnswer, moment};
use crate::auth;
use crate::edge::Caller;
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct SessionAnswer {
    id: SessionId,
    current: bool,
    created_at: String,
    last_used_at: String,
    expires_at: String,
    address: Option<String>,
    user_agent: Option<String>,
}

#[derive(Serialize)]
struct Answer {
    sessions: Vec<SessionAnswer>,
}

/// Answers 200 with the sessions that are on, the latest used first.
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let member = auth::member(&state, &caller).await?;
    let mut tx = state.store.read().await?;
    let sessions = sessions::list(&mut tx, member.user.id).await?.into_iter().map(|session| SessionAnswer {
        id: session.id,
        current: session.id == member.session.id,
        created_at: moment(session.created_at),
        last_used_at: moment(session.last_used_at),
        expires_at: moment(session.expires_at),
        address: session.address,
        user_agent: session.user_agent,
    });
    let answer = Answer { sessions: sessions.collect() };
    tx.rollback().await?;
    Ok(private(answer))
}

/// Ends one session of the caller's; 404 for anybody else's.
pub(crate) async fn end(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: SessionId = id_in_path(&id)?;
    let member = auth::changing(&state, &caller, None).await?;
    let mut tx = state.store.write().await?;
    if !sessions::end_own(&mut tx, member.user.id, id, "ended by its user").await? {
        return Err(Problem::not_found());
    }
    let (actor, subject) = (format!("user:{}", member.user.id), format!("session:{id}"));
    note(&mut tx, &caller, member.organization.id, &actor, AuditKind::SessionEnded, Some(&subject)).await?;
    state.commit_and_publish(tx).await?;
    Ok(private(MessageAnswer { message: "The session has ended." }))
}

/// Answers 200 once every other session of the caller's has ended.
pub(crate) async fn end_others(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    end_others_of(&state, &caller, None).await?;
    Ok(private(MessageAnswer { message: "Your other sessions have ended." }))
}

/// Ends every other session of the caller's; `password` as [`auth::changing`] takes it.
pub(crate) async fn end_others_of(
    state: &AppState,
    caller: &Caller,
    password: Option<SecretString>,
) -> Result<(), Problem> {
    let member = auth::changing(state, caller, password).await?;
    let mut tx = state.store.write().await?;
    sessions::end_all(&mut tx, member.user.id, Some(member.session.id), "ended by its user").await?;
    let actor = format!("user:{}", member.user.id);
    note(&mut tx, caller, member.organization.id, &actor, AuditKind::SessionsEnded, None).await?;
    state.commit_and_publish(tx).await
}
