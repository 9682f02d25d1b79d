//! The corpus of `crds/corpus`, whose README says what the comments at the top of a file mean.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use tenantry_harness::Cluster;

use super::{installed, repository};

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

/// What kubectl says of each file of a folder, by the file's name where the server refuses it. All of them at once: kubectl spends most of
/// its time on itself, and says of which file it speaks.
async fn refused(cluster: &Cluster, part: &str) -> BTreeMap<String, String> {
    const OF: &str = "error when creating \"";
    let namespace = cluster.namespace("corpus").await.unwrap();
    let folder = repository("crds/corpus").join(part).display().to_string();
    let apply = ["apply", "--dry-run=server", "--namespace", &namespace, "--filename", &folder];
    let text = match cluster.kubectl(&apply).await {
        Ok(said) => {
            assert_eq!(said.lines().count(), corpus(part).len(), "each of them has one document: {said}");
            return BTreeMap::new();
        }
        Err(error) => error.to_string(),
    };
    let Some((before, of_files)) = text.split_once(OF) else { panic!("{text}") };
    assert!(!before.contains('/'), "kubectl refused something before the server saw it: {before}");
    let file = |said: &str| {
        let (path, said) = said.split_once('"').unwrap();
        (Path::new(path).file_name().unwrap().to_string_lossy().into_owned(), said.to_owned())
    };
    of_files.split(OF).map(file).collect()
}

#[tokio::test]
async fn the_good_ones_pass_and_the_bad_ones_are_refused_with_their_sentence() {
    let cluster = installed().await;
    assert_eq!(refused(cluster, "good").await, BTreeMap::new());
    let refusals = refused(cluster, "bad").await;
    let mut wrong = Vec::new();
    for path in corpus("bad") {
        let name = path.file_name().unwrap().to_string_lossy().into_owned();
        let refusal = refusals.get(&name).map(String::as_str);
        if !refusal.is_some_and(|refusal| is_said(&path, refusal)) {
            wrong.push(format!("{name}: {}", refusal.unwrap_or("passes")));
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
