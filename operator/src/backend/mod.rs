//! One Backend: which Organizations belong to it ([`resolve`]), the keyring that seals its rows ([`keyring`]), its database
//! ([`connect`]), its own keys ([`keys`]), its entries of the vault ([`entries`], with [`urls`] and [`puts`]), and the story of all
//! that ([`reconcile`], [`report`], [`deletion`]). What is open stays in the [`registry`], where Organizations find it.

pub mod connect;
pub mod deletion;
pub mod entries;
pub mod keyring;
pub mod keys;
pub mod puts;
pub mod reconcile;
pub mod registry;
pub mod report;
pub mod resolve;
pub mod urls;

use tenantry_crds::Backend;
use tenantry_crds::backend::Aws;

use crate::content::Content;
use crate::marks;
use crate::organization::desired::VaultPlace;
use crate::stores::rows::Place;
use crate::stores::secrets::{SecretOwner, SecretView, SecretWanted, Secrets};
use crate::trouble::Trouble;

/// Why something of a Backend is not written.
fn paused(what: &str) -> Trouble {
    Trouble::standing("Paused", format!("tenantry.io/paused is set: {what} waits until it is removed"))
}

/// Refuses a write of a Backend's own while it is paused: it is looked at all the same, for its Organizations need it open.
pub(crate) fn may_write(backend: &Backend, what: &str) -> Result<(), Trouble> {
    if marks::is_paused(&backend.metadata) { Err(paused(what)) } else { Ok(()) }
}

/// Makes a Secret of a Backend's, or writes over exactly the one that was seen.
pub(crate) async fn write_secret(
    secrets: &dyn Secrets,
    backend: &Backend,
    name: &str,
    content: Content,
    seen: Option<&SecretView>,
) -> Result<(), Trouble> {
    may_write(backend, &format!("the Secret {name}"))?;
    let wanted = SecretWanted {
        namespace: backend.namespace().to_owned(),
        name: name.to_owned(),
        owner: secret_owner(backend),
        content,
    };
    match seen {
        None => secrets.create(&wanted).await.map(drop),
        Some(seen) => secrets.replace(&wanted, seen).await.map(drop),
    }
}

/// Where a Backend stands.
pub fn place(backend: &Backend, cluster: &str) -> Place {
    Place {
        cluster: cluster.to_owned(),
        namespace: backend.namespace().to_owned(),
        name: backend.name().to_owned(),
    }
}

/// Whose a Backend's Secrets are.
pub fn secret_owner(backend: &Backend) -> SecretOwner {
    SecretOwner::Backend(backend.name().to_owned())
}

/// Where its own entry of the vault is.
pub fn entry_place(backend: &Backend, aws: &Aws, cluster: &str) -> VaultPlace {
    let name = format!("{}/{}", aws.prefix.trim_end_matches('/'), backend.name());
    VaultPlace::new(aws, &place(backend, cluster), &owner(backend), name)
}

/// Where the mirror of its keyring is. No Organization has a name that begins like this.
pub fn mirror_place(backend: &Backend, aws: &Aws, cluster: &str) -> VaultPlace {
    let name = format!("{}/{}/_sealing-keyring", aws.prefix.trim_end_matches('/'), backend.name());
    VaultPlace::new(aws, &place(backend, cluster), &owner(backend), name)
}

fn owner(backend: &Backend) -> String {
    format!("Backend/{}", backend.name())
}
