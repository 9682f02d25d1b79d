//! The corpus in `crds/corpus`, judged as a folder is; `e2e/cluster` lets an API server judge the same files.

use std::fmt::Write as _;
use std::fs;
use std::path::PathBuf;

use super::document::{Found, Judge};
use super::*;
use crate::definition::schema_of;
use crate::rules::{Rule, Ruled, immutable};

fn corpus(part: &str) -> Vec<PathBuf> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("corpus").join(part);
    let mut paths: Vec<_> = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths
}

/// One document, judged by itself.
fn judge(path: &Path) -> (Loaded, Found) {
    let (mut loaded, mut found) = (Loaded::default(), Found::default());
    Judge::new().file(path, &fs::read_to_string(path).unwrap(), &mut found, &mut loaded);
    (loaded, found)
}

/// The comments of one kind at the top of a file: field and sentence.
fn expected(path: &Path, mark: &str) -> Option<(String, String)> {
    let text = fs::read_to_string(path).unwrap();
    let line = text.lines().find_map(|line| line.strip_prefix(mark))?;
    line.split_once(": ").map(|(field, sentence)| (field.to_owned(), sentence.to_owned()))
}

fn is_said((field, sentence): &(String, String), problems: &[Problem]) -> bool {
    !problems.is_empty()
        && problems.iter().all(|problem| problem.path.starts_with(field.as_str()))
        && problems.iter().any(|problem| problem.sentence.contains(sentence.as_str()))
}

#[test]
fn the_good_ones_pass() {
    let mut wrong = String::new();
    let paths = corpus("good");
    for path in &paths {
        let problems = judge(path).0.problems;
        let right = match expected(path, "# folder: ") {
            Some(expected) => is_said(&expected, &problems),
            None => problems.is_empty(),
        };
        if !right {
            writeln!(wrong, "{}: {problems:#?}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty() && paths.len() >= 25, "{wrong}");
}

#[test]
fn the_bad_ones_are_refused_at_the_field_that_is_wrong() {
    let mut wrong = String::new();
    let paths = corpus("bad");
    for path in &paths {
        let problems = judge(path).0.problems;
        if !is_said(&expected(path, "# expect: ").unwrap(), &problems) {
            writeln!(wrong, "{}: {problems:#?}", path.display()).unwrap();
        }
    }
    assert!(wrong.is_empty() && paths.len() >= 80, "{wrong}");
}

#[test]
fn what_cannot_be_changed_is_refused_and_nothing_else() {
    for path in corpus("changes") {
        let (_, before) = judge(&path.join("before.yaml"));
        let (_, after) = judge(&path.join("after.yaml"));
        let said = match (&before.backends[..], &before.organizations[..]) {
            ([(_, Some(before))], []) => immutable(before, after.backends[0].1.as_ref().unwrap()),
            ([], [(_, before)]) => immutable(before, &after.organizations[0].1),
            _ => panic!("{}: no pair of one resource", path.display()),
        };
        match expected(&path.join("after.yaml"), "# expect: ") {
            Some((field, sentence)) => {
                assert!(said.len() == 1 && said[0].0 == field, "{}: {said:?}", path.display());
                assert!(said[0].1.contains(&sentence), "{}: {said:?}", path.display());
            }
            None => assert_eq!(said, [], "{}", path.display()),
        }
    }
}

/// Sentences that the corpus makes somebody say.
fn said_of_the_corpus() -> Vec<String> {
    let changed =
        corpus("changes").into_iter().filter_map(|path| expected(&path.join("after.yaml"), "# expect: "));
    let refused = corpus("bad").iter().flat_map(|path| judge(path).0.problems).collect::<Vec<_>>();
    refused.into_iter().map(|problem| problem.sentence).chain(changed.map(|(_, sentence)| sentence)).collect()
}

#[test]
fn no_rule_and_no_form_is_without_a_bad_one() {
    fn sentences<R: Ruled>() -> impl Iterator<Item = String> {
        R::rules().into_iter().map(|rule: Rule<R>| rule.sentence)
    }
    let said = said_of_the_corpus();
    let schemas = format!("{}{}", schema_of::<Backend>(), schema_of::<Organization>());
    // What is not built yet is refused whole, before anybody looks at its parts.
    let used = |form: &&crate::forms::Form| {
        schemas.contains(&serde_json::to_string(form.pattern).unwrap())
            && ![crate::forms::MOMENT, crate::forms::TABLE, crate::forms::SQL_NAME].contains(&form.pattern)
    };
    let forms = crate::forms::FORMS.iter().filter(used).map(|form| form.sentence.to_owned());
    for sentence in sentences::<Backend>().chain(sentences::<Organization>()).chain(forms) {
        assert!(
            said.iter().any(|said| sentence.contains(said.as_str())),
            "nothing in the corpus is told: {sentence}"
        );
    }
}
