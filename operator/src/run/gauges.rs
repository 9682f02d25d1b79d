//! Tells Prometheus how the world stands: Organizations by state, deletions that cannot end, stores that answer. All of it is told anew
//! each time, so that nothing stays of what is gone, or of what this process saw when it led before.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use tenantry_crds::Organization;

use super::context::Context;
use crate::backend::registry::{Open, key_of};
use crate::conditions;
use crate::metrics::{InState, OfBackend, STATES};
use crate::stores::Store;
use crate::trouble::Trouble;

/// How often.
const PERIOD: Duration = Duration::from_secs(10);

/// Tells for good.
pub async fn run(context: Arc<Context>) {
    loop {
        tell(&context);
        tokio::time::sleep(PERIOD).await;
    }
}

fn tell(context: &Context) {
    let mut states: HashMap<&'static str, i64> = STATES.into_iter().map(|state| (state, 0)).collect();
    let mut answers = HashMap::new();
    let mut blocked = 0;
    for organization in context.organizations.all() {
        let conditions =
            organization.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        blocked += i64::from(conditions::holds(conditions, conditions::DELETION_BLOCKED));
        *states.entry(state(&organization, conditions)).or_default() += 1;
    }
    for backend in context.backends.all() {
        let conditions =
            backend.status.as_ref().map(|status| status.conditions.as_slice()).unwrap_or_default();
        blocked += i64::from(conditions::holds(conditions, conditions::DELETION_BLOCKED));
        let found = context.registry.get(&key_of(&backend));
        for (store, answer) in [
            (Store::Database.to_string(), database(&found)),
            (Store::Aws.to_string(), aws(conditions)),
            // No store, but it answers or does not as they do.
            ("authority".to_owned(), authority(conditions)),
        ] {
            if let Some(answer) = answer {
                answers.insert(OfBackend { backend: backend.audience(), store }, answer);
            }
        }
    }
    for (state, count) in states {
        context.metrics.organizations.get_or_create(&InState { state }).set(count);
    }
    context.metrics.deletion_blocked.set(blocked);
    context.metrics.tell_stores(&answers);
}

fn state(organization: &Organization, conditions: &[Condition]) -> &'static str {
    if organization.metadata.deletion_timestamp.is_some() {
        "deleting"
    } else if conditions::holds(conditions, conditions::STALLED) {
        "stalled"
    } else if !conditions::holds(conditions, conditions::READY) {
        "reconciling"
    } else if organization.spec.suspended {
        "suspended"
    } else {
        "ready"
    }
}

/// Whether a Backend's database answers; `None`: it was not looked at yet, or is not to be.
fn database(found: &Result<Arc<Open>, Trouble>) -> Option<bool> {
    match found {
        Ok(open) => Some(!open.is_doubted()),
        Err(trouble) => (!matches!(trouble.reason, "BackendNotReady" | "Paused")).then_some(false),
    }
}

/// Whether AWS answers a Backend, and with more than a refusal; `None`: its conditions tell of something else, or it has no vault.
fn aws(conditions: &[Condition]) -> Option<bool> {
    match conditions::find(conditions, conditions::AWS)?.reason.as_str() {
        "Complete" | "Incomplete" => Some(true),
        "AwsAccessDenied" | "AwsCredentialsMissing" | "AwsRefused" | "AwsThrottled" | "AwsUnavailable" => {
            Some(false)
        }
        _ => None,
    }
}

/// Whether a Backend's authority answers; `None`: its condition does not tell, or it has none.
fn authority(conditions: &[Condition]) -> Option<bool> {
    match conditions::find(conditions, conditions::AUTHORITY)?.status.as_str() {
        "True" => Some(true),
        "False" => Some(false),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use chrono::DateTime;

    use super::*;
    use crate::backend::registry::Registry;
    use crate::conditions::Conditions;

    #[test]
    fn a_database_is_down_once_it_could_not_be_opened_and_unknown_where_nobody_tried() {
        let (registry, key) = (Registry::default(), ("mini-xdr".to_owned(), "app".to_owned()));
        assert_eq!(database(&registry.get(&key)), None, "before the first look");
        registry.fail(key.clone(), Trouble::standing("Paused", ""));
        assert_eq!(database(&registry.get(&key)), None, "paused from the beginning");
        registry.fail(key.clone(), Trouble::passing("DatabaseUnavailable", ""));
        assert_eq!(database(&registry.get(&key)), Some(false));
        registry.close(&key);
        assert_eq!(database(&registry.get(&key)), None, "after its deletion");
    }

    #[test]
    fn aws_is_down_where_it_refuses_and_unknown_where_something_else_is_told() {
        let told = |reason: &str| {
            let mut conditions = Conditions::after(&[], None, DateTime::UNIX_EPOCH);
            conditions.set(conditions::AWS, Some(reason == "Complete"), reason, "");
            aws(&conditions.into_list())
        };
        for reason in ["Complete", "Incomplete"] {
            assert_eq!(told(reason), Some(true), "{reason}");
        }
        for reason in ["AwsAccessDenied", "AwsThrottled", "AwsUnavailable"] {
            assert_eq!(told(reason), Some(false), "{reason}");
        }
        for reason in ["DatabaseUnavailable", "SecretMissing", "ForeignAwsSecret", "Paused"] {
            assert_eq!(told(reason), None, "{reason}");
        }
        assert_eq!(aws(&[]), None, "without spec.aws");
    }

    #[test]
    fn an_authority_is_down_where_its_condition_says_so_and_unknown_while_the_database_comes_first() {
        for (holds, told) in [(Some(true), Some(true)), (Some(false), Some(false)), (None, None)] {
            let mut conditions = Conditions::after(&[], None, DateTime::UNIX_EPOCH);
            conditions.set(conditions::AUTHORITY, holds, "Tried", "");
            assert_eq!(authority(&conditions.into_list()), told);
        }
        assert_eq!(authority(&[]), None, "where none is run");
    }
}
