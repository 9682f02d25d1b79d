//! The rules of a Backend.

use std::net::IpAddr;

use ipnet::IpNet;

use super::{Rule, Ruled, periods, raw, routes};
use crate::backend::{Assertion, Mode, NamespacesFrom, Protocol};
use crate::{Backend, forms};

type Of = Rule<Backend>;

const NOT_BUILT: &str = "is not built yet: leave it out";

/// Longest name: `tenantry-backend-<name>` still is one DNS label, with room for what stands behind it.
const LONGEST_NAME: usize = 40;

impl Ruled for Backend {
    fn rules() -> Vec<Rule<Self>> {
        let mut rules = vec![
            Of::holds(
                ("", "metadata.name"),
                format!(
                    "size(self.metadata.name) <= {LONGEST_NAME} && self.metadata.name.matches({})",
                    raw(forms::LABEL_NAME)
                ),
                format!(
                    "is no short DNS label: write at most {LONGEST_NAME} lower-case letters, digits or hyphens, beginning and ending with a letter or digit"
                ),
                |backend| super::is_label(backend.name(), LONGEST_NAME),
            ),
            Of::change(
                ("spec", "aws.prefix"),
                "!has(oldSelf.aws) || !has(self.aws) || self.aws.prefix == oldSelf.aws.prefix",
                "cannot be changed, because what stands under the old prefix would be orphaned: write the old one again",
                |old, new| match (&old.spec.aws, &new.spec.aws) {
                    (Some(old), Some(new)) => old.prefix == new.prefix,
                    _ => true,
                },
            ),
        ];
        rules.push(Of::holds(
            ("spec", "aws.connectionUrls"),
            "!has(self.aws) || !self.aws.connectionUrls || has(self.database)",
            "needs spec.database, whose URL is shown: name the Secret with it there, or leave connectionUrls out",
            |b| b.spec.database.is_some() || !b.spec.aws.as_ref().is_some_and(|aws| aws.connection_urls),
        ));
        rules.extend(not_built());
        rules.extend(periods::bounds());
        rules.extend(tokens());
        rules.extend(placement());
        rules.extend(lists());
        rules.extend(routes::rules());
        rules
    }
}

fn not_built() -> Vec<Rule<Backend>> {
    vec![
        Of::holds(("spec", "mail"), "!has(self.mail)", NOT_BUILT, |b| b.spec.mail.is_none()),
        Of::holds(("spec", "legacyIssuer"), "!has(self.legacyIssuer)", NOT_BUILT, |b| {
            b.spec.legacy_issuer.is_none()
        }),
        Of::holds(("spec", "isolation"), "!has(self.isolation)", NOT_BUILT, |b| b.spec.isolation.is_none()),
        Of::holds(("spec", "observeUntil"), "!has(self.observeUntil)", NOT_BUILT, |b| {
            b.spec.observe_until.is_none()
        }),
        Of::holds(
            ("spec", "mode"),
            "self.mode == 'enforce'",
            "observe is not built yet: write enforce",
            |b| b.spec.mode == Mode::Enforce,
        ),
        Of::holds(
            ("spec.identity.assertion", ""),
            "self != 'legacy'",
            "legacy is not built yet: write strict or none",
            |b| b.spec.identity.assertion != Assertion::Legacy,
        ),
        Of::holds(
            ("spec.upstream.protocol", ""),
            "self == 'http1'",
            "h2c is not built yet: write http1",
            |b| b.spec.upstream.protocol == Protocol::Http1,
        ),
    ]
}

fn tokens() -> Vec<Rule<Backend>> {
    let (access, refresh) = ("self.accessTtl", "self.refreshTtl");
    let (rotate, stale) = ("self.tokens.rotateEvery", "self.maxStaleness");
    let seconds = periods::seconds;
    vec![
        Of::holds(
            ("spec.tokens", "refreshTtl"),
            periods::where_read(&[access, refresh], &format!("{} < {}", seconds(access), seconds(refresh))),
            "must be longer than accessTtl: write a longer time, such as 720h",
            |b| b.spec.tokens.access_ttl < b.spec.tokens.refresh_ttl,
        ),
        Of::holds(
            ("spec", "tokens.rotateEvery"),
            periods::where_read(&[rotate, stale], &format!("{} >= 4 * {}", seconds(rotate), seconds(stale))),
            "must be at least four times maxStaleness, so that every gate knows a key before it signs: write a longer time",
            |b| b.spec.tokens.rotate_every.duration() >= 4 * b.spec.max_staleness.duration(),
        ),
    ]
}

fn placement() -> Vec<Rule<Backend>> {
    vec![
        Of::holds(
            ("spec.allowedNamespaces", "selector"),
            "has(self.selector) || self.from != 'Selector'",
            "is missing: write { matchLabels: { … } }, or from: Same or All",
            |b| {
                let allowed = &b.spec.allowed_namespaces;
                allowed.selector.is_some() || allowed.from != NamespacesFrom::Selector
            },
        ),
        Of::holds(
            ("spec.allowedNamespaces", "selector"),
            "!has(self.selector) || self.from == 'Selector'",
            "counts only with from: Selector: write that, or leave the selector out",
            |b| {
                let allowed = &b.spec.allowed_namespaces;
                allowed.selector.is_none() || allowed.from == NamespacesFrom::Selector
            },
        ),
    ]
}

fn lists() -> Vec<Rule<Backend>> {
    vec![
        Of::each(
            ("spec.roles", ""),
            "self.all(role, self.exists_one(other, other == role))",
            "names a role twice: keep one of them",
            |b| {
                let roles = &b.spec.roles;
                let twice = (0..roles.len()).filter(|index| roles[..*index].contains(&roles[*index]));
                twice.map(|index| format!("spec.roles[{index}]")).collect()
            },
        ),
        Of::holds(("spec.selector", ""), label_keys(), LABEL_KEYS, |b| b.spec.selector.has_label_keys()),
        Of::holds(("spec.allowedNamespaces.selector.matchLabels", ""), label_keys(), LABEL_KEYS, |b| {
            let selector = &b.spec.allowed_namespaces.selector;
            selector.as_ref().is_none_or(|selector| selector.match_labels.has_label_keys())
        }),
        Of::holds(
            ("spec.aws.tags", ""),
            "self.all(key, size(key) <= 128 && key.matches(r\"^[A-Za-z0-9 +=._:/@-]+$\") && !key.startsWith('aws:'))",
            "has a key that AWS refuses: write at most 128 letters, digits, spaces or +-=._:/@, not beginning with aws:",
            |b| b.spec.aws.iter().flat_map(|aws| aws.tags.keys()).all(|key| is_tag_key(key)),
        ),
        Of::each(
            ("spec.trustedProxies[]", ""),
            "isCIDR(self)",
            "is no network: write one such as 10.0.0.0/8 or fd00::/8",
            |b| proxies(b, |network| network.is_none()),
        ),
        Of::each(
            ("spec.trustedProxies[]", ""),
            // Whoever is trusted says from which address a request comes, and limits go by that address.
            "!isCIDR(self) || cidr(self).prefixLength() > 0",
            "trusts every client to name its own address: write your proxies' networks, such as 10.0.0.0/8",
            |b| proxies(b, |network| network.is_some_and(|network| network.prefix_len() == 0)),
        ),
    ]
}

const LABEL_KEYS: &str =
    "has a key that is no label's: write a name such as app, perhaps after a domain, such as example.com/app";

fn label_keys() -> String {
    format!("self.all(key, size(key) <= 253 && key.matches({}))", raw(forms::LABEL_KEY))
}

fn is_tag_key(key: &str) -> bool {
    let allowed = |c: char| c.is_ascii_alphanumeric() || " +=._:/@-".contains(c);
    !key.is_empty() && key.len() <= 128 && key.chars().all(allowed) && !key.starts_with("aws:")
}

fn proxies(backend: &Backend, wrong: fn(Option<IpNet>) -> bool) -> Vec<String> {
    let networks = backend.spec.trusted_proxies.iter().enumerate();
    networks
        .filter(|(_, network)| wrong(network_of(network)))
        .map(|(index, _)| format!("spec.trustedProxies[{index}]"))
        .collect()
}

/// A network as an API server reads it: without leading zeros, and none of IPv4 in the clothes of IPv6.
fn network_of(text: &str) -> Option<IpNet> {
    let (address, length) = text.split_once('/')?;
    let _: IpAddr = address.parse().ok()?;
    let network: IpNet = text.parse().ok()?;
    let mapped = matches!(network, IpNet::V6(network) if network.addr().to_ipv4_mapped().is_some());
    (!mapped && length == network.prefix_len().to_string()).then_some(network)
}
