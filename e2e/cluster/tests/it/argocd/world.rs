//! An empty cluster with Argo CD, a repository of the charts, one of the customers, and a database.

use std::time::{Duration, Instant};

use serde_json::Value;
use tempfile::TempDir;
use tenantry_harness::{Cluster, ClusterOptions, Database, Postgres};

use super::parts::Argo;
use crate::operator::docs::page::{Block, blocks};
use crate::operator::docs::reader::Reader;
use crate::operator::node::Node;

const PATIENCE: Duration = Duration::from_mins(4);

/// Two repositories of a branch each. What the customers' Secrets are made by is not Argo CD's affair, so that they are in neither.
const REPOSITORIES: &str = "git init --quiet --initial-branch main \"$PLATFORM\"
cp -rL charts \"$PLATFORM/charts\"
git init --quiet --initial-branch main \"$CUSTOMERS\"
mkdir -p \"$CUSTOMERS/production/organizations\"
cp examples/kubernetes/1-namespace.yaml \"$CUSTOMERS/production/namespace.yaml\"
cp examples/kubernetes/3-backend.yaml \"$CUSTOMERS/production/backend.yaml\"
cp examples/kubernetes/4-mini-corp.yaml \"$CUSTOMERS/production/organizations/mini-corp.yaml\"
sed '1,/^---$/d' examples/kubernetes/5-harbor-lights.yaml > \"$CUSTOMERS/production/organizations/harbor-lights.yaml\"
sed -i 's/^metadata: { name: mini-xdr/&, annotations: { argocd.argoproj.io\\/sync-wave: \"-2\" }/' \"$CUSTOMERS/production/namespace.yaml\"
sed -i 's/^metadata: { name: mini-xdr/&, annotations: { argocd.argoproj.io\\/sync-wave: \"-1\" }/' \"$CUSTOMERS/production/backend.yaml\"
for repository in \"$PLATFORM\" \"$CUSTOMERS\"; do git -C \"$repository\" add --all; git -C \"$repository\" commit --quiet --message 'All there is'; done";

pub struct World {
    pub cluster: Cluster,
    pub argo: Argo,
    pub database: Database,
    reader: Reader,
    node: Node,
    _repositories: TempDir,
}

impl World {
    pub async fn start() -> Self {
        let cluster = Cluster::start(ClusterOptions::default()).await.unwrap();
        let database = Postgres::shared().await.unwrap().create_database().await.unwrap();
        let repositories = TempDir::new().unwrap();
        let of = |name: &str| repositories.path().join(name).to_str().unwrap().to_owned();
        let (platform, customers) = (of("tenantry"), of("customers"));
        let there = |name: &str, path: &str| {
            (format!("https://git.example.com/platform/{name}.git"), format!("file://{path}"))
        };
        let edits = vec![there("tenantry", &platform), there("customers", &customers)];
        let mut reader = Reader::new(&cluster, &database, edits).await;
        reader.set("PLATFORM", &platform);
        reader.set("CUSTOMERS", &customers);
        for (variable, value) in [("NAME", "Somebody"), ("EMAIL", "somebody@example.com")] {
            reader.set(&format!("GIT_AUTHOR_{variable}"), value);
            reader.set(&format!("GIT_COMMITTER_{variable}"), value);
        }
        let argo = Argo::start(&cluster).await;
        let node = Node::of(cluster.clone());
        let world = Self { cluster, argo, database, reader, node, _repositories: repositories };
        world.run(REPOSITORIES).await;
        world
    }

    /// Follows the page up to where it speaks of what to commit.
    pub async fn follow_the_page(&self) {
        let until = |block: &Block| block.heading != "What to commit";
        for block in blocks("docs/gitops.md").into_iter().take_while(until) {
            self.run(&block.text).await;
        }
        let settings = "/api/v1/namespaces/argocd/configmaps/argocd-cm";
        let settings = self.cluster.read(settings).await.unwrap().unwrap();
        assert_eq!(settings["data"]["url"], "https://argocd.example.com", "what was there stays");
    }

    /// Runs a block of shell in a folder with the examples.
    pub async fn run(&self, block: &str) -> String {
        match self.reader.run(block).await {
            Ok(said) => said,
            Err(error) => panic!("{error}\n{}", self.state().await),
        }
    }

    /// Changes the customers' repository, in its folder.
    pub async fn commit(&self, message: &str, change: &str) {
        let commit = format!("git add --all\ngit commit --quiet --message '{message}'");
        self.run(&format!("cd \"$CUSTOMERS\"\n{change}\n{commit}")).await;
    }

    pub async fn kubectl(&self, args: &[&str]) -> String {
        self.cluster.kubectl(args).await.unwrap()
    }

    /// A resource in the Backend's namespace, called `PLURAL/NAME`.
    pub async fn tenantry(&self, what: &str) -> Option<Value> {
        let path = format!("/apis/tenantry.io/v1alpha1/namespaces/mini-xdr/{what}");
        self.cluster.read(&path).await.unwrap()
    }

    /// Waits until an Application is synced and as healthy as this.
    pub async fn shows(&self, application: &str, health: &str) -> Value {
        self.until(&format!("{application}: Synced and {health}"), async || {
            let found = self.argo.application(application).await?;
            (found["status"]["sync"]["status"] == "Synced" && found["status"]["health"]["status"] == health)
                .then_some(found)
        })
        .await
    }

    /// What Argo CD says on the command line of the health of a resource as it stands.
    pub async fn health_of(&self, what: &str) -> String {
        let object = self.kubectl(&["get", what, "--namespace", "mini-xdr", "--output", "yaml"]).await;
        self.argo.says_of(&object).await
    }

    pub async fn rows(&self) -> String {
        self.database.psql("SELECT slug, status FROM organizations ORDER BY slug").await.unwrap()
    }

    /// Looks until there is an answer.
    pub async fn until<T>(&self, what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
        let began = Instant::now();
        loop {
            if let Some(found) = look().await {
                return found;
            }
            assert!(began.elapsed() < PATIENCE, "{what} did not come true\n{}", self.state().await);
            tokio::time::sleep(Duration::from_millis(300)).await;
        }
    }

    async fn state(&self) -> String {
        let get = |what| ["get", what, "--all-namespaces", "--output", "yaml"];
        let mut said = Vec::new();
        for what in ["applications.argoproj.io", "backends,organizations"] {
            said.push(self.cluster.kubectl(&get(what)).await.unwrap_or_else(|error| error.to_string()));
        }
        format!("{}\n{}\n{}", said.join("\n"), self.argo.logs(), self.node.logs())
    }
}
