//! Reads the files that TLS is made of, and keys and other secrets from wherever they are.

use std::env;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStringExt;
use std::path::Path;

use tidegate_core::model::secret::SecretReference;
use zeroize::Zeroizing;

use crate::observe::sources::Sources;

/// Bytes of one file: the authorities of a system take a quarter of a mebibyte.
const FILE_BYTES_MAX: u64 = 4 << 20;

/// Bytes of a database: those of all cities of the world take a third of it.
const DATABASE_BYTES_MAX: u64 = 256 << 20;

/// What a file holds, wiped when it is dropped: it may be a key.
pub(crate) type Content = Zeroizing<Vec<u8>>;

/// Reads, with notes of what was read.
#[derive(Debug, Default)]
pub(crate) struct Files {
    /// What was read.
    pub(crate) sources: Sources,
}

impl Files {
    /// What a file holds.
    ///
    /// # Errors
    /// A sentence for people that names the file.
    pub(crate) fn read(&mut self, path: &Path) -> Result<Content, String> {
        let mut content = Content::default();
        let read = self.sources.read(path, FILE_BYTES_MAX, &mut content);
        read.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(content)
    }

    /// What a file holds that need not be there; `None`: it is not.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub(super) fn read_if_there(&mut self, path: &Path) -> Result<Option<Content>, String> {
        let mut content = Content::default();
        match self.sources.read(path, FILE_BYTES_MAX, &mut content) {
            Ok(()) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(format!("cannot read {}: {error}", path.display())),
        }
    }

    /// What a database holds, which is no secret.
    ///
    /// # Errors
    /// As [`Files::read`].
    pub(super) fn read_database(&mut self, path: &Path) -> Result<Vec<u8>, String> {
        let mut content = Vec::new();
        let read = self.sources.read(path, DATABASE_BYTES_MAX, &mut content);
        read.map_err(|error| format!("cannot read {}: {error}", path.display()))?;
        Ok(content)
    }

    /// What a reference stands for.
    ///
    /// # Errors
    /// A sentence for people that names the file or the variable.
    pub(crate) fn resolve(&mut self, reference: &SecretReference) -> Result<Content, String> {
        match reference {
            SecretReference::File(path) => self.read(path),
            SecretReference::Environment(name) => env::var_os(name)
                .map(|value| Zeroizing::new(value.into_vec()))
                .ok_or_else(|| format!("the environment has no {name}")),
        }
    }
}
