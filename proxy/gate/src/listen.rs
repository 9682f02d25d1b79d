//! Listening sockets: one a worker on the same port (`SO_REUSEPORT`), so that the kernel spreads connections and no worker hands
//! one to another.

use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, Socket, Type};

use crate::start::StartError;

/// Connections that may wait to be accepted, on each socket.
const BACKLOG: i32 = 4096;

/// `count` sockets on `address`; with port 0 all on the one that was free. Fails where anybody else listens there already:
/// `SO_REUSEPORT` alone would share the port with another process of the same user.
pub(crate) fn bind(address: SocketAddr, count: usize) -> Result<(SocketAddr, Vec<TcpListener>), StartError> {
    let cannot = |source| StartError::Bind { address, source };
    let probe = TcpListener::bind(address).map_err(cannot)?;
    let bound = probe.local_addr().map_err(cannot)?;
    drop(probe);
    let sockets = (0..count.max(1)).map(|_| socket(bound)).collect::<Result<Vec<_>, _>>().map_err(cannot)?;
    Ok((bound, sockets))
}

fn socket(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    if address.is_ipv6() {
        socket.set_only_v6(true)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_reuse_port(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn workers_share_a_port_that_nobody_else_may_take() {
        let (address, sockets) = bind(([127, 0, 0, 1], 0).into(), 3).unwrap();
        assert_ne!(address.port(), 0);
        assert!(sockets.iter().all(|socket| socket.local_addr().unwrap() == address));
        assert!(matches!(bind(address, 1), Err(StartError::Bind { .. })));
    }
}
