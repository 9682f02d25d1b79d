use std::io;
use std::net::IpAddr;
use std::time::Duration;

use rustls::CertificateError;
use rustls_pki_types::ServerName;
use tokio::io::{AsyncRead, AsyncWrite};
use tokio::net::TcpStream;
use tokio_rustls::TlsConnector;
use tokio_util::sync::CancellationToken;

use super::trust::Trusted;
use super::{Trust, refresh};
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

/// A connection, and whether it should be left.
pub(crate) struct Dialled {
    pub stream: Stream,
    /// Cancelled once a CA that counted when it was opened counts no longer.
    pub withdrawn: CancellationToken,
}

/// Opens a connection, on which nothing has been said yet. While one authority makes way for another, connections are refused or
/// reset for a moment: such a one is tried again. An authority whose certificate does not count gives
/// [`io::ErrorKind::InvalidData`], and is not tried again unless the bundle was renewed. The caller bounds the time.
pub(crate) async fn dial(endpoint: &AuthorityEndpoint) -> io::Result<Dialled> {
    let mut tries = 1;
    loop {
        let trusted = endpoint.tls.as_ref().map(Trust::current);
        match open(&endpoint.address, trusted.clone()).await {
            Err(error) if tries < TRIES && may_pass(endpoint, trusted.as_ref(), &error).await => {
                tracing::debug!(%error, address = endpoint.address, "the authority will be tried again");
                tokio::time::sleep(PAUSE * tries).await;
                tries += 1;
            }
            outcome => return outcome,
        }
    }
}

/// Whether another try may do better than one that trusted these.
async fn may_pass(endpoint: &AuthorityEndpoint, tried: Option<&Trusted>, error: &io::Error) -> bool {
    match error.kind() {
        io::ErrorKind::InvalidInput => false,
        io::ErrorKind::InvalidData => {
            refresh(endpoint).await;
            let renewed = endpoint.tls.as_ref().map(Trust::current);
            renewed.zip(tried).is_some_and(|(renewed, tried)| !renewed.is(tried))
        }
        _ => true,
    }
}

async fn open(address: &str, trusted: Option<Trusted>) -> io::Result<Dialled> {
    let invalid = |why: &str| io::Error::new(io::ErrorKind::InvalidInput, why);
    let in_clear = || invalid("it is not on this machine and must be spoken to over TLS");
    if trusted.is_none() && !is_loopback(address) {
        return Err(in_clear());
    }
    let stream = TcpStream::connect(address).await?;
    stream.set_nodelay(true)?;
    let Some(Trusted { client, withdrawn, .. }) = trusted else {
        // Whatever its name promised.
        let is_here = stream.peer_addr()?.ip().is_loopback();
        let dialled = || Dialled { stream: Box::new(stream), withdrawn: CancellationToken::new() };
        return is_here.then(dialled).ok_or_else(in_clear);
    };
    let name = ServerName::try_from(host(address).to_owned())
        .map_err(|_| invalid("its name is neither a host name nor an address"))?;
    let connected = TlsConnector::from(client).connect(name, stream).await.map_err(explained)?;
    if withdrawn.is_cancelled() {
        return Err(io::Error::new(
            io::ErrorKind::InvalidData,
            "a CA was withdrawn while it was connected to",
        ));
    }
    Ok(Dialled { stream: Box::new(connected), withdrawn })
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

    #[tokio::test]
    async fn nothing_is_said_in_clear_to_another_machine() {
        for address in ["10.1.2.3:8445", "authority.example:8445", "localhost.example:8445"] {
            let refused = open(address, None).await.err().unwrap();
            assert_eq!(refused.kind(), io::ErrorKind::InvalidInput, "{address}");
        }
    }

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
