//! GET /api/auth/audit: what happened in the caller's organization, newest first, paged by `before`.

use axum::extract::{Query, State};
use axum::response::Response;
use serde::{Deserialize, Serialize};
use tenantry_store::audit;

use super::private;
use crate::answers::moment;
use crate::auth;
use crate::edge::Caller;
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

const PAGE: u32 = 100;

#[derive(Deserialize)]
pub(crate) struct Page {
    /// Only events with a smaller id.
    before: Option<i64>,
    /// How many at most, up to 100.
    limit: Option<u32>,
}

#[derive(Serialize)]
struct EventAnswer {
    id: i64,
    at: String,
    actor: String,
    action: String,
    subject: Option<String>,
    address: Option<String>,
    detail: Option<serde_json::Value>,
}

#[derive(Serialize)]
struct Answer {
    events: Vec<EventAnswer>,
    /// What to give as `before` for the next page; null on the last one.
    next_before: Option<i64>,
}

/// Answers 200 with a page of events.
pub(crate) async fn list(
    State(state): State<AppState>,
    caller: Caller,
    Query(page): Query<Page>,
) -> Result<Response, Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let member = auth::member(&state, &caller).await?;
    auth::admin_only(&member)?;
    let limit = page.limit.unwrap_or(PAGE).clamp(1, PAGE);
    let mut tx = state.store.read().await?;
    let events = audit::list(&mut tx, member.organization.id, page.before, limit).await?;
    tx.rollback().await?;
    let full = events.len() == usize::try_from(limit).unwrap_or(usize::MAX);
    let next_before = events.last().filter(|_| full).map(|event| event.id);
    let events = events.into_iter().map(|event| EventAnswer {
        id: event.id,
        at: moment(event.at),
        actor: event.actor,
        action: event.action,
        subject: event.subject,
        address: event.address,
        detail: event.detail,
    });
    Ok(private(Answer { events: events.collect(), next_before }))
}
