//! Starts that cannot work: a sentence that says what to do, an exit code, and nothing damaged.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt as _;

use reqwest::StatusCode;

use crate::world::{PASSWORD, World, binary, path, refused, register_body};

const ANYWHERE: [&str; 6] = ["--listen", "127.0.0.1:0", "--plain", "127.0.0.1:0", "--admin", "127.0.0.1:0"];

/// A start in `world`'s data folder that must fail.
fn start(world: &World, more: &[&str]) -> (Option<i32>, String) {
    let data = world.data();
    let usual = ["--upstream", "http://127.0.0.1:9", "--data", path(&data)];
    let usual = usual.iter().chain(&ANYWHERE).copied().collect::<Vec<_>>();
    let mut arguments = vec!["standalone"];
    for pair in usual.chunks(2).filter(|pair| !more.contains(&pair[0])) {
        arguments.extend(pair);
    }
    arguments.extend(more);
    refused(&arguments)
}

#[test]
fn what_is_asked_for_wrongly_is_said_with_exit_code_2() {
    let world = World::new();
    for (more, expected) in [
        (&["--tls-cert", "x.pem"][..], "--tls-cert is given without --tls-key"),
        (&["--upstream", "ftp://x"], "cannot be used"),
        (&["--public-url", "http://x.example"], "Write it as https://host"),
        (&["--plain", "0.0.0.0:8000"], "plain HTTP is for this machine alone"),
        (&["--workers", "0"], "workers is 0"),
        (&["--log", "a=b=c"], "the log filter"),
        (&["--lisen", "x"], "--listen"),
    ] {
        let (code, said) = if more[0] == "--upstream" {
            refused(&[&["standalone"][..], more].concat())
        } else {
            let data = world.data();
            refused(
                &[&["standalone", "--upstream", "http://127.0.0.1:9", "--data", path(&data)][..], more]
                    .concat(),
            )
        };
        assert_eq!(code, Some(2), "{more:?}: {said}");
        assert!(said.contains(expected), "{more:?}: {said}");
    }
    let (code, said) = refused(&["standalone"]);
    assert!(code == Some(2) && said.contains("--upstream http://127.0.0.1:9000"), "{said}");
    let done = binary()
        .args(["standalone", "--upstream", "http://127.0.0.1:9"])
        .env("TENANTRY_LISTN", "x")
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&done.stderr).into_owned();
    assert!(done.status.code() == Some(2) && said.contains("Did you mean TENANTRY_LISTEN?"), "{said}");
    assert!(!world.data().exists());
}

#[test]
fn surroundings_that_stand_in_the_way_are_named_with_exit_code_1() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let world = World::new();
    let (code, said) = start(&world, &["--listen", &address]);
    assert!(
        code == Some(1)
            && said.contains(&format!("cannot listen on {address}"))
            && said.contains("choose another address"),
        "{said}"
    );
    let (code, said) = start(&world, &["--admin", &address]);
    assert!(code == Some(1) && said.contains(&format!("cannot listen on {address}")), "{said}");

    let file = tempfile::NamedTempFile::new().unwrap();
    let (code, said) = start(&world, &["--data", path(file.path())]);
    assert!(code == Some(1) && said.contains("the data folder"), "{said}");
    let (code, said) = start(&world, &["--manifests", "/nowhere/at/all"]);
    assert!(
        code == Some(1) && said.contains("cannot be read") && said.contains("no Backend that can be served"),
        "{said}"
    );
    let (code, said) = start(&world, &["--tls-cert", "/nowhere.pem", "--tls-key", "/nowhere.key"]);
    assert!(code == Some(1) && said.contains("/nowhere.key"), "{said}");
    let (code, said) = start(&world, &["--database", "postgres://user:hunter2canary@127.0.0.1:1/db"]);
    assert!(
        code == Some(1) && said.contains("could not be reached") && !said.contains("hunter2canary"),
        "{said}"
    );
    let (code, said) = start(&world, &["--database", "mysql://127.0.0.1/db"]);
    assert!(code == Some(1) && said.contains("postgres://"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_data_folder_that_is_in_use_or_spoiled_is_refused_and_stays_as_it_is() {
    let world = World::new();
    let running = world.start().await;
    assert_eq!(
        running.post("/api/auth/register", None, register_body("mini corp")).await.0,
        StatusCode::CREATED
    );
    let (code, said) = start(&world, &[]);
    assert!(code == Some(1) && said.contains("another process uses the data folder"), "{said}");
    assert_eq!(running.terminate(), Some(0));

    let keyring = world.data().join("sealing-keyring.json");
    std::fs::set_permissions(&keyring, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = start(&world, &[]);
    assert!(code == Some(1) && said.contains("chmod 600"), "{said}");
    std::fs::set_permissions(&keyring, std::fs::Permissions::from_mode(0o600)).unwrap();

    let kept = world.folder.path().join("kept.json");
    std::fs::rename(&keyring, &kept).unwrap();
    let (code, said) = start(&world, &[]);
    assert!(code == Some(1) && said.contains("is missing") && said.contains("Restore the file"), "{said}");
    assert!(!keyring.exists(), "never made anew");

    let other = World::new();
    other.start().await.kill();
    std::fs::copy(other.data().join("sealing-keyring.json"), &keyring).unwrap();
    std::fs::set_permissions(&keyring, std::fs::Permissions::from_mode(0o600)).unwrap();
    let (code, said) = start(&world, &[]);
    assert!(code == Some(1) && said.contains("not the key they were sealed with"), "{said}");
    std::fs::rename(&kept, &keyring).unwrap();

    let key = world.data().join("tls/tls.key");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o644)).unwrap();
    let (code, said) = start(&world, &[]);
    assert!(code == Some(1) && said.contains("chmod 600"), "{said}");
    std::fs::set_permissions(&key, std::fs::Permissions::from_mode(0o600)).unwrap();

    let running = world.start().await;
    assert_eq!(
        running.login("admin@minicorp.example", PASSWORD).await.0,
        StatusCode::OK,
        "nothing was damaged"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_newer_database_and_another_backends_are_refused() {
    let world = World::new();
    let running = world.start().await;
    assert_eq!(
        running.post("/api/auth/register", None, register_body("mini corp")).await.0,
        StatusCode::CREATED
    );
    assert_eq!(running.terminate(), Some(0));
    world.write_manifest("backend.yaml", "apiVersion: tenantry.io/v1alpha1\nkind: Backend\nmetadata: { name: another }\nspec:\n  publicUrl: https://tenantry.localhost:8443\n  upstream: { url: http://127.0.0.1:9 }\n");
    let (code, said) = start(&world, &["--manifests", path(&world.manifests())]);
    assert!(
        code == Some(1) && said.contains("belongs to the Backend default/backend, not to default/another"),
        "{said}"
    );
    world.sqlite("INSERT INTO tenantry_migrations (version, name, applied_at) VALUES (9000, 'later', 0)");
    let (code, said) = start(&world, &[]);
    assert!(code == Some(1) && said.contains("newer Tenantry"), "{said}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_backend_that_is_not_there_is_a_warning_and_a_502() {
    let world = World::with(&["--upstream", "http://127.0.0.1:1"]);
    let running = world.start().await;
    running.until_logged("does not answer yet").await;
    assert_eq!(
        running.post("/api/auth/register", None, register_body("mini corp")).await.0,
        StatusCode::CREATED
    );
    let (_, token) = running.login("admin@minicorp.example", PASSWORD).await;
    let (status, body) = running.get("/api/incidents", Some(&token)).await;
    assert_eq!(
        (status, body["detail"].as_str()),
        (StatusCode::BAD_GATEWAY, Some("The application does not answer."))
    );
    running.until_logged("start the backend, or correct its address").await;
}
