//! Listening sockets: one a core on the same address, so that the kernel spreads connections and no
//! core hands one to another.
//!
//! `SO_REUSEPORT` would also let two processes of one user share an address without a word. So the
//! address is first bound without it, which fails when anybody else listens there.

use std::io;
use std::net::{SocketAddr, TcpListener};

use socket2::{Domain, Protocol, SockAddr, Socket, Type};

/// Connections that may wait to be accepted, on each socket; the kernel lowers it to `somaxconn`.
const BACKLOG: i32 = 4096;

/// Opens `count` listening sockets on one address, which must be free. Port 0 picks one port for
/// all of them.
///
/// The sockets are non-blocking, and connections accepted from them have `TCP_NODELAY`.
pub fn listen(address: SocketAddr, count: usize) -> io::Result<Vec<TcpListener>> {
    let probe = socket(address)?;
    probe.bind(&SockAddr::from(address))?;
    let address = probe.local_addr()?.as_socket().unwrap_or(address);
    // Held until its twins are bound, the probe would deny them the address.
    drop(probe);
    (0..count).map(|_| shared(address)).collect()
}

fn shared(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = socket(address)?;
    socket.set_reuse_port(true)?;
    socket.set_tcp_nodelay(true)?;
    socket.bind(&SockAddr::from(address))?;
    socket.listen(BACKLOG)?;
    Ok(socket.into())
}

fn socket(address: SocketAddr) -> io::Result<Socket> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, Some(Protocol::TCP))?;
    socket.set_nonblocking(true)?;
    // A restart must not wait for the connections of the process before to time out.
    socket.set_reuse_address(true)?;
    if address.is_ipv6() {
        socket
            .set_only_v6(address.ip() != std::net::IpAddr::V6(std::net::Ipv6Addr::UNSPECIFIED))?;
    }
    Ok(socket)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn all_sockets_share_the_port_that_was_picked() {
        let sockets = listen("127.0.0.1:0".parse().expect("an address"), 3).expect("free");
        let ports: Vec<u16> =
            sockets.iter().map(|socket| socket.local_addr().expect("bound").port()).collect();
        assert!(ports[0] != 0 && ports.iter().all(|port| *port == ports[0]), "{ports:?}");
    }

    #[test]
    fn an_address_in_use_is_an_error_even_for_the_same_user() {
        let sockets = listen("127.0.0.1:0".parse().expect("an address"), 1).expect("free");
        let address = sockets[0].local_addr().expect("bound");
        let error = listen(address, 1).expect_err("taken");
        assert_eq!(error.kind(), io::ErrorKind::AddrInUse);
    }
}
