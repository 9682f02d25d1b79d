//! Probes and metrics, on a port of their own. No data is in them.

use axum::Router;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use http::{StatusCode, header};
use std::time::Duration;

use crate::state::AppState;

/// A database that could not be read for so long: another authority may reach it.
const TOO_OLD: Duration = Duration::from_secs(15);

/// `/healthz`, `/readyz`, `/metrics`.
pub(crate) fn router(state: AppState) -> Router {
    Router::new()
        .route("/healthz", get(|| async { "ok\n" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .fallback(|| async { (StatusCode::NOT_FOUND, "here: /healthz /readyz /metrics\n") })
        .with_state(state)
}

async fn ready(State(state): State<AppState>) -> Response {
    match readiness(&state) {
        Ok(()) => "ready\n".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, format!("{why}\n")).into_response(),
    }
}

/// Whether requests should come here.
fn readiness(state: &AppState) -> Result<(), &'static str> {
    if state.is_leaving() {
        return Err("stopping");
    }
    match state.log.read_age() {
        None => Err("the database was not read yet"),
        Some(age) if age > TOO_OLD => Err("the database cannot be read"),
        Some(_) => Ok(()),
    }
}

async fn metrics(State(state): State<AppState>) -> Response {
    let version = *state.published.borrow();
    let text = state.metrics.text(version, state.log.read_age(), state.hashing.jobs_done());
    ([(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")], text)
        .into_response()
}
