//! The corpus of `crds/corpus`, whose README says what the comments at the top of a file mean.

use std::fs;
use std::path::{Path, PathBuf};

use futures_util::{StreamExt as _, stream};
use tenantry_harness::Cluster;

use super::{installed, repository};

/// kubectl spends most of its time on itself.
const AT_ONCE: usize = 3;

fn corpus(part: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(repository("crds/corpus").join(part)).unwrap();
    let mut paths: Vec<_> = entries.map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

fn comment(path: &Path, mark: &str) -> Option<String> {
    let text = fs::read_to_string(path).unwrap();
    text.lines().find_map(|line| line.strip_prefix(mark)).map(str::to_owned)
}

/// Whether an answer says what a file expects of a server.
fn is_said(path: &Path, answer: &str) -> bool {
    if let Some(expected) = comment(path, "# server: ") {
        return answer.contains(&expected);
    }
    let expected = comment(path, "# expect: ").unwrap();
    let (field, sentence) = expected.split_once(": ").unwrap();
    answer.lines().any(|line| line.contains(&format!("{field}: ")) && line.contains(sentence))
}

/// What the server says of each; nothing where it accepts it.
async fn judged(cluster: &Cluster, paths: Vec<PathBuf>) -> Vec<(PathBuf, Option<String>)> {
    let namespace = cluster.namespace("corpus").await.unwrap();
    let judge = async |path: PathBuf| {
        let file = path.display().to_string();
        let words = ["apply", "--dry-run=server", "--namespace", &namespace, "--filename", &file];
        let refusal = cluster.kubectl(&words).await.err().map(|error| error.to_string());
        (path, refusal)
    };
    stream::iter(paths).map(judge).buffered(AT_ONCE).collect().await
}

#[tokio::test]
async fn the_good_ones_pass_and_the_bad_ones_are_refused_with_their_sentence() {
    let cluster = installed().await;
    let mut wrong = Vec::new();
    for (path, refusal) in judged(cluster, corpus("good")).await {
        wrong.extend(refusal.map(|refusal| format!("{}: {refusal}", path.display())));
    }
    for (path, refusal) in judged(cluster, corpus("bad")).await {
        if !refusal.as_ref().is_some_and(|refusal| is_said(&path, refusal)) {
            wrong.push(format!("{}: {}", path.display(), refusal.as_deref().unwrap_or("passes")));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[tokio::test]
async fn what_cannot_be_changed_is_refused_and_nothing_else() {
    let cluster = installed().await;
    for change in corpus("changes") {
        let namespace = cluster.namespace("change").await.unwrap();
        let apply = async |file: &str| {
            let file = change.join(file).display().to_string();
            cluster.kubectl(&["apply", "--namespace", &namespace, "--filename", &file]).await
        };
        apply("before.yaml").await.unwrap();
        let after = change.join("after.yaml");
        match (comment(&after, "# expect: "), apply("after.yaml").await) {
            (None, answer) => assert!(answer.is_ok(), "{}: {answer:?}", change.display()),
            (Some(_), Ok(_)) => panic!("{} passes", change.display()),
            (Some(_), Err(error)) => assert!(is_said(&after, &error.to_string()), "{error}"),
        }
    }
}
