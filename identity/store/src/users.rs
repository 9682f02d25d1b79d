//! Users: the columns that existing backends read. Whatever of them a token depends on is written together with
//! the account (`accounts`), so that our own changes are told from those made by hand.

use secrecy::{ExposeSecret, SecretString};
use tenantry_directory::{OrganizationId, Role, Timestamp, UserId};
use tenantry_rules::email::Email;

use crate::sql::{Row, Value};
use crate::{StoreError, Tx, accounts};

/// A member of an organization, as the row says.
#[derive(Clone, Debug)]
pub struct User {
    /// Never re-issued.
    pub id: UserId,
    /// The one organization it belongs to.
    pub organization_id: OrganizationId,
    /// As written; compared without case.
    pub email: String,
    /// What people call it.
    pub full_name: String,
    /// One of the Backend's roles, unless somebody wrote another.
    pub role: String,
    /// Whether it may sign in.
    pub is_active: bool,
    /// bcrypt, in the form of whoever made it.
    pub hashed_password: SecretString,
    /// When it last signed in.
    pub last_login: Option<Timestamp>,
    /// When its row was made.
    pub created_at: Timestamp,
}

/// A user to be made.
pub struct NewUser<'a> {
    /// Where it belongs.
    pub organization_id: OrganizationId,
    /// Unique without regard to case.
    pub email: &'a Email,
    /// What people call it.
    pub full_name: &'a str,
    /// Its role.
    pub role: &'a Role,
    /// The hash of its password.
    pub hashed_password: &'a SecretString,
    /// Whether the address is known to be theirs.
    pub email_verified: bool,
}

/// Why a user was not made or let in again.
#[derive(Debug, thiserror::Error)]
pub enum UserError {
    /// Somebody has this address already, in whatever organization.
    #[error("this e-mail address is taken")]
    EmailTaken,
    /// The organization has as many active users as it may have.
    #[error("the organization has all the users it may have")]
    LimitReached,
    /// No such organization or user.
    #[error("no such organization or user")]
    NotFound,
    /// The store failed.
    #[error(transparent)]
    Store(#[from] StoreError),
}

macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT id, organization_id, email, full_name, role, is_active, hashed_password, last_login, ",
            "created_at FROM users ",
            $rest
        )
    };
}

fn read(row: &Row) -> Result<User, StoreError> {
    Ok(User {
        id: row.user("id")?,
        organization_id: row.organization("organization_id")?,
        email: row.text("email")?,
        full_name: row.opt_text("full_name")?.unwrap_or_default(),
        role: row.opt_text("role")?.unwrap_or_default(),
        is_active: row.bool("is_active")?,
        hashed_password: row.opt_text("hashed_password")?.unwrap_or_default().into(),
        last_login: row.opt_moment("last_login")?,
        created_at: row.opt_moment("created_at")?.unwrap_or_default(),
    })
}

/// The user with this id.
pub async fn by_id(tx: &mut Tx, id: UserId) -> Result<Option<User>, StoreError> {
    tx.maybe(select!("WHERE id = $1"), &[id.into()]).await?.as_ref().map(read).transpose()
}

/// The user with this address in any case. Two of them (a table that another application made may allow it) are
/// an error: the wrong one must not be let in.
pub async fn by_email(tx: &mut Tx, email: &Email) -> Result<Option<User>, StoreError> {
    let rows = tx.all(select!("WHERE lower(email) = $1 LIMIT 2"), &[email.key().into()]).await?;
    match rows.as_slice() {
        [] => Ok(None),
        [row] => read(row).map(Some),
        _ => Err(StoreError::AmbiguousEmail),
    }
}

/// The organization's users, oldest first.
pub async fn list(tx: &mut Tx, organization: OrganizationId) -> Result<Vec<User>, StoreError> {
    let sql = select!("WHERE organization_id = $1 ORDER BY id");
    tx.all(sql, &[organization.into()]).await?.iter().map(read).collect()
}

/// How many active users of the organization have this role: whoever takes the last admin away wants to know.
pub async fn count_active(tx: &mut Tx, organization: OrganizationId, role: &Role) -> Result<i64, StoreError> {
    let sql =
        "SELECT count(*) AS count FROM users WHERE organization_id = $1 AND is_active = $2 AND role = $3";
    tx.one(sql, &[organization.into(), true.into(), role.as_str().into()]).await?.int("count")
}

/// Makes a user and its account, within the organization's limit.
pub async fn create(tx: &mut Tx, new: &NewUser<'_>) -> Result<User, UserError> {
    if by_email(tx, new.email).await?.is_some() {
        return Err(UserError::EmailTaken);
    }
    lock_organization(tx, new.organization_id).await?;
    let sql = "INSERT INTO users (organization_id, email, full_name, role, is_active, hashed_password, \
          failed_login_attempts, created_at, updated_at) \
        SELECT id, $2, $3, $4, $6, $5, 0, $7, $7 FROM organizations WHERE id = $1 AND (max_users IS NULL OR \
          (SELECT count(*) FROM users WHERE organization_id = $1 AND is_active) < max_users) RETURNING id";
    let values = [
        new.organization_id.into(),
        new.email.as_str().into(),
        new.full_name.into(),
        new.role.as_str().into(),
        new.hashed_password.expose_secret().into(),
        true.into(),
        Value::moment(tx.now),
    ];
    let row = match tx.maybe(sql, &values).await {
        Ok(row) => row.ok_or(UserError::LimitReached)?,
        Err(error) if error.is_duplicate() => return Err(UserError::EmailTaken),
        Err(error) => return Err(error.into()),
    };
    let id = row.user("id")?;
    accounts::insert(tx, id, new.email_verified.then(|| new.email.key())).await?;
    by_id(tx, id).await?.ok_or(UserError::NotFound)
}

/// Sets a password that somebody chose: tokens and, unless the caller keeps one, sessions from before end.
pub async fn set_password(tx: &mut Tx, id: UserId, hash: &SecretString) -> Result<(), StoreError> {
    accounts::current(tx, id).await?;
    let sql = "UPDATE users SET hashed_password = $2, updated_at = $3 WHERE id = $1";
    tx.run(sql, &[id.into(), hash.expose_secret().into(), Value::moment(tx.now)]).await?;
    let sql = "UPDATE tenantry.accounts SET password_set_at = $2 WHERE user_id = $1";
    tx.run(sql, &[id.into(), tx.now.into()]).await?;
    accounts::current(tx, id).await.map(drop)
}

/// Replaces the hash of an unchanged password by a stronger one, unless the password changed meanwhile. No token
/// ends by it.
pub async fn rehash(
    tx: &mut Tx,
    id: UserId,
    from: &SecretString,
    to: &SecretString,
) -> Result<bool, StoreError> {
    accounts::current(tx, id).await?;
    let sql = "UPDATE users SET hashed_password = $3, updated_at = $4 WHERE id = $1 AND hashed_password = $2";
    let values = [id.into(), from.expose_secret().into(), to.expose_secret().into(), Value::moment(tx.now)];
    let replaced = tx.run(sql, &values).await? > 0;
    if replaced {
        accounts::set_seen_password(tx, id, to).await?;
    }
    Ok(replaced)
}

/// Changes the role of a member of `organization`; whether there is one.
pub async fn set_role(
    tx: &mut Tx,
    organization: OrganizationId,
    id: UserId,
    role: &Role,
) -> Result<bool, StoreError> {
    let sql = "UPDATE users SET role = $3, updated_at = $4 WHERE id = $1 AND organization_id = $2";
    let values = [id.into(), organization.into(), role.as_str().into(), Value::moment(tx.now)];
    let found = tx.run(sql, &values).await? > 0;
    accounts::current(tx, id).await?;
    Ok(found)
}

/// Shuts out a member of `organization`, or lets it in again within the limit.
pub async fn set_active(
    tx: &mut Tx,
    organization: OrganizationId,
    id: UserId,
    active: bool,
) -> Result<(), UserError> {
    lock_organization(tx, organization).await?;
    let sql = "UPDATE users SET is_active = $3, updated_at = $4 \
        WHERE id = $1 AND organization_id = $2 AND (is_active OR NOT $3 OR \
          (SELECT max_users IS NULL OR (SELECT count(*) FROM users WHERE organization_id = $2 AND is_active) \
             < max_users FROM organizations WHERE id = $2))";
    let values = [id.into(), organization.into(), active.into(), Value::moment(tx.now)];
    if tx.run(sql, &values).await? == 0 {
        let known = by_id(tx, id).await?.is_some_and(|user| user.organization_id == organization);
        return Err(if known { UserError::LimitReached } else { UserError::NotFound });
    }
    accounts::current(tx, id).await?;
    Ok(())
}

/// Removes a member of `organization`; whether there was one. Its id is not used again.
pub async fn delete(tx: &mut Tx, organization: OrganizationId, id: UserId) -> Result<bool, StoreError> {
    let sql = "DELETE FROM users WHERE id = $1 AND organization_id = $2";
    let found = tx.run(sql, &[id.into(), organization.into()]).await? > 0;
    if found {
        accounts::current(tx, id).await?;
    }
    Ok(found)
}

/// Notes a sign-in.
pub async fn touch_last_login(tx: &mut Tx, id: UserId) -> Result<(), StoreError> {
    tx.run("UPDATE users SET last_login = $2 WHERE id = $1", &[id.into(), Value::moment(tx.now)])
        .await
        .map(drop)
}

/// One count at a time: under READ COMMITTED two inserts would both find the last place free.
async fn lock_organization(tx: &mut Tx, id: OrganizationId) -> Result<(), UserError> {
    let found = crate::organizations::lock(tx, id).await?;
    found.map(drop).ok_or(UserError::NotFound)
}
