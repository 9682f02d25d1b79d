//! What only a cluster has: pods, namespaces, service accounts.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use crate::forms;

/// Labels that must all be there.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Selector(pub BTreeMap<String, String>);

impl Selector {
    /// Whether it selects nothing in particular.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Whether every key is one that a label may have.
    pub(crate) fn has_label_keys(&self) -> bool {
        self.0.keys().all(|key| key.len() <= 253 && crate::schema::matches(forms::LABEL_KEY, key))
    }
}

impl JsonSchema for Selector {
    fn schema_name() -> Cow<'static, str> {
        "Selector".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        let mut schema = Schema::default();
        if let Value::Object(labels) = labels() {
            schema.ensure_object().extend(labels);
        }
        schema
    }
}

fn labels() -> Value {
    json!({
        "type": "object",
        "maxProperties": 16,
        "additionalProperties": { "type": "string", "maxLength": 63, "pattern": forms::LABEL_VALUE }
    })
}

/// Who may read the directory, in the Backend's namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct Gates {
    /// The service accounts of the pods with a gate. Default: default.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 63), regex(pattern = forms::OBJECT_NAME)), extend("x-kubernetes-list-type" = "set"))]
    pub service_accounts: Vec<String>,
}

impl Default for Gates {
    fn default() -> Self {
        Self { service_accounts: vec!["default".into()] }
    }
}

/// Where a Backend's Organizations may live.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct AllowedNamespaces {
    /// Same (default): the Backend's own namespace. All: every namespace. Selector: namespaces with the labels of selector.
    pub from: NamespacesFrom,
    /// Which namespaces, with from: Selector.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub selector: Option<NamespaceSelector>,
}

/// Which namespaces are meant.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum NamespacesFrom {
    /// The Backend's own.
    #[default]
    Same,
    /// Every one.
    All,
    /// Those with certain labels.
    Selector,
}

/// Namespaces by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Labels that must all be there, with these values.
    pub match_labels: Selector,
}
