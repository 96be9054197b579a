//! A certificate chain with its private key: who a server is, or who we are to a server.
//!
//! The key lives inside the signing key of the library and nowhere else: there is no way to read it
//! back, and printing an identity shows its names.

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

use rustls::SignatureAlgorithm;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use tidegate_core::time::UnixTime;
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};
use zeroize::Zeroize;

pub use super::error::IdentityError;
use super::names::{canonical, is_certificate_name, parent};
use super::provider::{provider, sha256};
use super::subject;

/// The kind of a private key.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum KeyKind {
    /// RSA.
    Rsa,
    /// ECDSA on one of the NIST curves.
    Ecdsa,
    /// Ed25519.
    Ed25519,
}

/// A certificate chain with its key.
pub struct Identity {
    certified: Arc<CertifiedKey>,
    kind: KeyKind,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    subject: String,
    not_before: UnixTime,
    not_after: UnixTime,
    fingerprint: [u8; 32],
}

/// What a leaf certificate says.
struct Leaf {
    /// As it is encoded.
    public_key: Vec<u8>,
    names: Vec<String>,
    addresses: Vec<IpAddr>,
    subject: String,
    not_before: UnixTime,
    not_after: UnixTime,
}

impl Identity {
    /// An identity from PEM: the chain with the leaf first, the key, and a DER response of the OCSP
    /// responder to staple. What the caller holds of the key is the caller's to wipe.
    pub fn from_pem(
        certificate: &[u8],
        key: &[u8],
        ocsp: Option<Vec<u8>>,
    ) -> Result<Self, IdentityError> {
        let chain = CertificateDer::pem_slice_iter(certificate)
            .collect::<Result<Vec<_>, _>>()
            .map_err(|error| IdentityError::Certificate(error.into()))?;
        let leaf_der = chain.first().ok_or(IdentityError::NoCertificate)?;
        let fingerprint = sha256(leaf_der);
        let leaf = Leaf::parse(leaf_der)?;
        let certified = certify(chain, &leaf.public_key, key, ocsp)?;
        Ok(Self {
            kind: kind_of(&certified)?,
            certified: Arc::new(certified),
            names: leaf.names,
            addresses: leaf.addresses,
            subject: leaf.subject,
            not_before: leaf.not_before,
            not_after: leaf.not_after,
            fingerprint,
        })
    }

    /// The host names that it is for, in lower case; the first label may be `*`.
    #[must_use]
    pub fn names(&self) -> &[String] {
        &self.names
    }

    /// Whether it is for this host: a name, where `*` stands for one label, or an address.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        if let Ok(address) = bare.parse::<IpAddr>() {
            return self.addresses.contains(&address);
        }
        let host = canonical(host);
        let wild = |name: &str| name.strip_prefix("*.").is_some_and(|n| Some(n) == parent(&host));
        self.names.iter().any(|name| *name == host || wild(name))
    }

    /// From when on it is valid.
    #[must_use]
    pub const fn not_before(&self) -> UnixTime {
        self.not_before
    }

    /// Until when it is valid.
    #[must_use]
    pub const fn not_after(&self) -> UnixTime {
        self.not_after
    }

    /// The kind of its key.
    #[must_use]
    pub const fn kind(&self) -> KeyKind {
        self.kind
    }

    /// Its subject, as RFC 4514 writes it.
    #[must_use]
    pub fn subject(&self) -> &str {
        &self.subject
    }

    /// The SHA-256 hash of the leaf certificate.
    #[must_use]
    pub const fn fingerprint(&self) -> &[u8; 32] {
        &self.fingerprint
    }

    pub(super) const fn certified(&self) -> &Arc<CertifiedKey> {
        &self.certified
    }
}

impl fmt::Debug for Identity {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { names, subject, kind, .. } = self;
        f.debug_struct("Identity")
            .field("names", names)
            .field("subject", subject)
            .field("kind", kind)
            .finish_non_exhaustive()
    }
}

/// The two are compared here, as the library would not parse the certificate that answers a
/// challenge: it has an extension that everybody else has to refuse (RFC 8737, section 3).
fn certify(
    chain: Vec<CertificateDer<'static>>,
    public_key: &[u8],
    key: &[u8],
    ocsp: Option<Vec<u8>>,
) -> Result<CertifiedKey, IdentityError> {
    let mut key = match PrivateKeyDer::from_pem_slice(key) {
        Ok(key) => key,
        Err(rustls::pki_types::pem::Error::NoItemsFound) => return Err(IdentityError::NoKey),
        Err(error) => return Err(IdentityError::Key(error.into())),
    };
    let signing = provider().key_provider.load_private_key(key.clone_key());
    key.zeroize();
    let signing = signing.map_err(|error| IdentityError::Key(error.into()))?;
    let mut certified = CertifiedKey::new(chain, signing);
    if certified.key.public_key().is_none_or(|own| own.as_ref() != public_key) {
        return Err(IdentityError::Mismatch);
    }
    certified.ocsp = ocsp.filter(|response| !response.is_empty());
    Ok(certified)
}

fn kind_of(certified: &CertifiedKey) -> Result<KeyKind, IdentityError> {
    match certified.key.algorithm() {
        SignatureAlgorithm::RSA => Ok(KeyKind::Rsa),
        SignatureAlgorithm::ECDSA => Ok(KeyKind::Ecdsa),
        SignatureAlgorithm::ED25519 => Ok(KeyKind::Ed25519),
        other => Err(IdentityError::Key(format!("{other:?} is not supported").into())),
    }
}

impl Leaf {
    fn parse(der: &[u8]) -> Result<Self, IdentityError> {
        let malformed =
            |error: x509_parser::error::X509Error| IdentityError::Certificate(error.into());
        let (_, certificate) = X509Certificate::from_der(der)
            .map_err(|error| IdentityError::Certificate(error.to_string().into()))?;
        let mut leaf = Self {
            public_key: certificate.public_key().raw.to_vec(),
            names: Vec::new(),
            addresses: Vec::new(),
            subject: subject::text(certificate.subject()),
            not_before: time_of(certificate.validity().not_before.timestamp()),
            not_after: time_of(certificate.validity().not_after.timestamp()),
        };
        let alternatives = certificate.subject_alternative_name().map_err(malformed)?;
        for name in alternatives.iter().flat_map(|names| &names.value.general_names) {
            leaf.add(name)?;
        }
        Ok(leaf)
    }

    fn add(&mut self, name: &GeneralName<'_>) -> Result<(), IdentityError> {
        match name {
            GeneralName::DNSName(name) if is_certificate_name(name) => {
                self.names.push(name.to_ascii_lowercase());
            }
            GeneralName::DNSName(name) => return Err(IdentityError::Name((*name).to_owned())),
            GeneralName::IPAddress(octets) => {
                let address = <[u8; 4]>::try_from(*octets).map(IpAddr::from);
                let address = address.or_else(|_| <[u8; 16]>::try_from(*octets).map(IpAddr::from));
                self.addresses
                    .push(address.map_err(|_| IdentityError::Name(format!("{octets:?}")))?);
            }
            GeneralName::Invalid(_, bytes) => {
                let shown = String::from_utf8_lossy(bytes).into_owned();
                return Err(IdentityError::Name(shown));
            }
            _ => {}
        }
        Ok(())
    }
}

/// A time that the certificate gives in seconds; before 1970 is 1970.
pub(super) fn time_of(seconds: i64) -> UnixTime {
    UnixTime::from_millis(u64::try_from(seconds).unwrap_or_default().saturating_mul(1000))
}
