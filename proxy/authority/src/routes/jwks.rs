//! GET /o/{id}/.well-known/jwks.json: the public keys of one organization (RFC 7517).

use axum::extract::{Path, State};
use axum::response::{IntoResponse as _, Response};
use http::header;
use serde::Serialize;
use tenantry_directory::view::PublicJwk;
use tenantry_directory::{Kid, OrganizationId};
use tenantry_store::{organizations, signing_keys};

use super::id_in_path;
use crate::edge::Caller;
use crate::limits::Scope;
use crate::policy::JWKS_MAX_AGE;
use crate::problem::Problem;
use crate::state::AppState;

#[derive(Serialize)]
struct Jwk {
    kid: Kid,
    alg: &'static str,
    r#use: &'static str,
    #[serde(flatten)]
    key: PublicJwk,
}

#[derive(Serialize)]
struct KeySet {
    keys: Vec<Jwk>,
}

/// Answers 200 with every key that signs, will sign or still verifies.
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Response, Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let id: OrganizationId = id_in_path(&id)?;
    let mut tx = state.store.read().await?;
    organizations::by_id(&mut tx, id).await?.ok_or_else(Problem::not_found)?;
    let keys = signing_keys::list(&mut tx, id).await?;
    tx.rollback().await?;
    let keys = keys.into_iter().map(|key| Jwk {
        kid: key.kid(),
        alg: key.algorithm().name(),
        r#use: "sig",
        key: key.jwk,
    });
    let cache = format!("public, max-age={}", JWKS_MAX_AGE.as_secs());
    Ok(([(header::CACHE_CONTROL, cache)], axum::Json(KeySet { keys: keys.collect() })).into_response())
}
