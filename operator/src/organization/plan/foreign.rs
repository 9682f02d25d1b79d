//! An entry of our name that somebody else's tags are on, or nobody's: whose it is, and the way out. One that AWS has yet to delete
//! blocks its name until then, so that deleting the other is seldom the way.

use crate::names::tag;
use crate::organization::desired::VaultPlace;
use crate::stores::vault::Tags;
use crate::trouble::Trouble;

/// Why the entry is not written.
pub(super) fn entry(place: &VaultPlace, tags: &Tags) -> Trouble {
    let name = &place.name;
    let message = match owner(tags) {
        Some(owner) => format!(
            "the secret {name} in AWS Secrets Manager is kept for {owner} and never overwritten: {}",
            way_out(place, tags)
        ),
        None => format!(
            "the secret {name} in AWS Secrets Manager has no tags that say whose it is and is never overwritten: if nobody needs it, \
             delete it without a recovery window; otherwise give the Backend another prefix (docs/aws.md)"
        ),
    };
    Trouble::standing("ForeignAwsSecret", message)
}

/// Whose it is, `the Organization a/acme of the cluster c`.
fn owner(tags: &Tags) -> Option<String> {
    let (kind, name) = tags.get(tag::OWNER)?.split_once('/')?;
    let (namespace, cluster) = (tags.get(tag::NAMESPACE)?, tags.get(tag::CLUSTER)?);
    Some(format!("the {kind} {namespace}/{name} of the cluster {cluster}"))
}

fn way_out(place: &VaultPlace, tags: &Tags) -> &'static str {
    let same = |tag| tags.get(tag) == place.tags.get(tag);
    let is_organizations =
        |tags: &Tags| tags.get(tag::OWNER).is_some_and(|owner| owner.starts_with("Organization/"));
    if !same(tag::CLUSTER) {
        "if that cluster is gone, let the operator have its id (docs/restore.md); otherwise give the Backend another prefix (docs/aws.md)"
    } else if is_organizations(tags) && is_organizations(&place.tags) {
        "entries bear an Organization's name without its namespace. Make this Organization again under another name, \
         which no other one of the Backend has; spec.slug can stay (docs/aws.md)"
    } else {
        "give the Backend another prefix (docs/aws.md)"
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::stores::rows::Place;

    fn place(cluster: &str, namespace: &str, owner: &str) -> VaultPlace {
        let aws = serde_json::from_value(json!({ "region": "us-east-1", "prefix": "tenantry" })).unwrap();
        let place = Place { cluster: cluster.into(), namespace: namespace.into(), name: "acme".into() };
        VaultPlace::new(&aws, &place, owner, "tenantry/app/acme".into())
    }

    fn said(theirs: &VaultPlace) -> String {
        let trouble = entry(&place("c", "b", "Organization/acme"), &theirs.tags);
        assert_eq!((trouble.reason, trouble.needs_person()), ("ForeignAwsSecret", true));
        trouble.message
    }

    #[test]
    fn an_organization_of_the_same_name_elsewhere_is_named_with_the_way_out() {
        assert_eq!(
            said(&place("c", "a", "Organization/acme")),
            "the secret tenantry/app/acme in AWS Secrets Manager is kept for the Organization a/acme of the cluster c and never \
             overwritten: entries bear an Organization's name without its namespace. Make this Organization again under another name, \
             which no other one of the Backend has; spec.slug can stay (docs/aws.md)"
        );
    }

    #[test]
    fn another_cluster_another_kind_and_nobody_have_ways_out_of_their_own() {
        let (of_cluster, of_kind) = (place("d", "b", "Organization/acme"), place("c", "a", "Backend/acme"));
        let mut nobody = of_kind.clone();
        nobody.tags.remove(tag::NAMESPACE);
        for (theirs, expected) in [
            (
                of_cluster,
                "of the cluster d and never overwritten: if that cluster is gone, let the operator have its id",
            ),
            (
                of_kind,
                "the Backend a/acme of the cluster c and never overwritten: give the Backend another prefix",
            ),
            (nobody, "no tags that say whose it is and is never overwritten: if nobody needs it"),
        ] {
            let said = said(&theirs);
            assert!(said.contains(expected), "{said}");
        }
    }
}
