//! Values of Secret documents: looked up by reference, never shown.

use std::collections::BTreeMap;

use zeroize::Zeroizing;

use crate::backend::SecretRef;

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
