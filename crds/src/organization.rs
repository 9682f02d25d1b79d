//! The Organization: one customer of a Backend.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Condition;
use kube::CustomResource;
use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::{backend::SecretRef, forms};

/// One customer of a Backend: everything it needs to exist follows from this.
#[derive(CustomResource, Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[kube(
    group = "tenantry.io",
    version = "v1alpha1",
    kind = "Organization",
    namespaced,
    shortname = "org",
    category = "tenantry",
    status = "OrganizationStatus",
    derive = "PartialEq",
    doc = "A tenant: one customer of a Backend.",
    printcolumn(
        name = "Ready",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].status"
    ),
    printcolumn(name = "Backend", type_ = "string", json_path = ".spec.backendRef.name"),
    printcolumn(name = "Slug", type_ = "string", json_path = ".status.slug"),
    printcolumn(name = "Id", type_ = "integer", json_path = ".status.organizationId"),
    printcolumn(name = "Age", type_ = "date", json_path = ".metadata.creationTimestamp"),
    printcolumn(
        name = "Reason",
        type_ = "string",
        json_path = ".status.conditions[?(@.type==\"Ready\")].reason",
        priority = 1
    )
)]
#[serde(rename_all = "camelCase")]
pub struct OrganizationSpec {
    /// The Backend it is a customer of; once set it cannot be changed. Left out: the only Backend of the namespace.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub backend_ref: Option<BackendRef>,
    /// The name people read, at most 255 characters, such as mini corp.
    #[schemars(length(min = 1, max = 255), regex(pattern = forms::ONE_LINE))]
    pub display_name: String,
    /// The name in addresses and tokens, such as mini-corp: unique in the database, and it cannot be changed. Left out: metadata.name.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 100), regex(pattern = forms::SLUG))]
    pub slug: Option<String>,
    /// true: every token of it is refused within a second; nothing is deleted. Default: false.
    #[serde(default)]
    pub suspended: bool,
    /// The first administrator, made once: later changes here change nobody. Left out: none is made.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub admin: Option<Admin>,
    /// What it may use.
    #[serde(default)]
    pub limits: OrganizationLimits,
    /// Free JSON for the backend. Only the top-level keys named here are kept as they are here; others are the application's.
    #[serde(default, skip_serializing_if = "Map::is_empty")]
    #[schemars(schema_with = "free_object")]
    pub settings: Map<String, Value>,
    /// Its access to the Backend's Redis.
    #[serde(default)]
    pub redis: OrganizationRedis,
    /// What deleting this resource does to its rows. Retain (default): suspends the organization and keeps them.
    /// Delete: revokes its credentials and removes the rows once nothing refers to them.
    #[serde(default)]
    pub deletion_policy: DeletionPolicy,
    /// Where the slug has a row that no resource owns: Fail (default) says so and stops, Adopt takes it over;
    /// a self-registered organization only with its id in adoptId.
    #[serde(default)]
    pub adoption_policy: AdoptionPolicy,
    /// The id of the self-registered organization to adopt, with adoptionPolicy: Adopt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(range(min = 1, max = 9_007_199_254_740_991_i64))]
    pub adopt_id: Option<i64>,
}

impl Organization {
    /// The slug: the one named, or the resource's own name.
    pub fn slug(&self) -> &str {
        self.spec.slug.as_deref().or(self.metadata.name.as_deref()).unwrap_or_default()
    }

    /// The namespace, `default` where none is named.
    pub fn namespace(&self) -> &str {
        self.metadata.namespace.as_deref().unwrap_or(crate::DEFAULT_NAMESPACE)
    }

    /// The resource's name.
    pub fn name(&self) -> &str {
        self.metadata.name.as_deref().unwrap_or_default()
    }
}

/// A Backend by name.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct BackendRef {
    /// The Backend's name.
    #[schemars(length(min = 1, max = 63), regex(pattern = forms::LABEL_NAME))]
    pub name: String,
    /// The Backend's namespace. Left out: this one; another one must let this one in by its allowedNamespaces.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(length(min = 1, max = 63), regex(pattern = forms::LABEL_NAME))]
    pub namespace: Option<String>,
}

/// An organization's first administrator.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Admin {
    /// The address they log in with, such as admin@minicorp.example; a user belongs to one organization.
    #[schemars(length(min = 3, max = 254), regex(pattern = forms::EMAIL))]
    pub email: String,
    /// The name people read.
    #[schemars(length(min = 1, max = 255), regex(pattern = forms::ONE_LINE))]
    pub name: String,
    /// A Secret of this namespace with the first password. Left out: one is generated into tenantry-org-<name>-admin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_secret_ref: Option<SecretRef>,
}

/// What an organization may use.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationLimits {
    /// How many users it may have, invitations that wait included. Default: 50.
    #[schemars(range(min = 1, max = 1_000_000))]
    pub users: u32,
}

impl Default for OrganizationLimits {
    fn default() -> Self {
        Self { users: 50 }
    }
}

/// An organization's access to Redis.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationRedis {
    /// What it may do in its own keys: readwrite (default), readonly, or none, with which it gets no user.
    pub access: RedisAccess,
}

/// What an organization may do in Redis.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum RedisAccess {
    /// Read and write its own keys.
    #[default]
    ReadWrite,
    /// Read its own keys.
    ReadOnly,
    /// No user of Redis is made.
    None,
}

/// What deleting the resource does to the rows.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum DeletionPolicy {
    /// Suspends and keeps them.
    #[default]
    Retain,
    /// Revokes its credentials and removes the rows once nothing refers to them.
    Delete,
}

/// What a row with this slug that nothing owns means.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum AdoptionPolicy {
    /// A conflict.
    #[default]
    Fail,
    /// It becomes this resource's; a self-registered one only with its id in adoptId.
    Adopt,
}

/// What the operator reports of an Organization.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase", default)]
pub struct OrganizationStatus {
    /// The generation of this resource that the rest is about.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub observed_generation: Option<i64>,
    /// The Backend that it was made in, as namespace/name; it stays there for as long as it exists.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub backend: Option<String>,
    /// The id of its row in the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub organization_id: Option<i64>,
    /// The slug of its row in the database.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub slug: Option<String>,
    /// The Secret with its keys.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub secret_name: Option<String>,
    /// The Secret with its access to Redis, keys and certificate.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis_secret_name: Option<String>,
    /// The ARN of its secret in AWS Secrets Manager.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub aws_secret_arn: Option<String>,
    /// Ready, Reconciling, Stalled (kstatus), and one for each part, such as `DatabaseReady`; the reason says what to do.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-kubernetes-list-type" = "map", "x-kubernetes-list-map-keys" = ["type"]))]
    pub conditions: Vec<Condition>,
}

fn free_object(_: &mut SchemaGenerator) -> Schema {
    json_schema!({ "type": "object", "x-kubernetes-preserve-unknown-fields": true, "maxProperties": 64 })
}
