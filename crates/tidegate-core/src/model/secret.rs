//! Secrets are references: where a secret is to be found, never the secret itself.

use std::path::PathBuf;

/// Where a secret lives. Printing one shows the reference only.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SecretReference {
    /// `env:NAME`, an environment variable.
    Environment(String),
    /// `file:PATH`, the contents of a file without its trailing line end.
    File(PathBuf),
}
