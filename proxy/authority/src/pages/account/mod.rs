//! `/-/account`: who I am, my password, my sessions; invitations for administrators; and logging out.
//!
//! `page` is what is shown, `invitations` the forms of administrators; the others are here.

mod invitations;
mod page;

use axum::extract::{Query, State};
use axum::response::Response;
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;

pub(super) use self::invitations::{invite, withdraw};
use self::page::{PasswordForm, SessionsForm, Shown, page};
use super::LocalPath;
use super::frame::{error, see, signed_in, to_sign_in};
use crate::auth::{self, Member};
use crate::cookies;
use crate::edge::{Caller, Fields, FormBody, FromFields};
use crate::problem::Problem;
use crate::routes::change_password::{ChangePasswordInput, change_password as change};
use crate::routes::logout::logout as end;
use crate::routes::sessions::end_others_of;
use crate::state::AppState;

const PATH: &str = "/-/account";

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

/// The page as things are now: what was just done may have changed the member, too.
async fn answer(state: &AppState, caller: &Caller, shown: Shown) -> Response {
    match member(state, caller).await {
        Ok(member) => {
            page(state, &member, shown).await.unwrap_or_else(|problem| error(state, caller, &problem))
        }
        Err(elsewhere) => elsewhere,
    }
}

pub(super) async fn front() -> Response {
    see(PATH)
}

/// What was done before this page came, where it came by a redirect. Only known words make a sentence.
#[derive(Deserialize)]
pub(super) struct Done {
    done: Option<String>,
}

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<Done>,
) -> Response {
    let notice = match query.done.as_deref() {
        Some("password") => Some("Your password has been changed. You are signed out everywhere else."),
        _ => None,
    };
    answer(&state, &caller, Shown { notice, ..Shown::default() }).await
}

pub(super) async fn change_password(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(input): FormBody<ChangePasswordInput>,
) -> Response {
    if let Err(elsewhere) = sender(&state, &caller).await {
        return elsewhere;
    }
    match change(&state, &caller, input).await {
        Ok(pair) => {
            let path = LocalPath::or_root(Some("/-/account?done=password"));
            signed_in(&state, &caller, &pair, &path)
        }
        Err(problem) => {
            let password_form = PasswordForm { alert: Some(problem.detail().to_owned()) };
            let shown = Shown { status: problem.status(), password_form, ..Shown::default() };
            answer(&state, &caller, shown).await
        }
    }
}

/// The password, where the last one was more than five minutes ago.
pub(super) struct PasswordAgain(Option<SecretString>);

impl FromFields for PasswordAgain {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self(fields.optional_secret("password")?))
    }
}

pub(super) async fn end_other_sessions(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(PasswordAgain(password)): FormBody<PasswordAgain>,
) -> Response {
    if let Err(elsewhere) = sender(&state, &caller).await {
        return elsewhere;
    }
    let shown = match end_others_of(&state, &caller, password).await {
        Ok(()) => Shown { notice: Some("You are signed out everywhere else."), ..Shown::default() },
        Err(problem) => Shown {
            status: problem.status(),
            sessions_form: SessionsForm { alert: Some(problem.detail().to_owned()) },
            ..Shown::default()
        },
    };
    answer(&state, &caller, shown).await
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
