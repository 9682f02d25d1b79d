//! The database's shape: `introspect` looks at what is there, `migrate` makes what is missing, `triggers` sees to
//! it that every change leaves a mark.

pub(crate) mod introspect;
pub(crate) mod migrate;
pub(crate) mod triggers;
