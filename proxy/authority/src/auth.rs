//! Who is asking, really: the token verified here too, and the rows behind it as they are now.

use std::time::Duration;

use secrecy::{ExposeSecret as _, SecretString};
use tenantry_directory::{Identity, verify};
use tenantry_rules::email::Email;
use tenantry_rules::holds::Status;
use tenantry_store::sessions::{self, Session};
use tenantry_store::{Organization, User, organizations, users};

use crate::edge::{Caller, Credential, same_site_only};
use crate::guess::{Guess, guess};
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;

/// For how long after a password a change by cookie needs none.
const RECENT: Duration = Duration::from_mins(5);

/// A member who proved to be one.
#[allow(clippy::struct_excessive_bools, reason = "four independent facts")]
pub(crate) struct Member {
    pub user: User,
    pub organization: Organization,
    pub session: Session,
    pub email_verified: bool,
    pub by_cookie: bool,
    /// The password was given a moment ago.
    pub is_recent: bool,
    pub is_admin: bool,
}

/// The member that a request's token names. The directory says whether the token counts; the rows say what its holder
/// may do now.
pub(crate) async fn member(state: &AppState, caller: &Caller) -> Result<Member, Problem> {
    let (token, by_cookie) = match &caller.credential {
        Credential::None => return Err(Problem::unauthenticated()),
        Credential::Malformed => return Err(refused("malformed")),
        Credential::Bearer(token) => (token, false),
        Credential::Cookie(token) => (token, true),
    };
    let view = state.view()?;
    let mut tx = state.store.read().await?;
    let identity: Identity =
        verify(token.expose_secret(), &view, tx.now).map_err(|refusal| refused(refusal.reason()))?;
    let session = sessions::by_id(&mut tx, identity.session_id).await?;
    let user = users::by_id(&mut tx, identity.user_id).await?;
    let organization = organizations::by_id(&mut tx, identity.organization_id).await?;
    let now = tx.now;
    tx.rollback().await?;
    let (Some(session), Some(user), Some(organization)) = (session, user, organization) else {
        return Err(refused("gone"));
    };
    if session.state.is_ended || session.user_id != user.id {
        return Err(refused("revoked_session"));
    }
    if !user.is_active || user.organization_id != organization.id {
        return Err(refused("inactive"));
    }
    if organization.status != Status::Active {
        return Err(refused("suspended"));
    }
    let is_admin = view.backend.admin_role().is_some_and(|admin| admin.as_str() == user.role);
    let is_recent = now.saturating_since(session.authenticated_at) <= RECENT;
    let email_verified = identity.email_verified;
    Ok(Member { user, organization, session, email_verified, by_cookie, is_recent, is_admin })
}

/// A member who may change something: by cookie only from an allowed origin, and only with the password within five
/// minutes, given before or now.
pub(crate) async fn changing(
    state: &AppState,
    caller: &Caller,
    password: Option<SecretString>,
) -> Result<Member, Problem> {
    state.limit(Scope::Other, caller.address, None).await?;
    let member = member(state, caller).await?;
    if !member.by_cookie {
        return Ok(member);
    }
    same_origin(state, caller)?;
    if member.is_recent {
        return Ok(member);
    }
    let Some(password) = password else {
        return Err(Problem::forbidden("password_needed", "Give your password again to make this change."));
    };
    prove_password(state, caller, &member, password).await?;
    let mut tx = state.store.write().await?;
    sessions::set_authenticated(&mut tx, member.session.id).await?;
    tx.commit().await?;
    Ok(member)
}

/// As [`changing`], for an administrator.
pub(crate) async fn administering(
    state: &AppState,
    caller: &Caller,
    password: Option<SecretString>,
) -> Result<Member, Problem> {
    let member = changing(state, caller, password).await?;
    admin_only(&member)?;
    Ok(member)
}

/// Refuses whoever does not administer the organization.
pub(crate) fn admin_only(member: &Member) -> Result<(), Problem> {
    if member.is_admin {
        return Ok(());
    }
    Err(Problem::forbidden("not_an_administrator", "Only an administrator of the organization may do this."))
}

/// Compares the member's own password, as every guess is: counted, and locked out after too many.
pub(crate) async fn prove_password(
    state: &AppState,
    caller: &Caller,
    member: &Member,
    password: SecretString,
) -> Result<(), Problem> {
    let email = Email::parse(&member.user.email).map_err(|_| Problem::internal())?;
    state.limit(Scope::Password, caller.address, Some(email.key())).await?;
    let state = state.clone();
    // Runs to its end even if the client goes away, so that no guess is left uncounted.
    let guessed = tokio::spawn(async move { guess(&state, &email, password).await });
    match guessed.await.map_err(|_| Problem::internal())?? {
        Guess::Right { user, .. } if user.id == member.user.id => Ok(()),
        _ => Err(wrong_password()),
    }
}

/// What is said to a member who gives a password that is not theirs.
pub(crate) fn wrong_password() -> Problem {
    Problem::forbidden("wrong_password", "The password is wrong.").at("current_password")
}

/// Refuses a request that a page of another origin may have made.
pub(crate) fn same_origin(state: &AppState, caller: &Caller) -> Result<(), Problem> {
    let settings = state.settings()?;
    let allowed = settings.cookies.allowed_origins.iter().map(String::as_str);
    same_site_only(caller, allowed.chain([settings.public_url.origin()]))
}

fn refused(reason: &'static str) -> Problem {
    tracing::info!(reason, "a token was refused");
    Problem::invalid_token()
}
