//! An authority outside a cluster: a folder of manifests, and a file with what gates show.

use std::sync::Arc;

use tenantry_authority::TokenFile;
use tenantry_process::Failure;
use tokio_util::sync::CancellationToken;

use super::Parts;
use crate::data::DataFolder;
use crate::database::{self, Wanted};
use crate::manifests::{self, Applier, CLUSTER, FollowSettings, Follower, say};
use crate::settings::{AuthoritySettings, Served};

/// Applies the folder and starts to serve.
pub(super) async fn start(settings: &AuthoritySettings, stop: CancellationToken) -> Result<Parts, Failure> {
    let Served::Folder { manifests, public_url, data, keyring, database, gate_tokens } = &settings.served
    else {
        return Err(Failure::usage("there is no folder of manifests", "Name one with --manifests."));
    };
    let gates = TokenFile::open(gate_tokens.clone()).map_err(|error| Failure::of(&error))?;
    let follow =
        FollowSettings { manifests: Some(manifests.clone()), upstream: None, public_url: public_url.clone() };
    let read = follow.read();
    say(&read);
    let Some(served) = read.backend.clone().filter(|served| !served.assumed) else {
        return Err(Failure::new(
            "the manifests hold no Backend that can be served",
            "Correct what is named above; `tenantry-proxy check FOLDER` names every problem.",
        ));
    };
    let data = Arc::new(DataFolder::open(data)?);
    let store = database::open(Wanted {
        url: database.clone(),
        ca: settings.database_ca.clone(),
        keyring: keyring.clone(),
        data: Some(&data),
        backend: served.settings.audience.clone(),
        cluster: CLUSTER.to_owned(),
    })
    .await?;
    let applier = Applier { store: store.clone(), data };
    let applied = applier.apply(&read).await.map_err(|error| {
        Failure::new(
            format!("the manifests cannot be applied: {error}"),
            "See to the database, then start again.",
        )
    })?;
    applied.tell();
    let authority = super::start(settings, store.clone(), &served, Arc::new(gates))?;
    let follower = Follower {
        settings: follow,
        applier,
        authority: Arc::clone(&authority),
        quotas: served.quotas,
        limiter: super::limiter,
    };
    Ok(Parts { store, authority, following: Box::pin(manifests::follow(follower, stop)) })
}
