//! Where the control plane's programs are: `tools/kubernetes.sh` builds them outside the tree, Debian packages etcd.

use crate::process::{PartError, find};
use std::path::PathBuf;

const MODULE: &str = include_str!("../../kubernetes/go.mod");

/// The version that `tools/kubernetes.sh` builds.
pub fn version() -> &'static str {
    MODULE.lines().find_map(|line| line.strip_prefix("require k8s.io/kubernetes v")).unwrap_or_default()
}

/// `kube-apiserver`, `kube-controller-manager` or `kubectl` as built for these tests.
pub(super) fn kubernetes(program: &str) -> Result<PathBuf, PartError> {
    let cache = std::env::var_os("XDG_CACHE_HOME")
        .filter(|folder| !folder.is_empty())
        .map(PathBuf::from)
        .or_else(|| Some(PathBuf::from(std::env::var_os("HOME")?).join(".cache")));
    cache
        .map(|cache| cache.join(format!("tenantry/kubernetes-{}/bin", version())).join(program))
        .filter(|file| file.is_file())
        .ok_or_else(|| missing(program, "build it with: tools/kubernetes.sh"))
}

/// `etcd` of the system.
pub(super) fn etcd() -> Result<PathBuf, PartError> {
    find("etcd").ok_or_else(|| missing("etcd", "install it with: apt-get install etcd-server"))
}

/// A `kubectl` for a cluster that is not ours: the one built for these tests, or the system's.
pub(super) fn kubectl() -> Result<PathBuf, PartError> {
    kubernetes("kubectl").or_else(|error| find("kubectl").ok_or(error))
}

fn missing(program: &str, remedy: &'static str) -> PartError {
    PartError::NotInstalled { program: program.to_owned(), remedy }
}

#[cfg(test)]
mod tests {
    #[test]
    fn the_version_is_the_one_of_the_go_module() {
        let parts: Vec<_> = super::version().split('.').map(str::parse::<u32>).collect();
        assert!(matches!(parts[..], [Ok(1), Ok(_), Ok(_)]), "{parts:?}");
    }
}
