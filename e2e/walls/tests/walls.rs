//! What each package may link, told as one table.
#![allow(clippy::expect_used, missing_docs)]

use std::collections::BTreeSet;
use std::process::Command;

/// Every crate that a package links, itself included, on Linux with the features it has on its own.
fn links(package: &str) -> BTreeSet<String> {
    let output = Command::new(env!("CARGO"))
        .args([
            "tree",
            "--locked",
            "--edges",
            "normal",
            "--prefix",
            "none",
            "--format",
            "{lib}|{p}",
            "--package",
            package,
        ])
        .current_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/../.."))
        .output()
        .expect("cargo runs");
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let text = String::from_utf8(output.stdout).expect("cargo tree prints UTF-8");
    text.lines().filter_map(|line| line.split('|').nth(1)?.split(' ').next().map(str::to_owned)).collect()
}

fn assert_walls(package: &str, forbidden: &[&str]) {
    let links = links(package);
    assert!(links.contains(package), "cargo tree of {package} lists it");
    let through: Vec<_> = forbidden.iter().filter(|name| links.contains(**name)).collect();
    assert!(through.is_empty(), "{package} must not link {through:?}");
}

const OTHER_TLS: &[&str] = &["ring", "openssl", "openssl-sys", "native-tls"];
const HTTP: &[&str] = &["hyper", "axum", "reqwest", "h2"];
const CLUSTER: &[&str] = &["kube-client", "kube-runtime"];

/// The binary is of the same package as the library: what it links beyond that is held here too.
#[test]
fn the_gate_links_no_database_no_password_hashing_and_no_cluster_client() {
    assert_walls("tenantry-gate", &["sqlx", "sqlx-core", "libsqlite3-sys", "bcrypt", "axum", "reqwest"]);
    assert_walls("tenantry-gate", &["kube", "kube-core", "k8s-openapi", "schemars", "aws-config", "redis"]);
    assert_walls(
        "tenantry-gate",
        &["tenantry-rules", "tenantry-store", "tenantry-authority", "tenantry-crds", "tenantry-operator"],
    );
}

#[test]
fn what_every_program_does_at_its_start_knows_none_of_them() {
    assert_walls("tenantry-process", &["tenantry-gate", "tenantry-authority", "tenantry-store", "sqlx-core"]);
    assert_walls("tenantry-process", HTTP);
    assert_walls("tenantry-process", CLUSTER);
}

#[test]
fn the_directory_is_a_leaf_without_io() {
    assert_walls("tenantry-directory", &["tokio", "sqlx-core", "kube-core", "bcrypt", "tenantry-rules"]);
    assert_walls("tenantry-directory", HTTP);
}

#[test]
fn the_rules_are_pure() {
    assert_walls("tenantry-rules", &["tokio", "sqlx-core", "kube-core", "tenantry-store"]);
    assert_walls("tenantry-rules", HTTP);
}

#[test]
fn the_store_speaks_no_http_and_knows_no_cluster() {
    assert_walls("tenantry-store", HTTP);
    assert_walls("tenantry-store", &["kube", "kube-core", "tenantry-crds"]);
}

#[test]
fn the_authority_does_not_know_the_gate() {
    assert_walls("tenantry-authority", &["tenantry-gate"]);
    assert_walls("tenantry-authority", &["tenantry-operator", "aws-config"]);
}

#[test]
fn custom_resource_types_bring_no_cluster_client() {
    assert_walls("tenantry-crds", CLUSTER);
    assert_walls("tenantry-crds", &["tokio", "hyper", "sqlx-core"]);
}

#[test]
fn every_package_uses_one_tls_stack() {
    for package in
        ["tenantry-operator", "tenantry-proxy", "tenantry-gate", "tenantry-store", "tenantry-harness"]
    {
        assert_walls(package, OTHER_TLS);
    }
}
