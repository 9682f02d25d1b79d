//! The story: what is not as it is wanted is written, one thing after the other, and what cannot be written is told.

use aws_lc_rs::digest;
use chrono::{DateTime, Utc};
use secrecy::SecretString;
use serde_json::{Value, json};
use tenantry_crds::Backend;
use tenantry_crds::backend::Database;

use super::covers::covers;
use super::objects::{self, Wanted};
use super::reviewers;
use crate::backend;
use crate::backend::connect::digest_of;
use crate::backend::reconcile::World;
use crate::conditions;
use crate::names::{self, annotation, label};
use crate::settings::Authority;
use crate::stores::manifests::Note;
use crate::stores::objects::{At, Kind};
use crate::trouble::Trouble;

/// How long a pod that starts is waited for.
const STARTING: std::time::Duration = std::time::Duration::from_secs(3);

/// Whose authority it is, and what it is made of.
#[derive(Clone, Copy)]
pub struct For<'a> {
    /// The Backend.
    pub backend: &'a Backend,
    /// Its database.
    pub database: &'a Database,
    /// What authorities are like here.
    pub settings: &'a Authority,
    /// The cluster's id.
    pub cluster: &'a str,
    /// A digest of what its pods read once, [`read`].
    pub read: &'a str,
}

/// A digest of what an authority's pods read when they start. The keyring is among it, so that nobody finds a password by it.
pub fn read(url: &SecretString, ca: Option<&SecretString>, keyring: &SecretString) -> String {
    hex::encode(&digest_of([Some(keyring), Some(url), ca]).finish().as_ref()[..16])
}

/// Closes the backend's pods to everything that goes past their gates, whatever becomes of the rest.
pub async fn close(world: &World<'_>, of: For<'_>, now: DateTime<Utc>) -> Result<(), Trouble> {
    Keeping { world, of, now }.closed().await
}

/// Keeps the authority of a Backend.
pub async fn keep(world: &World<'_>, of: For<'_>, now: DateTime<Utc>) -> Result<(), Trouble> {
    let keeping = Keeping { world, of, now };
    keeping.certificates().await?;
    let mut last = Value::Null;
    for wanted in objects::authority(&of) {
        last = keeping.stands(&wanted).await?;
    }
    reviewers::admit(world, of).await?;
    available(&of, &last)
}

/// One Backend as it is looked at once.
pub(super) struct Keeping<'a> {
    pub(super) world: &'a World<'a>,
    pub(super) of: For<'a>,
    pub(super) now: DateTime<Utc>,
}

impl Keeping<'_> {
    /// The backend's pods let in nothing but what is for their gates.
    async fn closed(&self) -> Result<(), Trouble> {
        let policy = objects::gates(self.of.backend);
        if objects::is_closed(self.of.backend) {
            return self.stands(&policy).await.map(drop);
        }
        match self.world.objects.observe(&policy.at).await? {
            Some(seen) if is_ours(&seen, self.of.backend) => {
                self.may_write(&policy.at.to_string())?;
                self.world.objects.delete(&policy.at, &seen).await
            }
            _ => Ok(()),
        }
    }

    /// Has an object stand as it is wanted; what stands there.
    pub(super) async fn stands(&self, wanted: &Wanted) -> Result<Value, Trouble> {
        let Wanted { at, object } = wanted;
        let text = object.to_string();
        let digest = hex::encode(&digest::digest(&digest::SHA256, text.as_bytes()).as_ref()[..16]);
        let mut object = object.clone();
        object["metadata"]["annotations"][annotation::WRITTEN] = json!(digest);
        let Some(seen) = self.seen(at).await? else {
            self.may_write(&at.to_string())?;
            let made = self.world.objects.create(at, &object).await?;
            if self.is_settled() {
                self.told(&format!("{at} was gone and was made again")).await;
            }
            return Ok(made);
        };
        if covers(&seen, &object) {
            return Ok(seen);
        }
        self.may_write(&at.to_string())?;
        let is_drift = seen["metadata"]["annotations"][annotation::WRITTEN] == digest.as_str();
        let mut written = self.world.objects.apply(at, &object, &seen).await?;
        if !covers(&written, &object) {
            // Somebody else's fields stand in the way, and go.
            let mut fields = object.clone();
            for of_every in ["apiVersion", "kind", "metadata"] {
                fields.as_object_mut().and_then(|fields| fields.remove(of_every));
            }
            self.world.objects.merge(at, &fields, &written).await?;
            written = self.seen(at).await?.unwrap_or_default();
        }
        if is_drift {
            self.told(&format!("{at} was not as it should be and was put right")).await;
        }
        Ok(written)
    }

    /// An object of ours; one of that name that is somebody else's is never touched.
    pub(super) async fn seen(&self, at: &At) -> Result<Option<Value>, Trouble> {
        match self.world.objects.observe(at).await? {
            Some(seen) if !is_ours(&seen, self.of.backend) => Err(foreign(at)),
            seen => Ok(seen),
        }
    }

    /// As [`backend::may_write`].
    pub(super) fn may_write(&self, what: &str) -> Result<(), Trouble> {
        backend::may_write(self.of.backend, what)
    }

    /// Tells that something was put right.
    pub(super) async fn told(&self, text: &str) {
        self.warn("DriftRepaired", text).await;
    }

    /// Warns of something.
    pub(super) async fn warn(&self, reason: &str, text: &str) {
        self.world.manifests.note(self.of.backend, Note::warning(reason, text)).await;
    }

    fn is_settled(&self) -> bool {
        let status = self.of.backend.status.as_ref();
        status.is_some_and(|status| conditions::holds(&status.conditions, conditions::AUTHORITY))
    }
}

/// Whether an object is this Backend's, by its labels, or by its owner where somebody took these off.
fn is_ours(seen: &Value, backend: &Backend) -> bool {
    let of = &seen["metadata"];
    let is_labelled =
        of["labels"][label::MANAGED_BY] == names::MANAGER && of["labels"][label::BACKEND] == backend.name();
    let mut owners = of["ownerReferences"].as_array().into_iter().flatten();
    let uid = backend.metadata.uid.as_deref();
    is_labelled || owners.any(|owner| uid.is_some_and(|uid| owner["uid"] == uid))
}

fn foreign(at: &At) -> Trouble {
    Trouble::standing(
        "ForeignObject",
        format!("{at} is somebody else's and is never overwritten: rename or delete it"),
    )
}

/// Whether one of the Deployment's pods answers.
fn available(of: &For<'_>, deployment: &Value) -> Result<(), Trouble> {
    let status = &deployment["status"];
    if status["availableReplicas"].as_i64().unwrap_or_default() > 0 {
        return Ok(());
    }
    let failed = status["conditions"].as_array().into_iter().flatten();
    let mut failed =
        failed.filter(|condition| condition["type"] == "ReplicaFailure" && condition["status"] == "True");
    let why = failed.find_map(|condition| condition["message"].as_str());
    let (namespace, name) = (of.backend.namespace(), names::authority(of.backend.name()));
    let kind = Kind::DEPLOYMENT.kind;
    let message = match why {
        Some(why) => format!("no pod of the {kind} {namespace}/{name} can be made: {why}"),
        None => format!(
            "no pod of the {kind} {namespace}/{name} answers yet: kubectl --namespace {namespace} describe pods --selector \
             {}={}",
            label::BACKEND,
            of.backend.name()
        ),
    };
    Err(Trouble::until("AuthorityUnavailable", STARTING, message))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pods_are_replaced_for_what_they_read_once() {
        let of = |url: &str, ca: Option<&str>, keyring: &str| {
            read(&url.into(), ca.map(SecretString::from).as_ref(), &keyring.into())
        };
        let one = of("u", Some("c"), "k");
        assert_eq!(one, of("u", Some("c"), "k"));
        let others =
            [of("v", Some("c"), "k"), of("u", None, "k"), of("u", Some("c"), "l"), of("uc", None, "k")];
        for (at, other) in others.iter().enumerate() {
            assert_ne!(one, *other, "{at}");
        }
    }
}
