//! `tenantry-gate`: its place in the workspace; see the README for the picture of the parts.
