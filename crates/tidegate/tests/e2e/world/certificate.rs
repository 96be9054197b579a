//! Certificates with their keys, made for a test.

use rcgen::{CertificateParams, KeyPair};

/// A certificate that vouches for itself, and its key, both in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pair {
    pub(crate) fn new(names: &[&str]) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let params = CertificateParams::new(names).expect("names are good");
        let key = KeyPair::generate().expect("there is chance");
        let certificate = params.self_signed(&key).expect("the key signs");
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }
}
