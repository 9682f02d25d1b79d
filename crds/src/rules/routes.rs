//! The rules of a Backend's routes.

use super::Rule;
use crate::Backend;
use crate::backend::{Access, Route};

type Of = Rule<Backend>;

pub(super) fn rules() -> Vec<Rule<Backend>> {
    vec![
        Of::each(
            ("spec.routes[]", "roles"),
            "!has(self.roles) || size(self.roles) == 0 || self.access == 'authenticated'",
            "need access: authenticated, which is the default: leave access out, or the roles",
            |b| {
                routes(b, "roles", |_, route| {
                    !route.roles.is_empty() && route.access != Access::Authenticated
                })
            },
        ),
        Of::each(
            ("spec", "routes"),
            "!has(self.routes) || self.routes.all(route, !has(route.roles) || route.roles.all(role, role in self.roles))",
            "names a role that this Backend does not have: write one that stands in spec.roles, or add it there",
            |b| routes(b, "roles", |b, route| !route.roles.iter().all(|role| b.spec.roles.contains(role))),
        ),
        Of::each(
            ("spec.routes[]", "path"),
            "!self.path.lowerAscii().matches('^/(-|internal)(/|$)')",
            "belongs to Tenantry: write a path of the backend",
            |b| routes(b, "path", |_, route| is_ours(&route.path)),
        ),
    ]
}

fn routes(backend: &Backend, field: &str, wrong: fn(&Backend, &Route) -> bool) -> Vec<String> {
    let routes = backend.spec.routes.iter().enumerate();
    routes
        .filter(|(_, route)| wrong(backend, route))
        .map(|(index, _)| format!("spec.routes[{index}].{field}"))
        .collect()
}

fn is_ours(path: &str) -> bool {
    let lower = path.to_ascii_lowercase();
    ["/-", "/internal"]
        .iter()
        .any(|place| lower.strip_prefix(place).is_some_and(|rest| rest.is_empty() || rest.starts_with('/')))
}
