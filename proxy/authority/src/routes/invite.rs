//! POST /api/auth/invite: a single-use link, for seven days, that a new member sets a password with.

use axum::extract::State;
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use serde::Serialize;
use tenantry_directory::{OrganizationId, Role};
use tenantry_rules::audit::AuditKind;
use tenantry_rules::email::Email;
use tenantry_rules::invitation::InvitationToken;
use tenantry_rules::names::FullName;
use tenantry_store::invitations::{self, NewInvitation};

use super::{note, private};
use crate::auth;
use crate::edge::{Caller, Fields, FromFields, JsonBody};
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

/// Who is invited, and as what.
pub(crate) struct InviteInput {
    pub email: Email,
    pub full_name: FullName,
    pub role: String,
    /// The inviting administrator's own password, where a cookie session is older than five minutes.
    pub current_password: Option<SecretString>,
}

impl FromFields for InviteInput {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            email: fields.email("email")?,
            full_name: fields.name("full_name", FullName::parse)?,
            role: fields.text("role")?,
            current_password: fields.optional_secret("current_password")?,
        })
    }
}

/// An invitation that was just made.
pub(crate) struct Invited {
    pub email: String,
    pub full_name: String,
    pub role: Role,
    pub organization: OrganizationId,
    pub url: SecretString,
}

#[derive(Serialize)]
struct InvitedUser {
    /// Null until the invitation is accepted.
    id: Option<i64>,
    email: String,
    full_name: String,
    role: Role,
    is_active: bool,
    organization_id: OrganizationId,
}

#[derive(Serialize)]
struct Answer {
    message: &'static str,
    user: InvitedUser,
    invitation_url: String,
}

/// Answers 201, alike whether or not the address has an account.
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(input): JsonBody<InviteInput>,
) -> Result<Response, Problem> {
    let invited = invite(&state, &caller, input).await?;
    let answer = Answer {
        message: "The invitation has been made. Send the link to the person you invite; it works once, for seven days.",
        user: InvitedUser {
            id: None,
            email: invited.email,
            full_name: invited.full_name,
            role: invited.role,
            is_active: false,
            organization_id: invited.organization,
        },
        invitation_url: invited.url.expose_secret().to_owned(),
    };
    let mut response = private(answer);
    *response.status_mut() = http::StatusCode::CREATED;
    Ok(response)
}

/// Makes an invitation to the caller's organization; an earlier one to the same address stops working.
pub(crate) async fn invite(
    state: &AppState,
    caller: &Caller,
    input: InviteInput,
) -> Result<Invited, Problem> {
    let member = auth::administering(state, caller, input.current_password).await?;
    state.limit(Scope::Invite, caller.address, Some(&format!("user:{}", member.user.id))).await?;
    let settings = state.settings()?;
    let Some(role) = settings.roles.iter().find(|role| role.as_str() == input.role).cloned() else {
        let known: Vec<&str> = settings.roles.iter().map(Role::as_str).collect();
        return Err(Problem::invalid_field("role", format!("The role must be one of {}.", known.join(", "))));
    };
    let token = InvitationToken::generate(state.random.as_ref()).map_err(|_| Problem::internal())?;
    let mut tx = state.store.write().await?;
    let digest = token.digest();
    let new = NewInvitation {
        organization_id: member.organization.id,
        email: &input.email,
        full_name: input.full_name.as_str(),
        role: &role,
        digest: &digest,
        invited_by: member.user.id,
    };
    let invitation = invitations::create(&mut tx, &new).await?;
    let (actor, subject) = (format!("user:{}", member.user.id), format!("invitation:{}", invitation.id));
    note(&mut tx, caller, member.organization.id, &actor, AuditKind::InvitationSent, Some(&subject)).await?;
    tx.commit().await?;
    // The secret is in the fragment, which browsers send to nobody; the host is the Backend's, never the request's.
    let url = format!("{}/-/accept-invite#{}", settings.public_url.origin(), token.to_text().expose_secret());
    Ok(Invited {
        email: input.email.as_str().to_owned(),
        full_name: input.full_name.as_str().to_owned(),
        role,
        organization: member.organization.id,
        url: url.into(),
    })
}
