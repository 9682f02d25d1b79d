//! A Backend, as the gate and the authority need it.

use tenantry_authority::{Policy, Quotas};
use tenantry_crds::Backend;
use tenantry_crds::backend::{self as crds, Algorithm, Allowance, Assertion as Wanted, Registration};
use tenantry_directory::settings::{
    Assertion, CookieSettings, CorsSettings, IdentitySettings, Limits, PageSettings, Upstream,
    UpstreamProtocol,
};
use tenantry_directory::{Access, BackendSettings, KeyAlgorithm, Role, Route, RouteTable};
use tenantry_rules::lockout::LockoutPolicy;
use tenantry_rules::password::PasswordPolicy;
use url::Url;

/// The Backend that this process serves.
#[derive(Clone)]
pub struct ServedBackend {
    /// What gates know.
    pub settings: BackendSettings,
    /// What the authority knows beside.
    pub policy: Policy,
    /// How often the auth calls may be made.
    pub quotas: Quotas,
    /// No manifest describes it.
    pub assumed: bool,
}

impl ServedBackend {
    /// Takes a Backend over, with what the command line says instead.
    pub fn new(
        backend: &Backend,
        assumed: bool,
        upstream: Option<&Url>,
        public_url: Option<&Url>,
    ) -> Result<Self, String> {
        let spec = &backend.spec;
        let public_url =
            public_url.map_or(spec.public_url.as_str(), |url| url.as_str().trim_end_matches('/'));
        let public_url = public_url.parse().map_err(|error| format!("spec.publicUrl: {error}"))?;
        let roles = spec.roles.iter().map(|role| role.parse::<Role>());
        let roles = roles.collect::<Result<Vec<_>, _>>().map_err(|error| format!("spec.roles: {error}"))?;
        let mut settings =
            BackendSettings::new(backend.audience(), public_url, self::upstream(spec, upstream)?, roles);
        settings.routes = routes(spec)?;
        settings.identity = IdentitySettings {
            forward_token: spec.identity.forward_token,
            assertion: match spec.identity.assertion {
                Wanted::Strict => Assertion::Strict,
                Wanted::Legacy => Assertion::Legacy,
                Wanted::None => Assertion::None,
            },
        };
        settings.cors = CorsSettings { allowed_origins: spec.cors.allowed_origins.clone() };
        settings.cookies = CookieSettings {
            enabled: spec.cookies.enabled,
            allowed_origins: spec.cookies.allowed_origins.clone(),
        };
        settings.pages =
            PageSettings { enabled: spec.pages.enabled, login_url: spec.pages.login_url.clone() };
        let proxies = spec.trusted_proxies.iter().map(|network| network.parse());
        settings.trusted_proxies =
            proxies.collect::<Result<_, _>>().map_err(|error| format!("spec.trustedProxies: {error}"))?;
        settings.limits = limits(&spec.limits);
        settings.max_staleness = spec.max_staleness.duration();
        settings.access_ttl = spec.tokens.access_ttl.duration();
        settings.refresh_ttl = spec.tokens.refresh_ttl.duration();
        Ok(Self { settings, policy: policy(spec), quotas: quotas(&spec.rate_limits), assumed })
    }
}

fn upstream(spec: &crds::BackendSpec, instead: Option<&Url>) -> Result<Upstream, String> {
    let parsed;
    let url = match instead {
        Some(url) => url,
        None => {
            parsed = Url::parse(&spec.upstream.url).map_err(|error| format!("spec.upstream.url: {error}"))?;
            &parsed
        }
    };
    let host = url.host_str().ok_or("spec.upstream.url has no host")?;
    let port = url.port_or_known_default().unwrap_or(80);
    let protocol = match spec.upstream.protocol {
        crds::Protocol::Http1 => UpstreamProtocol::Http1,
        crds::Protocol::H2c => {
            return Err("spec.upstream.protocol: h2c is not built yet; write http1".to_owned());
        }
    };
    Ok(Upstream { address: format!("{host}:{port}"), protocol })
}

fn routes(spec: &crds::BackendSpec) -> Result<RouteTable, String> {
    let route = |route: &crds::Route| -> Result<Route, String> {
        let roles = route.roles.iter().map(|role| role.parse::<Role>());
        Ok(Route {
            pattern: route.path.clone(),
            methods: route.methods.iter().map(|method| method.as_str().to_owned()).collect(),
            access: match route.access {
                crds::Access::Public => Access::Public,
                crds::Access::Passthrough => Access::Passthrough,
                crds::Access::Authenticated => Access::Authenticated,
            },
            roles: roles.collect::<Result<_, _>>().map_err(|error| format!("spec.routes: {error}"))?,
            allow_double_slash: route.allow.contains(&Allowance::DoubleSlash),
            allow_semicolon: route.allow.contains(&Allowance::Semicolon),
        })
    };
    let routes = spec.routes.iter().map(route).collect::<Result<Vec<_>, _>>()?;
    RouteTable::new(routes).map_err(|error| format!("spec.routes: {error}"))
}

fn limits(limits: &crds::Limits) -> Limits {
    let size = |count: u32| usize::try_from(count).unwrap_or(usize::MAX);
    Limits {
        header_bytes: size(limits.header_bytes),
        header_count: size(limits.header_count),
        body_bytes: limits.body_bytes,
        header_read: limits.header_timeout.duration(),
        idle: limits.idle_timeout.duration(),
        request: limits.request_timeout.duration(),
        connect: limits.connect_timeout.duration(),
        connections: size(limits.connections),
        streams: limits.streams,
    }
}

/// So many in a window: all of them at once, then one for each part of the window.
fn quotas(limits: &crds::RateLimits) -> Quotas {
    let spread = |count: u32, rate: &crds::Rate| (count, rate.window.duration() / count.max(1));
    let address = |rate: &crds::Rate| spread(rate.per_address, rate);
    let account = |rate: &crds::Rate| spread(rate.per_account, rate);
    Quotas {
        password_account: account(&limits.login),
        password_address: address(&limits.login),
        enrol_address: address(&limits.register),
        enrol_account: account(&limits.register),
        invite: address(&limits.other),
        refresh: address(&limits.refresh),
        other: address(&limits.other),
    }
}

fn policy(spec: &crds::BackendSpec) -> Policy {
    Policy {
        registration_open: spec.registration == Registration::Open,
        passwords: PasswordPolicy {
            min_length: usize::try_from(spec.passwords.min_length).unwrap_or(usize::MAX),
            composition: spec.passwords.composition,
        },
        lockout: LockoutPolicy {
            after: spec.passwords.lockout_after,
            lock_for: spec.passwords.lockout_for.duration(),
        },
        algorithm: match spec.tokens.algorithm {
            Algorithm::EdDsa => KeyAlgorithm::EdDsa,
            Algorithm::Es256 => KeyAlgorithm::Es256,
            Algorithm::Rs256 => KeyAlgorithm::Rs256,
        },
        rotate_every: spec.tokens.rotate_every.duration(),
        registered_max_users: None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_assumed_backend_is_open_for_registration_and_takes_what_the_command_line_says() {
        let upstream = Url::parse("http://127.0.0.1:9000").unwrap();
        let public = Url::parse("https://tenantry.localhost:9443").unwrap();
        let served = ServedBackend::new(&Backend::assumed(), true, Some(&upstream), Some(&public)).unwrap();
        assert_eq!(served.settings.upstream.address, "127.0.0.1:9000");
        assert_eq!(served.settings.public_url.origin(), "https://tenantry.localhost:9443");
        assert_eq!(served.settings.admin_role().map(Role::as_str), Some("admin"));
        assert!(served.policy.registration_open);
    }

    #[test]
    fn an_upstream_without_a_port_is_on_port_80() {
        let upstream = Url::parse("http://backend.internal/").unwrap();
        let served = ServedBackend::new(&Backend::assumed(), true, Some(&upstream), None).unwrap();
        assert_eq!(served.settings.upstream.address, "backend.internal:80");
    }
}
