//! How many descriptors the process may open: as many as the system lets it.

use rustix::process::{Resource, Rlimit, getrlimit, setrlimit};

/// Raises the soft limit of open files to the hard one, and returns what holds now. A failure
/// leaves the limit as it was, and is logged.
pub(crate) fn raise() -> u32 {
    let limit = getrlimit(Resource::Nofile);
    let raised = Rlimit { current: limit.maximum, ..limit };
    let current = match setrlimit(Resource::Nofile, raised) {
        Ok(()) => limit.maximum,
        Err(error) => {
            tracing::warn!(%error, limit = ?limit.current, "cannot raise the limit of open files");
            limit.current
        }
    };
    current.and_then(|current| u32::try_from(current).ok()).unwrap_or(u32::MAX)
}
