//! A folder of manifests: applied, watched, never stopped by one bad file.

use std::time::Duration;

use reqwest::StatusCode;

use crate::world::{PASSWORD, World, path, refused};

const BACKEND: &str = "apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: { name: incidents }\nspec:\n  publicUrl: https://tenantry.localhost:8443\n  upstream: { url: http://127.0.0.1:9 }\n  routes:\n    - { path: /health, access: public }\n";

fn organization(name: &str, more: &str) -> String {
    format!(
        "apiVersion: tenantry.io/v1alpha1\nkind: Organization\nmetadata: {{ name: {name} }}\nspec:\n  displayName: {name} inc\n  admin: {{ email: admin@{name}.example, name: Admin }}\n{more}"
    )
}

fn world() -> World {
    let world = World::new();
    world.write_manifest("backend.yaml", BACKEND);
    world.write_manifest("acme.yaml", &organization("acme", ""));
    world
}

fn password(world: &World, slug: &str) -> String {
    std::fs::read_to_string(world.data().join(format!("admin-{slug}.password"))).unwrap().trim().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_organization_of_a_manifest_has_an_administrator_with_a_generated_password() {
    use std::os::unix::fs::MetadataExt as _;
    let world = world();
    let running = world.start().await;
    assert_eq!(running.login("admin@acme.example", &password(&world, "acme")).await.0, StatusCode::OK);
    let mode = std::fs::metadata(world.data().join("admin-acme.password")).unwrap().mode() & 0o777;
    assert_eq!(mode, 0o600);
    assert!(running.log().contains("admin-acme.password"), "its path is told");
    assert!(!running.log().contains(&password(&world, "acme")), "and not its content");
    assert_eq!(
        running.post("/api/auth/register", None, crate::world::register_body("mini corp")).await.0,
        StatusCode::FORBIDDEN,
        "closed, as the manifest says"
    );
    assert_eq!(running.get("/health", None).await.0, StatusCode::OK);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_changed_manifest_is_felt_and_a_bad_one_stops_no_other() {
    let world = world();
    let running = world.start().await;
    let (_, token) = running.login("admin@acme.example", &password(&world, "acme")).await;
    assert_eq!(running.get("/api/incidents", Some(&token)).await.0, StatusCode::OK);

    world.write_manifest("broken.yaml", "kind: Organization\nspec: [");
    world.write_manifest("wrong.yaml", &organization("wrong", "  suspendet: true\n"));
    world.write_manifest("second.yaml", &organization("second", ""));
    running.until_logged("admin-second.password").await;
    running.until_logged("did you mean suspended?").await;
    running.until_logged("is no YAML").await;
    assert_eq!(running.login("admin@second.example", &password(&world, "second")).await.0, StatusCode::OK);

    world.write_manifest("acme.yaml", &organization("acme", "  suspended: true\n"));
    let took = running.until_refused(&token).await;
    assert!(took < Duration::from_secs(2), "{took:?}");
    world.write_manifest("acme.yaml", &organization("acme", ""));
    let begun = std::time::Instant::now();
    while running.get("/api/incidents", Some(&token)).await.0 != StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(5), "let in again: {}", running.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_manifest_that_is_gone_suspends_and_one_that_cannot_be_read_does_not() {
    let world = world();
    let running = world.start().await;
    let (_, token) = running.login("admin@acme.example", &password(&world, "acme")).await;
    world.write_manifest("acme.yaml", "kind: Organization\nspec: [");
    running.until_logged("is no YAML").await;
    assert_eq!(running.get("/api/incidents", Some(&token)).await.0, StatusCode::OK, "not taken for gone");
    std::fs::remove_file(world.manifests().join("acme.yaml")).unwrap();
    running.until_refused(&token).await;
    assert_eq!(world.sqlite("SELECT status, (SELECT count(*) FROM users) FROM organizations"), "suspended|1");
}

#[tokio::test(flavor = "multi_thread")]
async fn routes_change_without_a_restart() {
    let world = world();
    let running = world.start().await;
    assert_eq!(running.get("/docs", None).await.0, StatusCode::UNAUTHORIZED);
    world.write_manifest(
        "backend.yaml",
        &format!("{BACKEND}    - {{ path: \"/docs/**\", access: public }}\n"),
    );
    let begun = std::time::Instant::now();
    while running.get("/docs", None).await.0 != StatusCode::OK {
        assert!(begun.elapsed() < Duration::from_secs(5), "{}", running.log());
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[test]
fn check_names_every_problem_and_exits_with_1() {
    let world = world();
    world.write_manifest("wrong.yaml", &organization("wrong", "  suspendet: true\n  limits: { users: 0 }\n"));
    let (code, said) = refused(&["check", path(&world.manifests())]);
    assert_eq!(code, Some(1));
    for expected in [
        "wrong.yaml:7: Organization default/wrong: spec.suspendet: is no field here: did you mean suspended?",
        "spec.limits.users: 0: write a whole number from 1 to 1000000",
        "2 problems in ",
    ] {
        assert!(said.contains(expected), "{expected}: {said}");
    }
    std::fs::remove_file(world.manifests().join("wrong.yaml")).unwrap();
    let (code, said) = refused(&["check", path(&world.manifests())]);
    assert_eq!((code, said.trim()), (Some(0), "1 Backend, 1 Organizations: no problem found"));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_of_a_secret_is_used_once_and_a_weak_one_is_refused() {
    let world = world();
    let with = |password: &str| {
        format!(
            "{}---\napiVersion: v1\nkind: Secret\nmetadata: {{ name: p }}\nstringData: {{ password: {password} }}\n",
            organization("third", "")
                .replace("name: Admin }", "name: Admin, passwordSecretRef: { name: p, key: password } }")
        )
    };
    world.write_manifest("third.yaml", &with("weak"));
    let running = world.start().await;
    running.until_logged("The password has 4 characters; use at least 12.").await;
    world.write_manifest("third.yaml", &with(PASSWORD));
    // Not by trying: five refused logins would lock the account.
    running.until_logged("\"slug\":\"third\"").await;
    assert_eq!(running.login("admin@third.example", PASSWORD).await.0, StatusCode::OK);
}
