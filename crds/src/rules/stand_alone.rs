//! What a stand-alone process cannot do of what a cluster can.

use super::Broken;
use crate::Backend;

/// What it refuses.
pub(crate) fn refused_alone(backend: &Backend) -> Vec<Broken> {
    let sentence = "is for a cluster, where the operator imports them: leave it out in stand-alone";
    backend.spec.keys.iter().map(|_| ("spec.keys".to_owned(), sentence.to_owned())).collect()
}

/// What it leaves aside.
pub(crate) fn aside(backend: &Backend) -> Vec<Broken> {
    let spec = &backend.spec;
    let named = [
        ("spec.database", spec.database.is_some()),
        ("spec.redis", spec.redis.is_some()),
        ("spec.aws", spec.aws.is_some()),
    ];
    let set = named.into_iter().filter(|(_, is_set)| *is_set);
    set.map(|(path, _)| {
        (path.to_owned(), "is left aside in stand-alone; in a cluster the operator uses it".to_owned())
    })
    .collect()
}
