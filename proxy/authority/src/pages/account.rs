//! `/-/account`: who I am, my password, my sessions; invitations for administrators; and logging out.

use askama::Template;
use axum::extract::State;
use axum::response::Response;
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};
use tenantry_directory::Role;
use tenantry_rules::email::Email;
use tenantry_rules::names::FullName;
use tenantry_store::sessions;

use super::LocalPath;
use super::frame::{Frame, error, html, password_hint, see, signed_in, to_sign_in};
use crate::answers::moment;
use crate::auth::{self, Member};
use crate::cookies;
use crate::edge::{Caller, Fields, FormBody, FromFields};
use crate::problem::Problem;
use crate::routes::change_password::{ChangePasswordInput, change_password as change};
use crate::routes::invitations::{pending, withdraw_of};
use crate::routes::invite::{InviteInput, invite as make};
use crate::routes::logout::logout as end;
use crate::state::AppState;

const PATH: &str = "/-/account";

struct Me {
    name: String,
    email: String,
    role: String,
    organization_name: String,
    organization_slug: String,
}

#[derive(Default)]
struct PasswordForm {
    alert: Option<String>,
}

#[derive(Default)]
struct InviteForm {
    alert: Option<String>,
    email: String,
    full_name: String,
    role: String,
}

struct InvitedView {
    message: &'static str,
    url: Option<String>,
    email: String,
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
}

/// What one request puts on the page.
#[derive(Default)]
struct Shown {
    status: StatusCode,
    notice: Option<&'static str>,
    password_form: PasswordForm,
    invite_form: InviteForm,
    invited: Option<InvitedView>,
}

async fn page(state: &AppState, member: &Member, shown: Shown) -> Result<Response, Problem> {
    let settings = state.settings()?;
    let invitations = if member.is_admin { pending(state, member).await? } else { Vec::new() };
    let mut tx = state.store.read().await?;
    let sessions = sessions::list(&mut tx, member.user.id).await?;
    tx.rollback().await?;
    let day = |at| moment(at).chars().take(16).collect::<String>().replace('T', " ");
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
        invitations: invitations
            .into_iter()
            .map(|invitation| InvitationView {
                id: invitation.id,
                email: invitation.email,
                full_name: invitation.full_name,
                role: invitation.role,
                expires: format!("until {} UTC", day(invitation.expires_at)),
            })
            .collect(),
        sessions: sessions
            .into_iter()
            .map(|session| SessionView {
                agent: session.user_agent.unwrap_or_else(|| "Unknown client".to_owned()),
                current: session.id == member.session.id,
                seen: format!("last used {} UTC", day(session.last_used_at)),
            })
            .collect(),
    };
    Ok(html(shown.status, &page))
}

/// The member, or where to become one.
async fn member(state: &AppState, caller: &Caller) -> Result<Member, Response> {
    match auth::member(state, caller).await {
        Ok(member) => Ok(member),
        Err(problem) if problem.status() == StatusCode::UNAUTHORIZED => Err(to_sign_in(state, caller, PATH)),
        Err(problem) => Err(error(state, caller, &problem)),
    }
}

/// As [`member`], for a form that a page of ours sent.
async fn sender(state: &AppState, caller: &Caller) -> Result<Member, Response> {
    auth::same_origin(state, caller).map_err(|problem| error(state, caller, &problem))?;
    member(state, caller).await
}

async fn answer(state: &AppState, caller: &Caller, member: &Member, shown: Shown) -> Response {
    page(state, member, shown).await.unwrap_or_else(|problem| error(state, caller, &problem))
}

pub(super) async fn front() -> Response {
    see(PATH)
}

pub(super) async fn show(State(state): State<AppState>, caller: Caller) -> Response {
    match member(&state, &caller).await {
        Ok(member) => answer(&state, &caller, &member, Shown::default()).await,
        Err(elsewhere) => elsewhere,
    }
}

pub(super) async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(input): FormBody<ChangePasswordInput>,
) -> Response {
    let member = match sender(&state, &caller).await {
        Ok(member) => member,
        Err(elsewhere) => return elsewhere,
    };
    match change(&state, &caller, input).await {
        Ok(pair) => {
            let path = LocalPath::parse(PATH).unwrap_or_else(LocalPath::root);
            signed_in(&state, &caller, &pair, &path)
        }
        Err(problem) => {
            let password_form = PasswordForm { alert: Some(problem.detail().to_owned()) };
            let shown = Shown { status: problem.status(), password_form, ..Shown::default() };
            answer(&state, &caller, &member, shown).await
        }
    }
}

pub(super) struct InviteFields {
    email: String,
    full_name: String,
    role: String,
    password: Option<SecretString>,
}

impl FromFields for InviteFields {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            email: fields.text("email")?,
            full_name: fields.text("full_name")?,
            role: fields.text("role")?,
            password: fields.optional_secret("password")?,
        })
    }
}

impl InviteFields {
    fn input(&self) -> Result<InviteInput, Problem> {
        Ok(InviteInput {
            email: Email::parse(&self.email).map_err(|why| {
                Problem::invalid_field("email", format!("The e-mail address cannot be used: {why}."))
            })?,
            full_name: FullName::parse(&self.full_name).map_err(|why| {
                Problem::invalid_field("full_name", format!("The name cannot be used: {why}."))
            })?,
            role: self.role.clone(),
            current_password: self.password.clone(),
        })
    }
}

pub(super) async fn invite(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(fields): FormBody<InviteFields>,
) -> Response {
    let member = match sender(&state, &caller).await {
        Ok(member) => member,
        Err(elsewhere) => return elsewhere,
    };
    let outcome = match fields.input() {
        Ok(input) => make(&state, &caller, input).await,
        Err(problem) => Err(problem),
    };
    let shown = match outcome {
        Ok(invited) => Shown {
            invited: Some(InvitedView {
                message: "The invitation has been made.",
                url: Some(invited.url.expose_secret().to_owned()),
                email: invited.email,
            }),
            ..Shown::default()
        },
        Err(problem) => Shown {
            status: problem.status(),
            invite_form: InviteForm {
                alert: Some(problem.detail().to_owned()),
                email: fields.email,
                full_name: fields.full_name,
                role: fields.role,
            },
            ..Shown::default()
        },
    };
    answer(&state, &caller, &member, shown).await
}

pub(super) struct WithdrawFields {
    id: String,
    password: Option<SecretString>,
}

impl FromFields for WithdrawFields {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self { id: fields.text("id")?, password: fields.optional_secret("password")? })
    }
}

pub(super) async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(fields): FormBody<WithdrawFields>,
) -> Response {
    let member = match sender(&state, &caller).await {
        Ok(member) => member,
        Err(elsewhere) => return elsewhere,
    };
    let outcome = match (fields.id.parse(), auth::administering(&state, &caller, fields.password).await) {
        (_, Err(problem)) => Err(problem),
        (Err(_), _) => Err(Problem::not_found()),
        (Ok(id), Ok(member)) => withdraw_of(&state, &caller, &member, id).await,
    };
    let shown = match outcome {
        Ok(()) => Shown { notice: Some("The invitation has been withdrawn."), ..Shown::default() },
        Err(problem) => Shown {
            status: problem.status(),
            invite_form: InviteForm { alert: Some(problem.detail().to_owned()), ..InviteForm::default() },
            ..Shown::default()
        },
    };
    answer(&state, &caller, &member, shown).await
}

/// Ends the session where it is known; the cookies go in any case.
pub(super) async fn logout(State(state): State<AppState>, caller: Caller) -> Response {
    if let Err(problem) = auth::same_origin(&state, &caller) {
        return error(&state, &caller, &problem);
    }
    if let Err(problem) = end(&state, &caller).await
        && problem.status() != StatusCode::UNAUTHORIZED
    {
        return error(&state, &caller, &problem);
    }
    let mut response = match state.settings() {
        Ok(settings) => see(&settings.pages.login_url),
        Err(problem) => return error(&state, &caller, &problem),
    };
    cookies::clear(response.headers_mut(), &caller);
    response
}
