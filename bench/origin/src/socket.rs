//! IPv4 loopback sockets, set up the way the measuring programs want them.
//!
//! std's listener has a backlog of 128, too short for 512 clients that arrive at once, and its
//! `connect` cannot choose a source address. Everything after set-up is std's [`TcpStream`].

use std::io;
use std::net::{Ipv4Addr, SocketAddrV4, TcpStream};
use std::os::fd::OwnedFd;

use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 4096;

/// A non-blocking listener on 127.0.0.1. Accepted sockets inherit `TCP_NODELAY` from it, which
/// saves each connection a system call.
///
/// # Errors
/// When the port is taken or may not be bound.
pub fn listen(port: u16) -> io::Result<OwnedFd> {
    let socket = tcp_socket(SocketFlags::CLOEXEC | SocketFlags::NONBLOCK)?;
    sockopt::set_socket_reuseaddr(&socket, true)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    rustix::net::bind(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    rustix::net::listen(&socket, BACKLOG)?;
    Ok(socket)
}

/// The port that `listener` got, which matters when it asked for port 0.
///
/// # Errors
/// When `listener` is not a bound IPv4 socket.
pub fn port_of(listener: &OwnedFd) -> io::Result<u16> {
    let address = rustix::net::getsockname(listener)?;
    Ok(SocketAddrV4::try_from(address)?.port())
}

/// The next waiting connection, non-blocking, or `None` when there is none.
///
/// # Errors
/// When the process is out of file descriptors, or the kernel out of memory.
pub fn accept(listener: &OwnedFd) -> io::Result<Option<TcpStream>> {
    let flags = SocketFlags::CLOEXEC | SocketFlags::NONBLOCK;
    match rustix::net::accept_with(listener, flags) {
        Ok(socket) => Ok(Some(TcpStream::from(socket))),
        // A client that has already gone again is nobody to serve: look at the next one later.
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::CONNABORTED) => Ok(None),
        Err(error) => Err(error.into()),
    }
}

/// A blocking connection from the loopback address `source` to 127.0.0.1:`port`.
///
/// One source address has some 28,000 ports; a test of many connections spreads over several.
///
/// # Errors
/// When nobody listens there, or `source` has no free port.
pub fn connect(source: Ipv4Addr, port: u16) -> io::Result<TcpStream> {
    let socket = tcp_socket(SocketFlags::CLOEXEC)?;
    sockopt::set_tcp_nodelay(&socket, true)?;
    if source != Ipv4Addr::LOCALHOST {
        rustix::net::bind(&socket, &SocketAddrV4::new(source, 0))?;
    }
    rustix::net::connect(&socket, &SocketAddrV4::new(Ipv4Addr::LOCALHOST, port))?;
    Ok(TcpStream::from(socket))
}

fn tcp_socket(flags: SocketFlags) -> rustix::io::Result<OwnedFd> {
    rustix::net::socket_with(AddressFamily::INET, SocketType::STREAM, flags, None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Write};

    #[test]
    fn a_listener_without_clients_has_nothing_to_accept() {
        let listener = listen(0).expect("port 0 is always free");
        assert!(accept(&listener).expect("accepting does not fail").is_none());
    }

    #[test]
    fn a_client_comes_from_the_address_it_was_given() {
        let listener = listen(0).expect("port 0 is always free");
        let source = Ipv4Addr::new(127, 0, 0, 7);
        let mut client =
            connect(source, port_of(&listener).expect("bound")).expect("someone listens");
        client.write_all(b"x").expect("a fresh connection takes a byte");

        let mut served = accept(&listener).expect("accepting works").expect("a client waits");
        assert_eq!(served.peer_addr().expect("connected").ip(), source);
        served.set_nonblocking(false).expect("a socket can block");
        let mut byte = [0];
        served.read_exact(&mut byte).expect("the client wrote it");
        assert_eq!(&byte, b"x");
    }
}
