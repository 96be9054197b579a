//! The one provider of cryptography, aws-lc-rs. It offers X25519MLKEM768 first, so that what is
//! recorded today cannot be read by a quantum computer later, and plain X25519 beside it.

use std::sync::{Arc, LazyLock};

use rustls::crypto::CryptoProvider;
use rustls::crypto::aws_lc_rs::{DEFAULT_CIPHER_SUITES, cipher_suite, default_provider};
use rustls::version::{TLS12, TLS13};
use rustls::{SupportedCipherSuite, SupportedProtocolVersion};
use tidegate_core::model::tls::TlsVersion;

use super::sealing;

/// The provider. It is made anew for each context, a matter of a few vectors, rather than installed
/// for the whole process; its suites are made once.
pub(super) fn provider() -> Arc<CryptoProvider> {
    static SUITES: LazyLock<Vec<SupportedCipherSuite>> =
        LazyLock::new(|| DEFAULT_CIPHER_SUITES.iter().copied().map(sealing::straight).collect());
    Arc::new(CryptoProvider { cipher_suites: SUITES.clone(), ..default_provider() })
}

/// The versions from `min` on.
pub(super) fn versions(min: TlsVersion) -> &'static [&'static SupportedProtocolVersion] {
    static ALL: [&SupportedProtocolVersion; 2] = [&TLS13, &TLS12];
    match min {
        TlsVersion::Tls12 => &ALL,
        TlsVersion::Tls13 => &ALL[..1],
    }
}

/// The SHA-256 hash of `bytes`.
pub(super) fn sha256(bytes: &[u8]) -> [u8; 32] {
    let suite = cipher_suite::TLS13_AES_128_GCM_SHA256;
    let hash = suite.tls13().map(|suite| suite.common.hash_provider.hash(bytes));
    let hash = hash.as_ref().map(AsRef::as_ref).and_then(|hash: &[u8]| hash.try_into().ok());
    hash.expect("a suite of TLS 1.3 that is named for SHA-256 has it, and it has 32 bytes")
}
