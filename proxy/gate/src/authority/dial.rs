use std::io;
use std::net::IpAddr;
use std::time::Duration;

use rustls::CertificateError;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;

use super::refresh;
use crate::config::AuthorityEndpoint;

/// How often a connection is tried before it is given up.
pub(crate) const TRIES: u32 = 3;
/// Before the second try; the third comes after twice that.
const PAUSE: Duration = Duration::from_millis(50);

/// What a connection must do.
pub(crate) trait Duplex: AsyncRead + AsyncWrite + Send + Unpin {}

impl<S: AsyncRead + AsyncWrite + Send + Unpin> Duplex for S {}

/// A connection to the authority, which has proved itself where that is asked.
pub(crate) type Stream = Box<dyn Duplex>;

/// Opens a connection, on which nothing has been said yet. While one authority makes way for another, connections are refused or
/// reset for a moment: such a one is tried again. An authority whose certificate does not count gives
/// [`io::ErrorKind::InvalidData`], and is not tried again unless the bundle was renewed. The caller bounds the time.
pub(crate) async fn dial(endpoint: &AuthorityEndpoint) -> io::Result<Stream> {
    let mut tries = 1;
    loop {
        match open(endpoint).await {
            Err(error) if tries < TRIES && may_pass(endpoint, &error).await => {
                tracing::debug!(%error, address = endpoint.address, "the authority will be tried again");
                tokio::time::sleep(PAUSE * tries).await;
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}

async fn may_pass(endpoint: &AuthorityEndpoint, error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::InvalidInput => false,
        io::ErrorKind::InvalidData => refresh(endpoint).await,
        _ => true,
    }
}

async fn open(endpoint: &AuthorityEndpoint) -> io::Result<Stream> {
    let stream = TcpStream::connect(&endpoint.address).await?;
    stream.set_nodelay(true)?;
    let Some(trust) = &endpoint.tls else { return Ok(Box::new(stream)) };
    let name = ServerName::try_from(host(&endpoint.address).to_owned())
        .map_err(|error| io::Error::new(io::ErrorKind::InvalidInput, error))?;
    let connected = TlsConnector::from(trust.client()).connect(name, stream).await;
    Ok(Box::new(connected.map_err(explained)?))
}

/// What is wrong with a certificate, without the moment at which it was seen: the same is said in the same words.
fn explained(error: io::Error) -> io::Error {
    let inner = error.get_ref().and_then(|inner| inner.downcast_ref());
    let Some(rustls::Error::InvalidCertificate(why)) = inner else { return error };
    let sentence = match why {
        CertificateError::Expired | CertificateError::ExpiredContext { .. } => "its certificate has expired",
        CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
            "its certificate is not valid yet"
        }
        CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
            "its certificate is for another name"
        }
        CertificateError::UnknownIssuer => "its certificate is of no CA that counts",
        _ => return error,
    };
    io::Error::new(io::ErrorKind::InvalidData, sentence)
}

/// The host of `host:port`, without the brackets of an IPv6 address.
fn host(address: &str) -> &str {
    let host = address.rsplit_once(':').map_or(address, |(host, _)| host);
    host.strip_prefix('[').and_then(|inner| inner.strip_suffix(']')).unwrap_or(host)
}

/// Whether `host:port` is on this machine, so that what is sent there in clear reaches no other.
pub(crate) fn is_loopback(address: &str) -> bool {
    let host = host(address);
    host == "localhost" || host.parse().is_ok_and(|address: IpAddr| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_this_machine_is_loopback() {
        for (address, expected) in [
            ("127.0.0.1:1", true),
            ("127.8.8.8:1", true),
            ("[::1]:1", true),
            ("localhost:1", true),
            ("localhost.example:1", false),
            ("127.0.0.1.example:1", false),
            ("10.0.0.1:1", false),
            ("[::]:1", false),
            ("authority:1", false),
        ] {
            assert_eq!(is_loopback(address), expected, "{address}");
        }
    }
}
