//! Certificates with their keys, made for a test.

use rcgen::{CertificateParams, KeyPair, date_time_ymd};

use super::directory::Directory;

/// A certificate that vouches for itself, and its key, both in PEM.
pub(crate) struct Pair {
    pub(crate) certificate: String,
    pub(crate) key: String,
}

impl Pair {
    pub(crate) fn new(names: &[&str]) -> Self {
        Self::changed(names, |_| {})
    }

    /// One that held in the years from `first` to `last`.
    pub(crate) fn held(names: &[&str], first: i32, last: i32) -> Self {
        Self::changed(names, |params| {
            params.not_before = date_time_ymd(first, 1, 1);
            params.not_after = date_time_ymd(last, 1, 1);
        })
    }

    fn changed(names: &[&str], change: impl FnOnce(&mut CertificateParams)) -> Self {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names).expect("names are good");
        change(&mut params);
        let key = KeyPair::generate().expect("there is chance");
        let certificate = params.self_signed(&key).expect("the key signs");
        Self { certificate: certificate.pem(), key: key.serialize_pem() }
    }

    /// Writes `NAME.pem` and `NAME.key`.
    pub(crate) fn write(&self, directory: &Directory, name: &str) {
        directory.write(&format!("{name}.pem"), &self.certificate);
        directory.write(&format!("{name}.key"), &self.key);
    }
}
