//! Gates apart from their authorities: two authorities on one PostgreSQL, behind an address as a Service of Kubernetes is one, and gates
//! that follow them over TLS. [`reviewed`] has an authority in a cluster.

mod felt;
mod replaced;
pub mod reviewed;
mod together;
mod world;
