//! Wrong passwords, counted per address whether or not an account has it. A guess takes a place before the
//! password is looked at and gives it back after, so that parallel guesses never exceed the limit.

use std::time::Duration;

use tenantry_directory::Timestamp;
use tenantry_rules::email::Email;
use tenantry_rules::lockout::{LockoutPolicy, Outcome, STALE_ATTEMPT};

use crate::sql::Value;
use crate::{StoreError, Tx};

/// A place taken for one guess; it must be given back with [`settle`].
#[must_use = "a place that is not given back blocks the account for a minute"]
#[derive(Debug)]
pub struct Attempt {
    account: String,
}

/// Whether a guess may be looked at.
#[derive(Debug)]
pub enum Admission {
    /// Yes: check the password, then [`settle`].
    Admitted(Attempt),
    /// No, until then. To be answered as a wrong password is.
    Locked {
        /// When the lock ends.
        until: Timestamp,
    },
    /// Not now: as many guesses as are left are in flight.
    Busy,
}

/// Takes a place for one guess at whatever account has this address, in any spelling. Commit before hashing.
pub async fn reserve(tx: &mut Tx, account: &Email, policy: LockoutPolicy) -> Result<Admission, StoreError> {
    // $2 now, $3 attempts, $4 reservations older than this are dead, $5 failures older than this are forgotten.
    let sql = "INSERT INTO tenantry.lockout AS l (account, in_flight, reserved_at) VALUES ($1, 1, $2) \
        ON CONFLICT (account) DO UPDATE SET \
          failures = CASE WHEN l.locked_until IS NOT NULL OR l.failed_at <= $5 THEN 0 ELSE l.failures END, \
          in_flight = CASE WHEN l.reserved_at <= $4 THEN 0 ELSE l.in_flight END + 1, \
          reserved_at = $2, locked_until = NULL \
        WHERE (l.locked_until IS NULL OR l.locked_until <= $2) AND \
          CASE WHEN l.locked_until IS NOT NULL OR l.failed_at <= $5 THEN 0 ELSE l.failures END \
          + CASE WHEN l.reserved_at <= $4 THEN 0 ELSE l.in_flight END < $3 \
        RETURNING account";
    let values: [Value; 5] = [
        account.key().into(),
        tx.now.into(),
        i64::from(policy.after.max(1)).into(),
        tx.now.minus(STALE_ATTEMPT).into(),
        tx.now.minus(policy.lock_for).into(),
    ];
    if tx.maybe(sql, &values).await?.is_some() {
        return Ok(Admission::Admitted(Attempt { account: account.key().to_owned() }));
    }
    let sql = "SELECT locked_until FROM tenantry.lockout WHERE account = $1 AND locked_until > $2";
    Ok(match tx.maybe(sql, &[account.key().into(), tx.now.into()]).await? {
        Some(row) => Admission::Locked { until: row.at("locked_until")? },
        None => Admission::Busy,
    })
}

/// Gives the place back; when the lock fell with this guess, until when it holds.
pub async fn settle(
    tx: &mut Tx,
    attempt: Attempt,
    outcome: Outcome,
    policy: LockoutPolicy,
) -> Result<Option<Timestamp>, StoreError> {
    let account = attempt.account.as_str();
    match outcome {
        Outcome::Right => {
            let sql = "UPDATE tenantry.lockout SET failures = 0, failed_at = NULL, \
                in_flight = CASE WHEN in_flight > 0 THEN in_flight - 1 ELSE 0 END WHERE account = $1";
            tx.run(sql, &[account.into()]).await?;
            Ok(None)
        }
        Outcome::Abandoned => {
            let sql = "UPDATE tenantry.lockout SET \
                in_flight = CASE WHEN in_flight > 0 THEN in_flight - 1 ELSE 0 END WHERE account = $1";
            tx.run(sql, &[account.into()]).await?;
            Ok(None)
        }
        Outcome::Wrong => {
            let sql = "INSERT INTO tenantry.lockout AS l (account, failures, failed_at, locked_until) \
                VALUES ($1, 1, $2, CASE WHEN $3 <= 1 THEN $4 ELSE NULL END) \
                ON CONFLICT (account) DO UPDATE SET failures = l.failures + 1, failed_at = $2, \
                  in_flight = CASE WHEN l.in_flight > 0 THEN l.in_flight - 1 ELSE 0 END, \
                  locked_until = CASE WHEN l.failures + 1 >= $3 THEN $4 ELSE l.locked_until END \
                RETURNING locked_until";
            let until = tx.now.plus(policy.lock_for);
            let values = [account.into(), tx.now.into(), i64::from(policy.after.max(1)).into(), until.into()];
            tx.one(sql, &values).await?.opt_at("locked_until")
        }
    }
}

/// Forgets what nothing depends on any more.
pub(crate) async fn prune(tx: &mut Tx, kept_for: Duration) -> Result<u64, StoreError> {
    let sql = "DELETE FROM tenantry.lockout WHERE (locked_until IS NULL OR locked_until <= $1) \
        AND (failed_at IS NULL OR failed_at <= $1) AND (reserved_at IS NULL OR reserved_at <= $1)";
    tx.run(sql, &[tx.now.minus(kept_for).into()]).await
}
