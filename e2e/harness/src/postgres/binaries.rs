//! Where the server's programs are: Debian keeps them off the `PATH`, a folder a major version.

use super::StartError;
use std::path::{Path, PathBuf};

/// The folder with `initdb` and `postgres` of the newest installed major version.
pub(super) fn folder() -> Result<PathBuf, StartError> {
    newest_below(Path::new("/usr/lib/postgresql")).or_else(on_path).ok_or(StartError::NotInstalled)
}

fn newest_below(root: &Path) -> Option<PathBuf> {
    let versions = std::fs::read_dir(root).ok()?.flatten().filter_map(|entry| {
        let version: u32 = entry.file_name().to_str()?.parse().ok()?;
        let bin = entry.path().join("bin");
        is_complete(&bin).then_some((version, bin))
    });
    versions.max().map(|(_, bin)| bin)
}

fn on_path() -> Option<PathBuf> {
    std::env::split_paths(&std::env::var_os("PATH")?).find(|folder| is_complete(folder))
}

fn is_complete(bin: &Path) -> bool {
    ["initdb", "postgres", "pg_isready", "psql"].iter().all(|program| bin.join(program).exists())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn install(root: &Path, version: &str, programs: &[&str]) {
        let bin = root.join(version).join("bin");
        std::fs::create_dir_all(&bin).unwrap();
        for program in programs {
            std::fs::write(bin.join(program), "").unwrap();
        }
    }

    #[test]
    fn the_newest_complete_version_is_taken() {
        let root = tempfile::tempdir().unwrap();
        install(root.path(), "9", &["initdb", "postgres", "pg_isready", "psql"]);
        install(root.path(), "15", &["initdb", "postgres", "pg_isready", "psql"]);
        install(root.path(), "16", &["psql"]);
        assert_eq!(newest_below(root.path()), Some(root.path().join("15/bin")));
    }
}
