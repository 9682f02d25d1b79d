//! POST /api/auth/refresh, and GET for pages: a refresh token for its successor and a new access token.

use axum::extract::{Query, State};
use axum::response::{IntoResponse as _, Redirect, Response};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use secrecy::{ExposeSecret as _, SecretString};
use serde::Deserialize;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::holds::Status;
use tenantry_rules::refresh::{RefreshDecision, RefreshToken, decide};
use tenantry_store::{organizations, sessions, users};

use super::{note, private};
use crate::answers::TokenAnswer;
use crate::cookies;
use crate::edge::{Caller, Fields, FromFields, JsonBody};
use crate::limits::Scope;
use crate::pages::LocalPath;
use crate::problem::Problem;
use crate::state::AppState;
use crate::tokens::{self, Holder, TokenPair};

/// A refresh token, as it was handed out.
pub(crate) struct RefreshInput {
    refresh_token: SecretString,
}

impl FromFields for RefreshInput {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self { refresh_token: fields.secret("refresh_token")? })
    }
}

/// Answers 200 with tokens, or 401 alike for every reason.
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(input): JsonBody<RefreshInput>,
) -> Result<Response, Problem> {
    Ok(private(TokenAnswer::from(&refresh(&state, &caller, &input.refresh_token).await?)))
}

/// Where a browser wants to go on.
#[derive(Deserialize)]
pub(crate) struct Return {
    r#return: Option<String>,
}

/// A browser whose access token expired: new cookies and back, or to the login page.
pub(crate) async fn for_a_page(
    State(state): State<AppState>,
    caller: Caller,
    Query(query): Query<Return>,
) -> Result<Response, Problem> {
    let to = LocalPath::or_root(query.r#return.as_deref());
    let settings = state.settings()?;
    let refreshed = match &caller.refresh_cookie {
        Some(token) => refresh(&state, &caller, token).await,
        None => Err(Problem::invalid_refresh_token()),
    };
    let mut response = match &refreshed {
        Ok(_) => Redirect::to(to.as_str()).into_response(),
        Err(problem) if problem.status() == http::StatusCode::UNAUTHORIZED => {
            let back = utf8_percent_encode(to.as_str(), NON_ALPHANUMERIC);
            Redirect::to(&format!("{}?return={back}", settings.pages.login_url)).into_response()
        }
        Err(problem) => return Err(problem.clone()),
    };
    match &refreshed {
        Ok(pair) => cookies::set(response.headers_mut(), &caller, pair, settings.refresh_ttl),
        Err(_) => cookies::clear(response.headers_mut(), &caller),
    }
    response.headers_mut().insert(http::header::CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    Ok(response)
}

/// Moves a session on. A token that was used a moment ago gets the same successor; one used before that ends the session.
pub(crate) async fn refresh(
    state: &AppState,
    caller: &Caller,
    token: &SecretString,
) -> Result<TokenPair, Problem> {
    let Ok(token) = RefreshToken::parse(token.expose_secret()) else {
        state.limit(Scope::Refresh, caller.address, None).await?;
        return Err(refused("malformed"));
    };
    state.limit(Scope::Refresh, caller.address, Some(&token.session().to_string())).await?;
    let settings = state.settings()?;
    // A second look where another request was first; a third would be a storm.
    for _ in 0..3 {
        let mut tx = state.store.write().await?;
        let Some(session) = sessions::by_id(&mut tx, token.session()).await? else {
            return Err(refused("unknown"));
        };
        let generation = match decide(&token, &session.state, tx.now) {
            RefreshDecision::Current { successor, trail } => {
                let from = session.state.generation;
                if !sessions::rotate(&mut tx, session.id, from, &trail, settings.refresh_ttl).await? {
                    continue;
                }
                successor
            }
            RefreshDecision::Grace { successor } => successor,
            RefreshDecision::Reuse => {
                sessions::end(&mut tx, session.id, "reuse").await?;
                let actor = format!("user:{}", session.user_id);
                let subject = format!("session:{}", session.id);
                note(
                    &mut tx,
                    caller,
                    session.organization_id,
                    &actor,
                    AuditKind::SessionReused,
                    Some(&subject),
                )
                .await?;
                state.commit_and_publish(tx).await?;
                tracing::warn!(session = %session.id, user = %session.user_id, "a refresh token was used again; its session ended");
                return Err(refused("reuse"));
            }
            RefreshDecision::Over => return Err(refused("over")),
            RefreshDecision::Unknown => return Err(refused("unknown")),
        };
        let user = users::by_id(&mut tx, session.user_id).await?;
        let organization = organizations::by_id(&mut tx, session.organization_id).await?;
        let (Some(user), Some(organization)) = (user, organization) else { return Err(refused("gone")) };
        if !user.is_active || user.organization_id != organization.id {
            return Err(refused("inactive"));
        }
        if organization.status != Status::Active {
            return Err(refused("suspended"));
        }
        let holder = Holder { user: &user, organization: &organization };
        let pair = tokens::pair(state, &mut tx, &settings, &holder, &session, generation).await?;
        tx.commit().await?;
        return Ok(pair);
    }
    Err(Problem::unavailable())
}

fn refused(reason: &'static str) -> Problem {
    tracing::info!(reason, "a refresh token was refused");
    Problem::invalid_refresh_token()
}
