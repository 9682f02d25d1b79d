//! `/-/register`

use askama::Template;
use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use secrecy::SecretString;
use tenantry_rules::email::Email;
use tenantry_rules::names::{FullName, OrganizationName};

use super::LocalPath;
use super::frame::{Frame, error, html, password_hint, signed_in};
use super::login::Return;
use crate::auth;
use crate::edge::{Caller, Fields, FormBody, FromFields};
use crate::problem::Problem;
use crate::routes::register::{RegisterInput, Registered, register};
use crate::state::AppState;

#[derive(Template)]
#[template(path = "register.html")]
struct RegisterPage {
    frame: Frame,
    alert: Option<String>,
    return_to: String,
    organization_name: String,
    admin_name: String,
    admin_email: String,
    password_hint: String,
}

pub(super) struct Form {
    organization_name: String,
    admin_name: String,
    admin_email: String,
    admin_password: SecretString,
    return_to: LocalPath,
}

impl FromFields for Form {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            organization_name: fields.text("organization_name")?,
            admin_name: fields.text("admin_name")?,
            admin_email: fields.text("admin_email")?,
            admin_password: fields.secret("admin_password")?,
            return_to: LocalPath::or_root(fields.optional_text("return")?.as_deref()),
        })
    }
}

impl Form {
    fn input(&self) -> Result<RegisterInput, Problem> {
        let wrong = |field, what: &str, why: &dyn std::fmt::Display| {
            Problem::invalid_field(field, format!("{what} cannot be used: {why}."))
        };
        Ok(RegisterInput {
            organization_name: OrganizationName::parse(&self.organization_name)
                .map_err(|why| wrong("organization_name", "The organization's name", &why))?,
            admin_email: Email::parse(&self.admin_email)
                .map_err(|why| wrong("admin_email", "The e-mail address", &why))?,
            admin_password: self.admin_password.clone(),
            admin_name: FullName::parse(&self.admin_name)
                .map_err(|why| wrong("admin_name", "Your name", &why))?,
        })
    }
}

pub(super) async fn show(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<Return>,
) -> Response {
    if !state.policy.load().registration_open {
        let closed =
            Problem::forbidden("registration_closed", "Registration is closed here. Ask for an invitation.");
        return error(&state, &caller, &closed);
    }
    let frame = match Frame::new(&state) {
        Ok(frame) => frame,
        Err(problem) => return problem.into_response(),
    };
    let page = RegisterPage {
        frame,
        alert: None,
        return_to: LocalPath::or_root(query.r#return.as_deref()).to_string(),
        organization_name: String::new(),
        admin_name: String::new(),
        admin_email: String::new(),
        password_hint: password_hint(&state.policy.load()),
    };
    html(StatusCode::OK, &page)
}

pub(super) async fn submit(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(form): FormBody<Form>,
) -> Response {
    if let Err(problem) = auth::same_origin(&state, &caller) {
        return error(&state, &caller, &problem);
    }
    let outcome = match form.input() {
        Ok(input) => register(&state, &caller, input).await,
        Err(problem) => Err(problem),
    };
    let problem = match outcome {
        Ok(Registered { pair, .. }) => return signed_in(&state, &caller, &pair, &form.return_to),
        Err(problem) => problem,
    };
    let frame = match Frame::new(&state) {
        Ok(frame) => frame,
        Err(problem) => return problem.into_response(),
    };
    let page = RegisterPage {
        frame,
        alert: Some(problem.detail().to_owned()),
        return_to: form.return_to.to_string(),
        organization_name: form.organization_name,
        admin_name: form.admin_name,
        admin_email: form.admin_email,
        password_hint: password_hint(&state.policy.load()),
    };
    html(problem.status(), &page)
}
