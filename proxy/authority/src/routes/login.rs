//! POST /api/auth/login

use axum::extract::State;
use axum::response::Response;
use secrecy::SecretString;
use tenantry_rules::audit::AuditKind;
use tenantry_rules::email::Email;
use tenantry_rules::holds::Status;
use tenantry_store::{User, organizations, users};

use super::{note, private};
use crate::answers::TokenAnswer;
use crate::edge::{Caller, Fields, FromFields, JsonBody};
use crate::guess::{Guess, guess};
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::tokens::{self, Holder, TokenPair};

/// Who wants in.
pub(crate) struct LoginInput {
    pub email: Email,
    pub password: SecretString,
}

impl FromFields for LoginInput {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self { email: fields.email("email")?, password: fields.secret("password")? })
    }
}

/// Answers 200 with tokens, or 401 alike for every reason.
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(input): JsonBody<LoginInput>,
) -> Result<Response, Problem> {
    Ok(private(TokenAnswer::from(&login(&state, &caller, input).await?)))
}

/// Begins a session for whoever knows the password.
pub(crate) async fn login(
    state: &AppState,
    caller: &Caller,
    input: LoginInput,
) -> Result<TokenPair, Problem> {
    state.limit(Scope::Password, caller.address, Some(input.email.key())).await?;
    let (state, caller) = (state.clone(), caller.clone());
    // Runs to its end even if the client goes away, so that no guess is left uncounted.
    tokio::spawn(async move { begin(&state, &caller, input).await }).await.map_err(|_| Problem::internal())?
}

async fn begin(state: &AppState, caller: &Caller, input: LoginInput) -> Result<TokenPair, Problem> {
    let settings = state.settings()?;
    let (user, rehashed) = match guess(state, &input.email, input.password).await? {
        Guess::Right { user, rehashed } => (user, rehashed),
        Guess::Wrong { user, locked } => {
            if let Some(user) = user {
                // Beside the answer, which must not wait longer for an account that exists.
                tokio::spawn(note_refusal(state.clone(), caller.clone(), user, locked));
            }
            tracing::info!(locked, "a login was refused");
            return Err(Problem::wrong_credentials());
        }
    };
    let mut tx = state.store.write().await?;
    // As it is now: the comparison took a while.
    let fresh = users::by_id(&mut tx, user.id).await?;
    let Some(user) =
        fresh.filter(|fresh| fresh.is_active && same(&fresh.hashed_password, &user.hashed_password))
    else {
        return Err(Problem::wrong_credentials());
    };
    let organization = organizations::by_id(&mut tx, user.organization_id).await?;
    let organization = organization.ok_or_else(Problem::wrong_credentials)?;
    if organization.status != Status::Active {
        return Err(Problem::forbidden(
            "organization_suspended",
            "Your organization is suspended. Ask its administrator.",
        ));
    }
    let actor = format!("user:{}", user.id);
    if let Some((hash, why)) = rehashed
        && users::rehash(&mut tx, user.id, &user.hashed_password, &hash).await?
    {
        tracing::info!(user = %user.id, ?why, "a password hash was replaced by a stronger one");
        note(&mut tx, caller, organization.id, &actor, AuditKind::PasswordRehashed, None).await?;
    }
    users::touch_last_login(&mut tx, user.id).await?;
    let holder = Holder { user: &user, organization: &organization };
    let pair = tokens::begin(state, &mut tx, &settings, caller, &holder).await?;
    note(&mut tx, caller, organization.id, &actor, AuditKind::LoginSucceeded, None).await?;
    tx.commit().await?;
    Ok(pair)
}

async fn note_refusal(state: AppState, caller: Caller, user: User, locked: bool) {
    let kind = if locked { AuditKind::LoginLocked } else { AuditKind::LoginFailed };
    let written = async {
        let mut tx = state.store.write().await?;
        note(&mut tx, &caller, user.organization_id, &format!("user:{}", user.id), kind, None).await?;
        tx.commit().await
    };
    if let Err(error) = written.await {
        tracing::warn!(%error, user = %user.id, "a refused login is missing from the audit trail");
    }
}

fn same(a: &SecretString, b: &SecretString) -> bool {
    use secrecy::ExposeSecret as _;
    a.expose_secret() == b.expose_secret()
}
