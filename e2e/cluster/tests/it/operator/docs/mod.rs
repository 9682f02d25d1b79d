//! The commands of the pages, top to bottom as a reader runs them.
//!
//! [`page`] finds the blocks, [`reader`] runs them. Pages of somebody who has the operator run here, each in a namespace of its own;
//! [`installing`] has the pages of somebody who installs it, each in a cluster of its own with a [`Node`] for the pods.
//! What a page expects to be there already is made before.

mod installing;
pub mod page;
pub mod reader;

use std::path::PathBuf;

use tenantry_harness::{Cluster, ClusterOptions, Database};

use super::node::Node;
use super::world::{Wanted, World, url};
use crate::repository;
use page::{Block, MARK, blocks};
use reader::Reader;

/// A block of this one line is done to the operator of the test, which no Deployment runs.
const SCALE: &str = "kubectl --namespace tenantry-system scale deployment/tenantry-operator --replicas=";
/// From this heading on a page speaks of another cluster.
const CLUSTER_IS_LOST: &str = "The cluster is lost";

const NOTHING: &str = "";
/// The file that the page's Secret is made from.
const AUTHORITY: &str = "cp \"$AUTHORITY\" ca.pem";
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
    an_organization_is_added: "docs/add-an-organization.md" after [NOTHING];
    existing_keys_and_rows_are_brought: "docs/bring-existing-keys.md" after [OLDER];
    conditions_are_looked_at: "docs/conditions.md" after [EXAMPLES];
    a_database_is_prepared: "docs/database.md" after [AUTHORITY];
    what_was_lost_is_restored: "docs/restore.md" after [EXAMPLES];
    keys_are_rotated: "docs/rotate-keys.md" after [EXAMPLES];
    organizations_are_suspended_and_deleted: "docs/suspend-and-delete.md" after [EXAMPLES, EVENTS];
}

#[test]
fn every_page_with_blocks_for_here_is_run_here() {
    let mut run: Vec<&str> = PAGES.iter().chain(installing::PAGES).copied().collect();
    run.sort_unstable();
    let marked = |page: &String| std::fs::read_to_string(repository(page)).unwrap().contains(MARK);
    let found: Vec<String> = page::pages().into_iter().filter(marked).collect();
    assert_eq!(found, run);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_examples_as_they_are_are_accepted_and_say_what_they_wait_for() {
    let world = World::start(Wanted::default()).await;
    let folder = std::fs::read_dir(repository("examples/kubernetes")).unwrap();
    let mut files: Vec<PathBuf> = folder.map(|entry| entry.unwrap().path()).collect();
    files.sort();
    for file in files.iter().filter(|file| file.extension().is_some_and(|extension| extension == "yaml")) {
        let text = std::fs::read_to_string(file).unwrap();
        let placed = placed(&world.namespace).iter().fold(text, |text, (from, to)| text.replace(from, to));
        world.apply(&placed).await;
    }
    for what in ["backend/mini-xdr", "org/mini-corp", "org/harbor-lights"] {
        let said = world.reason(what, "Ready", "DatabaseCertificate").await;
        assert!(said.contains("certificate authority"), "{said}");
    }
}

/// What puts a page into the test's namespace instead of its own.
fn placed(namespace: &str) -> Vec<(String, String)> {
    let patterns = [
        "kind: Namespace\nmetadata: { name: X }",
        "namespace: X",
        "--namespace=X",
        "namespace X",
        " X/mini-xdr",
    ];
    patterns
        .iter()
        .map(|pattern| (pattern.replace('X', "mini-xdr"), pattern.replace('X', namespace)))
        .collect()
}

/// What has a page speak of the test's database, as the user that it makes and, with `--dbname`, as a superuser.
fn as_its_user(database: &Database) -> [(String, String); 2] {
    let url = url(database);
    let (_, place) = url.split_once('@').unwrap();
    let own = format!("postgres://tenantry:change-me@{place}");
    [(url, own), ("--dbname=mini_xdr".to_owned(), format!("--dbname='{}'", database.url()))]
}

struct Page {
    world: World,
    name: &'static str,
    reader: Reader,
}

impl Page {
    async fn open(name: &'static str) -> Self {
        let text = std::fs::read_to_string(repository(name)).unwrap();
        // Roles are the server's, and so everybody's on it.
        let own_postgres = text.contains("CREATE ROLE");
        let wanted = Wanted { vault: text.contains(r#""aws":"#), own_postgres, ..Wanted::default() };
        let world = World::start(wanted).await;
        let mut edits = placed(&world.namespace);
        if own_postgres {
            edits.extend(as_its_user(&world.database));
        }
        if let Some(vault) = &world.vault {
            let prefix = r#""prefix":"tenantry/mini-xdr""#;
            edits.push((prefix.to_owned(), format!(r#"{prefix},"endpoint":"{}""#, vault.endpoint())));
        }
        let mut reader = Reader::new(&world.cluster, &world.database, edits).await;
        reader.set("TENANTRY_CLUSTER_ID", &world.namespace);
        reader.set("AUTHORITY", world.database.ca_path().to_str().unwrap());
        Self { world, name, reader }
    }

    /// Runs what is to be there before, then the page.
    async fn read(mut self, before: &[&str]) {
        self.reader.set("DATABASE_URL", &url(&self.world.database));
        for text in before {
            self.run("before the page", text, None).await;
        }
        self.reader.unset("DATABASE_URL");
        let mut lost = None;
        for Block { place, heading, text } in blocks(self.name) {
            if heading == CLUSTER_IS_LOST && lost.is_none() {
                lost = Some(self.lose_the_cluster().await);
            }
            match text.trim().strip_prefix(SCALE) {
                Some("0") => self.world.kill(),
                Some(_) => self.world.start_again(),
                None => self.run(&place, &text, lost.as_ref()).await,
            }
        }
    }

    /// What is left are the database and what the reader kept.
    async fn lose_the_cluster(&mut self) -> (Cluster, Node) {
        self.world.kill();
        let other = Cluster::start(ClusterOptions::default()).await.unwrap();
        self.reader.uses(&other);
        self.reader.set("DATABASE_URL", &url(&self.world.database));
        (other.clone(), Node::of(other))
    }

    async fn run(&self, place: &str, block: &str, other: Option<&(Cluster, Node)>) {
        if let Err(error) = self.reader.run(block).await {
            let (cluster, log) = match other {
                Some((cluster, node)) => (cluster, node.logs()),
                None => (&self.world.cluster, self.world.operator.log("operator")),
            };
            let namespace = ["--namespace", &self.world.namespace];
            let state = cluster.kubectl(&[&namespace[..], &["get", "tenantry", "-o", "yaml"]].concat()).await;
            panic!("{place}: {error}\n{}\n{log}", state.unwrap_or_default());
        }
    }
}
