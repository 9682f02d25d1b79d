//! POST /api/auth/change-password: other sessions end, this one goes on with new tokens.

use axum::extract::State;
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::holds::Status;
use tenantry_rules::refresh::REUSE_GRACE;
use tenantry_store::{organizations, sessions, users};

use super::register::judge_and_hash;
use super::{note, private};
use crate::answers::TokenAnswer;
use crate::auth;
use crate::edge::{Caller, Fields, FromFields, JsonBody};
use crate::problem::Problem;
use crate::state::AppState;
use crate::tokens::{self, Holder, TokenPair};

/// The old password and the new one.
pub(crate) struct ChangePasswordInput {
    pub current_password: SecretString,
    pub new_password: SecretString,
}

impl FromFields for ChangePasswordInput {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            current_password: fields.secret("current_password")?,
            new_password: fields.secret("new_password")?,
        })
    }
}

#[derive(Serialize)]
struct Answer {
    message: &'static str,
    #[serde(flatten)]
    tokens: TokenAnswer,
}

/// Answers 200 with a message and the session's new tokens.
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(input): JsonBody<ChangePasswordInput>,
) -> Result<Response, Problem> {
    let pair = change_password(&state, &caller, input).await?;
    Ok(private(Answer { message: "Your password has been changed.", tokens: TokenAnswer::from(&pair) }))
}

/// Changes the caller's password.
pub(crate) async fn change_password(
    state: &AppState,
    caller: &Caller,
    input: ChangePasswordInput,
) -> Result<TokenPair, Problem> {
    let member = auth::member(state, caller).await?;
    if member.by_cookie {
        auth::same_origin(state, caller)?;
    }
    auth::prove_password(state, caller, &member, input.current_password).await?;
    let words =
        [member.user.email.as_str(), member.user.full_name.as_str(), member.organization.name.as_str()];
    let hash = judge_and_hash(state, "new_password", input.new_password, &words).await?;
    let settings = state.settings()?;

    let mut tx = state.store.write().await?;
    // As it is now: hashing took a while, and a token of an earlier role under the new epoch would outlive a demotion.
    let session =
        sessions::by_id(&mut tx, member.session.id).await?.filter(|session| !session.state.is_ended);
    let user = users::by_id(&mut tx, member.user.id).await?.filter(|user| user.is_active);
    let organization = organizations::by_id(&mut tx, member.organization.id).await?;
    let organization = organization.filter(|organization| organization.status == Status::Active);
    let (Some(session), Some(user), Some(organization)) = (session, user, organization) else {
        return Err(Problem::invalid_token());
    };
    if user.hashed_password.expose_secret() != member.user.hashed_password.expose_secret() {
        return Err(auth::wrong_password());
    }
    users::set_password(&mut tx, user.id, &hash).await?;
    let ended = sessions::end_all(&mut tx, user.id, Some(session.id), "password").await?;
    sessions::set_authenticated(&mut tx, session.id).await?;
    let trail = session.state.trail.after_use(tx.now, REUSE_GRACE);
    let from = session.state.generation;
    if !sessions::rotate(&mut tx, session.id, from, &trail, settings.refresh_ttl).await? {
        return Err(Problem::unavailable());
    }
    let holder = Holder { user: &user, organization: &organization };
    let pair = tokens::pair(state, &mut tx, &settings, &holder, &session, from.next()).await?;
    let actor = format!("user:{}", user.id);
    note(&mut tx, caller, organization.id, &actor, AuditKind::PasswordChanged, None).await?;
    state.commit_and_publish(tx).await?;
    tracing::info!(user = %user.id, ended, "a password was changed; the other sessions ended");
    Ok(pair)
}
