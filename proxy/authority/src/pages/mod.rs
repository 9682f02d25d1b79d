//! The pages under `/-/`, for people whose application has none of its own: sign in, create an organization, accept an
//! invitation, look after the account. Forms work without JavaScript; every POST needs an allowed origin.
//!
//! `login`, `register`, `accept_invite`, `account` are a page each; `frame` is what they share, `assets` what they load,
//! `local_path` where they may lead, `agent` what a session is called.

mod accept_invite;
mod account;
mod agent;
mod assets;
mod frame;
mod local_path;
mod login;
mod register;

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::routing::{get, post};

pub(crate) use local_path::LocalPath;

use crate::edge::MAX_BODY;
use crate::state::AppState;

/// Every page.
pub(crate) fn router() -> Router<AppState> {
    Router::new()
        .route("/-/", get(account::front))
        .route("/-/login", get(login::show).post(login::submit))
        .route("/-/register", get(register::show).post(register::submit))
        .route("/-/accept-invite", get(accept_invite::show).post(accept_invite::submit))
        .route("/-/account", get(account::show))
        .route("/-/account/password", post(account::change_password))
        .route("/-/account/invite", post(account::invite))
        .route("/-/account/withdraw", post(account::withdraw))
        .route("/-/account/sessions", post(account::end_other_sessions))
        .route("/-/logout", post(account::logout))
        .route("/-/assets/{name}", get(assets::answer))
        .layer(DefaultBodyLimit::max(MAX_BODY))
}
