//! Tells the service manager how the program fares, as sd_notify(3) describes: a datagram to the
//! socket that `NOTIFY_SOCKET` names. Without that variable nobody wants to know, and nothing is
//! sent.

use std::ffi::OsStr;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// How the program fares.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum State {
    /// It serves.
    Ready,
    /// It is about to stop.
    Stopping,
}

impl State {
    const fn message(self) -> &'static [u8] {
        match self {
            Self::Ready => b"READY=1",
            Self::Stopping => b"STOPPING=1",
        }
    }
}

/// Tells the service manager, if there is one. That it cannot be told is logged: it may give up on
/// us.
pub(crate) fn notify(state: State) {
    let Some(socket) = std::env::var_os("NOTIFY_SOCKET").filter(|name| !name.is_empty()) else {
        return;
    };
    if let Err(error) = send(&socket, state.message()) {
        tracing::warn!(%error, socket = %socket.display(), "cannot tell the service manager");
    }
}

/// A name that begins with `@` is of Linux's abstract namespace (unix(7)).
fn send(socket: &OsStr, message: &[u8]) -> io::Result<()> {
    let address = match socket.as_bytes() {
        [b'@', name @ ..] => SocketAddr::from_abstract_name(name)?,
        _ => SocketAddr::from_pathname(socket)?,
    };
    UnixDatagram::unbound()?.send_to_addr(message, &address).map(drop)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_service_manager_reads_what_is_sent() {
        let name = format!("tidegate-notify-{:016x}", tidegate_net::entropy::word());
        let address = SocketAddr::from_abstract_name(&name).expect("a short name");
        let socket = UnixDatagram::bind_addr(&address).expect("nobody else has the name");
        for state in [State::Ready, State::Stopping] {
            send(OsStr::new(&format!("@{name}")), state.message()).expect("it listens");
            let mut buffer = [0; 64];
            let length = socket.recv(&mut buffer).expect("a datagram came");
            assert_eq!(&buffer[..length], state.message());
        }
    }
}
