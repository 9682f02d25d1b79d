//! Somebody who follows a page: a shell in a folder with the examples as a reader has edited them, the charts, the programs that
//! a page names, and a kubeconfig that it may change.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tenantry_harness::process::{PartError, built, run};
use tenantry_harness::{Cluster, Database};

use super::super::world;
use crate::repository;

pub struct Reader {
    folder: TempDir,
    /// What is written in place of what a page has.
    edits: Vec<(String, String)>,
    environment: Vec<(String, String)>,
    path: std::ffi::OsString,
}

impl Reader {
    /// With the database in place of the page's, and these replacements after that.
    pub async fn new(cluster: &Cluster, database: &Database, edits: Vec<(String, String)>) -> Self {
        let folder = TempDir::new().unwrap();
        let ca = std::fs::read_to_string(database.ca_path()).unwrap();
        let placeholder = "-----BEGIN CERTIFICATE-----\n    put the authority's certificate here\n    -----END CERTIFICATE-----";
        let own = [
            ("postgres://tenantry:change-me@db.example.com:5432/mini_xdr", world::url(database)),
            (placeholder, ca.trim().replace('\n', "\n    ")),
            ("password: change-me ", "password: copper-lantern-4711-Drift ".to_owned()),
        ];
        let own = own.map(|(from, to)| (from.to_owned(), to));
        let edits = own.into_iter().chain(edits).collect();
        let path = programs(cluster, folder.path()).await;
        let reader = Self { folder, edits, environment: Vec::new(), path };
        reader.furnish();
        reader.uses(cluster);
        reader
    }

    fn furnish(&self) {
        let folder = self.folder.path();
        std::os::unix::fs::symlink(repository("charts").canonicalize().unwrap(), folder.join("charts"))
            .unwrap();
        for examples in ["examples/argocd", "examples/argocd/folder-per-customer", "examples/kubernetes"] {
            std::fs::create_dir_all(folder.join(examples)).unwrap();
            for entry in std::fs::read_dir(repository(examples)).unwrap() {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    continue;
                }
                let text = self.edited(&std::fs::read_to_string(&path).unwrap());
                std::fs::write(folder.join(examples).join(path.file_name().unwrap()), text).unwrap();
            }
        }
        let tables = repository("identity/store/migrations/application.sql");
        std::fs::copy(tables, folder.join("application.sql")).unwrap();
    }

    /// From here on the page speaks of this cluster.
    pub fn uses(&self, cluster: &Cluster) {
        std::fs::copy(cluster.kubeconfig(), self.folder.path().join("kubeconfig")).unwrap();
    }

    pub fn set(&mut self, variable: &str, value: &str) {
        self.environment.push((variable.to_owned(), value.to_owned()));
    }

    pub fn unset(&mut self, variable: &str) {
        self.environment.retain(|(name, _)| name != variable);
    }

    fn edited(&self, text: &str) -> String {
        self.edits.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to))
    }

    /// Runs a block; what it printed, and on failure what it did and said.
    pub async fn run(&self, block: &str) -> Result<String, PartError> {
        let folder = self.folder.path();
        let mut command = Command::new("timeout");
        command
            .args(["300", "bash", "-c", &format!("set -euxo pipefail\n{}", self.edited(block))])
            .current_dir(folder)
            .env("PATH", &self.path)
            .env("HOME", folder)
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .env("KUBERC", "off")
            .envs(self.environment.iter().cloned());
        run(command, String::new()).await
    }
}

/// A `PATH` with kubectl, helm, glua and the operator before everything else.
async fn programs(cluster: &Cluster, folder: &Path) -> std::ffi::OsString {
    let bin = folder.join("bin");
    std::fs::create_dir(&bin).unwrap();
    for tool in ["helm", "glua"] {
        let path = run(Command::new(repository(&format!("tools/{tool}.sh"))), String::new()).await.unwrap();
        std::os::unix::fs::symlink(path.trim(), bin.join(tool)).unwrap();
    }
    let operator = built("tenantry-operator").unwrap();
    let built = [cluster.kubectl_path(), &operator].map(|program| PathBuf::from(program.parent().unwrap()));
    let path = std::env::var("PATH").unwrap();
    std::env::join_paths([bin].into_iter().chain(built).chain(std::env::split_paths(&path))).unwrap()
}
