//! The commands of the pages, top to bottom as a reader runs them. A page's blocks that are marked so run here, each page in a
//! namespace of its own; what a page expects to be there already is made before.

use std::path::{Path, PathBuf};
use std::process::Command;

use tempfile::TempDir;
use tenantry_harness::process::{built, run};

use super::world::{Wanted, World};

/// How a block begins that is run here, and that `tools/docs.py` leaves out with these words.
const MARK: &str = "```sh skip runs in make e2e";
/// A block of this one line is done to the operator of the test, which no Deployment runs.
const SCALE: &str = "kubectl --namespace tenantry-system scale deployment/tenantry-operator --replicas=";

const NOTHING: &str = "";
const EXAMPLES: &str = "kubectl apply -f examples/kubernetes/
kubectl config set-context --current --namespace=mini-xdr
kubectl wait --for=condition=Ready --timeout=2m backend/mini-xdr organization/mini-corp organization/harbor-lights";
/// Rows of the application's that keep both organizations from going.
const EVENTS: &str = "psql \"$DATABASE_URL\" -c 'CREATE TABLE events (id serial, organization_id bigint REFERENCES organizations (id))'
psql \"$DATABASE_URL\" -c 'INSERT INTO events (organization_id) SELECT id FROM organizations'";
/// A backend that ran before: its keys in files, its tables with a customer.
const OLDER: &str = "kubectl apply -f examples/kubernetes/1-namespace.yaml -f examples/kubernetes/2-database.yaml
printf %s its-own-token-key-that-nobody-else-knows > JWT_SECRET_KEY
printf %s MDEyMzQ1Njc4OTAxMjM0NTY3ODkwMTIzNDU2Nzg5MDE= > ENCRYPTION_KEY
psql \"$DATABASE_URL\" -f application.sql
psql \"$DATABASE_URL\" -c \"INSERT INTO organizations (name, slug) VALUES ('mini corporation', 'mini-corp'), ('Old Mill', 'old-mill')\"";

macro_rules! pages {
    ($($test:ident: $page:literal after $before:expr;)*) => {
        const PAGES: &[&str] = &[$($page),*];
        $(
            #[tokio::test(flavor = "multi_thread")]
            async fn $test() {
                Page::open($page).await.read(&$before).await;
            }
        )*
    };
}

pages! {
    an_organization_is_added: "add-an-organization.md" after [NOTHING];
    existing_keys_and_rows_are_brought: "bring-existing-keys.md" after [OLDER];
    conditions_are_looked_at: "conditions.md" after [EXAMPLES];
    what_was_lost_is_restored: "restore.md" after [EXAMPLES];
    keys_are_rotated: "rotate-keys.md" after [EXAMPLES];
    organizations_are_suspended_and_deleted: "suspend-and-delete.md" after [EXAMPLES, EVENTS];
}

#[test]
fn every_page_with_blocks_for_here_is_run_here() {
    let mut found = Vec::new();
    for entry in std::fs::read_dir(root().join("docs")).unwrap() {
        let path = entry.unwrap().path();
        if std::fs::read_to_string(&path).unwrap().contains(MARK) {
            found.push(path.file_name().unwrap().to_str().unwrap().to_owned());
        }
    }
    found.sort();
    assert_eq!(found, PAGES);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_as_they_are_are_accepted_and_say_what_they_wait_for() {
    let world = World::start(Wanted::default()).await;
    let mut files: Vec<PathBuf> = examples().collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        world.apply(&placed(&std::fs::read_to_string(file).unwrap(), &world.namespace)).await;
    }
    for what in ["backend/mini-xdr", "org/mini-corp", "org/harbor-lights"] {
        let said = world.reason(what, "Ready", "DatabaseCertificate").await;
        assert!(said.contains("certificate authority"), "{said}");
    }
}

fn examples() -> impl Iterator<Item = PathBuf> {
    std::fs::read_dir(root().join("examples/kubernetes")).unwrap().map(|entry| entry.unwrap().path())
}

/// In the test's namespace instead of the page's.
fn placed(text: &str, namespace: &str) -> String {
    text.replace(
        "kind: Namespace\nmetadata: { name: mini-xdr }",
        &format!("kind: Namespace\nmetadata: {{ name: {namespace} }}"),
    )
    .replace("namespace: mini-xdr", &format!("namespace: {namespace}"))
    .replace("--namespace=mini-xdr", &format!("--namespace={namespace}"))
    .replace(" mini-xdr/mini-xdr", &format!(" {namespace}/mini-xdr"))
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

struct Page {
    world: World,
    name: &'static str,
    text: String,
    folder: TempDir,
}

impl Page {
    async fn open(name: &'static str) -> Self {
        let text = std::fs::read_to_string(root().join("docs").join(name)).unwrap();
        let wanted = Wanted { vault: text.contains(r#""aws":"#), ..Wanted::default() };
        let world = World::start(wanted).await;
        let page = Self { world, name, text, folder: TempDir::new().unwrap() };
        page.furnish();
        page
    }

    /// The examples, edited as a reader would, and a kubeconfig that the page may change.
    fn furnish(&self) {
        let folder = self.folder.path();
        std::fs::create_dir_all(folder.join("examples/kubernetes")).unwrap();
        for path in examples() {
            let text = self.edited(&std::fs::read_to_string(&path).unwrap());
            std::fs::write(folder.join("examples/kubernetes").join(path.file_name().unwrap()), text).unwrap();
        }
        std::fs::copy(self.world.cluster.kubeconfig(), folder.join("kubeconfig")).unwrap();
        let tables = root().join("identity/store/migrations/application.sql");
        std::fs::copy(tables, folder.join("application.sql")).unwrap();
    }

    /// With the test's namespace, database and vault in place of the page's.
    fn edited(&self, text: &str) -> String {
        let ca = std::fs::read_to_string(self.world.database.ca_path()).unwrap();
        let placeholder = "-----BEGIN CERTIFICATE-----\n    put the authority's certificate here\n    -----END CERTIFICATE-----";
        let endpoint = self.world.vault.as_ref().map_or(String::new(), tenantry_harness::Vault::endpoint);
        placed(text, &self.world.namespace)
            .replace("postgres://tenantry:change-me@db.example.com:5432/mini_xdr", &self.url())
            .replace(placeholder, &ca.trim().replace('\n', "\n    "))
            .replace("password: change-me ", "password: copper-lantern-4711-Drift ")
            .replace(
                r#""prefix":"tenantry/mini-xdr""#,
                &format!(r#""prefix":"tenantry/mini-xdr","endpoint":"{endpoint}""#),
            )
    }

    fn url(&self) -> String {
        self.world.database.url().split('?').next().unwrap().to_owned()
    }

    /// Runs what is to be there before, then the page.
    async fn read(&self, before: &[&str]) {
        for script in before {
            self.run(0, script).await;
        }
        let blocks: Vec<(usize, String)> = self.blocks();
        assert!(!blocks.is_empty(), "{} has no block that is marked {MARK}", self.name);
        for (line, block) in &blocks {
            match block.trim().strip_prefix(SCALE) {
                Some("0") => self.world.kill(),
                Some(_) => self.world.start_again(),
                None => self.run(*line, block).await,
            }
        }
    }

    /// The marked blocks with the line that each begins on.
    fn blocks(&self) -> Vec<(usize, String)> {
        let mut blocks: Vec<(usize, String)> = Vec::new();
        let mut inside = false;
        for (number, line) in self.text.lines().enumerate() {
            if line == MARK {
                inside = true;
                blocks.push((number + 1, String::new()));
            } else if line.starts_with("```") {
                inside = false;
            } else if let Some((_, block)) = blocks.last_mut().filter(|_| inside) {
                block.push_str(line);
                block.push('\n');
            }
        }
        blocks
    }

    async fn run(&self, line: usize, block: &str) {
        let folder = self.folder.path();
        let operator = built("tenantry-operator").unwrap();
        let programs =
            [self.world.cluster.kubectl_path(), &operator].map(|program| program.parent().unwrap());
        let path = std::env::var("PATH").unwrap();
        let path =
            std::env::join_paths(programs.map(PathBuf::from).into_iter().chain(std::env::split_paths(&path)));
        let mut command = Command::new("timeout");
        command
            .args(["240", "bash", "-c", &format!("exec 1>&2; set -euxo pipefail\n{}", self.edited(block))])
            .current_dir(folder)
            .env("PATH", path.unwrap())
            .env("KUBECONFIG", folder.join("kubeconfig"))
            .env("KUBERC", "off")
            .env("TENANTRY_CLUSTER_ID", &self.world.namespace);
        if line == 0 {
            command.env("DATABASE_URL", self.url());
        }
        if let Err(error) = run(command, String::new()).await {
            let state = self.world.try_kubectl(&["get", "tenantry", "-o", "yaml"]).await.unwrap_or_default();
            panic!("docs/{}:{line}: {error}\n{state}\n{}", self.name, self.world.operator.log("operator"));
        }
    }
}
