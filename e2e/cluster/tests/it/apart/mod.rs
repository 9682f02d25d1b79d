//! Gates apart from their authorities: two authorities on one PostgreSQL, behind an address as a Service of Kubernetes is one, and gates
//! that follow them over TLS.

mod felt;
mod replaced;
mod together;
mod world;
