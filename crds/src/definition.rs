//! The definitions an API server is given: what the types say, and the rules of [`crate::rules`] in CEL.

use aws_lc_rs::digest::{SHA256, digest};
use k8s_openapi::apiextensions_apiserver::pkg::apis::apiextensions::v1::CustomResourceDefinition;
use kube::CustomResourceExt;
use serde_json::{Map, Value, json};

use crate::forms;
use crate::rules::{Rule, Ruled, raw};

/// The annotation with the digest of the schema: an operator tells by it that the definitions are older than itself.
pub const SCHEMA_ANNOTATION: &str = "tenantry.io/schema";

const HEADER: &str =
    "# Generated from the types in crds/src, do not edit: cargo run -p tenantry-crds --bin crdgen\n";

/// The definition of a resource, as the chart installs it.
///
/// Whoever installs definitions takes this one: the `crd()` that kube derives knows the fields and not the rules.
pub fn crd<R: CustomResourceExt + Ruled>() -> CustomResourceDefinition {
    let mut crd = definition::<R>();
    let metadata = &mut crd.metadata;
    metadata.labels = Some([("app.kubernetes.io/part-of".into(), "tenantry".into())].into());
    metadata.annotations = Some(
        [
            // Uninstalling the chart would otherwise delete every Organization.
            ("helm.sh/resource-policy".into(), "keep".into()),
            (SCHEMA_ANNOTATION.into(), schema_digest::<R>()),
        ]
        .into(),
    );
    crd
}

/// The first 16 hexadecimal digits of the SHA-256 of a resource's schema.
pub fn schema_digest<R: CustomResourceExt + Ruled>() -> String {
    let schema = schema_of::<R>();
    hex::encode(&digest(&SHA256, schema.to_string().as_bytes()).as_ref()[..8])
}

/// The text of the chart's template of a resource.
pub fn chart_template<R: CustomResourceExt + Ruled>() -> Result<String, serde_saphyr::SerializeError> {
    Ok(format!("{HEADER}{}", serde_saphyr::to_string(&crd::<R>())?))
}

/// The schema of a whole resource.
pub(crate) fn schema_of<R: CustomResourceExt + Ruled>() -> Value {
    let crd = serde_json::to_value(definition::<R>()).unwrap_or_default();
    crd.pointer("/spec/versions/0/schema/openAPIV3Schema").cloned().unwrap_or_default()
}

fn definition<R: CustomResourceExt + Ruled>() -> CustomResourceDefinition {
    let derived = R::crd();
    let mut value = serde_json::to_value(&derived).unwrap_or_default();
    if let Some(schema) = value.pointer_mut("/spec/versions/0/schema/openAPIV3Schema") {
        // Only what the schema names can be the field of a rule.
        schema["properties"]["metadata"] =
            json!({ "type": "object", "properties": { "name": { "type": "string" } } });
        plain(schema);
        sentences(schema);
        for rule in R::rules() {
            add(schema, &rule);
        }
    }
    serde_json::from_value(value).unwrap_or(derived)
}

/// Takes out what API servers warn about (formats of Rust's integers) and what only blurs "left out" (null as a value).
fn plain(schema: &mut Value) {
    let Some(node) = schema.as_object_mut() else { return };
    if node.get("format").and_then(Value::as_str).is_some_and(|format| format.starts_with("uint")) {
        node.remove("format");
    }
    node.remove("nullable");
    // `kubectl explain` shows backticks as they are.
    if let Some(Value::String(text)) = node.get_mut("description") {
        *text = text.replace('`', "");
    }
    let properties = node.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flat_map(Map::values_mut).for_each(plain);
    for keyword in ["items", "additionalProperties"] {
        if let Some(below) = node.get_mut(keyword) {
            plain(below);
        }
    }
}

/// Gives every pattern its sentence: what an API server says of a pattern alone is the pattern.
fn sentences(schema: &mut Value) {
    let Some(node) = schema.as_object_mut() else { return };
    if let Some(form) = node.get("pattern").and_then(Value::as_str).and_then(forms::of) {
        let rule =
            json!({ "rule": format!("self.matches({})", raw(form.pattern)), "message": form.sentence });
        push(node, rule);
    }
    let properties = node.get_mut("properties").and_then(Value::as_object_mut);
    properties.into_iter().flat_map(Map::values_mut).for_each(sentences);
    for keyword in ["items", "additionalProperties"] {
        if let Some(below) = node.get_mut(keyword) {
            sentences(below);
        }
    }
}

fn add<R>(schema: &mut Value, rule: &Rule<R>) {
    let mut validation = json!({ "rule": rule.cel, "message": rule.sentence });
    if !rule.field.is_empty() {
        validation["fieldPath"] = format!(".{}", rule.field).into();
    }
    let mut node = schema;
    for step in rule.at.split('.').filter(|step| !step.is_empty()) {
        let (name, keyword) = step.strip_suffix("[]").map_or((step, None), |name| (name, Some("items")));
        node = &mut node["properties"][name];
        if let Some(keyword) = keyword {
            node = &mut node[keyword];
        }
    }
    if let Some(node) = node.as_object_mut() {
        push(node, validation);
    }
}

fn push(node: &mut Map<String, Value>, rule: Value) {
    let rules = node.entry("x-kubernetes-validations").or_insert_with(|| json!([]));
    if let Some(rules) = rules.as_array_mut() {
        rules.push(rule);
    }
}

#[cfg(test)]
mod tests {
    use std::{fs, path::Path};

    use super::*;
    use crate::{Backend, Organization};

    fn chart(name: &str) -> String {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../charts/tenantry-crds/templates").join(name);
        fs::read_to_string(path).unwrap_or_default()
    }

    #[test]
    fn the_chart_holds_what_the_types_say() {
        for (name, generated) in [
            ("backends.yaml", chart_template::<Backend>().unwrap()),
            ("organizations.yaml", chart_template::<Organization>().unwrap()),
        ] {
            assert!(
                chart(name) == generated,
                "charts/tenantry-crds/templates/{name} is not what the types say: run `cargo run -p tenantry-crds --bin crdgen`"
            );
        }
    }

    #[test]
    fn helm_finds_nothing_to_expand_and_never_deletes_customers() {
        for text in [chart_template::<Backend>().unwrap(), chart_template::<Organization>().unwrap()] {
            assert!(!text.contains("{{"));
            assert!(text.contains("helm.sh/resource-policy: keep"));
        }
    }

    #[test]
    fn the_digest_is_of_the_schema_and_stands_in_the_annotation() {
        let digest = schema_digest::<Backend>();
        assert!(digest.len() == 16 && digest != schema_digest::<Organization>(), "{digest}");
        let crd = crd::<Backend>();
        assert_eq!(crd.metadata.annotations.unwrap().get(SCHEMA_ANNOTATION), Some(&digest));
    }

    /// Every field of a `spec` with its path.
    fn fields(schema: &Value, path: &str, found: &mut Vec<(String, Value)>) {
        for (name, below) in schema["properties"].as_object().into_iter().flatten() {
            let path = format!("{path}.{name}");
            fields(below, &path, found);
            fields(&below["items"], &path, found);
            found.push((path, below.clone()));
        }
    }

    fn as_written(default: &Value) -> String {
        match default {
            Value::String(text) => text.clone(),
            Value::Array(items) if items.is_empty() => "none".to_owned(),
            Value::Array(items) => items.iter().map(as_written).collect::<Vec<_>>().join(", "),
            other => other.to_string(),
        }
    }

    #[test]
    fn every_field_is_explained_and_the_default_it_tells_of_is_the_one() {
        let mut found = Vec::new();
        for schema in [schema_of::<Backend>(), schema_of::<Organization>()] {
            fields(&schema["properties"]["spec"], "spec", &mut found);
            fields(&schema["properties"]["status"], "status", &mut found);
        }
        for (path, field) in found {
            let text = field["description"].as_str().unwrap_or_default();
            assert!(text.len() > 3, "{path} is not explained");
            let default = as_written(&field["default"]);
            let told = text.split_once("Default: ").map(|(_, told)| told.trim_end_matches('.'));
            let told = told.map(|told| told.split(" (").next().unwrap_or(told));
            assert!(
                told.is_none_or(|told| told == default || default == "null"),
                "{path}: {text} ({default})"
            );
            let meant = field["enum"].is_array() && !field["default"].is_null();
            let says = text.contains(&format!("{default} (default)")) || told.is_some();
            // The default of a mode that is not built yet is no news.
            assert!(!meant || says || path == "spec.isolation.mode", "{path}: {text} ({default})");
        }
    }

    #[test]
    fn no_format_is_left_that_api_servers_warn_about() {
        for schema in [schema_of::<Backend>(), schema_of::<Organization>()] {
            assert!(!schema.to_string().contains("\"format\":\"uint"));
            assert!(!schema.to_string().contains("\"nullable\""));
        }
    }
}
