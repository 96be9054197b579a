//! The certificate authorities that are trusted.

use rustls::RootCertStore;
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;

use super::error::SetupError;

/// Which authorities are trusted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Roots {
    /// Those of the system.
    #[default]
    System,
    /// Those in a PEM file.
    Pem(Vec<u8>),
}

impl Roots {
    /// The authorities. One that cannot be read is passed over in the system's store, which is not
    /// ours to keep in order, and refused in a file that was given.
    pub(super) fn load(&self) -> Result<RootCertStore, SetupError> {
        let mut store = RootCertStore::empty();
        match self {
            Self::System => {
                store.add_parsable_certificates(rustls_native_certs::load_native_certs().certs);
                if store.is_empty() {
                    return Err(SetupError::NoSystemRoots);
                }
            }
            Self::Pem(pem) => {
                for certificate in CertificateDer::pem_slice_iter(pem) {
                    let certificate = certificate.map_err(|_| SetupError::NoRoots)?;
                    store.add(certificate).map_err(|_| SetupError::NoRoots)?;
                }
                if store.is_empty() {
                    return Err(SetupError::NoRoots);
                }
            }
        }
        Ok(store)
    }
}
