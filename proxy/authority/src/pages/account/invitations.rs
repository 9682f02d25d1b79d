//! Forms of administrators: to invite somebody, and to withdraw an invitation.

use axum::extract::State;
use axum::response::Response;
use secrecy::{ExposeSecret as _, SecretString};
use tenantry_rules::email::Email;
use tenantry_rules::names::FullName;

use super::page::{InviteForm, InvitedView, Shown};
use super::{answer, sender};
use crate::auth;
use crate::edge::{Caller, Fields, FormBody, FromFields};
use crate::pages::frame::error;
use crate::problem::Problem;
use crate::routes::invitations::withdraw_of;
use crate::routes::invite::{InviteInput, invite as make};
use crate::state::AppState;

pub(in crate::pages) struct InviteFields {
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

pub(in crate::pages) async fn invite(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(fields): FormBody<InviteFields>,
) -> Response {
    if let Err(elsewhere) = administrator(&state, &caller).await {
        return elsewhere;
    }
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
    answer(&state, &caller, shown).await
}

pub(in crate::pages) struct WithdrawFields {
    id: String,
    password: Option<SecretString>,
}

impl FromFields for WithdrawFields {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self { id: fields.text("id")?, password: fields.optional_secret("password")? })
    }
}

pub(in crate::pages) async fn withdraw(
    State(state): State<AppState>,
    caller: Caller,
    FormBody(fields): FormBody<WithdrawFields>,
) -> Response {
    if let Err(elsewhere) = administrator(&state, &caller).await {
        return elsewhere;
    }
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
    answer(&state, &caller, shown).await
}

/// Others do not see these forms, so there is no place on their page for what is wrong with one.
async fn administrator(state: &AppState, caller: &Caller) -> Result<(), Response> {
    let member = sender(state, caller).await?;
    auth::admin_only(&member).map_err(|problem| error(state, caller, &problem))
}
