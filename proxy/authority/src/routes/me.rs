//! GET /api/auth/me

use axum::extract::State;
use axum::response::Response;
use serde::Serialize;

use super::private;
use crate::answers::{OrganizationAnswer, UserAnswer};
use crate::auth;
use crate::edge::Caller;
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct Answer {
    user: UserAnswer,
    organization: OrganizationAnswer,
}

/// Answers 200 with the user and the organization.
pub(crate) async fn answer(State(state): State<AppState>, caller: Caller) -> Result<Response, Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let member = auth::member(&state, &caller).await?;
    Ok(private(Answer {
        user: UserAnswer::new(&member.user, member.email_verified),
        organization: OrganizationAnswer::from(&member.organization),
    }))
}
