//! Tokens: a signed access token and an opaque refresh token of one session.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use secrecy::SecretString;
use tenantry_directory::token::{ACCESS, CLIENT_ID};
use tenantry_directory::{AccessClaims, BackendSettings, OrganizationId, SessionId, SigningKey};
use tenantry_rules::key_life::KeyBounds;
use tenantry_rules::random;
use tenantry_rules::refresh::Generation;
use tenantry_store::sessions::{self, NewSession, Session};
use tenantry_store::{Account, Organization, Tx, User, accounts, signing_keys};

use crate::edge::Caller;
use crate::keys;
use crate::policy::LEEWAY;
use crate::problem::Problem;
use crate::state::AppState;

/// What a session hands to its client.
pub(crate) struct TokenPair {
    pub access_token: SecretString,
    pub refresh_token: SecretString,
    /// Seconds until the access token expires.
    pub expires_in: u64,
}

/// Whose tokens are made.
pub(crate) struct Holder<'a> {
    pub user: &'a User,
    pub organization: &'a Organization,
}

/// Begins a session: always a new one, so that nobody can prepare one for somebody else.
pub(crate) async fn begin(
    state: &AppState,
    tx: &mut Tx,
    settings: &BackendSettings,
    caller: &Caller,
    holder: &Holder<'_>,
) -> Result<TokenPair, Problem> {
    let address = caller.address.to_string();
    let new = NewSession {
        user_id: holder.user.id,
        organization_id: holder.organization.id,
        ttl: settings.refresh_ttl,
        address: Some(&address),
        user_agent: caller.user_agent.as_deref(),
    };
    let session = sessions::create(tx, state.random.as_ref(), &new).await?;
    pair(state, tx, settings, holder, &session, session.state.generation).await
}

/// The tokens of a session at a generation of its refresh token.
pub(crate) async fn pair(
    state: &AppState,
    tx: &mut Tx,
    settings: &BackendSettings,
    holder: &Holder<'_>,
    session: &Session,
    generation: Generation,
) -> Result<TokenPair, Problem> {
    let account = accounts::current(tx, holder.user.id).await?.ok_or_else(Problem::internal)?;
    let (access_token, expires_in) = access(state, tx, settings, holder, &account, session.id).await?;
    Ok(TokenPair {
        access_token,
        refresh_token: session.state.secret.token(session.id, generation),
        expires_in,
    })
}

async fn access(
    state: &AppState,
    tx: &mut Tx,
    settings: &BackendSettings,
    holder: &Holder<'_>,
    account: &Account,
    sid: SessionId,
) -> Result<(SecretString, u64), Problem> {
    let Holder { user, organization } = holder;
    let (key, bounds) = match signing_key(tx, organization.id).await? {
        Some(found) => found,
        None => {
            keys::settle(&state.policy.load(), tx, settings, organization.id).await?;
            signing_key(tx, organization.id).await?.ok_or_else(Problem::internal)?
        }
    };
    let role = settings.roles.iter().find(|role| role.as_str() == user.role).ok_or_else(|| {
        tracing::error!(user = %user.id, role = user.role, "the user's role is none of the Backend's; change one of them");
        Problem::forbidden("unknown_role", "Your role is not known here any more. Ask your administrator.")
    })?;
    let jti = random::bytes::<16>(state.random.as_ref()).map_err(|_| Problem::internal())?;
    let expires = bounds.token_expiry(tx.now, settings.access_ttl, LEEWAY);
    let now = tx.now.secs();
    let claims = AccessClaims {
        iss: settings.public_url.issuer(organization.id),
        aud: settings.audience.clone(),
        client_id: CLIENT_ID.to_owned(),
        sub: user.id.to_string(),
        iat: now,
        nbf: now,
        exp: expires.secs(),
        jti: URL_SAFE_NO_PAD.encode(jti.as_slice()),
        sid,
        epoch: account.epoch,
        kind: ACCESS.to_owned(),
        user_id: user.id,
        organization_id: organization.id,
        organization_slug: organization.slug.clone(),
        email: user.email.clone(),
        email_verified: account.email_verified,
        name: user.full_name.clone(),
        role: role.clone(),
    };
    let token = key.mint(&claims).map_err(|error| {
        tracing::error!(%error, organization = %organization.id, "no access token could be signed");
        Problem::internal()
    })?;
    Ok((token.into(), expires.saturating_since(tx.now).as_secs()))
}

/// The key that signs now, with the times that bound its tokens.
async fn signing_key(
    tx: &mut Tx,
    organization: OrganizationId,
) -> Result<Option<(SigningKey, KeyBounds)>, Problem> {
    let Some(key) = signing_keys::signing(tx, organization).await? else { return Ok(None) };
    let keys = signing_keys::list(tx, organization).await?;
    let bounds = keys.iter().find(|kept| kept.kid() == key.kid()).and_then(|kept| kept.times.bounds);
    Ok(bounds.map(|bounds| (key, bounds)))
}
