//! Links of the documentation lead somewhere: from page to page, from alerts to their runbook, from sentences of the programs to a page.
#![allow(clippy::expect_used, missing_docs)]

use std::fs;
use std::path::{Path, PathBuf};

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

fn read(path: &Path) -> String {
    fs::read_to_string(path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

/// The files of a folder with this ending, those of its folders too.
fn files(folder: &Path, ending: &str) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).expect("a folder") {
        let path = entry.expect("an entry").path();
        if path.is_dir() {
            found.extend(files(&path, ending));
        } else if path.extension().is_some_and(|found| found == ending) {
            found.push(path);
        }
    }
    found
}

/// The anchors that a page's headings make, as GitHub makes them.
fn anchors(page: &str) -> Vec<String> {
    let mut fenced = false;
    let headings = page.lines().filter(|line| {
        fenced ^= line.starts_with("```");
        !fenced && line.starts_with('#')
    });
    let kept = |letter: &char| letter.is_alphanumeric() || matches!(letter, ' ' | '-' | '_');
    headings
        .map(|line| line.trim_start_matches('#').trim().to_lowercase())
        .map(|heading| heading.chars().filter(kept).collect::<String>().replace(' ', "-"))
        .collect()
}

/// Says what is wrong with a link in a file of this folder; `None`: nothing.
fn broken(folder: &Path, own: &Path, link: &str) -> Option<String> {
    let (file, anchor) = link.split_once('#').unwrap_or((link, ""));
    let target = if file.is_empty() { own.to_owned() } else { folder.join(file) };
    if !target.exists() {
        return Some(format!("{}: {link} is not there", own.display()));
    }
    let leads = anchor.is_empty() || anchors(&read(&target)).iter().any(|found| found == anchor);
    (!leads).then(|| format!("{}: {link} has no such heading", own.display()))
}

#[test]
fn every_link_between_pages_leads_to_a_page_and_its_heading() {
    let root = root();
    let mut pages = files(&root.join("docs"), "md");
    pages.extend([root.join("README.md"), root.join("CONTRIBUTING.md")]);
    pages.extend(files(&root.join("examples/kubernetes"), "md"));
    pages.extend(files(&root.join("charts"), "md"));
    let mut wrong = Vec::new();
    for page in &pages {
        let text = read(page);
        let links = text.split("](").skip(1).filter_map(|rest| rest.split(')').next());
        let own = links.filter(|link| !link.contains("://"));
        wrong.extend(own.filter_map(|link| broken(page.parent().expect("a folder"), page, link)));
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn every_alert_has_its_section_and_every_page_that_a_program_names_exists() {
    let root = root();
    let mut sources = files(&root.join("charts"), "yaml");
    sources.extend(files(&root.join("operator/src"), "rs"));
    sources.extend(files(&root.join("proxy"), "rs"));
    let mut count = 0;
    let mut wrong = Vec::new();
    for source in &sources {
        for rest in read(source).split("docs/").skip(1) {
            let end = |letter: char| !(letter.is_alphanumeric() || matches!(letter, '-' | '.' | '#'));
            let link = rest.split(end).next().unwrap_or_default().trim_end_matches('.');
            if link.contains(".md") {
                count += 1;
                wrong.extend(broken(&root.join("docs"), source, link));
            }
        }
    }
    assert!(count >= 8, "the alerts name their sections: {count}");
    assert!(wrong.is_empty(), "{wrong:#?}");
}
