//! Whether what stands in the cluster is what is wanted. The API server adds defaults and others add labels and annotations: a field more
//! is no difference. One more item in a list is: it may be a right, a way in, or a container beside the one with the keys.

use serde_json::Value;

use crate::injection::quantity;

/// Fields that are as a whole what is wanted, or are not: one more in them selects less, or lets more in.
const WHOLE: [&str; 3] = ["selector", "podSelector", "ingress"];

/// Whether everything that is wanted stands there. What is wanted to be `null` must not.
pub fn covers(found: &Value, wanted: &Value) -> bool {
    match (found, wanted) {
        (Value::Object(found), Value::Object(wanted)) => wanted.iter().all(|(name, wanted)| {
            let found = found.get(name).unwrap_or(&Value::Null);
            match (name.as_str(), found, wanted) {
                (name, found, wanted) if WHOLE.contains(&name) => found == wanted,
                ("requests" | "limits", Value::Object(found), Value::Object(wanted)) => {
                    let is_same = |found: &Value, wanted: &Value| {
                        let texts = found.as_str().zip(wanted.as_str());
                        texts.is_some_and(|(found, wanted)| quantity::is_same(found, wanted))
                    };
                    found.len() == wanted.len()
                        && wanted
                            .iter()
                            .all(|(name, wanted)| found.get(name).is_some_and(|found| is_same(found, wanted)))
                }
                // An owner that is gone is taken off by the garbage collector.
                ("ownerReferences", Value::Array(found), Value::Array(wanted)) => {
                    wanted.iter().all(|wanted| found.iter().any(|found| covers(found, wanted)))
                }
                (_, found, wanted) => covers(found, wanted),
            }
        }),
        (Value::Array(found), Value::Array(wanted)) => {
            found.len() == wanted.len()
                && found.iter().zip(wanted).all(|(found, wanted)| covers(found, wanted))
        }
        // The API server leaves out what is empty or false.
        (Value::Null, Value::Object(wanted)) => wanted.is_empty(),
        (Value::Null, wanted) => wanted.is_null() || *wanted == Value::Bool(false),
        (found, wanted) => found == wanted,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn what_others_add_is_no_difference() {
        let wanted = json!({
            "labels": { "a": "1" },
            "ownerReferences": [{ "uid": "1" }],
            "containers": [{
                "name": "authority", "args": ["x"], "resources": { "requests": { "cpu": "1000m" } }, "empty": {},
            }],
            "hostNetwork": false,
            "initContainers": null,
        });
        let found = json!({
            "labels": { "a": "1", "b": "2" },
            "ownerReferences": [{ "uid": "0", "name": "gone" }, { "uid": "1", "name": "ours" }],
            "containers": [{ "name": "authority", "args": ["x"], "tty": false, "resources": { "requests": { "cpu": "1" } } }],
            "dnsPolicy": "ClusterFirst",
            "status": {},
        });
        assert!(covers(&found, &wanted));
    }

    #[test]
    fn what_is_missing_changed_or_one_more_is() {
        let wanted =
            json!({ "a": { "b": [{ "name": "x", "args": ["1", "2"], "command": null }], "c": false } });
        assert!(covers(&json!({ "a": { "b": [{ "name": "x", "args": ["1", "2"] }] } }), &wanted));
        for found in [
            json!({}),
            json!({ "a": null }),
            json!({ "a": { "b": [] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["2", "1"] }] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["1", "2", "3"] }] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["1", "2"] }, { "name": "y" }] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["1", "2"], "command": ["sh"] }] } }),
            json!({ "a": { "b": [{ "name": "x", "args": ["1", "2"] }], "c": true } }),
        ] {
            assert!(!covers(&found, &wanted), "{found}");
        }
    }

    #[test]
    fn a_way_in_that_somebody_widens_is() {
        let wanted = json!({ "podSelector": { "matchLabels": { "app": "x" } },
            "ingress": [{ "from": [{ "podSelector": {} }], "ports": [{ "port": 8443 }] }] });
        assert!(covers(&wanted, &wanted));
        for (at, more) in [
            ("/podSelector/matchLabels", json!({ "app": "x", "more": "y" })),
            ("/ingress/0/from/0", json!({ "podSelector": {}, "namespaceSelector": {} })),
            ("/ingress/0/ports/0", json!({ "port": 8443, "endPort": 65535 })),
        ] {
            let mut found = wanted.clone();
            *found.pointer_mut(at).unwrap() = more;
            assert!(!covers(&found, &wanted), "{at}");
        }
    }
}
