//! Where certificates are kept that authorities issued: the directory `acme` of the state
//! directory.
//!
//! One file holds a certificate and its key, so that the two are replaced together; files are
//! named after what they are for, so that they are found again. Processes that share the directory
//! share what is in it, and one of them at a time has certificates issued.

use std::io;
use std::path::{Path, PathBuf};

use tidegate_core::model::acme::CertificateName;
use tidegate_net::state::{Claim, StateDirectory};
use tidegate_net::tls::identity::Identity;
use zeroize::Zeroizing;

use super::files::Content;

/// Whoever holds it has certificates issued.
const CLAIM: &str = "orders.lock";

/// Whether there is a place for them.
#[derive(Clone, Debug, Default)]
pub(crate) enum Kept {
    /// Nobody has looked: a configuration is only checked, or needs none.
    #[default]
    Nowhere,
    /// There is none, and why.
    Unable(String),
    /// There is.
    On(Shelf),
}

/// The directory.
#[derive(Clone, Debug)]
pub(crate) struct Shelf(StateDirectory);

impl Kept {
    /// Opens it in the configured state directory, or the usual one. Blocks on the disk.
    pub(crate) fn open(configured: Option<&Path>) -> Self {
        let directory = StateDirectory::open(configured).and_then(|state| state.within("acme"));
        match directory {
            Ok(directory) => Self::On(Shelf(directory)),
            Err(error) => Self::Unable(error.to_string()),
        }
    }

    /// The file of a certificate, for people.
    pub(crate) fn path(&self, name: &CertificateName) -> String {
        match self {
            Self::On(shelf) => shelf.path(name).display().to_string(),
            Self::Nowhere | Self::Unable(_) => name.to_string(),
        }
    }
}

impl Shelf {
    /// The file of a certificate.
    pub(crate) fn path(&self, name: &CertificateName) -> PathBuf {
        self.0.path(&file(name))
    }

    /// Takes the right to have certificates issued; `None`: another process has it.
    pub(crate) fn claim(&self) -> io::Result<Option<Claim>> {
        self.0.claim(CLAIM)
    }

    /// What a certificate's file holds; `None`: there is none.
    pub(crate) async fn read_certificate(
        &self,
        name: &CertificateName,
    ) -> io::Result<Option<Content>> {
        self.read(&file(name)).await
    }

    /// Keeps a certificate and its key.
    pub(crate) async fn write_certificate(
        &self,
        name: &CertificateName,
        content: Content,
    ) -> io::Result<()> {
        self.write(&file(name), content).await
    }

    pub(crate) async fn read(&self, name: &str) -> io::Result<Option<Content>> {
        let (shelf, name) = (self.0.clone(), name.to_owned());
        elsewhere(move || Ok(shelf.read(&name)?.map(Zeroizing::new))).await
    }

    pub(crate) async fn write(&self, name: &str, content: Content) -> io::Result<()> {
        let (shelf, name) = (self.0.clone(), name.to_owned());
        elsewhere(move || shelf.write(&name, &content)).await
    }

    pub(crate) async fn remove(&self, name: &str) -> io::Result<()> {
        let (shelf, name) = (self.0.clone(), name.to_owned());
        elsewhere(move || shelf.remove(&name)).await
    }
}

/// Whether a certificate is for all of these hosts.
pub(crate) fn is_for(identity: &Identity, domains: &[String]) -> bool {
    domains.iter().all(|domain| identity.covers(domain))
}

fn file(name: &CertificateName) -> String {
    format!("{name}.pem")
}

/// Where blocking on the disk holds nobody up.
async fn elsewhere<T: Send + 'static>(
    work: impl FnOnce() -> io::Result<T> + Send + 'static,
) -> io::Result<T> {
    tokio::task::spawn_blocking(work).await.unwrap_or_else(|error| Err(io::Error::other(error)))
}
