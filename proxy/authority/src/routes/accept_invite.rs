//! POST /api/auth/accept-invite: an invitation becomes a member, once.

use axum::extract::State;
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use tenantry_rules::audit::AuditKind;
use tenantry_rules::email::Email;
use tenantry_rules::holds::Status;
use tenantry_rules::invitation::InvitationToken;
use tenantry_store::users::{NewUser, UserError};
use tenantry_store::{invitations, organizations, users};

use super::register::judge_and_hash;
use super::{note, private};
use crate::answers::TokenAnswer;
use crate::edge::{Caller, Fields, FromFields, JsonBody};
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::tokens::{self, Holder, TokenPair};

/// The secret of the link, and the password that the new member chose.
pub(crate) struct AcceptInviteInput {
    pub token: SecretString,
    pub password: SecretString,
}

impl FromFields for AcceptInviteInput {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self { token: fields.secret("token")?, password: fields.secret("password")? })
    }
}

/// Answers 200 with tokens, as a login does.
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(input): JsonBody<AcceptInviteInput>,
) -> Result<Response, Problem> {
    Ok(private(TokenAnswer::from(&accept_invite(&state, &caller, input).await?)))
}

fn unusable() -> Problem {
    Problem::bad_request(
        "invalid_invitation",
        "This invitation cannot be used (any more). Ask for a new one.",
    )
    .at("token")
}

/// Makes the invited member and begins their session, in one transaction.
pub(crate) async fn accept_invite(
    state: &AppState,
    caller: &Caller,
    input: AcceptInviteInput,
) -> Result<TokenPair, Problem> {
    state.limit(Scope::Enrol, caller.address, None).await?;
    let digest = InvitationToken::parse(input.token.expose_secret()).map_err(|_| unusable())?.digest();
    let settings = state.settings()?;
    let mut tx = state.store.read().await?;
    let invitation = invitations::by_digest(&mut tx, &digest).await?.ok_or_else(unusable)?;
    let organization =
        organizations::by_id(&mut tx, invitation.organization_id).await?.ok_or_else(unusable)?;
    tx.rollback().await?;
    let words = [invitation.email.as_str(), invitation.full_name.as_str(), organization.name.as_str()];
    let hash = judge_and_hash(state, "password", input.password, &words).await?;

    let mut tx = state.store.write().await?;
    // Again, now for good: another request may have been first.
    let invitation = invitations::accept(&mut tx, &digest).await?.ok_or_else(unusable)?;
    let organization =
        organizations::by_id(&mut tx, invitation.organization_id).await?.ok_or_else(unusable)?;
    if organization.status != Status::Active {
        return Err(unusable());
    }
    let email = Email::parse(&invitation.email).map_err(|_| unusable())?;
    let role = settings.roles.iter().find(|role| role.as_str() == invitation.role).ok_or_else(unusable)?;
    let new = NewUser {
        organization_id: organization.id,
        email: &email,
        full_name: &invitation.full_name,
        role,
        hashed_password: &hash,
        email_verified: false,
    };
    let user = users::create(&mut tx, &new).await.map_err(|error| match error {
        UserError::EmailTaken | UserError::NotFound => unusable(),
        UserError::LimitReached => Problem::new(
            http::StatusCode::CONFLICT,
            "user_limit",
            "The organization has as many users as it may have. Ask its administrator.",
        ),
        UserError::Store(error) => error.into(),
    })?;
    invitations::set_accepted_user(&mut tx, invitation.id, user.id).await?;
    let holder = Holder { user: &user, organization: &organization };
    let pair = tokens::begin(state, &mut tx, &settings, caller, &holder).await?;
    let (actor, subject) = (format!("user:{}", user.id), format!("invitation:{}", invitation.id));
    note(&mut tx, caller, organization.id, &actor, AuditKind::InvitationAccepted, Some(&subject)).await?;
    state.commit_and_publish(tx).await?;
    Ok(pair)
}
