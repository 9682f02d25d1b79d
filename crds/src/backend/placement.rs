//! What only a cluster has: pods, namespaces, service accounts.

use std::{borrow::Cow, collections::BTreeMap};

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
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
    /// Service accounts of the pods with a gate.
    #[schemars(length(min = 1, max = 32), inner(length(min = 1, max = 63), regex(pattern = forms::OBJECT_NAME)))]
    pub service_accounts: Vec<String>,
}

impl Default for Gates {
    fn default() -> Self {
        Self { service_accounts: vec!["default".into()] }
    }
}

/// Where a Backend's Organizations may live.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum AllowedNamespaces {
    /// Its own namespace.
    #[default]
    #[serde(with = "same")]
    Same,
    /// Every namespace.
    #[serde(with = "all")]
    All,
    /// Namespaces with these labels.
    Selected {
        /// Which ones.
        selector: NamespaceSelector,
    },
}

/// Namespaces by their labels.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct NamespaceSelector {
    /// Labels that must all be there.
    pub match_labels: BTreeMap<String, String>,
}

// A string or an object: the schema names no type, which a structural schema allows only with unknown fields preserved.
// `pattern` judges a string and is silent about an object, `required` and `properties` the other way round.
impl JsonSchema for AllowedNamespaces {
    fn schema_name() -> Cow<'static, str> {
        "AllowedNamespaces".into()
    }

    fn inline_schema() -> bool {
        true
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({
            "x-kubernetes-preserve-unknown-fields": true,
            "pattern": forms::NAMESPACES,
            "maxLength": 4,
            "required": ["selector"],
            "properties": {
                "selector": {
                    "type": "object",
                    "required": ["matchLabels"],
                    "properties": { "matchLabels": labels() }
                }
            }
        })
    }
}

macro_rules! word {
    ($module:ident, $word:literal) => {
        mod $module {
            use serde::{Deserialize, Deserializer, Serializer, de::Error};

            pub(super) fn serialize<S: Serializer>(serializer: S) -> Result<S::Ok, S::Error> {
                serializer.serialize_str($word)
            }

            pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
                match String::deserialize(deserializer)?.as_str() {
                    $word => Ok(()),
                    other => Err(D::Error::custom(format_args!("{other:?} is not {:?}", $word))),
                }
            }
        }
    };
}

word!(same, "Same");
word!(all, "All");
