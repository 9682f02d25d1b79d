//! Why a database is not opened, told apart by whoever can mend it.

use std::io::{Read as _, Write as _};
use std::net::{TcpListener, TcpStream};
use std::sync::Arc;

use rcgen::{BasicConstraints, CertificateParams, DnType, IsCa, Issuer, KeyPair};
use rustls::pki_types::PrivateKeyDer;
use rustls::{ServerConfig, ServerConnection};
use tenantry_store::{Authorities, OpenError, Options, Store};

use crate::world::{Place, World};

async fn refused(options: Options) -> OpenError {
    Store::open(options).await.err().expect("a refusal")
}

/// The options of a world on PostgreSQL, with its URL altered.
fn with_url(world: &World, alter: impl FnOnce(String, &str) -> String) -> Options {
    let Place::Postgres(database) = &world.place else { unreachable!() };
    Options { url: alter(database.url(), database.name()).into(), ..world.options() }
}

fn ca_pem(world: &World) -> Vec<u8> {
    let Place::Postgres(database) = &world.place else { unreachable!() };
    std::fs::read(database.ca_path()).unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_wrong_password_or_user_is_a_matter_of_credentials() {
    let world = World::postgres().await;
    let error = refused(with_url(&world, |url, _| url.replacen("//postgres:", "//postgres:wrong", 1))).await;
    assert!(matches!(error, OpenError::Credentials(_)), "{error:?}");
    let error = refused(with_url(&world, |url, _| url.replacen("//postgres:", "//nobody:", 1))).await;
    assert!(matches!(error, OpenError::Credentials(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_user_that_may_not_connect_is_a_matter_of_credentials() {
    let world = World::postgres().await;
    let Place::Postgres(database) = &world.place else { unreachable!() };
    let name = database.name();
    world
        .by_hand(&format!(
            "CREATE ROLE outsider LOGIN PASSWORD 'x'; REVOKE CONNECT ON DATABASE {name} FROM PUBLIC"
        ))
        .await;
    let outsider = |url: String, _: &str| {
        let (_, rest) = url.split_once('@').unwrap();
        format!("postgres://outsider:x@{rest}")
    };
    let error = refused(with_url(&world, outsider)).await;
    assert!(matches!(error, OpenError::Credentials(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_database_that_does_not_exist_is_said_so() {
    let world = World::postgres().await;
    let nowhere = |url: String, name: &str| url.replace(&format!("/{name}?"), "/nowhere?");
    let error = refused(with_url(&world, nowhere)).await;
    assert!(matches!(error, OpenError::NoDatabase(_)), "{error:?}");
}

#[tokio::test(flavor = "multi_thread")]
async fn authorities_may_come_as_text_and_must_hold_a_certificate() {
    let world = World::postgres().await;
    let without = |url: String, _: &str| url.split('?').next().unwrap().to_owned();
    let options = |ca| Options { ca: Some(ca), ..with_url(&world, without) };
    Store::open(options(Authorities::Pem(ca_pem(&world)))).await.unwrap().close().await;
    for (ca, problem) in [
        (Authorities::Pem(Vec::new()), "the authorities given hold no certificate"),
        (Authorities::Pem(b"hello".to_vec()), "the authorities given hold no certificate"),
        (
            Authorities::File("/nowhere/ca.pem".into()),
            "the authorities given cannot be read from /nowhere/ca.pem",
        ),
    ] {
        let error = refused(options(ca)).await;
        assert!(matches!(&error, OpenError::Certificate(what) if what.starts_with(problem)), "{error}");
    }
}

/// Where a server of this certificate listens, and the authority behind it. It knows no more of PostgreSQL than
/// what comes before TLS.
fn server(name: &str, from: i32, until: i32) -> (u16, Vec<u8>) {
    server_of((2000, 4000), name, from, until)
}

fn server_of(authority_lasts: (i32, i32), name: &str, from: i32, until: i32) -> (u16, Vec<u8>) {
    let authority_key = KeyPair::generate().unwrap();
    let mut authority = CertificateParams::new(Vec::<String>::new()).unwrap();
    authority.distinguished_name.push(DnType::CommonName, "An authority");
    authority.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    authority.not_before = rcgen::date_time_ymd(authority_lasts.0, 1, 1);
    authority.not_after = rcgen::date_time_ymd(authority_lasts.1, 1, 1);
    let pem = authority.self_signed(&authority_key).unwrap().pem();
    let key = KeyPair::generate().unwrap();
    let mut server = CertificateParams::new(vec![name.to_owned()]).unwrap();
    server.not_before = rcgen::date_time_ymd(from, 1, 1);
    server.not_after = rcgen::date_time_ymd(until, 1, 1);
    let certificate = server.signed_by(&key, &Issuer::new(authority, authority_key)).unwrap();
    let config = ServerConfig::builder_with_provider(rustls::crypto::aws_lc_rs::default_provider().into())
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_no_client_auth()
        .with_single_cert(
            vec![certificate.der().clone()],
            PrivateKeyDer::try_from(key.serialize_der()).unwrap(),
        )
        .unwrap();
    let config = Arc::new(config);
    let port = listen(move |mut stream| {
        stream.write_all(b"S").unwrap();
        let mut connection = ServerConnection::new(Arc::clone(&config)).unwrap();
        while connection.is_handshaking() && connection.complete_io(&mut stream).is_ok() {}
    });
    (port, pem.into_bytes())
}

/// Answers whoever asks for TLS.
fn listen(answer: impl Fn(TcpStream) + Send + 'static) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            if stream.read_exact(&mut [0; 8]).is_ok() {
                answer(stream);
            }
        }
    });
    port
}

async fn refused_by(port: u16, ca: Option<Vec<u8>>) -> OpenError {
    let world = World::sqlite().await;
    let url = format!("postgres://tenantry:x@127.0.0.1:{port}/tenantry");
    refused(Options { url: url.into(), ca: ca.map(Authorities::Pem), ..world.options() }).await
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_wrong_with_a_certificate_is_said() {
    let now = (2000, 4000);
    for (name, (from, until), known, said) in [
        ("127.0.0.1", (2000, 2020), true, "certificate expired"),
        ("127.0.0.1", (4000, 4001), true, "certificate not valid yet"),
        ("db.example", now, true, "certificate not valid for name \"127.0.0.1\""),
        ("127.0.0.1", now, false, "UnknownIssuer"),
    ] {
        let (port, ca) = server(name, from, until);
        let error = refused_by(port, known.then_some(ca)).await;
        assert!(matches!(&error, OpenError::Certificate(what) if what.contains(said)), "{error}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn an_authority_that_expired_vouches_for_nothing() {
    let (port, ca) = server_of((2000, 2020), "127.0.0.1", 2000, 4000);
    let error = refused_by(port, Some(ca)).await;
    let said = "the authorities given expired on 2020-01-01";
    assert!(matches!(&error, OpenError::Certificate(what) if what.contains(said)), "{error}");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_without_tls_is_not_spoken_to() {
    let port = listen(|mut stream| stream.write_all(b"N").unwrap());
    let error = refused_by(port, None).await;
    assert!(matches!(&error, OpenError::Certificate(what) if what.contains("TLS")), "{error:?}");
}
