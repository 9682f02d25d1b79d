//! Programs that `tools/moto.sh` installs from the Python Package Index, outside the tree.

use crate::process::PartError;
use std::path::PathBuf;

const MOTO: &str = include_str!("../python/moto.txt");
const MINISTACK: &str = include_str!("../python/ministack.txt");

/// An environment of `tools/moto.sh`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Environment {
    Moto,
    Ministack,
}

impl Environment {
    /// A program of it.
    pub(crate) fn program(self, program: &str) -> Result<PathBuf, PartError> {
        let missing = || PartError::NotInstalled {
            program: program.to_owned(),
            remedy: "install it with: tools/moto.sh",
        };
        let cache = std::env::var_os("XDG_CACHE_HOME")
            .filter(|folder| !folder.is_empty())
            .map(PathBuf::from)
            .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
        cache
            .map(|cache| cache.join("tenantry").join(self.folder()).join("bin").join(program))
            .filter(|file| file.is_file())
            .ok_or_else(missing)
    }

    fn folder(self) -> String {
        let (name, requirements) = match self {
            Self::Moto => ("moto", MOTO),
            Self::Ministack => ("ministack", MINISTACK),
        };
        let version = requirements
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix("=="))
            .unwrap_or_default();
        format!("{name}-{version}")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_versions_are_those_of_the_requirements() {
        assert!(Environment::Moto.folder().starts_with("moto-5.2."));
        assert!(Environment::Ministack.folder().starts_with("ministack-1.5."));
    }
}
