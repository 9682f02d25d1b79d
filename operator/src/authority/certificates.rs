//! The certificates of a Backend: two authorities (CA), each with its certificate. One signs what the authority shows and gates trust; the
//! other signs what gates show, so that a gate's certificate, which has many names, passes for the authority's under none of them.

use std::net::IpAddr;

use tenantry_crds::Backend;
use url::{Host, Url};

use super::keep::Keeping;
use crate::backend;
use crate::certificates::{Ca, Pair};
use crate::content::Content;
use crate::names::{self, key};
use crate::organization::plan::projections;
use crate::stores::objects::{At, Kind};
use crate::stores::secrets::SecretView;
use crate::trouble::Trouble;

impl Keeping<'_> {
    /// Keeps all certificates, and tells gates whom to trust.
    pub(super) async fn certificates(&self) -> Result<(), Trouble> {
        let (namespace, name) = (self.of.backend.namespace(), self.of.backend.name());
        let of = format!("tenantry authority of {namespace}/{name}");
        let ca = self.trusted(&names::ca_secret(name), &of, names::trust(name)).await?;
        let hosts = authority_names(self.of.backend);
        self.certificate(&names::authority_secret(name), &ca, "tenantry authority", &hosts).await?;

        let of = format!("tenantry gates of {namespace}/{name}");
        let ca = self.trusted(&names::gates_ca_secret(name), &of, names::gates_trust(name)).await?;
        self.certificate(&names::gate_secret(name), &ca, "tenantry gate", &gate_names(self.of.backend)).await
    }

    /// A CA, and the `ConfigMap` by which it is trusted.
    async fn trusted(&self, name: &str, of: &str, trust: String) -> Result<Ca, Trouble> {
        let namespace = self.of.backend.namespace().to_owned();
        let at = At { kind: Kind::CONFIG_MAP, namespace, name: trust };
        let ca = self.ca(name, of, &at).await?;
        self.stands(&super::objects::trust(self.of.backend, at.name, &ca.bundle())).await?;
        Ok(ca)
    }

    /// A CA, made where there never was one. Where others know of it already, which `known` shows, it is put back as this process saw it
    /// last, or is lost; where neither is there any more somebody wants another one.
    async fn ca(&self, name: &str, of: &str, known: &At) -> Result<Ca, Trouble> {
        let (lasts, now) = (self.of.settings.lasts(), self.now);
        let place = (self.of.backend.namespace().to_owned(), name.to_owned());
        let seen = self.observe(name).await?;
        let read = seen.as_ref().map(|seen| Ca::read(&seen.content));
        let remembered = self.world.registry.remembered(&place);
        let is_known = async || Ok::<bool, Trouble>(self.seen(known).await?.is_some());
        let ca = match (read, remembered) {
            (Some(Ok(ca)), remembered) => {
                if remembered.is_some_and(|remembered| remembered != ca.content()) {
                    let text =
                        format!("the Secret {name} holds another authority than before: somebody changed it");
                    self.warn("CaReplaced", &text).await;
                }
                ca
            }
            (seen_as, Some(remembered)) if seen_as.is_some() || is_known().await? => {
                self.write(name, remembered.clone(), seen.as_ref()).await?;
                self.told(&format!("the Secret {name} was gone or damaged and was written again")).await;
                Ca::read(&remembered)?
            }
            (Some(Err(_)), _) => {
                return Err(lost("CaDamaged", &place, "holds no authority with its key", known));
            }
            (None, None) if is_known().await? => return Err(lost("CaMissing", &place, "is gone", known)),
            (None, _) => {
                let ca = Ca::begin(of, lasts, now)?;
                self.write(name, ca.content(), None).await?;
                ca
            }
        };
        let Some(next) = ca.next(of, lasts, now)? else {
            self.world.registry.remember(place, ca.content());
            return Ok(ca);
        };
        self.write(name, next.content(), self.observe(name).await?.as_ref()).await?;
        self.world.registry.remember(place, next.content());
        Ok(next)
    }

    /// A certificate of a CA, made where there is none, or none that will do for long.
    async fn certificate(&self, name: &str, ca: &Ca, of: &str, names: &[String]) -> Result<(), Trouble> {
        let seen = self.observe(name).await?;
        let held = seen.as_ref().and_then(|seen| Pair::of_server(&seen.content).ok());
        let made = ca.certify(held.as_ref(), of, names, self.of.settings.lasts(), self.now)?;
        let Some(pair) = made.as_ref().or(held.as_ref()) else { return Ok(()) };
        let content = Content::default()
            .with(key::CERTIFICATE, pair.certificate.clone())
            .with(key::CERTIFICATE_KEY, pair.key.clone())
            .with(key::AUTHORITIES, ca.bundle());
        if seen.as_ref().is_some_and(|seen| seen.content == content) {
            return Ok(());
        }
        self.write(name, content, seen.as_ref()).await
    }

    /// A Secret of ours; one of that name that is somebody else's is never touched.
    async fn observe(&self, name: &str) -> Result<Option<SecretView>, Trouble> {
        let namespace = self.of.backend.namespace();
        let seen = self.world.secrets.observe(namespace, name).await?;
        let ours = backend::secret_owner(self.of.backend);
        match seen {
            Some(seen) if seen.owner.as_ref() != Some(&ours) => Err(projections::foreign(namespace, name)),
            seen => Ok(seen),
        }
    }

    async fn write(&self, name: &str, content: Content, seen: Option<&SecretView>) -> Result<(), Trouble> {
        backend::write_secret(self.world.secrets, self.of.backend, name, content, seen).await
    }
}

/// The names by which gates call the authority.
fn authority_names(backend: &Backend) -> Vec<String> {
    let host = names::authority_host(backend.namespace(), backend.name());
    vec![host.clone(), format!("{host}.cluster.local")]
}

/// The names by which clients call the gates: the public one, those of any Service of the namespace, and the pod's own loopback.
fn gate_names(backend: &Backend) -> Vec<String> {
    let namespace = backend.namespace();
    let public = Url::parse(&backend.spec.public_url).ok();
    let public = public.as_ref().and_then(Url::host).map(|host| match host {
        Host::Domain(name) => name.to_owned(),
        Host::Ipv4(address) => IpAddr::from(address).to_string(),
        Host::Ipv6(address) => IpAddr::from(address).to_string(),
    });
    let services = [format!("*.{namespace}.svc"), format!("*.{namespace}.svc.cluster.local")];
    let mut names: Vec<String> = public.into_iter().chain(services).collect();
    names.extend([backend.name(), "localhost", "127.0.0.1", "::1"].map(str::to_owned));
    let mut seen = std::collections::BTreeSet::new();
    names.retain(|name| seen.insert(name.clone()));
    names
}

fn lost(reason: &'static str, (namespace, name): &(String, String), what: &str, known: &At) -> Trouble {
    Trouble::standing(
        reason,
        format!(
            "the Secret {namespace}/{name} {what}: put it back from a copy. Without one delete {known} and then the Secret; another \
             authority is made then, and whoever trusts the lost one has to be told: docs/authority.md"
        ),
    )
}

#[cfg(test)]
mod tests {
    use tenantry_crds::backend::BackendSpec;

    use super::*;

    #[test]
    fn a_gate_answers_to_its_public_name_and_to_services_of_its_namespace() {
        let named = |url: &str| {
            let mut backend = Backend::new("xdr", BackendSpec::new(url, "http://127.0.0.1:8000"));
            backend.metadata.namespace = Some("ns".to_owned());
            gate_names(&backend)
        };
        let rest = ["*.ns.svc", "*.ns.svc.cluster.local", "xdr", "localhost", "127.0.0.1", "::1"];
        assert_eq!(named("https://xdr.example.com"), [&["xdr.example.com"], &rest[..]].concat());
        assert_eq!(named("https://[2001:db8::1]:8443")[0], "2001:db8::1");
        assert_eq!(named("https://localhost:8443").len(), rest.len(), "no name stands there twice");
    }
}
