//! What a failed system call says of the server, or of us.

use std::io::{Error, ErrorKind};

use tidegate_core::health::probe::ProbeResult;

/// A connection that did not come about. What we lack ourselves is not held against the server: a
/// balancer short of descriptors must not take its whole pool down.
pub(super) fn of_connecting(error: &Error) -> ProbeResult {
    match (error.kind(), error.raw_os_error()) {
        (ErrorKind::TimedOut, _) => ProbeResult::Timeout,
        (ErrorKind::ConnectionReset, _) => ProbeResult::Reset,
        (ErrorKind::AddrNotAvailable, _) => ProbeResult::Local("no free local port"),
        (ErrorKind::OutOfMemory, _) => ProbeResult::Local("out of memory"),
        (ErrorKind::PermissionDenied, _) => ProbeResult::Local("not permitted"),
        (_, Some(EMFILE | ENFILE)) => ProbeResult::Local("no free descriptor"),
        (_, Some(ENOBUFS)) => ProbeResult::Local("no free buffer"),
        _ => ProbeResult::Refused,
    }
}

/// A connection that broke.
pub(super) fn of_talking(error: &Error) -> ProbeResult {
    match error.kind() {
        ErrorKind::TimedOut => ProbeResult::Timeout,
        _ => ProbeResult::Reset,
    }
}

// Linux numbers, which `ErrorKind` has no stable names for.
const ENFILE: i32 = 23;
const EMFILE: i32 = 24;
const ENOBUFS: i32 = 105;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_own_shortages_are_not_the_servers_fault() {
        for code in [ENFILE, EMFILE, ENOBUFS] {
            let result = of_connecting(&Error::from_raw_os_error(code));
            assert!(matches!(result, ProbeResult::Local(_)), "{code}: {result}");
        }
        let refused = of_connecting(&Error::from(ErrorKind::ConnectionRefused));
        assert_eq!(refused, ProbeResult::Refused);
        let unreachable = of_connecting(&Error::from(ErrorKind::HostUnreachable));
        assert_eq!(unreachable, ProbeResult::Refused);
    }
}
