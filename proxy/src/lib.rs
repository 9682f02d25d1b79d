//! tenantry-proxy.
