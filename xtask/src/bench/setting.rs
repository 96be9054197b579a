//! What the candidates are set up for at a point: clear or encrypted, which protocol, compressed or
//! not.

use std::fs;
use std::path::Path;

use anyhow::{Context, Result};
use rcgen::{CertificateParams, KeyPair, PKCS_ECDSA_P256_SHA256};
use serde::Serialize;

use super::load::Load;

/// The name that the first certificate is for, and that loads ask for.
pub(super) const NAME: &str = "localhost";

/// Whether connections are encrypted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub(super) enum Scheme {
    #[default]
    Http,
    Https,
}

impl Scheme {
    /// As it stands in a URL.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Https => "https",
        }
    }
}

/// How the candidates are configured.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Setting {
    pub(super) scheme: Scheme,
    /// Clients speak HTTP/2. Only nginx has to be told, and only where nothing is encrypted.
    pub(super) http2: bool,
    /// Responses are compressed.
    pub(super) gzip: bool,
    /// Certificates to choose from; only tidegate gets more than one.
    pub(super) certificates: usize,
}

impl Setting {
    /// The load that touches what an idle connection will, once.
    pub(super) fn warm_up(self) -> Load {
        match self.scheme {
            Scheme::Http => Load::Gen,
            Scheme::Https => Load::Http2 { streams: 1 },
        }
    }

    /// What the program that holds idle connections is told beside where to.
    pub(super) fn idle_arguments(self, directory: &Path) -> Vec<String> {
        match self.scheme {
            Scheme::Http => Vec::new(),
            Scheme::Https => {
                let certificate = directory.join("0.pem").to_string_lossy().into_owned();
                vec!["--certificate".to_owned(), certificate]
            }
        }
    }
}

/// Writes the certificates, self-signed and on ECDSA P-256: `0.pem` for [`NAME`], the others for
/// names that nobody asks for. `N.key` is the key, `N.both` the two in one file.
///
/// # Errors
/// When a file cannot be written.
pub(super) fn write_certificates(directory: &Path, count: usize) -> Result<()> {
    for number in 0..count.max(1) {
        let name = if number == 0 { NAME.to_owned() } else { format!("n{number}.example") };
        let key = KeyPair::generate_for(&PKCS_ECDSA_P256_SHA256)?;
        let certificate = CertificateParams::new(vec![name])?.self_signed(&key)?;
        let (certificate, key) = (certificate.pem(), key.serialize_pem());
        let both = format!("{certificate}{key}");
        for (suffix, text) in [("pem", &certificate), ("key", &key), ("both", &both)] {
            let file = directory.join(format!("{number}.{suffix}"));
            fs::write(&file, text).with_context(|| format!("cannot write {file:?}"))?;
        }
    }
    Ok(())
}
