//! GET /api/auth/invitations, DELETE /api/auth/invitations/{id}: those of the caller's organization that are pending.

use axum::extract::{Path, State};
use axum::response::Response;
use serde::Serialize;
use tenantry_rules::audit::AuditKind;
use tenantry_store::invitations::{self, Invitation};

use super::{id_in_path, note, private};
use crate::answers::{MessageAnswer, moment};
use crate::auth::{self, Member};
use crate::edge::Caller;
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct InvitationAnswer {
    id: i64,
    email: String,
    full_name: String,
    role: String,
    invited_by: tenantry_directory::UserId,
    created_at: String,
    expires_at: String,
}

#[derive(Serialize)]
struct Answer {
    invitations: Vec<InvitationAnswer>,
}

/// Answers 200 with the pending invitations, oldest first.
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let member = auth::member(&state, &caller).await?;
    auth::admin_only(&member)?;
    let invitations = pending(&state, &member).await?.into_iter().map(|invitation| InvitationAnswer {
        id: invitation.id,
        email: invitation.email,
        full_name: invitation.full_name,
        role: invitation.role,
        invited_by: invitation.invited_by,
        created_at: moment(invitation.created_at),
        expires_at: moment(invitation.expires_at),
    });
    Ok(private(Answer { invitations: invitations.collect() }))
}

/// The pending invitations of the member's organization.
pub(crate) async fn pending(state: &AppState, member: &Member) -> Result<Vec<Invitation>, Problem> {
    let mut tx = state.store.read().await?;
    let pending = invitations::pending(&mut tx, member.organization.id).await?;
    tx.rollback().await?;
    Ok(pending)
}

/// Answers 200 once the invitation does not work any more; 404 where it is none of this organization's.
pub(crate) async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id = id_in_path(&id)?;
    let member = auth::administering(&state, &caller, None).await?;
    withdraw_of(&state, &caller, &member, id).await?;
    Ok(private(MessageAnswer { message: "The invitation has been withdrawn." }))
}

/// Withdraws a pending invitation of the member's organization.
pub(crate) async fn withdraw_of(
    state: &AppState,
    caller: &Caller,
    member: &Member,
    id: i64,
) -> Result<(), Problem> {
    let mut tx = state.store.write().await?;
    if !invitations::withdraw(&mut tx, member.organization.id, id).await? {
        return Err(Problem::not_found());
    }
    let (actor, subject) = (format!("user:{}", member.user.id), format!("invitation:{id}"));
    note(&mut tx, caller, member.organization.id, &actor, AuditKind::InvitationRevoked, Some(&subject))
        .await?;
    Ok(tx.commit().await?)
}
