//! YAML (and so JSON) as a tree that knows its lines, read within bounds. Duplicate keys are kept, to be refused with both lines.

use std::{borrow::Cow, fmt};

use serde::{
    Deserialize, Deserializer,
    de::{MapAccess, SeqAccess, Visitor},
};
use serde_json::Number;
use serde_saphyr::{
    DuplicateKeyPolicy, Location, MessageFormatter, Options, Spanned, UserMessageFormatter,
    localizer::Localizer,
};

/// A value and the line it begins on.
pub(crate) struct Node {
    pub line: u64,
    pub tree: Tree,
}

/// What stands there.
pub(crate) enum Tree {
    Null,
    Bool(bool),
    Number(Number),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// One entry of a mapping.
pub(crate) struct Entry {
    pub key: String,
    pub line: u64,
    pub value: Node,
}

/// Why a text is no YAML, and on which line. It never repeats what stands in the text.
#[derive(Debug)]
pub(crate) struct NotYaml {
    pub line: u64,
    pub reason: String,
}

impl Node {
    /// Reads one document; `first` is the line it begins on. A document without content is `None`.
    pub fn parse(text: &str, first: u64) -> Result<Option<Self>, NotYaml> {
        let mut node: Self = match serde_saphyr::from_str_with_options(text, options()) {
            Ok(node) => node,
            Err(error) => return Err(explain(&error, first)),
        };
        node.shift(first - 1);
        Ok((!matches!(node.tree, Tree::Null)).then_some(node))
    }

    /// The entries, where it is a mapping.
    pub fn entries(&self) -> &[Entry] {
        match &self.tree {
            Tree::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The value of a key.
    pub fn get(&self, key: &str) -> Option<&Self> {
        self.entries().iter().find(|entry| entry.key == key).map(|entry| &entry.value)
    }

    /// The text, where it is text.
    pub fn text(&self) -> Option<&str> {
        match &self.tree {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The line of a path such as `spec.routes[2].path`, or of the nearest that is there.
    pub fn line_of(&self, path: &str) -> u64 {
        let mut here = self;
        for step in path.split(['.', '[']).filter(|step| !step.is_empty()) {
            let next =
                match (&here.tree, step.strip_suffix(']').and_then(|index| index.parse::<usize>().ok())) {
                    (Tree::List(items), Some(index)) => items.get(index),
                    _ => here.get(step),
                };
            match next {
                Some(next) => here = next,
                None => break,
            }
        }
        here.line
    }

    fn shift(&mut self, lines: u64) {
        self.line += lines;
        match &mut self.tree {
            Tree::List(items) => items.iter_mut().for_each(|item| item.shift(lines)),
            Tree::Map(entries) => entries.iter_mut().for_each(|entry| {
                entry.line += lines;
                entry.value.shift(lines);
            }),
            _ => {}
        }
    }
}

fn options() -> Options {
    serde_saphyr::options! {
        budget: serde_saphyr::budget! {
            max_depth: 32,
            flow_nesting_limit: 32,
            max_events: 250_000,
            max_nodes: 100_000,
            max_aliases: 1_000,
            max_anchors: 1_000,
            max_merge_keys: 1_000,
            max_recorded_anchor_events: 100_000,
            max_total_scalar_bytes: 4 << 20,
        },
        alias_limits: serde_saphyr::alias_limits! {
            max_total_replayed_events: 20_000,
            max_replay_stack_depth: 8,
            max_alias_expansions_per_anchor: 1_000,
        },
        duplicate_keys: DuplicateKeyPolicy::PassThrough,
        // 010 is 8, as kubectl has it.
        legacy_octal_numbers: true,
        emit_comments: false,
        with_snippet: false,
    }
}

fn explain(error: &serde_saphyr::Error, first: u64) -> NotYaml {
    struct WithoutLocation;
    impl Localizer for WithoutLocation {
        fn attach_location<'a>(&self, base: Cow<'a, str>, _: Location) -> Cow<'a, str> {
            base
        }
    }
    let formatter = UserMessageFormatter.with_localizer(&WithoutLocation);
    let line = error.location().map_or(0, |location| location.line());
    NotYaml {
        line: first + line.max(1) - 1,
        reason: formatter.format_message(error.without_snippet()).into_owned(),
    }
}

impl<'de> Deserialize<'de> for Node {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = Spanned::<Tree>::deserialize(deserializer)?;
        Ok(Self { line: spanned.referenced.line(), tree: spanned.value })
    }
}

impl<'de> Deserialize<'de> for Tree {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(TreeVisitor)
    }
}

struct TreeVisitor;

impl<'de> Visitor<'de> for TreeVisitor {
    type Value = Tree;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a value of JSON")
    }

    fn visit_unit<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_none<E>(self) -> Result<Tree, E> {
        Ok(Tree::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Tree, E> {
        Ok(Tree::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Tree, E> {
        Ok(Tree::Number(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Tree, E> {
        // 12.0 is 12, as kubectl has it.
        if value.fract() == 0.0 && value.abs() < 9_007_199_254_740_992.0 {
            #[allow(clippy::cast_possible_truncation, reason = "whole and within 2^53")]
            return Ok(Tree::Number((value as i64).into()));
        }
        Number::from_f64(value).map(Tree::Number).ok_or_else(|| E::custom("a number without end is no JSON"))
    }

    fn visit_str<E>(self, value: &str) -> Result<Tree, E> {
        Ok(Tree::Text(value.to_owned()))
    }

    fn visit_string<E>(self, value: String) -> Result<Tree, E> {
        Ok(Tree::Text(value))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Tree, A::Error> {
        let mut list = Vec::new();
        while let Some(item) = items.next_element()? {
            list.push(item);
        }
        Ok(Tree::List(list))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Tree, A::Error> {
        let mut map = Vec::new();
        while let Some(key) = entries.next_key::<Spanned<String>>()? {
            let value = entries.next_value()?;
            map.push(Entry { line: key.referenced.line(), key: key.value, value });
        }
        Ok(Tree::Map(map))
    }
}

#[cfg(test)]
mod tests;
