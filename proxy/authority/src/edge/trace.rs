//! A span and one line per request: method, route, status, time. Never headers, bodies or query strings, which may hold secrets.

use std::time::Instant;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use tracing::Instrument as _;

use crate::gates::GateProof;
use crate::state::AppState;

/// Wraps a request in its span and logs its end.
pub(crate) async fn trace(State(state): State<AppState>, request: Request, next: Next) -> Response {
    let route = request.extensions().get::<MatchedPath>().map_or("none", MatchedPath::as_str).to_owned();
    let request_id =
        request.extensions().get::<GateProof>().map(|p| p.request_id.clone()).unwrap_or_default();
    let span = tracing::info_span!("auth", method = %request.method(), route, request_id);
    let started = Instant::now();
    async move {
        let response = next.run(request).await;
        let took = started.elapsed();
        let millis = u64::try_from(took.as_millis()).unwrap_or(u64::MAX);
        state.metrics.answered(&route, response.status().as_u16(), took);
        tracing::info!(status = response.status().as_u16(), millis, "answered");
        response
    }
    .instrument(span)
    .await
}
