//! Secrets are references: where a secret is to be found, never the secret itself.

use std::fmt;
use std::path::PathBuf;

/// Where a secret lives. Printing one shows the reference only.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum SecretReference {
    /// `env:NAME`, an environment variable.
    Environment(String),
    /// `file:PATH`, the contents of a file without its trailing line end.
    File(PathBuf),
}

impl fmt::Display for SecretReference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Environment(name) => write!(f, "env:{name}"),
            Self::File(path) => write!(f, "file:{}", path.display()),
        }
    }
}
