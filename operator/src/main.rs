//! tenantry-operator: makes the world match the Backends and Organizations of a cluster.

fn main() {}
