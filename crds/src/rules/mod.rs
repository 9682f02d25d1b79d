//! The rules that a schema of fields alone cannot say: how fields go together, what may not change, and what is not built yet.
//!
//! Each [`Rule`] is said twice, in CEL for an API server and in Rust for a folder, with one sentence for both; the corpus in
//! `crds/corpus` holds that they judge alike. [`backend`] and [`organization`] list them, [`periods`] bounds lengths of time.

mod backend;
mod organization;
mod periods;
mod routes;
mod stand_alone;

use crate::forms;
pub(crate) use stand_alone::{aside, refused_alone};

/// Field and sentence.
pub type Broken = (String, String);

/// A resource with rules.
pub trait Ruled: Sized + 'static {
    /// Its rules.
    fn rules() -> Vec<Rule<Self>>;
}

/// One rule.
pub struct Rule<R> {
    /// Where in the schema CEL's `self` is: `spec.routes[]`; empty: the resource.
    pub(crate) at: &'static str,
    /// The field it is about, below `at`; empty: `at` itself.
    pub(crate) field: &'static str,
    /// The expression that holds where the rule does.
    pub(crate) cel: String,
    /// What is wrong and what to write instead.
    pub(crate) sentence: String,
    check: Check<R>,
}

/// The fields of a resource that break a rule.
type Fields<R> = Box<dyn Fn(&R) -> Vec<String>>;

enum Check<R> {
    /// The fields that break it.
    State(Fields<R>),
    /// Whether the second may follow on the first.
    Change(fn(&R, &R) -> bool),
}

impl<R: 'static> Rule<R> {
    /// A rule about one field.
    fn holds(
        (at, field): (&'static str, &'static str),
        cel: impl Into<String>,
        sentence: impl Into<String>,
        holds: impl Fn(&R) -> bool + 'static,
    ) -> Self {
        let path = below(at, field);
        let check = move |resource: &R| if holds(resource) { Vec::new() } else { vec![path.clone()] };
        Self { at, field, cel: cel.into(), sentence: sentence.into(), check: Check::State(Box::new(check)) }
    }

    /// A rule about entries of lists: names those that break it.
    fn each(
        (at, field): (&'static str, &'static str),
        cel: impl Into<String>,
        sentence: impl Into<String>,
        broken: impl Fn(&R) -> Vec<String> + 'static,
    ) -> Self {
        Self { at, field, cel: cel.into(), sentence: sentence.into(), check: Check::State(Box::new(broken)) }
    }

    /// A rule about what may follow on what; in CEL the former is `oldSelf`.
    fn change(
        (at, field): (&'static str, &'static str),
        cel: impl Into<String>,
        sentence: impl Into<String>,
        may: fn(&R, &R) -> bool,
    ) -> Self {
        Self { at, field, cel: cel.into(), sentence: sentence.into(), check: Check::Change(may) }
    }
}

/// The rules that a resource breaks whose fields are each as they should be.
pub fn broken<R: Ruled>(resource: &R) -> Vec<Broken> {
    let said = |rule: Rule<R>| match &rule.check {
        Check::State(check) => {
            check(resource).into_iter().map(|path| (path, rule.sentence.clone())).collect()
        }
        Check::Change(_) => Vec::new(),
    };
    R::rules().into_iter().flat_map(said).collect()
}

/// What may not change between two versions of a resource and does.
pub fn immutable<R: Ruled>(old: &R, new: &R) -> Vec<Broken> {
    let said = |rule: Rule<R>| match rule.check {
        Check::Change(may) if !may(old, new) => Some((below(rule.at, rule.field), rule.sentence)),
        _ => None,
    };
    R::rules().into_iter().filter_map(said).collect()
}

fn is_label(name: &str, longest: usize) -> bool {
    name.len() <= longest && matches(forms::LABEL_NAME, name)
}

fn matches(pattern: &str, text: &str) -> bool {
    crate::schema::matches(pattern, text)
}

fn below(at: &str, field: &str) -> String {
    match (at, field) {
        ("", field) => field.to_owned(),
        (at, "") => at.to_owned(),
        (at, field) => format!("{at}.{field}"),
    }
}

/// A text as a literal of CEL that knows no escapes.
pub(crate) fn raw(text: &str) -> String {
    format!("r\"{text}\"")
}
