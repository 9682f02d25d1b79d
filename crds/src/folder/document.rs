//! One document: YAML, then what it says it is, then its schema, then its rules.

use std::path::{Path, PathBuf};
use std::sync::LazyLock;

use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::{Loaded, files, secrets};
use crate::rules::{self, Ruled};
use crate::schema::{self, Refused};
use crate::yaml::{Node, Tree};
use crate::{Backend, DEFAULT_NAMESPACE, GROUP, Organization, Problem, VERSION};

const METADATA: [&str; 6] = ["name", "namespace", "labels", "annotations", "uid", "finalizers"];

/// Where a resource was read.
#[derive(Clone)]
pub(super) struct Place {
    pub file: PathBuf,
    pub line: u64,
    pub resource: String,
}

impl Place {
    pub fn problem(&self, path: impl Into<String>, sentence: impl Into<String>) -> Problem {
        Problem {
            file: self.file.clone(),
            line: self.line,
            resource: self.resource.clone(),
            path: path.into(),
            value: None,
            sentence: sentence.into(),
        }
    }
}

/// What the documents so far hold.
#[derive(Default)]
pub(super) struct Found {
    /// Every Backend that was meant, `None` where it was refused.
    pub backends: Vec<(Place, Option<Backend>)>,
    pub organizations: Vec<(Place, Organization)>,
    /// Kind, namespace and name of everything, with where.
    pub names: Vec<(String, Place)>,
}

/// Judges documents by the schemas, which are made once.
pub(super) struct Judge {
    backend: &'static Value,
    organization: &'static Value,
}

impl Judge {
    pub fn new() -> Self {
        static BACKEND: LazyLock<Value> = LazyLock::new(schema::spec_of::<Backend>);
        static ORGANIZATION: LazyLock<Value> = LazyLock::new(schema::spec_of::<Organization>);
        Self { backend: &BACKEND, organization: &ORGANIZATION }
    }

    /// Judges every document of a file.
    pub fn file(&self, path: &Path, text: &str, found: &mut Found, loaded: &mut Loaded) {
        for (first, document) in files::documents(text) {
            match Node::parse(document, first) {
                Ok(Some(node)) => self.document(path, &node, found, loaded),
                Ok(None) => {}
                Err(error) => loaded.problems.push(Problem {
                    file: path.to_owned(),
                    line: error.line,
                    sentence: format!("is no YAML: {}", error.reason),
                    ..Problem::default()
                }),
            }
        }
    }

    fn document(&self, file: &Path, node: &Node, found: &mut Found, loaded: &mut Loaded) {
        let text = |key: &str| node.get(key).and_then(Node::text).unwrap_or_default();
        let (version, kind) = (text("apiVersion"), text("kind"));
        let place = Place { file: file.to_owned(), line: node.line, resource: String::new() };
        if !matches!(node.tree, Tree::Map(_)) || kind.is_empty() {
            let sentence = "says no kind: write apiVersion, kind, metadata and spec";
            loaded.problems.push(place.problem("", sentence));
            return;
        }
        if kind == "List" && version == "v1" {
            if let Some(Tree::List(items)) = node.get("items").map(|items| &items.tree) {
                for item in items {
                    self.document(file, item, found, loaded);
                }
            }
            return;
        }
        let ours = ["Backend", "Organization"].contains(&kind);
        let in_group = version.split('/').next() == Some(GROUP);
        let is_secret = kind == "Secret" && version == "v1";
        if !(ours || in_group || is_secret) {
            loaded.warnings.push(place.problem(
                "",
                format!("a {kind} is left aside: only Backend, Organization and Secret are read here"),
            ));
            return;
        }
        if kind == "Backend" {
            // Even one that is refused below was meant to be the folder's.
            loaded.backend_refused = true;
        }
        if kind != "Secret" && version != format!("{GROUP}/{VERSION}") {
            loaded.problems.push(
                place.problem("apiVersion", format!("{version:?} is not served: write {GROUP}/{VERSION}")),
            );
            return;
        }
        if !ours && kind != "Secret" {
            loaded.problems.push(
                place.problem(
                    "kind",
                    format!("{kind:?} is no kind of {GROUP}: write Backend or Organization"),
                ),
            );
            return;
        }
        let Some(place) = named(node, kind, place, loaded) else { return };
        let key = place.resource.clone();
        if let Some((_, earlier)) = found.names.iter().find(|(name, _)| *name == key) {
            let sentence = format!(
                "is here twice, the other one in {}:{}: keep one of them",
                earlier.file.display(),
                earlier.line
            );
            loaded.problems.push(place.problem("metadata.name", sentence));
            return;
        }
        found.names.push((key, place.clone()));
        match kind {
            "Secret" => secrets::take(node, &place, loaded),
            "Backend" => {
                let backend = typed::<Backend>(node, self.backend, &place, loaded);
                let refused = backend.as_ref().map(rules::refused_alone).unwrap_or_default();
                let backend = backend.filter(|_| refused.is_empty());
                loaded.problems.extend(refused.into_iter().map(|(path, sentence)| Problem {
                    line: node.line_of(&path),
                    ..place.problem(path, sentence)
                }));
                if let Some(backend) = &backend {
                    let aside = rules::aside(backend);
                    loaded
                        .warnings
                        .extend(aside.into_iter().map(|(path, sentence)| place.problem(path, sentence)));
                }
                found.backends.push((place, backend));
            }
            _ => {
                let organization = typed::<Organization>(node, self.organization, &place, loaded);
                found.organizations.extend(organization.map(|organization| (place, organization)));
            }
        }
    }
}

/// The resource, where neither its schema nor its rules refuse anything.
fn typed<R: DeserializeOwned + Ruled>(
    node: &Node,
    schema: &Value,
    place: &Place,
    loaded: &mut Loaded,
) -> Option<R> {
    let before = loaded.problems.len();
    let fields = ["apiVersion", "kind", "metadata", "spec", "status"];
    for entry in node.entries().iter().filter(|entry| !fields.contains(&entry.key.as_str())) {
        let sentence = crate::nearest::nearest(&entry.key, fields).map_or_else(
            || "is no field here: write apiVersion, kind, metadata and spec".to_owned(),
            |nearest| format!("is no field here: did you mean {nearest}?"),
        );
        loaded.problems.push(Problem { line: entry.line, ..place.problem(&entry.key, sentence) });
    }
    match node.get("spec").filter(|spec| !matches!(spec.tree, Tree::Null)) {
        Some(spec) => {
            let mut refused = Vec::new();
            schema::judge(spec, schema, "spec", &mut refused);
            loaded.problems.extend(refused.into_iter().map(|Refused { path, line, value, sentence }| {
                Problem { line, value, ..place.problem(path, sentence) }
            }));
        }
        None => loaded.problems.push(place.problem("spec", "is missing: write what it should be")),
    }
    if loaded.problems.len() > before {
        return None;
    }
    let mut value = to_json(node);
    if let Some(map) = value.as_object_mut() {
        map.remove("status");
        map.get_mut("spec").into_iter().for_each(|spec| schema::without_nulls(spec, schema));
    }
    match serde_json::from_value::<R>(value) {
        Ok(resource) => {
            for (path, sentence) in rules::broken(&resource) {
                let line = node.line_of(&path);
                loaded.problems.push(Problem { line, ..place.problem(path, sentence) });
            }
            (loaded.problems.len() == before).then_some(resource)
        }
        Err(error) => {
            loaded.problems.push(place.problem("spec", error.to_string()));
            None
        }
    }
}

/// Where a named resource is; `None` where its metadata is refused.
fn named(node: &Node, kind: &str, place: Place, loaded: &mut Loaded) -> Option<Place> {
    let metadata = node.get("metadata");
    let Some(name) = metadata.and_then(|metadata| metadata.get("name")).and_then(Node::text) else {
        loaded.problems.push(place.problem("metadata.name", format!("is missing: give the {kind} a name")));
        return None;
    };
    let namespace = metadata
        .and_then(|metadata| metadata.get("namespace"))
        .and_then(Node::text)
        .unwrap_or(DEFAULT_NAMESPACE);
    let place = Place { resource: format!("{kind} {namespace}/{name}"), ..place };
    let before = loaded.problems.len();
    let form = |text: &str, pattern: &str, most: usize| text.len() <= most && schema::matches(pattern, text);
    let (of_object, of_label) = (crate::forms::OBJECT_NAME, crate::forms::LABEL_NAME);
    for (path, text, pattern, most) in
        [("metadata.name", name, of_object, 253), ("metadata.namespace", namespace, of_label, 63)]
    {
        if !form(text, pattern, most) {
            let sentence = crate::forms::of(pattern).map_or("", |form| form.sentence);
            let line = node.line_of(path);
            loaded.problems.push(Problem {
                line,
                value: Some(format!("{text:?}")),
                ..place.problem(path, sentence)
            });
        }
    }
    for entry in metadata.map(Node::entries).unwrap_or_default() {
        let managed = [
            "creationTimestamp",
            "generation",
            "resourceVersion",
            "managedFields",
            "ownerReferences",
            "selfLink",
        ];
        if METADATA.contains(&entry.key.as_str()) || managed.contains(&entry.key.as_str()) {
            continue;
        }
        let hint =
            crate::nearest::nearest(&entry.key, METADATA).map(|nearest| format!(": did you mean {nearest}?"));
        let sentence = format!("is no field here{}", hint.unwrap_or_default());
        let path = format!("metadata.{}", entry.key);
        loaded.problems.push(Problem { line: entry.line, ..place.problem(path, sentence) });
    }
    (loaded.problems.len() == before).then_some(place)
}

fn to_json(node: &Node) -> Value {
    match &node.tree {
        Tree::Null => Value::Null,
        Tree::Bool(value) => Value::Bool(*value),
        Tree::Number(value) => Value::Number(value.clone()),
        Tree::Text(text) => Value::String(text.clone()),
        Tree::List(items) => Value::Array(items.iter().map(to_json).collect()),
        Tree::Map(entries) => {
            let fields = entries.iter().map(|entry| (entry.key.clone(), to_json(&entry.value)));
            Value::Object(fields.collect::<Map<_, _>>())
        }
    }
}
