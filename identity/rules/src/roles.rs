//! The roles of a Backend: an ordered list, of which the last administers its organization.

use tenantry_directory::Role;

/// Most roles in a Backend.
pub const MAX_ROLES: usize = 32;

/// At least one role, each once, in ascending order of rights.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Roles {
    below: Vec<Role>,
    administrator: Role,
}

/// Why a list of roles cannot be.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum RolesError {
    /// No role, so nobody could administer an organization.
    #[error("roles: name at least one; the last administers the organization")]
    Empty,
    /// More than [`MAX_ROLES`].
    #[error("roles: at most {MAX_ROLES}, not {0}")]
    TooMany(usize),
    /// Named twice, so that its rank would be unclear.
    #[error("roles: {0} is named twice")]
    Twice(Role),
    /// Not among the Backend's roles.
    #[error("{name:?} is not a role here: use one of {known}")]
    Unknown {
        /// What was asked for.
        name: String,
        /// The Backend's roles.
        known: String,
    },
}

impl Roles {
    /// Checks a list in ascending order of rights.
    pub fn new(roles: impl IntoIterator<Item = Role>) -> Result<Self, RolesError> {
        let mut below: Vec<Role> = roles.into_iter().collect();
        if below.len() > MAX_ROLES {
            return Err(RolesError::TooMany(below.len()));
        }
        let twice = below.iter().enumerate().find(|(at, role)| below[..*at].contains(role));
        if let Some((_, role)) = twice {
            return Err(RolesError::Twice(role.clone()));
        }
        let administrator = below.pop().ok_or(RolesError::Empty)?;
        Ok(Self { below, administrator })
    }

    /// The last role. It administers its organization.
    pub const fn administrator(&self) -> &Role {
        &self.administrator
    }

    /// Whether `role` is the last one.
    pub fn administers(&self, role: &Role) -> bool {
        *role == self.administrator
    }

    /// Each role, in ascending order of rights.
    pub fn iter(&self) -> impl Iterator<Item = &Role> {
        self.below.iter().chain(std::iter::once(&self.administrator))
    }

    /// Whether the Backend has `role`. A row may still bear one that was since taken off the list.
    pub fn contains(&self, role: &Role) -> bool {
        self.iter().any(|known| known == role)
    }

    /// The role called `name`, exactly.
    pub fn find(&self, name: &str) -> Result<Role, RolesError> {
        self.iter().find(|role| role.as_str() == name).cloned().ok_or_else(|| {
            let known: Vec<_> = self.iter().map(Role::as_str).collect();
            let name = name.chars().take(60).collect();
            RolesError::Unknown { name, known: known.join(", ") }
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn roles(names: &[&str]) -> Result<Roles, RolesError> {
        Roles::new(names.iter().map(|name| name.parse().unwrap()))
    }

    #[test]
    fn the_last_role_administers() {
        let roles = roles(&["viewer", "analyst", "soc_lead", "admin"]).unwrap();
        assert_eq!(roles.administrator().as_str(), "admin");
        assert!(roles.administers(&"admin".parse().unwrap()));
        assert!(!roles.administers(&"soc_lead".parse().unwrap()));
        assert_eq!(
            roles.iter().map(Role::as_str).collect::<Vec<_>>(),
            ["viewer", "analyst", "soc_lead", "admin"]
        );
    }

    #[test]
    fn a_list_without_a_clear_order_is_refused() {
        assert_eq!(roles(&[]), Err(RolesError::Empty));
        assert_eq!(roles(&["a", "b", "a"]).unwrap_err().to_string(), "roles: a is named twice");
        let many: Vec<_> = (0..33).map(|n| format!("r{n}").parse().unwrap()).collect();
        assert_eq!(Roles::new(many), Err(RolesError::TooMany(33)));
    }

    #[test]
    fn a_role_is_found_by_its_exact_name() {
        let roles = roles(&["viewer", "admin"]).unwrap();
        assert_eq!(roles.find("viewer").unwrap().as_str(), "viewer");
        assert!(roles.contains(&"viewer".parse().unwrap()) && !roles.contains(&"owner".parse().unwrap()));
        for name in ["Admin", "admin ", "", "owner"] {
            let error = roles.find(name).unwrap_err().to_string();
            assert_eq!(error, format!("{name:?} is not a role here: use one of viewer, admin"));
        }
    }
}
