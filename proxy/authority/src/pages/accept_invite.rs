//! `/-/accept-invite`: the secret of the link is in the fragment, which a small script moves into the form; without
//! JavaScript it is pasted.

use askama::Template;
use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use secrecy::{ExposeSecret as _, SecretString};

use super::LocalPath;
use super::frame::{Frame, error, html, password_hint, signed_in};
use crate::auth;
use crate::edge::{Caller, Fields, FormBody, FromFields};
use crate::problem::Problem;
use crate::routes::accept_invite::{AcceptInviteInput, accept_invite};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "accept_invite.html")]
struct AcceptInvitePage<'a> {
    frame: Frame,
    alert: Option<String>,
    token: &'a str,
    password_hint: String,
}

pub(super) struct Form {
    token: SecretString,
    password: SecretString,
}

impl FromFields for Form {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self { token: fields.text("token")?.into(), password: fields.secret("password")? })
    }
}

fn page(state: &AppState, status: StatusCode, alert: Option<String>, token: &str) -> Response {
    match Frame::new(state) {
        Ok(frame) => html(
            status,
            &AcceptInvitePage { frame, alert, token, password_hint: password_hint(&state.policy.load()) },
        ),
        Err(problem) => problem.into_response(),
    }
}

pub(super) async fn show(State(state): State<AppState>) -> Response {
    page(&state, StatusCode::OK, None, "")
}

pub(super) async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(form): FormBody<Form>,
) -> Response {
    if let Err(problem) = auth::same_origin(&state, &caller) {
        return error(&state, &caller, &problem);
    }
    let input = AcceptInviteInput { token: form.token.clone(), password: form.password };
    match accept_invite(&state, &caller, input).await {
        Ok(pair) => signed_in(&state, &caller, &pair, &LocalPath::root()),
        // What was typed comes back to the one who typed it, so that a weak password costs no second pasting.
        Err(problem) => {
            page(&state, problem.status(), Some(problem.detail().to_owned()), form.token.expose_secret())
        }
    }
}
