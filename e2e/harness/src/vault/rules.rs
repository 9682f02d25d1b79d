//! What AWS documents and moto does not hold to.

use serde_json::Value;
use std::collections::{BTreeMap, BTreeSet};

const SCHEDULED_NAME: &str =
    "You can't create this secret because a secret with this name is already scheduled for deletion.";
const SCHEDULED: &str = "You can't perform this operation on the secret because it was marked for deletion.";
const NAME: &str = "Invalid name. Must be a valid name containing alphanumeric characters, or any of the following: -/_+=.@!";
const SIZE: &str = "1 validation error detected: Value at 'secretString' failed to satisfy constraint: \
     Member must have length less than or equal to 65536";

const NAME_LENGTH: usize = 512;
const CONTENT_BYTES: usize = 65_536;
const TAGS: usize = 50;
const TAG_KEY: usize = 128;
const TAG_VALUE: usize = 256;

/// A call that is not let through.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Refusal {
    pub(super) status: u16,
    pub(super) code: &'static str,
    pub(super) message: String,
}

impl Refusal {
    pub(super) fn new(code: &'static str, message: impl Into<String>) -> Self {
        Self { status: 400, code, message: message.into() }
    }
}

/// What there is before the call.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) scheduled: bool,
    pub(super) tags: BTreeMap<String, String>,
    /// The content of the version whose id is the call's token.
    pub(super) made_with_token: Option<String>,
}

/// Whether AWS refuses the call. `known` is the secret it is about, where there is one.
pub(super) fn judge(action: &str, body: &Value, known: Option<&Known>) -> Result<(), Refusal> {
    if action == "CreateSecret" {
        name(body["Name"].as_str().unwrap_or_default())?;
    }
    if known.is_some_and(|known| known.scheduled) {
        match action {
            "CreateSecret" => return Err(Refusal::new("InvalidRequestException", SCHEDULED_NAME)),
            "PutSecretValue" | "UpdateSecret" | "TagResource" | "UntagResource" | "GetSecretValue"
            | "DeleteSecret" => return Err(Refusal::new("InvalidRequestException", SCHEDULED)),
            _ => {}
        }
    }
    if matches!(action, "CreateSecret" | "TagResource") {
        tag_limits(body, known)?;
    }
    let content = body["SecretString"].as_str();
    if content.is_some_and(|content| content.len() > CONTENT_BYTES) {
        return Err(Refusal::new("ValidationException", SIZE));
    }
    let made = known.and_then(|known| known.made_with_token.as_deref());
    if made.is_some_and(|made| content.is_some_and(|content| content != made)) {
        let token = body["ClientRequestToken"].as_str().unwrap_or_default();
        let message = format!(
            "You can't use ClientRequestToken {token} because that value is already in use for a version of the secret."
        );
        return Err(Refusal::new("ResourceExistsException", message));
    }
    Ok(())
}

fn name(name: &str) -> Result<(), Refusal> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || "/_+=.@-".contains(c);
    if name.is_empty() || name.len() > NAME_LENGTH || !name.chars().all(allowed) {
        return Err(Refusal::new("InvalidParameterException", NAME));
    }
    Ok(())
}

fn tag_limits(body: &Value, known: Option<&Known>) -> Result<(), Refusal> {
    let tags = tags(body);
    let invalid = |message: &str| Err(Refusal::new("InvalidParameterException", message));
    if tags.keys().any(|key| key.to_lowercase().starts_with("aws:")) {
        return invalid("Tag keys starting with aws: are reserved.");
    }
    let length = |text: &str| text.chars().count();
    if tags.iter().any(|(key, value)| key.is_empty() || length(key) > TAG_KEY || length(value) > TAG_VALUE) {
        return invalid("Tag keys have 1 to 128 characters and tag values at most 256.");
    }
    let before = known.into_iter().flat_map(|known| known.tags.keys());
    if tags.keys().chain(before).collect::<BTreeSet<_>>().len() > TAGS {
        return invalid("A secret has at most 50 tags.");
    }
    Ok(())
}

/// The member `Tags` of a request or description.
pub(super) fn tags(body: &Value) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let tags = body["Tags"].as_array().into_iter().flatten();
    tags.map(|tag| (text(&tag["Key"]), text(&tag["Value"]))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn code(action: &str, body: &Value, known: Option<&Known>) -> &'static str {
        judge(action, body, known).map_or_else(|refusal| refusal.code, |()| "allowed")
    }

    #[test]
    fn a_secret_whose_deletion_is_scheduled_can_only_be_described_and_restored() {
        let known = Known { scheduled: true, ..Known::default() };
        let body = json!({ "Name": "a", "SecretId": "a" });
        for (action, expected) in [
            ("CreateSecret", "InvalidRequestException"),
            ("PutSecretValue", "InvalidRequestException"),
            ("TagResource", "InvalidRequestException"),
            ("UpdateSecret", "InvalidRequestException"),
            ("GetSecretValue", "InvalidRequestException"),
            ("DescribeSecret", "allowed"),
            ("RestoreSecret", "allowed"),
        ] {
            assert_eq!(code(action, &body, Some(&known)), expected, "{action}");
        }
        assert_eq!(judge("CreateSecret", &body, Some(&known)).unwrap_err().message, SCHEDULED_NAME);
    }

    #[test]
    fn names_sizes_and_tags_have_the_limits_of_aws() {
        let create = |name: &str| json!({ "Name": name });
        assert_eq!(code("CreateSecret", &create(&"a".repeat(512)), None), "allowed");
        assert_eq!(code("CreateSecret", &create("a/b_c+d=e.f@g-h"), None), "allowed");
        for bad in ["", "a b", "ä", "a:b", &"a".repeat(513)] {
            assert_eq!(code("CreateSecret", &create(bad), None), "InvalidParameterException", "{bad}");
        }
        let put = |length| json!({ "SecretId": "a", "SecretString": "x".repeat(length) });
        assert_eq!(code("PutSecretValue", &put(65_536), None), "allowed");
        assert_eq!(code("PutSecretValue", &put(65_537), None), "ValidationException");
        let tag = |key: &str, value: &str| json!({ "Tags": [{ "Key": key, "Value": value }] });
        let full =
            Known { tags: (0..50).map(|n| (format!("k{n}"), String::new())).collect(), ..Known::default() };
        assert_eq!(code("TagResource", &tag("k1", "x"), Some(&full)), "allowed");
        assert_eq!(code("TagResource", &tag("k50", "x"), Some(&full)), "InvalidParameterException");
        assert_eq!(code("TagResource", &tag("aws:k", "x"), None), "InvalidParameterException");
        assert_eq!(code("TagResource", &tag("k", &"x".repeat(257)), None), "InvalidParameterException");
    }

    #[test]
    fn a_token_makes_one_version() {
        let known = Known { made_with_token: Some("a".to_owned()), ..Known::default() };
        for action in ["PutSecretValue", "UpdateSecret"] {
            assert_eq!(code(action, &json!({ "SecretString": "a" }), Some(&known)), "allowed");
            assert_eq!(
                code(action, &json!({ "SecretString": "b" }), Some(&known)),
                "ResourceExistsException"
            );
        }
        assert_eq!(code("UpdateSecret", &json!({ "KmsKeyId": "k" }), Some(&known)), "allowed");
    }
}
