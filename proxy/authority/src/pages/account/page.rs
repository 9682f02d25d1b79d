//! What the account page shows.

use askama::Template;
use axum::response::Response;
use http::StatusCode;
use tenantry_directory::{Role, Timestamp};
use tenantry_store::sessions;

use crate::answers::moment;
use crate::auth::Member;
use crate::pages::agent;
use crate::pages::frame::{Frame, html, password_hint};
use crate::problem::Problem;
use crate::routes::invitations::pending;
use crate::state::AppState;

struct Me {
    name: String,
    email: String,
    role: String,
    organization_name: String,
    organization_slug: String,
}

#[derive(Default)]
pub(super) struct PasswordForm {
    pub alert: Option<String>,
}

#[derive(Default)]
pub(super) struct InviteForm {
    pub alert: Option<String>,
    pub email: String,
    pub full_name: String,
    pub role: String,
}

#[derive(Default)]
pub(super) struct SessionsForm {
    pub alert: Option<String>,
}

/// An invitation that was just made; its link is shown this once.
pub(super) struct InvitedView {
    pub message: &'static str,
    pub url: Option<String>,
    pub email: String,
}

struct InvitationView {
    id: i64,
    email: String,
    full_name: String,
    role: String,
    expires: String,
}

struct SessionView {
    agent: String,
    current: bool,
    seen: String,
}

#[derive(Template)]
#[template(path = "account.html")]
struct AccountPage {
    frame: Frame,
    me: Me,
    notice: Option<&'static str>,
    administers: bool,
    ask_password: bool,
    password_form: PasswordForm,
    password_hint: String,
    invite_form: InviteForm,
    invited: Option<InvitedView>,
    roles: Vec<String>,
    invitations: Vec<InvitationView>,
    sessions: Vec<SessionView>,
    sessions_form: SessionsForm,
}

/// What one request puts on the page.
#[derive(Default)]
pub(super) struct Shown {
    pub status: StatusCode,
    pub notice: Option<&'static str>,
    pub password_form: PasswordForm,
    pub invite_form: InviteForm,
    pub invited: Option<InvitedView>,
    pub sessions_form: SessionsForm,
}

/// The page for this member.
pub(super) async fn page(state: &AppState, member: &Member, shown: Shown) -> Result<Response, Problem> {
    let settings = state.settings()?;
    let page = AccountPage {
        frame: Frame::new(state)?,
        me: Me {
            name: member.user.full_name.clone(),
            email: member.user.email.clone(),
            role: member.user.role.clone(),
            organization_name: member.organization.name.clone(),
            organization_slug: member.organization.slug.clone(),
        },
        notice: shown.notice,
        administers: member.is_admin,
        ask_password: !member.is_recent,
        password_form: shown.password_form,
        password_hint: password_hint(&state.policy.load()),
        invite_form: shown.invite_form,
        invited: shown.invited,
        roles: settings.roles.iter().map(Role::to_string).collect(),
        invitations: invitations(state, member).await?,
        sessions: sessions(state, member).await?,
        sessions_form: shown.sessions_form,
    };
    Ok(html(shown.status, &page))
}

async fn invitations(state: &AppState, member: &Member) -> Result<Vec<InvitationView>, Problem> {
    if !member.is_admin {
        return Ok(Vec::new());
    }
    let views = pending(state, member).await?.into_iter().map(|invitation| InvitationView {
        id: invitation.id,
        email: invitation.email,
        full_name: invitation.full_name,
        role: invitation.role,
        expires: format!("until {}", minute(invitation.expires_at)),
    });
    Ok(views.collect())
}

async fn sessions(state: &AppState, member: &Member) -> Result<Vec<SessionView>, Problem> {
    let mut tx = state.store.read().await?;
    let sessions = sessions::list(&mut tx, member.user.id).await?;
    tx.rollback().await?;
    let views = sessions.into_iter().map(|session| SessionView {
        agent: agent::describe(session.user_agent.as_deref().unwrap_or_default()),
        current: session.id == member.session.id,
        seen: format!("last used {}", minute(session.last_used_at)),
    });
    Ok(views.collect())
}

/// Such as "2026-11-25 06:36 UTC".
fn minute(at: Timestamp) -> String {
    format!("{} UTC", moment(at).chars().take(16).collect::<String>().replace('T', " "))
}
