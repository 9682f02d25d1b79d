//! What a Secret or an entry of the vault holds: texts by key, compared byte for byte and never shown.

use std::collections::BTreeMap;
use std::fmt;

use secrecy::{ExposeSecret, SecretString};

/// Texts by key.
#[derive(Clone, Default)]
pub struct Content(BTreeMap<String, SecretString>);

impl Content {
    /// The text of a key.
    pub fn get(&self, key: &str) -> Option<&SecretString> {
        self.0.get(key)
    }

    /// Each key with its text.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &SecretString)> {
        self.0.iter().map(|(key, text)| (key.as_str(), text))
    }

    /// The content with one more text.
    #[must_use]
    pub fn with(mut self, key: &str, text: impl Into<SecretString>) -> Self {
        self.0.insert(key.to_owned(), text.into());
        self
    }

    /// A list kept under one key, joined by commas.
    #[must_use]
    pub fn with_list(self, key: &str, texts: &[SecretString]) -> Self {
        let texts: Vec<&str> = texts.iter().map(ExposeSecret::expose_secret).collect();
        self.with(key, texts.join(","))
    }

    /// The list kept under a key; empty where there is none.
    pub fn list(&self, key: &str) -> Vec<SecretString> {
        let text = self.get(key).map_or("", ExposeSecret::expose_secret);
        text.split(',').map(str::trim).filter(|text| !text.is_empty()).map(SecretString::from).collect()
    }

    /// As a JSON object, keys in order: equal contents have equal texts.
    pub fn to_json(&self) -> SecretString {
        let texts: BTreeMap<&str, &str> =
            self.0.iter().map(|(key, text)| (key.as_str(), text.expose_secret())).collect();
        serde_json::to_string(&texts).unwrap_or_default().into()
    }

    /// Reads [`Self::to_json`]; `None` for anything else.
    pub fn from_json(json: &SecretString) -> Option<Self> {
        let texts: BTreeMap<String, SecretString> = serde_json::from_str(json.expose_secret()).ok()?;
        Some(Self(texts))
    }
}

impl FromIterator<(String, SecretString)> for Content {
    fn from_iter<I: IntoIterator<Item = (String, SecretString)>>(texts: I) -> Self {
        Self(texts.into_iter().collect())
    }
}

impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        self.0.len() == other.0.len()
            && self.0.iter().zip(&other.0).all(|((key, text), (other_key, other_text))| {
                key == other_key && text.expose_secret() == other_text.expose_secret()
            })
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_set().entries(self.0.keys()).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_content_is_compared_byte_for_byte_and_never_shown() {
        let content = Content::default().with("B", "two").with("A", "one");
        assert_eq!(content, Content::default().with("A", "one").with("B", "two"));
        assert_ne!(content, Content::default().with("A", "one").with("B", "two "));
        assert_ne!(content, Content::default().with("A", "one"));
        assert_eq!(format!("{content:?}"), r#"{"A", "B"}"#);
    }

    #[test]
    fn json_reads_back_and_other_texts_do_not() {
        let content = Content::default().with_list("KEYS", &["a".into(), "b".into()]);
        assert_eq!(content.to_json().expose_secret(), r#"{"KEYS":"a,b"}"#);
        assert_eq!(Content::from_json(&content.to_json()), Some(content.clone()));
        assert_eq!(content.list("KEYS").len(), 2);
        assert_eq!(Content::from_json(&"[]".into()), None);
        assert_eq!(Content::from_json(&r#"{"KEYS":1}"#.into()), None);
    }
}
