//! A Backend that is going: not before its Organizations. Its rows and its sealing keyring stay: whoever makes the Backend again finds
//! everything as it was.

use chrono::{DateTime, Utc};
use tenantry_crds::Backend;

use super::reconcile::{Reconciled, World, finish};
use super::registry::key_of;
use super::report::Findings;
use crate::authority;
use crate::marks;
use crate::names;
use crate::organization::Outcome;
use crate::stores::manifests::{ABANDONED, Note};
use crate::stores::rows::Rows as _;
use crate::trouble::Trouble;

/// Reconciles a Backend that is being deleted.
pub async fn reconcile(world: &World<'_>, backend: &Backend, now: DateTime<Utc>) -> Reconciled {
    if !marks::has_finalizer(&backend.metadata) {
        return Reconciled { outcome: Outcome::Gone, tell_members: false };
    }
    let uid = backend.metadata.uid.clone().unwrap_or_default();
    let abandoned = marks::is_abandoned(&backend.metadata);
    let mut findings = Findings::default();
    if abandoned {
        if let Err(trouble) = authority::withdraw(world, &key_of(backend)).await {
            tracing::warn!(reason = trouble.reason, "{}", trouble.message);
        }
    } else {
        findings.deletion = clean(world, backend, &uid).await.err();
    }
    if findings.deletion.is_some() {
        let outcome = finish(world, backend, &findings, now).await;
        return Reconciled { outcome, tell_members: false };
    }
    let text = if abandoned {
        ABANDONED.to_owned()
    } else {
        format!(
            "its rows stay, and so does the Secret {}, which opens their keys",
            names::keyring_secret(backend.name())
        )
    };
    world
        .manifests
        .note(backend, Note { warning: abandoned, reason: "Removed".to_owned(), message: text })
        .await;
    match world.manifests.set_finalizer(backend, false).await {
        Ok(_) => {
            world.registry.close(&key_of(backend));
            Reconciled { outcome: Outcome::Gone, tell_members: true }
        }
        Err(_) => Reconciled { outcome: Outcome::Retry, tell_members: false },
    }
}

async fn clean(world: &World<'_>, backend: &Backend, uid: &str) -> Result<(), Trouble> {
    super::may_write(backend, "its deletion")?;
    if !knows_its_members(world, backend).await {
        let message = format!(
            "not every namespace that is watched could be read yet, and Organizations there may belong to it: see the operator's \
             log. To let it go without them, give it the annotation tenantry.io/abandon: {uid}"
        );
        return Err(Trouble::passing("OrganizationsUnknown", message));
    }
    if world.members.all > 0 {
        let message = format!(
            "{} Organizations belong to it: delete them first. To let it go without them, give it the annotation \
             tenantry.io/abandon: {uid}",
            world.members.all
        );
        return Err(Trouble::passing("OrganizationsExist", message));
    }
    let (namespace, name) = (backend.namespace(), backend.name());
    let mut secrets = vec![names::backend_secret(name)];
    if world.authority.is_some() {
        // Not the authorities that signed these: pods that go on running trust them.
        secrets.extend([names::authority_secret(name), names::gate_secret(name)]);
        authority::withdraw(world, &key_of(backend)).await?;
    }
    for name in secrets {
        if let Some(secret) = world.secrets.observe(namespace, &name).await?
            && secret.owner.as_ref() == Some(&super::secret_owner(backend))
        {
            world.secrets.delete(namespace, &name, &secret).await?;
        }
    }
    Ok(())
}

/// Whether no Organization can belong to it that was not read: neither may one come from there, nor does the database have rows of
/// one, made while it was let in.
async fn knows_its_members(world: &World<'_>, backend: &Backend) -> bool {
    let unread = &world.members.unread;
    if !world.members.known || unread.is_empty() {
        return world.members.known;
    }
    let Ok(open) = world.registry.get(&key_of(backend)) else {
        return false;
    };
    let owned = open.rows.owned(world.cluster).await;
    owned.is_ok_and(|places| !places.iter().any(|place| unread.contains(&place.namespace)))
}
