//! Every name that others see: labels, annotations, finalizers, Secrets, entries of the vault.

/// Who writes: the field manager of server-side apply, the reporter of events, `app.kubernetes.io/managed-by`.
pub const MANAGER: &str = "tenantry-operator";

/// Keeps a manifest until what it owns has been seen to.
pub const FINALIZER: &str = "tenantry.io/cleanup";

/// Labels of what is ours.
pub mod label {
    /// Whose work it is.
    pub const MANAGED_BY: &str = "app.kubernetes.io/managed-by";
    /// The Backend, in the same namespace, whose Secret this is.
    pub const BACKEND: &str = "tenantry.io/backend";
    /// The Organization, in the same namespace, whose Secret this is.
    pub const ORGANIZATION: &str = "tenantry.io/organization";
    /// `"true"`, on a pod: a gate is added to it. People write it.
    pub const INJECT: &str = "tenantry.io/inject";
}

/// Annotations that people write.
pub mod annotation {
    /// `"true"`: nothing is written until it is gone.
    pub const PAUSED: &str = "tenantry.io/paused";
    /// A new value asks for new keys.
    pub const ROTATE: &str = "tenantry.io/rotate";
    /// The UID of a resource whose deletion is to end although a store cannot be cleaned.
    pub const ABANDON: &str = "tenantry.io/abandon";
    /// A digest of the schema that a CRD carries.
    pub const SCHEMA: &str = "tenantry.io/schema";
    /// A digest of what was last written, on what stands for a Backend.
    pub const WRITTEN: &str = "tenantry.io/written";
    /// A digest of what an authority's pods read when they start.
    pub const READ: &str = "tenantry.io/read";
    /// On a pod, as all below: the Backend whose pod it is, where the selectors of several match.
    pub const BACKEND: &str = "tenantry.io/backend";
    /// The image of its gate.
    pub const GATE_IMAGE: &str = "tenantry.io/gate-image";
    /// What its gate logs.
    pub const GATE_LOG: &str = "tenantry.io/gate-log";
    /// The processor time that its gate is sure to have.
    pub const GATE_CPU_REQUEST: &str = "tenantry.io/gate-cpu-request";
    /// The most that it gets.
    pub const GATE_CPU_LIMIT: &str = "tenantry.io/gate-cpu-limit";
    /// The memory that its gate is sure to have.
    pub const GATE_MEMORY_REQUEST: &str = "tenantry.io/gate-memory-request";
    /// The most that it gets.
    pub const GATE_MEMORY_LIMIT: &str = "tenantry.io/gate-memory-limit";
}

/// The Secret with an organization's keys.
pub fn organization_secret(name: &str) -> String {
    format!("tenantry-org-{name}")
}

/// The Secret with the generated password of an organization's first administrator.
pub fn admin_secret(name: &str) -> String {
    format!("tenantry-org-{name}-admin")
}

/// The Secret with a Backend's keys.
pub fn backend_secret(name: &str) -> String {
    format!("tenantry-backend-{name}")
}

/// The Secret with the keyring that seals a Backend's rows.
pub fn keyring_secret(name: &str) -> String {
    format!("tenantry-keyring-{name}")
}

/// The `ConfigMap` with the authorities that a Backend's gates trust.
pub fn trust(name: &str) -> String {
    format!("tenantry-trust-{name}")
}

/// The `ConfigMap` with the authorities that clients of a Backend's gates are to trust.
pub fn gates_trust(name: &str) -> String {
    format!("tenantry-gates-trust-{name}")
}

/// The Secret with the certificate that a Backend's gates show.
pub fn gate_secret(name: &str) -> String {
    format!("tenantry-gate-{name}-tls")
}

/// The Secret with the authority that signs what a Backend's gates trust.
pub fn ca_secret(name: &str) -> String {
    format!("tenantry-ca-{name}")
}

/// The Secret with the authority that signs what a Backend's gates show.
pub fn gates_ca_secret(name: &str) -> String {
    format!("tenantry-gates-ca-{name}")
}

/// The Secret with the certificate that a Backend's authority shows.
pub fn authority_secret(name: &str) -> String {
    format!("tenantry-authority-{name}-tls")
}

/// The pods that are a Backend's authority, and all that is there for them.
pub fn authority(name: &str) -> String {
    format!("{name}-authority")
}

/// The network policy of a Backend's own pods.
pub fn gates(name: &str) -> String {
    format!("{name}-gates")
}

/// The host by which gates reach a Backend's authority.
pub fn authority_host(namespace: &str, name: &str) -> String {
    format!("{}.{namespace}.svc", authority(name))
}

/// Keys in Secrets and entries of the vault.
pub mod key {
    /// The id of the organization's row.
    pub const ORGANIZATION_ID: &str = "ORGANIZATION_ID";
    /// Its slug.
    pub const ORGANIZATION_SLUG: &str = "ORGANIZATION_SLUG";
    /// The key to encrypt with.
    pub const DATA_KEY: &str = "DATA_KEY";
    /// The keys to decrypt with, the newest first, joined by commas.
    pub const DATA_KEYS: &str = "DATA_KEYS";
    /// The backend's own token key.
    pub const JWT_SECRET_KEY: &str = "JWT_SECRET_KEY";
    /// The backend's own key to encrypt with.
    pub const ENCRYPTION_KEY: &str = "ENCRYPTION_KEY";
    /// Its keys to decrypt with, the newest first, joined by commas.
    pub const ENCRYPTION_KEYS: &str = "ENCRYPTION_KEYS";
    /// The URL of a Backend's database.
    pub const DATABASE_URL: &str = "DATABASE_URL";
    /// The URL of its Redis.
    pub const REDIS_URL: &str = "REDIS_URL";
    /// The keyring that seals rows.
    pub const KEYRING: &str = "keyring.json";
    /// The address that a generated password is for.
    pub const EMAIL: &str = "email";
    /// A generated password.
    pub const PASSWORD: &str = "password";
    /// The certificates of authorities, in PEM.
    pub const AUTHORITIES: &str = "ca.crt";
    /// The private key of the authority that signs.
    pub const AUTHORITY_KEY: &str = "ca.key";
    /// The authority that signs next.
    pub const NEXT_AUTHORITY: &str = "next-ca.crt";
    /// Its private key.
    pub const NEXT_AUTHORITY_KEY: &str = "next-ca.key";
    /// A certificate, in PEM.
    pub const CERTIFICATE: &str = "tls.crt";
    /// Its private key.
    pub const CERTIFICATE_KEY: &str = "tls.key";
}

/// Tags of an entry of the vault that say whose it is.
pub mod tag {
    /// The cluster of the manifest.
    pub const CLUSTER: &str = "tenantry:cluster";
    /// Its namespace.
    pub const NAMESPACE: &str = "tenantry:namespace";
    /// Its kind and name, `Organization/mini-corp`.
    pub const OWNER: &str = "tenantry:owner";
    /// `live`, or `deleted`: its keys are revoked and are never given out again.
    pub const STATE: &str = "tenantry:state";
    /// [`STATE`] of what is in use.
    pub const LIVE: &str = "live";
    /// [`STATE`] of what was deleted with its manifest.
    pub const DELETED: &str = "deleted";
}
