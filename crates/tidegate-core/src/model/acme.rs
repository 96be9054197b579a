//! A certificate that is not in a file of somebody's, but asked of an authority (ACME, RFC 8555).

use std::fmt;
use std::path::PathBuf;

use super::written::Written;

/// A certificate to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Acme {
    /// The hosts that it is to be for, at least one: in lower case, in order, each once.
    pub domains: Vec<String>,
    /// Whom it is asked of.
    pub authority: Authority,
    /// How it is shown that the hosts are ours.
    pub challenge: Challenge,
}

/// An authority that speaks ACME.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Authority {
    /// The URL of its directory, with `https`.
    pub directory: String,
    /// Whom it may write to.
    pub email: Option<String>,
    /// The authorities, in PEM, that vouch for its directory; `None`: those of the system.
    pub ca: Option<Written<PathBuf>>,
}

/// How it is shown that hosts are ours.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Challenge {
    /// In a TLS handshake on port 443 (RFC 8737).
    TlsAlpn01,
    /// By a text over plain HTTP on port 80 (RFC 8555, section 8.3).
    Http01,
}

impl Challenge {
    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::TlsAlpn01 => "tls-alpn-01",
            Self::Http01 => "http-01",
        }
    }
}

/// What tells one certificate from another that is asked for: two listeners that ask the same
/// authority for the same hosts share it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CertificateName(String);

impl CertificateName {
    /// The name as it stands in the names of files.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// A number of its own, the same on every machine.
    #[must_use]
    pub fn seed(&self) -> u64 {
        fnv1a([self.0.as_str()].into_iter())
    }
}

impl fmt::Display for CertificateName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl Acme {
    /// Its name: the first host for people, and a hash of what it is told apart by.
    #[must_use]
    pub fn name(&self) -> CertificateName {
        let apart = std::iter::once(&self.authority.directory).chain(&self.domains);
        let hash = fnv1a(apart.map(String::as_str));
        let first = self.domains.first().map_or("", String::as_str);
        CertificateName(format!("{first}-{hash:016x}"))
    }
}

impl Authority {
    /// What its account is called in the names of files.
    #[must_use]
    pub fn account(&self) -> String {
        format!("account-{:016x}", fnv1a([self.directory.as_str()].into_iter()))
    }
}

/// FNV-1a over words: files must be found again by every later version, on every machine.
fn fnv1a<'a>(words: impl Iterator<Item = &'a str>) -> u64 {
    let bytes = words.flat_map(|word| word.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(byte)).wrapping_mul(0x0000_0100_0000_01b3)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn acme(directory: &str, domains: &[&str]) -> Acme {
        Acme {
            domains: domains.iter().map(|domain| (*domain).to_owned()).collect(),
            authority: Authority { directory: directory.to_owned(), email: None, ca: None },
            challenge: Challenge::TlsAlpn01,
        }
    }

    /// Another name would lose every certificate that was kept under this one.
    #[test]
    fn names_stay_as_they_are() {
        let one = acme("https://ca.example/directory", &["a.example", "b.example"]);
        assert_eq!(one.name().as_str(), "a.example-64f5b290e2ffbffd");
        assert_eq!(one.authority.account(), "account-8af851fce1c2f9c2");
    }

    #[test]
    fn certificates_are_told_apart_by_authority_and_hosts_alone() {
        let one = acme("https://ca.example", &["a.example", "b.example"]);
        for other in [
            acme("https://cb.example", &["a.example", "b.example"]),
            acme("https://ca.example", &["a.example"]),
            acme("https://ca.example", &["a.example", "b.exampl", "e"]),
        ] {
            assert_ne!(one.name(), other.name());
        }
        let same = Acme { challenge: Challenge::Http01, ..one.clone() };
        assert_eq!(one.name(), same.name());
    }
}
