//! The `tenantry-proxy` binary.
fn main() {}
