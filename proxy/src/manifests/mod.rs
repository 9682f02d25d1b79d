//! The folder of manifests: read ([`read`]), turned into what the parts understand (`backend`, `organization`), applied
//! to the database (`apply`), watched (`watch`) and applied again (`follow`).

mod apply;
mod backend;
mod follow;
mod organization;
mod watch;

use std::path::Path;

use tenantry_crds::{Loaded, Secrets};
use url::Url;

pub use apply::{Applied, Applier, apply_settings};
pub use backend::ServedBackend;
pub(crate) use follow::{Follower, follow};
pub use organization::Wanted;
pub use watch::{Changes, watch};

/// The stand-alone process in place of a cluster's id.
pub const CLUSTER: &str = "stand-alone";

/// What a folder asks for, as far as it can be served.
#[derive(Default)]
pub struct Read {
    /// The Backend; `None` where the folder's cannot be used.
    pub backend: Option<ServedBackend>,
    /// The Organizations that nothing is wrong with.
    pub organizations: Vec<Wanted>,
    /// Values for references.
    pub secrets: Secrets,
    /// What is refused, each with where it is and what to write instead.
    pub problems: Vec<String>,
    /// What is left aside.
    pub warnings: Vec<String>,
}

/// Reads a folder, or what is assumed without one.
pub fn read(folder: Option<&Path>, upstream: Option<&Url>, public_url: Option<&Url>) -> Read {
    let loaded = folder.map_or_else(Loaded::default, tenantry_crds::folder::load);
    let mut read = Read {
        problems: loaded.problems.iter().map(ToString::to_string).collect(),
        warnings: loaded.warnings.iter().map(ToString::to_string).collect(),
        ..Read::default()
    };
    let assumed = loaded.backend.is_none();
    if let Some(backend) = loaded.backend_or_assumed() {
        match ServedBackend::new(&backend, assumed, upstream, public_url) {
            Ok(served) => read.backend = Some(served),
            Err(problem) => read.problems.push(format!("Backend {}: {problem}", backend.audience())),
        }
    }
    for organization in &loaded.organizations {
        match Wanted::new(organization) {
            Ok(wanted) => read.organizations.push(wanted),
            Err(problem) => read.problems.push(format!(
                "Organization {}/{}: {problem}",
                organization.namespace(),
                organization.name()
            )),
        }
    }
    read.secrets = loaded.secrets;
    read
}

/// What following the manifests needs of the settings.
#[derive(Clone)]
pub(crate) struct FollowSettings {
    pub manifests: Option<std::path::PathBuf>,
    pub upstream: Option<Url>,
    pub public_url: Option<Url>,
}

impl FollowSettings {
    /// Reads the folder as it is now.
    pub fn read(&self) -> Read {
        read(self.manifests.as_deref(), self.upstream.as_ref(), self.public_url.as_ref())
    }
}

/// Shows what the folder's reading found.
pub(crate) fn say(read: &Read) {
    for warning in &read.warnings {
        tracing::warn!("{warning}");
    }
    for problem in &read.problems {
        tracing::error!("{problem}");
    }
}
