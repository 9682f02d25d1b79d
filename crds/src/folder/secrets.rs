//! Values of Secret documents: looked up by reference, never shown.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use zeroize::Zeroizing;

use super::Loaded;
use super::document::Place;
use crate::Problem;
use crate::backend::SecretRef;
use crate::yaml::Node;

/// One value of a Secret. It has no `Debug`, and its bytes are overwritten when it is dropped.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretValue(Zeroizing<Vec<u8>>);

impl SecretValue {
    /// Takes the bytes over.
    pub fn new(bytes: Vec<u8>) -> Self {
        Self(Zeroizing::new(bytes))
    }

    /// The bytes.
    pub fn bytes(&self) -> &[u8] {
        &self.0
    }

    /// The text, where it is text.
    pub fn text(&self) -> Option<&str> {
        std::str::from_utf8(&self.0).ok()
    }
}

/// All Secret documents of a folder.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Secrets(BTreeMap<(String, String), BTreeMap<String, SecretValue>>);

impl Secrets {
    /// The value a reference in a resource of this namespace names.
    pub fn get(&self, namespace: &str, reference: &SecretRef) -> Option<&SecretValue> {
        self.keys(namespace, &reference.name)?.get(&reference.key)
    }

    /// All keys of one Secret.
    pub fn keys(&self, namespace: &str, name: &str) -> Option<&BTreeMap<String, SecretValue>> {
        self.0.get(&(namespace.to_owned(), name.to_owned()))
    }

    /// How many Secrets there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// Takes the values of a Secret document; a value that is refused is never shown.
pub(super) fn take(node: &Node, place: &Place, loaded: &mut Loaded) {
    let mut values = BTreeMap::new();
    for (field, encoded) in [("data", true), ("stringData", false)] {
        for entry in node.get(field).map(Node::entries).unwrap_or_default() {
            let value = entry.value.text().and_then(|text| {
                if encoded {
                    STANDARD.decode(text.split_whitespace().collect::<String>()).ok()
                } else {
                    Some(text.as_bytes().to_vec())
                }
            });
            match value {
                Some(bytes) => {
                    values.insert(entry.key.clone(), SecretValue::new(bytes));
                }
                None => {
                    let sentence = if encoded {
                        "is not base64: encode it, or write it as it is under stringData"
                    } else {
                        "is not text: put it in quotes"
                    };
                    let path = format!("{field}.{}", entry.key);
                    loaded.problems.push(Problem { line: entry.line, ..place.problem(path, sentence) });
                }
            }
        }
    }
    let metadata = node.get("metadata");
    let text = |key: &str| metadata.and_then(|metadata| metadata.get(key)).and_then(Node::text);
    let namespace = text("namespace").unwrap_or(crate::DEFAULT_NAMESPACE).to_owned();
    loaded.secrets.0.insert((namespace, text("name").unwrap_or_default().to_owned()), values);
}
