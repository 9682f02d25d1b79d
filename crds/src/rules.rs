//! The rules that a schema of fields alone cannot say: how fields of one resource go together, and what is not built yet.

use crate::backend::{Assertion, Mode, Protocol};
use crate::organization::AdoptionPolicy;
use crate::{Backend, Organization};

/// Field and sentence.
pub(crate) type Broken = (String, String);

const NOT_BUILT: &str = "is not built yet: leave it out";

/// What is wrong with a Backend whose fields are each as they should be.
pub(crate) fn of_backend(backend: &Backend) -> Vec<Broken> {
    let spec = &backend.spec;
    let mut broken = Vec::new();
    let mut refuse = |path: &str, sentence: &str| broken.push((path.to_owned(), sentence.to_owned()));
    for (path, is_set) in [
        ("spec.mail", spec.mail.is_some()),
        ("spec.legacyIssuer", spec.legacy_issuer.is_some()),
        ("spec.isolation", spec.isolation.is_some()),
        ("spec.keys", spec.keys.is_some()),
        ("spec.observeUntil", spec.observe_until.is_some()),
    ] {
        if is_set {
            refuse(path, NOT_BUILT);
        }
    }
    if spec.mode == Mode::Observe {
        refuse("spec.mode", "observe is not built yet: write enforce");
    }
    if spec.identity.assertion == Assertion::Legacy {
        refuse("spec.identity.assertion", "legacy is not built yet: write strict or none");
    }
    if spec.upstream.protocol == Protocol::H2c {
        refuse("spec.upstream.protocol", "h2c is not built yet: write http1");
    }
    let (access, refresh) = (spec.tokens.access_ttl.duration(), spec.tokens.refresh_ttl.duration());
    if access >= refresh {
        refuse("spec.tokens.refreshTtl", "must be longer than accessTtl: write a longer time, such as 720h");
    }
    if access.as_secs() > 24 * 3600 || access.as_secs() < 60 {
        refuse("spec.tokens.accessTtl", "must be from 1m to 24h");
    }
    if spec.tokens.rotate_every.duration() < 4 * spec.max_staleness.duration() {
        refuse(
            "spec.tokens.rotateEvery",
            "must be at least four times maxStaleness, so that every gate knows a key before it signs",
        );
    }
    if spec.max_staleness.duration().as_secs() < 5 {
        refuse("spec.maxStaleness", "must be at least 5s");
    }
    for (index, role) in spec.roles.iter().enumerate() {
        if spec.roles[..index].contains(role) {
            refuse(&format!("spec.roles[{index}]"), "stands in the list twice: keep one of them");
        }
    }
    for (index, network) in spec.trusted_proxies.iter().enumerate() {
        let sentence = match network.parse::<ipnet::IpNet>() {
            Err(_) => "is no network: write one such as 10.0.0.0/8 or fd00::/8",
            // Whoever is trusted says from which address a request comes, and limits go by that address.
            Ok(network) if network.prefix_len() == 0 => {
                "trusts every client to name its own address: write your proxies' networks, such as 10.0.0.0/8"
            }
            Ok(_) => continue,
        };
        refuse(&format!("spec.trustedProxies[{index}]"), sentence);
    }
    routes(backend, &mut broken);
    broken
}

fn routes(backend: &Backend, broken: &mut Vec<Broken>) {
    let spec = &backend.spec;
    for (index, route) in spec.routes.iter().enumerate() {
        let mut refuse =
            |field: &str, sentence: String| broken.push((format!("spec.routes[{index}].{field}"), sentence));
        if !route.roles.is_empty() && route.access != crate::backend::Access::Authenticated {
            refuse("roles", "need access: authenticated, which is the default".to_owned());
        }
        for role in route.roles.iter().filter(|role| !spec.roles.contains(role)) {
            refuse(
                "roles",
                format!("{role:?} is no role of this Backend: write one of {}", spec.roles.join(", ")),
            );
        }
        let lower = route.path.to_lowercase();
        let ours = |place: &str| {
            lower.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
        };
        if ours("/-") || ours("/internal") {
            refuse("path", "belongs to Tenantry: write a path of the backend".to_owned());
        }
    }
}

/// What a Backend says that a stand-alone process leaves aside.
pub(crate) fn aside(backend: &Backend) -> Vec<Broken> {
    let spec = &backend.spec;
    let named = [
        ("spec.database", spec.database.is_some()),
        ("spec.redis", spec.redis.is_some()),
        ("spec.aws", spec.aws.is_some()),
    ];
    let set = named.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(path, _)| {
        (path.to_owned(), "is left aside in stand-alone; in a cluster the operator uses it".to_owned())
    })
    .collect()
}

/// What is wrong with an Organization whose fields are each as they should be.
pub(crate) fn of_organization(organization: &Organization) -> Vec<Broken> {
    let spec = &organization.spec;
    let mut broken = Vec::new();
    let slug = organization.slug();
    let form = crate::forms::of(crate::forms::SLUG);
    let fits = regex::Regex::new(crate::forms::SLUG).is_ok_and(|form| form.is_match(slug));
    if spec.slug.is_none() && (!fits || slug.len() > 100) {
        let sentence = form.map_or("", |form| form.sentence);
        broken.push((
            "spec.slug".to_owned(),
            format!("is missing, and metadata.name {slug:?} cannot stand for it: {sentence}"),
        ));
    }
    if spec.adopt_id.is_some() && spec.adoption_policy != AdoptionPolicy::Adopt {
        broken.push(("spec.adoptId".to_owned(), "needs adoptionPolicy: Adopt".to_owned()));
    }
    broken
}

/// What may not change between two versions of an Organization.
pub fn immutable(old: &Organization, new: &Organization) -> Option<(&'static str, String)> {
    (old.slug() != new.slug()).then(|| {
        let sentence =
            format!("cannot be changed: write {:?} again, or make another Organization", old.slug());
        ("spec.slug", sentence)
    })
}
