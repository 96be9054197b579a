//! Listening sockets of the API: TCP, and Unix sockets that only their owner may use.
//!
//! A Unix socket gets its permissions before it listens, so there is no moment at which somebody
//! else could connect. A socket file that is left over from a balancer that died is replaced when
//! nobody answers on it; any other file is left alone.

use std::fs::{self, Permissions};
use std::io;
use std::net::SocketAddr;
use std::os::unix::fs::{FileTypeExt, PermissionsExt};
use std::path::{Path, PathBuf};

use socket2::{Domain, SockAddr, Type};
use tidegate_net::listen;
use tokio::net::{TcpListener, TcpStream, UnixListener, UnixStream};

use crate::server::{Address, Scope, StartError};

/// Connections that may wait to be accepted.
const BACKLOG: i32 = 128;

/// A listening socket.
#[derive(Debug)]
pub(crate) enum Socket {
    Tcp(TcpListener, SocketAddr),
    Unix(UnixListener, SocketFile),
}

/// An accepted connection.
#[derive(Debug)]
pub(crate) enum Connection {
    Tcp(TcpStream),
    Unix(UnixStream),
}

/// The file of a Unix socket, which goes with it.
#[derive(Debug)]
pub(crate) struct SocketFile(PathBuf);

impl Drop for SocketFile {
    fn drop(&mut self) {
        // It may have been removed by hand.
        let _ = fs::remove_file(&self.0);
    }
}

impl Socket {
    /// Listens on a TCP address, which must be free.
    pub(crate) fn tcp(address: SocketAddr, scope: Scope) -> Result<Self, StartError> {
        if scope == Scope::Loopback && !address.ip().to_canonical().is_loopback() {
            return Err(StartError::NotLoopback(address));
        }
        let open = || {
            let socket = listen::listen(address, 1)?.pop().ok_or(io::ErrorKind::Other)?;
            let socket = TcpListener::from_std(socket)?;
            let address = socket.local_addr()?;
            Ok(Self::Tcp(socket, address))
        };
        open().map_err(|source| StartError::Listen { address: address.to_string(), source })
    }

    /// Listens on a Unix socket that only its owner may use.
    pub(crate) fn unix(path: &Path) -> Result<Self, StartError> {
        let open = || {
            remove_stale(path)?;
            let socket = socket2::Socket::new(Domain::UNIX, Type::STREAM, None)?;
            socket.set_nonblocking(true)?;
            socket.bind(&SockAddr::unix(path)?)?;
            let file = SocketFile(path.to_owned());
            fs::set_permissions(path, Permissions::from_mode(0o600))?;
            socket.listen(BACKLOG)?;
            Ok(Self::Unix(UnixListener::from_std(socket.into())?, file))
        };
        let address = || format!("unix:{}", path.display());
        open().map_err(|source| StartError::Listen { address: address(), source })
    }

    /// Where it can be reached.
    pub(crate) fn address(&self) -> Address {
        match self {
            Self::Tcp(_, address) => Address::Tcp(*address),
            Self::Unix(_, SocketFile(path)) => Address::Unix(path.clone()),
        }
    }

    /// The address, if it is a TCP socket.
    pub(crate) const fn tcp_address(&self) -> Option<SocketAddr> {
        match self {
            Self::Tcp(_, address) => Some(*address),
            Self::Unix(..) => None,
        }
    }

    /// The next connection.
    pub(crate) async fn accept(&self) -> io::Result<Connection> {
        match self {
            Self::Tcp(socket, _) => Ok(Connection::Tcp(socket.accept().await?.0)),
            Self::Unix(socket, _) => Ok(Connection::Unix(socket.accept().await?.0)),
        }
    }
}

/// Removes the socket file of a process that is gone.
fn remove_stale(path: &Path) -> io::Result<()> {
    let metadata = match fs::symlink_metadata(path) {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if !metadata.file_type().is_socket() {
        return Err(io::Error::new(io::ErrorKind::AlreadyExists, "a file that is no socket"));
    }
    match std::os::unix::net::UnixStream::connect(path) {
        Err(error) if error.kind() == io::ErrorKind::ConnectionRefused => fs::remove_file(path),
        Err(error) => Err(error),
        Ok(_) => Err(io::ErrorKind::AddrInUse.into()),
    }
}
