//! `/-/login`

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use secrecy::SecretString;
use serde::Deserialize;
use tenantry_rules::email::Email;

use super::LocalPath;
use super::frame::{Frame, error, html, signed_in};
use crate::auth;
use crate::edge::{Caller, Fields, FormBody, FromFields};
use crate::problem::Problem;
use crate::routes::login::{LoginInput, login};
use crate::state::AppState;

/// Where to go on afterwards.
#[derive(Deserialize)]
pub(super) struct Return {
    pub r#return: Option<String>,
}

#[derive(Template)]
#[template(path = "login.html")]
struct LoginPage {
    frame: Frame,
    alert: Option<String>,
    return_to: String,
    email: String,
    registration_open: bool,
}

pub(super) struct Form {
    email: String,
    password: SecretString,
    return_to: LocalPath,
}

impl FromFields for Form {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            email: fields.text("email")?,
            password: fields.secret("password")?,
            return_to: LocalPath::or_root(fields.optional_text("return")?.as_deref()),
        })
    }
}

fn page(
    state: &AppState,
    status: StatusCode,
    alert: Option<String>,
    email: String,
    return_to: &LocalPath,
) -> Response {
    let frame = match Frame::new(state) {
        Ok(frame) => frame,
        Err(problem) => return problem.into_response(),
    };
    let registration_open = state.policy.load().registration_open;
    let page = LoginPage { frame, alert, return_to: return_to.to_string(), email, registration_open };
    html(status, &page)
}

pub(super) async fn show(State(state): State<AppState>, Query(query): Query<Return>) -> Response {
    page(&state, StatusCode::OK, None, String::new(), &LocalPath::or_root(query.r#return.as_deref()))
}

pub(super) async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(form): FormBody<Form>,
) -> Response {
    if let Err(problem) = auth::same_origin(&state, &caller) {
        return error(&state, &caller, &problem);
    }
    let outcome = match Email::parse(&form.email) {
        Ok(email) => login(&state, &caller, LoginInput { email, password: form.password }).await,
        Err(_) => Err(Problem::wrong_credentials()),
    };
    match outcome {
        Ok(pair) => signed_in(&state, &caller, &pair, &form.return_to),
        Err(problem) => {
            page(&state, problem.status(), Some(problem.detail().to_owned()), form.email, &form.return_to)
        }
    }
}
