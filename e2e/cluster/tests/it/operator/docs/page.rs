//! The blocks of a page that are run here.

use std::path::Path;

use crate::repository;

/// How a block begins that is run here, and that `tools/docs.py` leaves out with these words.
pub const MARK: &str = "```sh skip runs in make e2e";

/// A marked block and where it stands.
pub struct Block {
    /// The page, from the root of the repository, and the line that the block begins on.
    pub place: String,
    /// The heading above it.
    pub heading: String,
    pub text: String,
}

/// The marked blocks of a page, named from the root of the repository.
pub fn blocks(page: &str) -> Vec<Block> {
    let text = std::fs::read_to_string(repository(page)).unwrap();
    let mut blocks: Vec<Block> = Vec::new();
    let (mut inside, mut fenced, mut heading) = (false, false, String::new());
    for (number, line) in text.lines().enumerate() {
        if line.starts_with("```") {
            fenced = !fenced;
            inside = fenced && line == MARK;
            if inside {
                let place = format!("{page}:{}", number + 1);
                blocks.push(Block { place, heading: heading.clone(), text: String::new() });
            }
        } else if let Some(block) = blocks.last_mut().filter(|_| inside) {
            block.text.push_str(line);
            block.text.push('\n');
        } else if !fenced && line.starts_with('#') {
            line.trim_start_matches('#').trim().clone_into(&mut heading);
        }
    }
    assert!(!blocks.is_empty(), "{page} has no block that is marked {MARK}");
    blocks
}

/// Every page that may have blocks.
pub fn pages() -> Vec<String> {
    let mut pages = vec!["README.md".to_owned()];
    for folder in ["charts/tenantry-crds", "docs", "examples/argocd", "examples/kubernetes"] {
        let files = std::fs::read_dir(repository(folder)).unwrap();
        let names = files.map(|entry| entry.unwrap().file_name().into_string().unwrap());
        let pages_there =
            names.filter(|name| Path::new(name).extension().is_some_and(|ending| ending == "md"));
        pages.extend(pages_there.map(|name| format!("{folder}/{name}")));
    }
    pages.sort();
    pages
}
