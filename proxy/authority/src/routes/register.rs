//! POST /api/auth/register

use axum::extract::State;
use axum::response::{IntoResponse as _, Response};
use http::StatusCode;
use secrecy::SecretString;
use serde::Serialize;
use tenantry_rules::email::Email;
use tenantry_rules::names::{FullName, OrganizationName};
use tenantry_rules::password;
use tenantry_rules::slug::Slug;
use tenantry_store::provision::{Admin, FirstKey, RegisterError, Registration, register as found};
use tenantry_store::{Organization, User};

use super::private;
use crate::answers::{OrganizationAnswer, TokenAnswer, UserAnswer};
use crate::edge::{Caller, Fields, FromFields, JsonBody};
use crate::limits::Scope;
use crate::problem::Problem;
use crate::state::AppState;
use crate::tokens::{self, Holder, TokenPair};

/// An organization and its first administrator.
pub(crate) struct RegisterInput {
    pub organization_name: OrganizationName,
    pub admin_email: Email,
    pub admin_password: SecretString,
    pub admin_name: FullName,
}

impl FromFields for RegisterInput {
    fn from_fields(fields: &mut Fields) -> Result<Self, Problem> {
        Ok(Self {
            organization_name: fields.name("organization_name", OrganizationName::parse)?,
            admin_email: fields.email("admin_email")?,
            admin_password: fields.secret("admin_password")?,
            admin_name: fields.name("admin_name", FullName::parse)?,
        })
    }
}

/// What a registration made.
pub(crate) struct Registered {
    pub pair: TokenPair,
    pub user: User,
    pub organization: Organization,
}

#[derive(Serialize)]
struct Answer {
    #[serde(flatten)]
    tokens: TokenAnswer,
    user: UserAnswer,
    organization: OrganizationAnswer,
}

/// Answers 201 with tokens, the user and the organization.
pub(crate) async fn answer(
    State(state): State<AppState>,
    caller: Caller,
    JsonBody(input): JsonBody<RegisterInput>,
) -> Result<Response, Problem> {
    let made = register(&state, &caller, input).await?;
    let answer = Answer {
        tokens: TokenAnswer::from(&made.pair),
        user: UserAnswer::new(&made.user, false),
        organization: OrganizationAnswer::from(&made.organization),
    };
    Ok((StatusCode::CREATED, private(answer)).into_response())
}

/// Founds an organization and begins its administrator's session, in one transaction.
pub(crate) async fn register(
    state: &AppState,
    caller: &Caller,
    input: RegisterInput,
) -> Result<Registered, Problem> {
    let policy = state.policy.load_full();
    if !policy.registration_open {
        return Err(Problem::forbidden(
            "registration_closed",
            "Registration is closed here. Ask for an invitation.",
        ));
    }
    state.limit(Scope::Enrol, caller.address, Some(input.admin_email.key())).await?;
    let slug = Slug::from_name(input.organization_name.as_str()).map_err(|_| {
        Problem::bad_request("slug_empty", "Use letters a to z or digits in the organization's name.")
            .at("organization_name")
    })?;
    let words = [input.admin_email.as_str(), input.organization_name.as_str(), input.admin_name.as_str()];
    let settings = state.settings()?;
    let role = settings.admin_role().ok_or_else(Problem::internal)?;
    let hash = judge_and_hash(state, "admin_password", input.admin_password, &words).await?;
    let registration = Registration {
        slug: &slug,
        name: input.organization_name.as_str(),
        max_users: policy.registered_max_users,
        admin: Admin {
            email: &input.admin_email,
            full_name: input.admin_name.as_str(),
            role,
            hashed_password: &hash,
            email_verified: false,
            shown_password: None,
        },
        first_key: FirstKey { algorithm: policy.algorithm, policy: policy.keys(&settings) },
    };
    let mut tx = state.store.write().await?;
    let made = found(&mut tx, state.random.as_ref(), &registration).await.map_err(refusal)?;
    let holder = Holder { user: &made.user, organization: &made.organization };
    let pair = tokens::begin(state, &mut tx, &settings, caller, &holder).await?;
    state.commit_and_publish(tx).await?;
    tracing::info!(organization = %made.organization.id, slug = made.organization.slug, "an organization registered");
    Ok(Registered { pair, user: made.user, organization: made.organization })
}

/// Judges a new password against the policy and hashes it, both off the request threads.
pub(crate) async fn judge_and_hash(
    state: &AppState,
    field: &'static str,
    password: SecretString,
    words: &[&str],
) -> Result<SecretString, Problem> {
    let (policy, random) = (state.policy.load().passwords, state.random.clone());
    let words: Vec<String> = words.iter().map(|word| (*word).to_owned()).collect();
    let judged = state.hashing.run(move || {
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        policy.check(&password, &words).map(|()| password::hash(&password, random.as_ref()))
    });
    let hash =
        judged.await?.map_err(|weak| Problem::bad_request("weak_password", weak.to_string()).at(field))?;
    hash.map(SecretString::from).map_err(|error| {
        tracing::error!(%error, "a password could not be hashed");
        Problem::internal()
    })
}

fn refusal(error: RegisterError) -> Problem {
    match error {
        RegisterError::SlugTaken => Problem::bad_request(
            "organization_taken",
            "An organization of this name exists already. Choose another name.",
        )
        .at("organization_name"),
        RegisterError::EmailTaken => Problem::bad_request(
            "email_taken",
            "This e-mail address cannot be registered. Sign in, or use another one.",
        )
        .at("admin_email"),
        RegisterError::Found(error) => {
            tracing::error!(
                error = &error as &dyn std::error::Error,
                "an organization could not be registered"
            );
            Problem::internal()
        }
    }
}
