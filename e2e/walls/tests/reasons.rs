//! Every reason and condition that the operator can give is explained in `docs/conditions.md`, and that explains no others.
#![allow(clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

/// Words in the source that look like reasons and are none.
const OTHERS: &[&str] = &[
    "Adopt",
    "Always",
    "Backend",
    "False",
    "Memory",
    "Opaque",
    "Organization",
    "Reconcile",
    "ReplicaFailure",
    "RuntimeDefault",
    "Secret",
    "ServiceAccount",
    "Shown",
    "String",
    "True",
    "Unknown",
];

#[test]
fn every_reason_of_the_operator_has_its_line_in_the_page_and_the_page_has_no_others() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../..");
    let mut given = BTreeSet::new();
    collect(&root.join("operator/src"), &mut given);
    let page = fs::read_to_string(root.join("docs/conditions.md")).expect("docs/conditions.md is there");
    // The first column of the tables.
    let rows = page.lines().filter_map(|line| line.strip_prefix('|')?.split('|').next());
    let explained: BTreeSet<String> = rows.flat_map(|cell| words(cell, '`')).collect();
    let missing: Vec<_> = given.difference(&explained).collect();
    assert!(
        missing.is_empty(),
        "docs/conditions.md does not explain {missing:?}; what is no reason belongs in OTHERS"
    );
    let stale: Vec<_> = explained.difference(&given).collect();
    assert!(stale.is_empty(), "docs/conditions.md explains {stale:?}, which nothing gives");
}

/// What is full of other words of that kind: Kubernetes' own, and the names of AWS's errors.
const FULL_OF_OTHERS: [&str; 3] = ["authority/objects", "stores/objects.rs", "aws/errors.rs"];

/// Adds each word of a string literal that could be a reason, tests left out.
fn collect(folder: &Path, given: &mut BTreeSet<String>) {
    for entry in fs::read_dir(folder).expect("a folder of sources") {
        let path = entry.expect("an entry").path();
        if FULL_OF_OTHERS.iter().any(|other| path.ends_with(other)) {
            continue;
        }
        if path.is_dir() {
            collect(&path, given);
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            let source = fs::read_to_string(&path).expect("a source file");
            let source = source.split("#[cfg(test)]").next().unwrap_or_default();
            given.extend(words(source, '"').filter(|word| !OTHERS.contains(&word.as_str())));
        }
    }
}

/// Each word in capitals and small letters that stands alone between two such marks.
fn words(text: &str, mark: char) -> impl Iterator<Item = String> {
    let is_reason = |word: &&str| {
        word.len() > 3
            && word.starts_with(|first: char| first.is_ascii_uppercase())
            && word.chars().all(|letter| letter.is_ascii_alphabetic())
            && word.chars().any(|letter| letter.is_ascii_lowercase())
    };
    text.lines().flat_map(move |line| line.split(mark).filter(is_reason).map(str::to_owned))
}
