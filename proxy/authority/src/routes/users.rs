//! GET /api/auth/users, PATCH and DELETE /api/auth/users/{id}: members of the caller's organization only.

use axum::extract::{Path, State};
use axum::response::Response;
use http::StatusCode;
use secrecy::SecretString;
use serde::Serialize;
use tenantry_directory::{OrganizationId, Role, UserId};
use tenantry_rules::audit::AuditKind;
use tenantry_store::users::UserError;
use tenantry_store::{Tx, User, accounts, sessions, users};

use super::{id_in_path, note, private};
use crate::answers::{MessageAnswer, UserAnswer};
use crate::auth::{self, Member};
use crate::edge::{Caller, Fields, FromFields, JsonBody};
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct Answer {
    users: Vec<UserAnswer>,
}

/// Answers 200 with the organization's members, oldest first.
pub(crate) async fn list(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let member = auth::member(&state, &caller).await?;
    auth::admin_only(&member)?;
    let mut tx = state.store.read().await?;
    let mut answers = Vec::new();
    for user in users::list(&mut tx, member.organization.id).await? {
        let verified = accounts::by_id(&mut tx, user.id).await?.is_some_and(|account| account.email_verified);
        answers.push(UserAnswer::new(&user, verified));
    }
    tx.rollback().await?;
    Ok(private(Answer { users: answers }))
}

/// What is to change.
pub(crate) struct ChangeInput {
    role: Option<String>,
    is_active: Option<bool>,
    current_password: Option<SecretString>,
}

impl FromFields for ChangeInput {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        let input = Self {
            role: fields.optional_text("role")?,
            is_active: fields.optional_flag("is_active")?,
            current_password: fields.optional_secret("current_password")?,
        };
        if input.role.is_none() && input.is_active.is_none() {
            return Err(Problem::invalid_field("role", "Name what to change: `role`, `is_active`, or both."));
        }
        Ok(input)
    }
}

/// Changes a member's role or activity. Their tokens of before end at once.
pub(crate) async fn change(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
    JsonBody(input): JsonBody<ChangeInput>,
) -> Result<Response, Problem> {
    let id: UserId = id_in_path(&id)?;
    let member = auth::administering(&state, &caller, input.current_password).await?;
    let settings = state.settings()?;
    let role = input.role.map(|name| {
        settings.roles.iter().find(|role| role.as_str() == name).cloned().ok_or_else(|| {
            let known: Vec<&str> = settings.roles.iter().map(Role::as_str).collect();
            Problem::invalid_field("role", format!("The role must be one of {}.", known.join(", ")))
        })
    });
    let role = role.transpose()?;
    let mut tx = state.store.write().await?;
    let organization = member.organization.id;
    let user = of_organization(&mut tx, organization, id).await?;
    let admin = settings.admin_role().ok_or_else(Problem::internal)?;
    let stays = input.is_active.unwrap_or(user.is_active) && role.as_ref().is_none_or(|role| role == admin);
    if !stays {
        keep_an_administrator(&mut tx, organization, &user, admin).await?;
    }
    if let Some(role) = role.filter(|role| role.as_str() != user.role) {
        users::set_role(&mut tx, organization, id, &role).await?;
        note_change(&mut tx, &caller, &member, AuditKind::UserRoleChanged, id).await?;
    }
    if let Some(active) = input.is_active.filter(|active| *active != user.is_active) {
        users::set_active(&mut tx, organization, id, active).await.map_err(limit)?;
        let kind = if active { AuditKind::UserActivated } else { AuditKind::UserDeactivated };
        note_change(&mut tx, &caller, &member, kind, id).await?;
        if !active {
            sessions::end_all(&mut tx, id, None, "deactivated").await?;
        }
    }
    let user = of_organization(&mut tx, organization, id).await?;
    let verified = accounts::current(&mut tx, id).await?.is_some_and(|account| account.email_verified);
    state.commit_and_publish(tx).await?;
    Ok(private(UserAnswer::new(&user, verified)))
}

/// Removes a member. Their tokens and sessions end at once; the id is never used again.
pub(crate) async fn remove(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    let id: UserId = id_in_path(&id)?;
    let member = auth::administering(&state, &caller, None).await?;
    let settings = state.settings()?;
    let mut tx = state.store.write().await?;
    let organization = member.organization.id;
    let user = of_organization(&mut tx, organization, id).await?;
    keep_an_administrator(&mut tx, organization, &user, settings.admin_role().ok_or_else(Problem::internal)?)
        .await?;
    sessions::end_all(&mut tx, id, None, "removed").await?;
    users::delete(&mut tx, organization, id).await?;
    note_change(&mut tx, &caller, &member, AuditKind::UserDeleted, id).await?;
    state.commit_and_publish(tx).await?;
    Ok(private(MessageAnswer { message: "The user has been removed." }))
}

/// A member of this organization, or the answer for what does not exist.
async fn of_organization(tx: &mut Tx, organization: OrganizationId, id: UserId) -> Result<User, Problem> {
    let user = users::by_id(tx, id).await?;
    user.filter(|user| user.organization_id == organization).ok_or_else(Problem::not_found)
}

/// An organization without an active administrator could not be administered again.
async fn keep_an_administrator(
    tx: &mut Tx,
    organization: OrganizationId,
    leaving: &User,
    admin: &Role,
) -> Result<(), Problem> {
    let counts = |user: &User| user.is_active && user.role == admin.as_str();
    let others = users::list(tx, organization).await?;
    if !counts(leaving) || others.iter().any(|user| user.id != leaving.id && counts(user)) {
        return Ok(());
    }
    Err(Problem::new(
        StatusCode::CONFLICT,
        "last_administrator",
        "This is the organization's last active administrator. Make somebody else one first.",
    ))
}

async fn note_change(
    tx: &mut Tx,
    caller: &Caller,
    member: &Member,
    kind: AuditKind,
    id: UserId,
) -> Result<(), Problem> {
    let (actor, subject) = (format!("user:{}", member.user.id), format!("user:{id}"));
    Ok(note(tx, caller, member.organization.id, &actor, kind, Some(&subject)).await?)
}

fn limit(error: UserError) -> Problem {
    match error {
        UserError::LimitReached => Problem::new(
            StatusCode::CONFLICT,
            "user_limit",
            "The organization has as many active users as it may have.",
        ),
        UserError::NotFound | UserError::EmailTaken => Problem::not_found(),
        UserError::Store(error) => error.into(),
    }
}
