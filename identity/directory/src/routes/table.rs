use std::borrow::Cow;
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::path::{Path, PathRefusal};
use super::pattern::Pattern;
use super::{Access, Route, RouteError};
use crate::Role;

/// A Backend's routes, compiled. Cheap to clone.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(try_from = "Vec<Route>", into = "Vec<Route>")]
pub struct RouteTable(Arc<[Compiled]>);

#[derive(Clone, Debug)]
struct Compiled {
    route: Route,
    pattern: Pattern,
}

/// What the table says of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Decision<'t> {
    /// Who may pass.
    pub access: Access,
    /// Of those, who has one of these roles; empty: all.
    pub roles: &'t [Role],
    /// The route that matched; `None` is the default, authenticated.
    pub route: Option<&'t Route>,
}

impl Decision<'_> {
    /// Whether a caller with this role may pass, once authenticated.
    pub fn admits(&self, role: &Role) -> bool {
        self.roles.is_empty() || self.roles.contains(role)
    }
}

impl RouteTable {
    /// Most routes of one table; a request is compared with each in turn.
    pub const MAX_ROUTES: usize = 256;

    /// Compiles routes, or says which one is wrong and how.
    pub fn new(routes: Vec<Route>) -> Result<Self, RouteError> {
        if routes.len() > Self::MAX_ROUTES {
            return Err(RouteError::TooMany);
        }
        routes.into_iter().map(Compiled::new).collect::<Result<_, _>>().map(Self)
    }

    /// The routes, in order.
    pub fn routes(&self) -> impl Iterator<Item = &Route> {
        self.0.iter().map(|compiled| &compiled.route)
    }

    /// Decides about a request by its method and its path as sent; a query is never looked at. Allocates only for
    /// paths with escapes, `;` or beyond ASCII.
    pub fn decide(&self, method: &str, path: &str) -> Result<Decision<'_>, PathRefusal> {
        let path = Path::new(path)?;
        let reading = Reading::new(&path)?;
        let matched = self.0.iter().find(|c| c.covers(method) && c.matches(&path, &reading));
        let route = matched.map(|compiled| &compiled.route);
        if path.double_slash && !route.is_some_and(|r| r.allow_double_slash) {
            return Err(PathRefusal::DoubleSlash);
        }
        if path.semicolon && !route.is_some_and(|r| r.allow_semicolon) {
            return Err(PathRefusal::Semicolon);
        }
        Ok(Decision {
            access: route.map_or(Access::Authenticated, |r| r.access),
            roles: route.map_or(&[], |r| &r.roles),
            route,
        })
    }
}

/// The readings of a path that a backend could make: decoded, slashes merged, with and without parameters.
enum Reading<'a> {
    /// Nothing to decode: the segments as sent, less the empty ones.
    Plain,
    Decoded {
        with_parameters: Vec<Cow<'a, str>>,
        without: Vec<Cow<'a, str>>,
    },
}

impl<'a> Reading<'a> {
    fn new(path: &Path<'a>) -> Result<Self, PathRefusal> {
        if path.plain && !path.semicolon {
            return Ok(Self::Plain);
        }
        Ok(Self::Decoded { with_parameters: path.read_segments(true)?, without: path.read_segments(false)? })
    }
}

impl Compiled {
    fn new(route: Route) -> Result<Self, RouteError> {
        let of = || route.pattern.clone();
        let pattern =
            Pattern::new(&route.pattern).map_err(|reason| RouteError::Pattern { pattern: of(), reason })?;
        if let Some(method) = route.methods.iter().find(|m| !is_method(m)) {
            return Err(RouteError::Method { pattern: of(), method: method.clone() });
        }
        if !route.roles.is_empty() && route.access != Access::Authenticated {
            return Err(RouteError::Roles { pattern: of() });
        }
        Ok(Self { route, pattern })
    }

    fn is_restrictive(&self) -> bool {
        self.route.access == Access::Authenticated
    }

    /// A restrictive route covers its methods in any case, and HEAD where it covers GET: a backend may read them so.
    fn covers(&self, method: &str) -> bool {
        let restrictive = self.is_restrictive();
        let same = |a: &str, b: &str| if restrictive { a.eq_ignore_ascii_case(b) } else { a == b };
        self.route.methods.is_empty()
            || self.route.methods.iter().any(|m| same(m, method) || (m == "GET" && same("HEAD", method)))
    }

    fn matches(&self, path: &Path<'_>, reading: &Reading<'_>) -> bool {
        if self.is_restrictive() { self.restricts(path, reading) } else { self.opens(path, reading) }
    }

    /// Any reading of the path is this pattern.
    fn restricts(&self, path: &Path<'_>, reading: &Reading<'_>) -> bool {
        match reading {
            Reading::Plain => self.pattern.matches_any_case(path.sent_segments().filter(|s| !s.is_empty())),
            Reading::Decoded { with_parameters, without } => {
                self.pattern.matches_any_case(with_parameters.iter().map(|s| &**s))
                    || self.pattern.matches_any_case(without.iter().map(|s| &**s))
            }
        }
    }

    /// Every reading of the path is this pattern, and it was sent in its canonical spelling.
    fn opens(&self, path: &Path<'_>, reading: &Reading<'_>) -> bool {
        path.canonical
            && self.pattern.matches_sent(path.sent_segments(), path.trailing_slash())
            && match reading {
                Reading::Plain => {
                    self.pattern.matches_decoded(path.sent_segments().filter(|s| !s.is_empty()))
                }
                Reading::Decoded { with_parameters, without } => {
                    self.pattern.matches_decoded(with_parameters.iter().map(|s| &**s))
                        && self.pattern.matches_decoded(without.iter().map(|s| &**s))
                }
            }
    }
}

/// An HTTP method in capitals (`token` of RFC 9110 §5.6.2 without the exotic marks).
fn is_method(method: &str) -> bool {
    (1..=32).contains(&method.len()) && method.bytes().all(|b| b.is_ascii_uppercase() || b == b'-')
}

impl TryFrom<Vec<Route>> for RouteTable {
    type Error = RouteError;

    fn try_from(routes: Vec<Route>) -> Result<Self, RouteError> {
        Self::new(routes)
    }
}

impl From<RouteTable> for Vec<Route> {
    fn from(table: RouteTable) -> Self {
        table.routes().cloned().collect()
    }
}

impl PartialEq for RouteTable {
    fn eq(&self, other: &Self) -> bool {
        self.routes().eq(other.routes())
    }
}
