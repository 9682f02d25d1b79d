//! What stands on a resource itself: our finalizer, and what people ask by annotations.

use kube::api::ObjectMeta;

use crate::names::{self, annotation};

/// Whether it bears our finalizer.
pub fn has_finalizer(meta: &ObjectMeta) -> bool {
    meta.finalizers.iter().flatten().any(|finalizer| finalizer == names::FINALIZER)
}

/// The finalizers of others, in their order.
pub fn others_finalizers(meta: &ObjectMeta) -> Vec<String> {
    meta.finalizers.iter().flatten().filter(|finalizer| *finalizer != names::FINALIZER).cloned().collect()
}

/// Whether nothing is to be written for it.
pub fn is_paused(meta: &ObjectMeta) -> bool {
    annotation(meta, annotation::PAUSED).is_some_and(|value| value == "true")
}

/// Whether its deletion is to end although a store cannot be cleaned: the annotation names this very resource.
pub fn is_abandoned(meta: &ObjectMeta) -> bool {
    annotation(meta, annotation::ABANDON)
        .is_some_and(|value| value == meta.uid.as_deref().unwrap_or_default())
}

/// The text of an annotation.
pub fn annotation<'a>(meta: &'a ObjectMeta, name: &str) -> Option<&'a str> {
    meta.annotations.as_ref()?.get(name).map(String::as_str)
}
