//! Holds a document against the schema that an API server would judge it by: the one generated from the types, in the subset
//! that structural schemas have. Every refusal names field, value and what to write instead.

use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError};

use kube::CustomResourceExt;
use regex::Regex;
use serde_json::{Map, Value};

use crate::forms;
use crate::rules::Ruled;
use crate::yaml::{Node, Tree};

/// One refusal: the field, what stands there, and what to write.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Refused {
    pub path: String,
    pub line: u64,
    pub value: Option<String>,
    pub sentence: String,
}

/// The schema of a resource's `spec`.
pub(crate) fn spec_of<R: CustomResourceExt + Ruled>() -> Value {
    crate::definition::schema_of::<R>().pointer("/properties/spec").cloned().unwrap_or_default()
}

/// Everything the schema refuses of a node.
pub(crate) fn judge(node: &Node, schema: &Value, path: &str, refused: &mut Vec<Refused>) {
    let empty = Map::new();
    let schema = schema.as_object().unwrap_or(&empty);
    let mut refuse = |sentence: String| {
        refused.push(Refused { path: path.to_owned(), line: node.line, value: shown(node), sentence });
    };
    match &node.tree {
        Tree::Null => refuse(format!("has no value: write {}", wanted(schema))),
        Tree::Bool(_) if allows(schema, "boolean") => {}
        Tree::Number(number) if allows(schema, "integer") && number.as_i64().is_some() => {
            let value = number.as_i64().unwrap_or_default();
            let bound = |name: &str| schema.get(name).and_then(Value::as_f64);
            #[allow(clippy::cast_precision_loss, reason = "bounds are far below 2^53")]
            let value = value as f64;
            let low = bound("minimum").is_some_and(|least| value < least);
            let high = bound("maximum").is_some_and(|most| value > most);
            if low || high {
                refuse(format!("write a whole number {}", between(bound("minimum"), bound("maximum"))));
            }
        }
        Tree::Number(_) if allows(schema, "number") => {}
        Tree::Text(text) if allows(schema, "string") => judge_text(text, schema, &mut refuse),
        Tree::List(items) if allows(schema, "array") => {
            if let Some(sentence) = count(items.len(), schema, "Items", "entries") {
                refuse(sentence);
            }
            let of = schema.get("items").unwrap_or(&Value::Null);
            let is_set = schema.get("x-kubernetes-list-type").and_then(Value::as_str) == Some("set");
            for (index, item) in items.iter().enumerate() {
                let path = format!("{path}[{index}]");
                if is_set
                    && item.text().is_some()
                    && items[..index].iter().any(|other| other.text() == item.text())
                {
                    let sentence = "stands in the list twice: keep one of them".to_owned();
                    refused.push(Refused {
                        path: path.clone(),
                        line: item.line,
                        value: shown(item),
                        sentence,
                    });
                }
                judge(item, of, &path, refused);
            }
        }
        Tree::Map(_) if allows(schema, "object") => judge_map(node, schema, path, refused),
        // A password of digits alone is a number to YAML.
        Tree::Number(_) if allows(schema, "object") => {
            let sentence = format!("write {}, not a number", wanted(schema));
            refused.push(Refused { path: path.to_owned(), line: node.line, value: None, sentence });
        }
        // Text in the place of something else may be a password where its reference belongs: it is not repeated.
        Tree::Text(_) if !allows(schema, "boolean") && !allows(schema, "integer") => {
            let sentence = format!("write {}, not text", wanted(schema));
            refused.push(Refused { path: path.to_owned(), line: node.line, value: None, sentence });
        }
        _ => refuse(format!("write {}", wanted(schema))),
    }
}

fn judge_text(text: &str, schema: &Map<String, Value>, refuse: &mut impl FnMut(String)) {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        if !values.contains(&text) {
            let nearest = crate::nearest::nearest(text, values.iter().copied());
            let hint = nearest.map(|nearest| format!(" (did you mean {nearest}?)")).unwrap_or_default();
            refuse(format!("write one of {}{hint}", values.join(", ")));
        }
        return;
    }
    let pattern = schema.get("pattern").and_then(Value::as_str);
    let missed = pattern.is_some_and(|pattern| !matches(pattern, text));
    let form = pattern.and_then(forms::of);
    if missed {
        refuse(
            form.map_or_else(|| "has a form that is not allowed".to_owned(), |form| form.sentence.to_owned()),
        );
    } else if let Some(sentence) = count(text.chars().count(), schema, "Length", "characters") {
        refuse(sentence);
    }
}

fn judge_map(node: &Node, schema: &Map<String, Value>, path: &str, refused: &mut Vec<Refused>) {
    let properties = schema.get("properties").and_then(Value::as_object);
    let others = schema.get("additionalProperties");
    let free = schema.get("x-kubernetes-preserve-unknown-fields") == Some(&Value::Bool(true))
        && properties.is_none();
    if let Some(sentence) = count(node.entries().len(), schema, "Properties", "entries") {
        refused.push(Refused { path: path.to_owned(), line: node.line, value: None, sentence });
    }
    for (index, entry) in node.entries().iter().enumerate() {
        let below = join(path, &entry.key);
        if node.entries()[..index].iter().any(|earlier| earlier.key == entry.key) {
            let sentence = "stands here twice: keep one of them".to_owned();
            refused.push(Refused { path: below, line: entry.line, value: None, sentence });
            continue;
        }
        match (properties.and_then(|properties| properties.get(&entry.key)), others) {
            // As an API server has it: null is the same as leaving the field out.
            (Some(_), _) | (None, Some(_)) if matches!(entry.value.tree, Tree::Null) => {}
            (Some(schema), _) | (None, Some(schema)) => judge(&entry.value, schema, &below, refused),
            (None, None) if free => {}
            (None, None) => {
                let known =
                    properties.map(|properties| properties.keys().map(String::as_str).collect::<Vec<_>>());
                let known = known.unwrap_or_default();
                let sentence = crate::nearest::nearest(&entry.key, known.iter().copied()).map_or_else(
                    || format!("is no field here: the fields are {}", known.join(", ")),
                    |nearest| format!("is no field here: did you mean {nearest}?"),
                );
                refused.push(Refused { path: below, line: entry.line, value: None, sentence });
            }
        }
    }
    for name in
        schema.get("required").and_then(Value::as_array).into_iter().flatten().filter_map(Value::as_str)
    {
        if node.get(name).is_none_or(|value| matches!(value.tree, Tree::Null)) {
            let wanted =
                properties.and_then(|all| all.get(name)?.as_object()).map_or_else(String::new, wanted);
            let sentence = format!("is missing: write {wanted}");
            refused.push(Refused { path: join(path, name), line: node.line, value: None, sentence });
        }
    }
}

/// Takes out what is null and known, as an API server does; in free objects null is a value.
pub(crate) fn without_nulls(value: &mut Value, schema: &Value) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| without_nulls(item, &schema["items"])),
        Value::Object(fields) => {
            let of =
                |name: &str| schema["properties"].get(name).or_else(|| schema.get("additionalProperties"));
            fields.retain(|name, value| !value.is_null() || of(name).is_none());
            for (name, value) in fields {
                without_nulls(value, of(name).unwrap_or(&Value::Null));
            }
        }
        _ => {}
    }
}

pub(crate) fn join(path: &str, name: &str) -> String {
    if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") }
}

/// Whether a value of this type may stand here. Without a type anything may that the rest of the schema speaks of.
fn allows(schema: &Map<String, Value>, kind: &str) -> bool {
    match schema.get("type").and_then(Value::as_str) {
        Some(only) => only == kind,
        None => match kind {
            "string" => schema.contains_key("pattern") || schema.contains_key("enum"),
            "object" => {
                schema.contains_key("properties")
                    || schema.contains_key("x-kubernetes-preserve-unknown-fields")
            }
            _ => false,
        },
    }
}

/// What belongs here, in words.
fn wanted(schema: &Map<String, Value>) -> String {
    if let Some(values) = schema.get("enum").and_then(Value::as_array) {
        let values: Vec<&str> = values.iter().filter_map(Value::as_str).collect();
        return format!("one of {}", values.join(", "));
    }
    if let Some(form) = schema.get("pattern").and_then(Value::as_str).and_then(forms::of) {
        return form.sentence.strip_prefix("write ").unwrap_or(form.sentence).to_owned();
    }
    match schema.get("type").and_then(Value::as_str) {
        Some("boolean") => "true or false".to_owned(),
        Some("integer") => "a whole number".to_owned(),
        Some("array") => "a list".to_owned(),
        Some("object") => "a mapping".to_owned(),
        Some("string") => "a text (in quotes, where it looks like a number)".to_owned(),
        _ => "a value".to_owned(),
    }
}

fn count(found: usize, schema: &Map<String, Value>, what: &str, noun: &str) -> Option<String> {
    let bound = |side: &str| schema.get(&format!("{side}{what}")).and_then(Value::as_u64);
    let found = found as u64;
    match (bound("min"), bound("max")) {
        (Some(least), _) if found < least => Some(format!("has {found} {noun}: write at least {least}")),
        (_, Some(most)) if found > most => Some(format!("has {found} {noun}: write at most {most}")),
        _ => None,
    }
}

fn between(least: Option<f64>, most: Option<f64>) -> String {
    match (least, most) {
        (Some(least), Some(most)) => format!("from {least} to {most}"),
        (Some(least), None) => format!("of {least} or more"),
        (None, Some(most)) => format!("of {most} or less"),
        (None, None) => String::new(),
    }
}

/// What stands there, short enough to be read.
fn shown(node: &Node) -> Option<String> {
    match &node.tree {
        Tree::Bool(value) => Some(value.to_string()),
        Tree::Number(value) => Some(value.to_string()),
        Tree::Text(text) => {
            let text = &without_password(text);
            let short: String = text.chars().take(60).collect();
            Some(if short.len() < text.len() { format!("{short:?}…") } else { format!("{short:?}") })
        }
        Tree::List(_) => Some("a list".to_owned()),
        Tree::Map(_) => Some("a mapping".to_owned()),
        Tree::Null => None,
    }
}

/// A text without the name and password that a URL in it may carry.
fn without_password(text: &str) -> String {
    match (text.find("://"), text.rfind('@')) {
        (Some(scheme), Some(at)) if scheme < at => format!("{}://***{}", &text[..scheme], &text[at..]),
        _ => text.to_owned(),
    }
}

/// Patterns are few and compiled once each.
pub(crate) fn matches(pattern: &str, text: &str) -> bool {
    static COMPILED: LazyLock<Mutex<HashMap<String, Option<Regex>>>> = LazyLock::new(Mutex::default);
    let mut compiled = COMPILED.lock().unwrap_or_else(PoisonError::into_inner);
    let regex = compiled.entry(pattern.to_owned()).or_insert_with(|| Regex::new(pattern).ok());
    regex.as_ref().is_some_and(|regex| regex.is_match(text))
}
