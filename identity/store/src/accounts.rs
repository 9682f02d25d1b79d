//! What we know of a user beyond the application's columns: the epoch that its tokens carry, and what was last
//! seen of the columns those tokens depend on, so that a change by hand raises it.

use aws_lc_rs::digest::{SHA256, digest};
use secrecy::{ExposeSecret, SecretString};
use tenantry_directory::{Timestamp, UserId};

use crate::sql::Row;
use crate::{StoreError, Tx, User, users};

/// Our side of a user.
#[derive(Clone, Debug)]
pub struct Account {
    /// Whose.
    pub user_id: UserId,
    /// Tokens with a lower one no longer count.
    pub epoch: i64,
    /// When it was last raised.
    pub epoch_changed_at: Timestamp,
    /// When the password was last chosen.
    pub password_set_at: Timestamp,
    /// Whether the address of the user's row is known to be theirs.
    pub email_verified: bool,
    /// Whether this look at the row found a change that the epoch did not yet reflect.
    pub changed: bool,
}

struct Seen {
    organization_id: Option<i64>,
    role: Option<String>,
    active: bool,
    password: Option<String>,
}

impl Seen {
    fn of(user: Option<&User>) -> Self {
        user.map_or(Self { organization_id: None, role: None, active: false, password: None }, |user| Self {
            organization_id: Some(user.organization_id.0),
            role: Some(user.role.clone()),
            active: user.is_active,
            password: Some(fingerprint(&user.hashed_password)),
        })
    }
}

/// The account of a user whose row is as it is now: role, activity, organization and password are compared with
/// what was last seen, and the epoch is raised where they differ. A user that is gone has an account still, so
/// that its tokens end. `None`: there never was such a user.
pub async fn current(tx: &mut Tx, id: UserId) -> Result<Option<Account>, StoreError> {
    let user = users::by_id(tx, id).await?;
    observe(tx, id, user.as_ref()).await
}

/// The account as it was last seen, without looking for changes of the row: for a transaction that only reads.
pub async fn by_id(tx: &mut Tx, id: UserId) -> Result<Option<Account>, StoreError> {
    let user = users::by_id(tx, id).await?;
    let row = tx.maybe("SELECT * FROM tenantry.accounts WHERE user_id = $1", &[id.into()]).await?;
    row.map(|row| read(&row, user.as_ref(), false)).transpose()
}

/// As [`current`], for a row that was just read.
pub async fn observe(tx: &mut Tx, id: UserId, user: Option<&User>) -> Result<Option<Account>, StoreError> {
    let seen = Seen::of(user);
    // IS DISTINCT FROM is spelled out: SQLite's word for it came after 3.38 only in part.
    let sql = "UPDATE tenantry.accounts SET epoch = epoch + 1, epoch_changed_at = $6, \
          seen_organization_id = $2, seen_role = $3, seen_active = $4, seen_password = $5, \
          password_set_at = CASE WHEN coalesce(seen_password, '') <> coalesce($5, '') THEN $6 \
            ELSE password_set_at END \
        WHERE user_id = $1 AND (coalesce(seen_organization_id, 0) <> coalesce($2, 0) \
          OR coalesce(seen_role, '') <> coalesce($3, '') OR seen_active <> $4 \
          OR coalesce(seen_password, '') <> coalesce($5, ''))";
    let values = [
        id.into(),
        seen.organization_id.into(),
        seen.role.as_deref().into(),
        seen.active.into(),
        seen.password.as_deref().into(),
        tx.now.into(),
    ];
    let changed = tx.run(sql, &values).await? > 0;
    if !changed && user.is_some() {
        insert(tx, id, None).await?;
    }
    let row = tx.maybe("SELECT * FROM tenantry.accounts WHERE user_id = $1", &[id.into()]).await?;
    row.map(|row| read(&row, user, changed)).transpose()
}

/// As [`current`], for every user there is or was.
pub(crate) async fn observe_all(tx: &mut Tx) -> Result<(), StoreError> {
    let rows = tx.all("SELECT id FROM users UNION SELECT user_id FROM tenantry.accounts", &[]).await?;
    for row in rows {
        current(tx, row.user("id")?).await?;
    }
    Ok(())
}

/// Ends every access token of the user, without a change of its row.
pub async fn raise_epoch(tx: &mut Tx, id: UserId) -> Result<(), StoreError> {
    let sql = "UPDATE tenantry.accounts SET epoch = epoch + 1, epoch_changed_at = $2 WHERE user_id = $1";
    tx.run(sql, &[id.into(), tx.now.into()]).await.map(drop)
}

/// Notes that the address the user has now was proved to be theirs.
pub async fn set_email_verified(tx: &mut Tx, id: UserId) -> Result<(), StoreError> {
    let sql = "UPDATE tenantry.accounts SET verified_email = (SELECT lower(email) FROM users WHERE id = $1) \
        WHERE user_id = $1";
    tx.run(sql, &[id.into()]).await.map(drop)
}

fn read(row: &Row, user: Option<&User>, changed: bool) -> Result<Account, StoreError> {
    let verified = row.opt_text("verified_email")?;
    Ok(Account {
        user_id: row.user("user_id")?,
        epoch: row.int("epoch")?,
        epoch_changed_at: row.at("epoch_changed_at")?,
        password_set_at: row.at("password_set_at")?,
        email_verified: user.is_some_and(|user| verified == Some(user.email.to_ascii_lowercase())),
        changed,
    })
}

/// The account of a row that has none yet, ours or another application's.
pub(crate) async fn insert(tx: &mut Tx, id: UserId, verified_email: Option<&str>) -> Result<(), StoreError> {
    let seen = Seen::of(users::by_id(tx, id).await?.as_ref());
    let sql = "INSERT INTO tenantry.accounts (user_id, epoch, epoch_changed_at, seen_organization_id, seen_role, \
          seen_active, seen_password, password_set_at, verified_email) \
        VALUES ($1, 1, $2, $3, $4, $5, $6, $2, $7) ON CONFLICT (user_id) DO NOTHING";
    let values = [
        id.into(),
        tx.now.into(),
        seen.organization_id.into(),
        seen.role.into(),
        seen.active.into(),
        seen.password.into(),
        verified_email.into(),
    ];
    tx.run(sql, &values).await.map(drop)
}

pub(crate) async fn set_seen_password(
    tx: &mut Tx,
    id: UserId,
    hash: &SecretString,
) -> Result<(), StoreError> {
    let sql = "UPDATE tenantry.accounts SET seen_password = $2 WHERE user_id = $1";
    tx.run(sql, &[id.into(), fingerprint(hash).into()]).await.map(drop)
}

/// A hash of the hash: enough to notice a change, nothing to attack.
fn fingerprint(hash: &SecretString) -> String {
    hex::encode(digest(&SHA256, hash.expose_secret().as_bytes()))
}
