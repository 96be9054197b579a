//! Where access-log lines go.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

use tidegate_core::model::node::AccessLog;

/// An open place for lines.
#[derive(Debug)]
pub(super) enum Target {
    Nowhere,
    Stdout,
    Stderr,
    File(File),
}

impl Target {
    /// Opens what a configuration asks for; the error names it.
    pub(super) fn open(access: &AccessLog) -> Result<Self, String> {
        Ok(match access {
            AccessLog::Off => Self::Nowhere,
            AccessLog::Errors | AccessLog::Stdout => Self::Stdout,
            AccessLog::Stderr => Self::Stderr,
            AccessLog::File(path) => Self::File(append_to(path).map_err(|error| {
                format!("cannot open the access log {}: {error}", path.display())
            })?),
        })
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Nowhere => Ok(()),
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Self::Stderr => io::stderr().lock().write_all(bytes),
            Self::File(file) => file.write_all(bytes),
        }
    }
}

/// Requests are nobody's business but the owner's and the group's.
fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}
