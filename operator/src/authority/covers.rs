//! Whether what stands in the cluster is what is wanted. The API server adds defaults, and others add labels, containers and volumes of
//! their own: more than is wanted is no difference, except in lists that somebody could add a right to.

use serde_json::Value;

use crate::injection::quantity;

/// Lists that are as a whole what is wanted, or are not.
const WHOLE: [&str; 4] = ["subjects", "rules", "ingress", "policyTypes"];

/// Whether everything that is wanted stands there.
pub fn covers(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted.iter().all(|(name, wanted)| {
            let found = found.get(name).unwrap_or(&Value::Null);
            match (name.as_str(), found, wanted) {
                ("requests" | "limits", Value::Object(found), Value::Object(wanted)) => {
                    let amount = |value: &Value| value.as_str().map(str::to_owned).unwrap_or_default();
                    wanted.iter().all(|(name, wanted)| {
                        found
                            .get(name)
                            .is_some_and(|found| quantity::is_same(&amount(found), &amount(wanted)))
                    })
                }
                // One more label selects less.
                ("selector" | "podSelector", found, wanted) => found == wanted,
                (name, Value::Array(found), Value::Array(wanted)) => {
                    has_all(found, wanted, WHOLE.contains(&name))
                }
                (_, found, wanted) => covers(found, wanted),
            }
        }),
        (Value::Array(found), Value::Array(wanted)) => has_all(found, wanted, true),
        // The API server leaves out what is empty.
        (Value::Null, Value::Object(wanted)) => wanted.is_empty(),
        (found, wanted) => found == wanted,
    }
}

/// Items with names are found by them; others stand in the same order, and are as many.
fn has_all(found: &[Value], wanted: &[Value], whole: bool) -> bool {
    if whole || !wanted.iter().all(|item| item["name"].is_string()) {
        return found.len() == wanted.len()
            && found.iter().zip(wanted).all(|(found, wanted)| covers(found, wanted));
    }
    wanted.iter().all(|wanted| {
        let mut same = found.iter().filter(|found| found["name"] == wanted["name"]);
        same.next().is_some_and(|found| covers(found, wanted)) && same.next().is_none()
    })
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_add_is_no_difference() {
        let wanted = json!({
            "labels": { "a": "1" },
            "containers": [{
                "name": "authority", "args": ["x"], "resources": { "requests": { "cpu": "1000m" } }, "empty": {},
            }],
        });
        let found = json!({
            "labels": { "a": "1", "b": "2" },
            "containers": [
                { "name": "mesh" },
                { "name": "authority", "args": ["x"], "tty": false, "resources": { "requests": { "cpu": "1" } } },
            ],
            "status": {},
        });
        assert!(covers(&found, &wanted));
    }

    #[test]
    fn what_is_missing_or_changed_is() {
        let wanted = json!({ "a": { "b": [{ "name": "x", "args": ["1", "2"] }] } });
        for found in [
            json!({}),
            json!({ "a": null }),
            json!({ "a": { "b": [] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["2", "1"] }] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["1", "2", "3"] }] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["1", "2"] }, { "name": "x" }] } }),
        ] {
            assert!(!covers(&found, &wanted), "{found}");
        }
    }

    #[test]
    fn a_subject_a_rule_or_a_way_in_that_somebody_adds_is() {
        for name in ["subjects", "rules", "ingress"] {
            let wanted = json!({ name: [{ "name": "ours" }] });
            let found = json!({ name: [{ "name": "ours" }, { "name": "theirs" }] });
            assert!(covers(&wanted, &wanted) && !covers(&found, &wanted), "{name}");
        }
        let wanted = json!({ "podSelector": { "matchLabels": { "app": "x" } } });
        let narrower = json!({ "podSelector": { "matchLabels": { "app": "x", "more": "y" } } });
        assert!(covers(&wanted, &wanted) && !covers(&narrower, &wanted));
    }
}
