//! What is in a Secret is in no log, no event and no status.

use super::world::{World, texts};

/// What a Secret holds that everybody may know.
const PUBLIC: &[&str] = &["ORGANIZATION_ID", "ORGANIZATION_SLUG", "ca.crt", "email"];

/// Looks for every text of every Secret of the namespace in what the operator tells.
pub async fn tells_no_secret(world: &World) {
    let resources = world.kubectl(&["get", "backends,organizations,events", "-o", "yaml"]).await;
    let log = world.operator.whole_log("operator");
    assert!(log.contains("leads") && resources.contains("Ready"), "there is something to look at");
    let mut count = 0;
    for secret in world.list("secret", "").await {
        for (key, text) in texts(&secret).into_iter().filter(|(key, _)| !PUBLIC.contains(&key.as_str())) {
            // A keyring and a list are told by any of their keys.
            for word in text.split(['"', ',', '\n']).filter(|word| word.len() >= 16) {
                count += 1;
                for (where_from, told) in [("the log", &log), ("resources and events", &resources)] {
                    assert!(
                        !told.contains(word),
                        "{} of {} is in {where_from}",
                        key,
                        secret["metadata"]["name"]
                    );
                }
            }
        }
    }
    assert!(count >= 4, "no Secrets were looked for: {count}");
}
