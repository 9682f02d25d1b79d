//! What stands in every store for one manifest. A store that does not answer hides nothing of the others.

use std::collections::HashSet;

use futures_util::future::OptionFuture;

use super::desired::{Desired, GivenPassword};
use crate::stores::Store;
use crate::stores::rows::{Rows, RowsView};
use crate::stores::secrets::{SecretOwner, SecretView, Secrets};
use crate::stores::vault::{Vault, VaultSecret, not_connected};
use crate::trouble::Trouble;

/// What a store answered.
pub type Seen<T> = Result<T, Trouble>;

/// What stands in every store.
#[derive(Debug)]
pub struct Observed {
    /// The rows, and who has the slug.
    pub rows: Seen<RowsView>,
    /// The Secret with the keys.
    pub secret: Seen<Option<SecretView>>,
    /// The Secret with the generated password.
    pub admin_secret: Seen<Option<SecretView>>,
    /// The password that the manifest refers to.
    pub password: Seen<GivenPassword>,
    /// The entry of the vault; `None` too where there is no vault.
    pub vault: Seen<Option<VaultSecret>>,
}

/// The stores of one Backend.
#[derive(Clone, Copy)]
pub struct Stores<'a> {
    /// Its database.
    pub rows: &'a dyn Rows,
    /// The cluster's Secrets.
    pub secrets: &'a dyn Secrets,
    /// Its vault.
    pub vault: Option<&'a dyn Vault>,
}

/// Asks every store, all at once.
pub async fn observe(desired: &Desired, stores: Stores<'_>) -> Observed {
    let (rows, (secret, admin_secret), vault) = tokio::join!(
        stores.rows.observe(&desired.place, &desired.slug),
        observe_secrets(desired, stores),
        observe_vault(desired, stores),
    );
    let password = observe_password(desired, stores, &rows).await;
    Observed { rows, secret, admin_secret, password, vault }
}

impl Observed {
    /// Asks those stores again that were written to, or may have been: what the others hold is known.
    pub async fn look_again(&mut self, desired: &Desired, stores: Stores<'_>, written: &HashSet<Store>) {
        let at = |store: Store| written.contains(&store);
        let (rows, secrets, vault) = tokio::join!(
            OptionFuture::from(
                at(Store::Database).then(|| stores.rows.observe(&desired.place, &desired.slug))
            ),
            OptionFuture::from(at(Store::Secrets).then(|| observe_secrets(desired, stores))),
            OptionFuture::from(at(Store::Aws).then(|| observe_vault(desired, stores))),
        );
        if let Some(rows) = rows {
            self.rows = rows;
            self.password = observe_password(desired, stores, &self.rows).await;
        }
        if let Some(secrets) = secrets {
            (self.secret, self.admin_secret) = secrets;
        }
        if let Some(vault) = vault {
            self.vault = vault;
        }
    }

    /// Takes note of a Secret as the API server says that it stands now.
    pub fn stands(&mut self, desired: &Desired, name: &str, secret: SecretView) {
        if name == desired.secret_name() {
            self.secret = Ok(Some(secret));
        } else {
            self.admin_secret = Ok(Some(secret));
        }
    }
}

async fn observe_secrets(
    desired: &Desired,
    stores: Stores<'_>,
) -> (Seen<Option<SecretView>>, Seen<Option<SecretView>>) {
    let (secret_name, admin_name) = (desired.secret_name(), desired.admin_secret_name());
    tokio::join!(
        stores.secrets.observe(&desired.place.namespace, &secret_name),
        observe_admin(desired, stores, &admin_name),
    )
}

/// A manifest without an administrator never had such a Secret, unless it is being deleted and once did.
async fn observe_admin(desired: &Desired, stores: Stores<'_>, name: &str) -> Seen<Option<SecretView>> {
    if desired.deleting || desired.admin.as_ref().is_some_and(|admin| admin.password.is_none()) {
        return stores.secrets.observe(&desired.place.namespace, name).await;
    }
    Ok(None)
}

async fn observe_vault(desired: &Desired, stores: Stores<'_>) -> Seen<Option<VaultSecret>> {
    match (&desired.vault, stores.vault) {
        (Some(place), Some(vault)) => Ok(vault.observe(&place.name).await?),
        (Some(_), None) => Err(not_connected()),
        (None, _) => Ok(None),
    }
}

/// Looked up only while the administrator is still to be made.
async fn observe_password(
    desired: &Desired,
    stores: Stores<'_>,
    rows: &Seen<RowsView>,
) -> Seen<GivenPassword> {
    let made = rows.as_ref().ok().and_then(|rows| rows.mine.as_ref()).is_none_or(|row| row.admin_made);
    let reference = desired.admin.as_ref().and_then(|admin| admin.password.as_ref());
    let (Some(reference), false, false) = (reference, made, desired.deleting) else {
        return Ok(GivenPassword::NotNeeded);
    };
    let secret = stores.secrets.observe(&desired.place.namespace, &reference.name).await?;
    let text = secret.as_ref().and_then(|secret| secret.content.get(&reference.key));
    Ok(text.map_or(GivenPassword::Missing, |text| GivenPassword::Found(text.clone())))
}

impl Desired {
    /// Whose its Secrets are.
    pub fn secret_owner(&self) -> SecretOwner {
        SecretOwner::Organization(self.place.name.clone())
    }

    /// Whether a Secret is this manifest's.
    pub fn owns(&self, secret: &SecretView) -> bool {
        secret.owner.as_ref() == Some(&self.secret_owner())
    }
}
