//! The stores a Backend uses: database, Redis, AWS Secrets Manager, and the isolation of its rows.

use std::collections::BTreeMap;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};

use crate::forms;

/// A key in a Secret of the same namespace.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretRef {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = forms::OBJECT_NAME))]
    pub name: String,
    /// The key in it.
    #[schemars(length(min = 1, max = 253), regex(pattern = forms::SECRET_KEY))]
    pub key: String,
}

/// A Secret of the same namespace, by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct SecretName {
    /// The Secret's name.
    #[schemars(length(min = 1, max = 253), regex(pattern = forms::OBJECT_NAME))]
    pub name: String,
}

/// The database of organizations and users, always reached over verified TLS.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Database {
    /// The database's URL, such as `postgres://app@db.example:5432/app`.
    pub url_secret_ref: SecretRef,
    /// The CA of the database's certificate, in PEM. Left out: the public ones.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretRef>,
    /// Whether lockout is also written to the users' own columns. Default: false.
    #[serde(default)]
    pub mirror_lockout: bool,
}

/// The Redis its organizations share.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Redis {
    /// How organizations are kept apart: acl (a user of Redis for each), elasticache (users and user groups there), none (no Redis).
    pub mode: RedisMode,
    /// The URL of Redis with the credentials of its administrator, such as `rediss://admin:…@redis.example:6379`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url_secret_ref: Option<SecretRef>,
    /// The CA of Redis's certificate, in PEM.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ca_secret_ref: Option<SecretRef>,
    /// Where certificates come from: issue (the Backend's own CA), external (somebody else).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<RedisTls>,
}

/// How organizations are kept apart in Redis.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedisMode {
    /// A user of its ACL for each.
    Acl,
    /// Users and user groups of `ElastiCache`.
    ElastiCache,
    /// No Redis.
    None,
}

/// Where Redis's certificates come from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedisTls {
    /// The Backend's CA issues them.
    Issue,
    /// Somebody else does.
    External,
}

/// Where a Backend's secrets are kept in AWS Secrets Manager.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Aws {
    /// The region, such as us-east-1.
    #[schemars(length(min = 9, max = 32), regex(pattern = forms::AWS_REGION))]
    pub region: String,
    /// What the names of its secrets begin with, such as tenantry/mini-xdr; it cannot be changed.
    #[schemars(length(min = 1, max = 200), regex(pattern = forms::AWS_PREFIX))]
    pub prefix: String,
    /// The KMS key that encrypts them: id, alias or ARN. Left out: the account's own for Secrets Manager.
    #[serde(default)]
    #[schemars(length(max = 2_048))]
    pub kms_key_id: String,
    /// For how many days a deleted secret can be restored, from 7 to 30. Default: 30.
    #[serde(default = "default_recovery")]
    #[schemars(range(min = 7, max = 30))]
    pub recovery_window_days: u32,
    /// Tags on each secret.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(schema_with = "tags")]
    pub tags: BTreeMap<String, String>,
    /// Whether the Backend's own secret also holds `DATABASE_URL` and `REDIS_URL`, as the urlSecretRef of each says. Default: false.
    #[serde(default)]
    pub connection_urls: bool,
    /// Another endpoint than the region's own, such as `https://localhost:4566`.
    #[serde(default)]
    #[schemars(length(max = 512), regex(pattern = forms::ENDPOINT))]
    pub endpoint: String,
}

/// Keys that exist already.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Keys {
    /// The Secret of this namespace whose `JWT_SECRET_KEY` and `ENCRYPTION_KEY` are taken over, never replaced.
    pub import_from: SecretName,
}

/// Row-level security.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Isolation {
    /// The tables whose rows belong to organizations.
    #[schemars(length(min = 1, max = 256), inner(length(min = 1, max = 127), regex(pattern = forms::TABLE)), extend("x-kubernetes-list-type" = "set"))]
    pub tables: Vec<String>,
    /// The column that says whose a row is.
    #[serde(default = "default_column")]
    #[schemars(length(min = 1, max = 63), regex(pattern = forms::SQL_NAME))]
    pub column: String,
    /// The database role the backend connects as.
    #[schemars(length(min = 1, max = 63), regex(pattern = forms::SQL_NAME))]
    pub role: String,
    /// Whether it is applied or only looked at.
    #[serde(default)]
    pub mode: IsolationMode,
}

/// Whether row-level security is applied or only looked at.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum IsolationMode {
    /// Looked at.
    #[default]
    Audit,
    /// Applied.
    Enforce,
}

fn default_recovery() -> u32 {
    30
}

fn default_column() -> String {
    "organization_id".into()
}

fn tags(_: &mut SchemaGenerator) -> Schema {
    json_schema!({
        "type": "object",
        "maxProperties": 40,
        "additionalProperties": { "type": "string", "maxLength": 256 }
    })
}
