//! The calls that arrived.

use serde_json::Value;
use std::time::Instant;

/// One call.
#[derive(Clone, Debug)]
pub struct Call {
    /// `CreateSecret`, …
    pub action: String,
    /// The secret's name; empty where the call is about none.
    pub name: String,
    /// When it arrived.
    pub at: Instant,
    /// Whether it is of a kind that changes something.
    pub write: bool,
}

impl Call {
    pub(super) fn new(action: &str, body: &Value) -> Self {
        let reads = ["Describe", "Get", "List", "BatchGet", "Validate"];
        Self {
            action: action.to_owned(),
            name: name_of(body),
            at: Instant::now(),
            write: !reads.iter().any(|read| action.starts_with(read)),
        }
    }
}

/// The name that a call is about, also where it gives the ARN, which ends in a hyphen and six characters.
fn name_of(body: &Value) -> String {
    let id = body["Name"].as_str().or(body["SecretId"].as_str()).unwrap_or_default();
    match id.split_once(":secret:") {
        Some((_, tail)) => tail.rsplit_once('-').map_or(tail, |(name, _)| name).to_owned(),
        None => id.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn a_call_knows_its_secret_and_whether_it_writes() {
        let arn = "arn:aws:secretsmanager:us-east-1:123456789012:secret:tenantry/a-b-ZeiMpG";
        for (action, body, name, write) in [
            ("CreateSecret", json!({ "Name": "tenantry/a" }), "tenantry/a", true),
            ("DescribeSecret", json!({ "SecretId": arn }), "tenantry/a-b", false),
            ("GetSecretValue", json!({ "SecretId": "tenantry/a-b" }), "tenantry/a-b", false),
            ("TagResource", json!({ "SecretId": "x" }), "x", true),
            ("ListSecrets", json!({}), "", false),
        ] {
            let call = Call::new(action, &body);
            assert_eq!((call.name.as_str(), call.write), (name, write), "{action}");
        }
    }
}
