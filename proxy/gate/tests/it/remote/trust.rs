//! Who is taken for the authority. What is at stake is the token, and whom the gate believes.

use std::time::Duration;

use tenantry_directory::fixtures;
use tenantry_gate::{
    AuthorityEndpoint, Connecting, Credential, Fingerprint, Gate, GateClock, GateConfig, StartError,
    TlsSource,
};
use tenantry_harness::certificates::{Authority as Ca, Signed};

use super::server::Remote;
use super::{Apart, Files, get, remote, start, until_metric};
use crate::world::{Recorder, snapshot};

fn files(folder: &tempfile::TempDir, bundle: &str) -> Files {
    let files = Files { folder: folder.path().to_owned() };
    files.write_ca(bundle);
    files.write_token("the-token");
    files
}

fn fingerprint(pem: &str) -> Fingerprint {
    use rustls_pki_types::{CertificateDer, pem::PemObject as _};
    Fingerprint::of(&CertificateDer::from_pem_slice(pem.as_bytes()).unwrap())
}

/// A gate that trusts `bundle` connects to an authority with this certificate again and again, and says nothing to it.
async fn is_not_spoken_to(bundle: &str, pins: Vec<Fingerprint>, host: [u8; 4], certificate: &Signed) {
    let (backend, folder) = (Recorder::start().await, tempfile::tempdir().unwrap());
    let impostor = Remote::start((host, 0).into(), certificate, snapshot(backend.address)).await;
    let files = files(&folder, bundle);
    let endpoint = files.endpoint(impostor.address, pins);
    let gate = start(&files, endpoint.clone(), endpoint);
    until_metric(&gate, "directory_reconnects_total{reason=\"untrusted\"} 2").await;
    assert!(!gate.is_ready());
    assert!(impostor.connections() >= 2);
    assert!(impostor.take().is_empty(), "it got the token");
    assert_eq!(get(&gate, "/public/a", &[]).await, 503);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_with_a_certificate_of_another_ca_is_not_spoken_to() {
    let (ours, other) = (Ca::new("ours").unwrap(), Ca::new("ours").unwrap());
    is_not_spoken_to(ours.pem(), vec![], [127, 0, 0, 1], &other.server(&[]).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_with_a_certificate_for_another_name_is_not_spoken_to() {
    let ours = Ca::new("ours").unwrap();
    is_not_spoken_to(ours.pem(), vec![], [127, 0, 0, 2], &ours.server(&["authority.example"]).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_with_an_expired_certificate_is_not_spoken_to() {
    let ours = Ca::new("ours").unwrap();
    is_not_spoken_to(ours.pem(), vec![], [127, 0, 0, 1], &ours.server_until(2020, &[]).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_with_a_certificate_for_clients_is_not_spoken_to() {
    let ours = Ca::new("ours").unwrap();
    is_not_spoken_to(ours.pem(), vec![], [127, 0, 0, 1], &ours.client("127.0.0.1", None).unwrap()).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_ca_in_the_bundle_that_is_not_pinned_counts_for_nothing() {
    let (pinned, added) = (Ca::new("pinned").unwrap(), Ca::new("added").unwrap());
    let bundle = format!("{}{}", added.pem(), pinned.pem());
    let pins = vec![fingerprint(pinned.pem())];
    is_not_spoken_to(&bundle, pins.clone(), [127, 0, 0, 1], &added.server(&[]).unwrap()).await;

    let (backend, folder) = (Recorder::start().await, tempfile::tempdir().unwrap());
    let authority = remote(&pinned, &backend, |_| {}).await;
    let files = files(&folder, &bundle);
    let endpoint = files.endpoint(authority.address, pins);
    let gate = start(&files, endpoint.clone(), endpoint);
    assert!(gate.wait_ready(Duration::from_secs(10)).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_password_goes_to_no_server_that_did_not_prove_itself() {
    let (ours, other) = (Ca::new("ours").unwrap(), Ca::new("other").unwrap());
    let (backend, folder) = (Recorder::start().await, tempfile::tempdir().unwrap());
    let authority = remote(&ours, &backend, |_| {}).await;
    let impostor = remote(&other, &backend, |_| {}).await;
    let files = files(&folder, ours.pem());
    let gate =
        start(&files, files.endpoint(impostor.address, vec![]), files.endpoint(authority.address, vec![]));
    assert!(gate.wait_ready(Duration::from_secs(10)).await);
    assert_eq!(get(&gate, "/api/auth/me", &[]).await, 502);
    assert!(impostor.connections() >= 1 && impostor.take().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_replaced_ca_bundle_is_used_without_a_restart() {
    let world = Apart::new().await;
    assert_eq!(world.get("/api/auth/me", &[]).await, 200);
    let next = Ca::new("next").unwrap();
    // Both count while one replaces the other.
    world.files().write_ca(&format!("{}{}", world.ca.pem(), next.pem()));
    world.authority.set_certificate(&next.server(&[]).unwrap());
    world.authority.stop().await;
    world.authority.begin_again().await;
    assert_eq!(
        world.get("/api/auth/me", &[]).await,
        200,
        "the bundle is read where a certificate is unknown"
    );
    world.authority.until_streams(2).await;
    world.files().write_ca(next.pem());
    world.authority.close_streams();
    world.authority.until_streams(3).await;
    assert_eq!(world.authority.snapshots(), 1);
    // What the bundle no longer holds counts no longer.
    world.authority.set_certificate(&world.ca.server(&[]).unwrap());
    world.authority.stop().await;
    world.authority.begin_again().await;
    world.until_metric("directory_reconnects_total{reason=\"untrusted\"}").await;
    assert_eq!(world.get("/api/auth/me", &[]).await, 502);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_in_clear_is_refused_except_on_this_machine() {
    for (address, is_taken) in [
        ("127.0.0.1:8444", true),
        ("[::1]:8444", true),
        ("localhost:8444", true),
        ("10.1.2.3:8444", false),
        ("authority.example:8444", false),
        ("localhost.example:8444", false),
    ] {
        let folder = tempfile::tempdir().unwrap();
        let started = Gate::start(GateConfig {
            listen: vec![],
            plain: vec![],
            admin: None,
            tls: TlsSource::Folder { folder: folder.path().join("tls"), names: vec![] },
            workers: 1,
            authority: AuthorityEndpoint {
                address: address.to_owned(),
                tls: None,
                credential: Credential::fixed("proof").unwrap(),
            },
            directory: std::sync::Arc::new(|_| -> Connecting { Box::pin(std::future::pending()) }),
            assertion_folder: None,
            clock: GateClock::from_fn(|| fixtures::NOW.millis()),
        });
        let refused = matches!(started, Err(StartError::AuthorityInClear(_)));
        assert_ne!(refused, is_taken, "{address}");
    }
}
