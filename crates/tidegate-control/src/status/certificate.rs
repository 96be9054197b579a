//! What people see of TLS: which certificates are shown to whom, and until when. Never a key.

use serde::Serialize;
use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::listener::Listener;
use tidegate_core::model::node::Config;
use tidegate_core::model::tls::{CertificateFiles, ListenerTls};
use tidegate_core::time::{Duration, UnixTime};
use tidegate_net::clock;
use tidegate_net::tls::identity::{Identity, KeyKind};

use crate::observe::config_file::Accepted;
use crate::tls::parts::{Shown, Tls};

/// How long before its end a certificate is warned of.
const NOTICE: Duration = Duration::from_secs(14 * 86_400);

/// TLS of a listener.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TlsStatus {
    /// The oldest version that is spoken.
    pub min_version: &'static str,
    /// Whether clients have to show a certificate: `none`, `optional` or `required`.
    pub client_certificate: &'static str,
    /// What clients are shown, the first also when they ask for no name that is known.
    pub certificates: Vec<CertificateStatus>,
}

/// A certificate that clients are shown.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct CertificateStatus {
    /// The hosts that it is for.
    pub names: Vec<String>,
    /// Whom it is of.
    pub subject: String,
    /// The kind of its key: `rsa`, `ecdsa` or `ed25519`.
    pub kind: &'static str,
    /// When it begins to hold, in milliseconds since 1970.
    pub not_before: u64,
    /// When it ceases to.
    pub not_after: u64,
    /// The SHA-256 of it, in hexadecimal.
    pub fingerprint: String,
    /// Whether an OCSP response is stapled to it.
    pub stapled: bool,
    /// The file that it comes from.
    pub file: String,
}

impl TlsStatus {
    /// What `tls` makes of a listener; `None`: it is plain.
    pub(super) fn of(listener: &Listener, tls: &Tls) -> Option<Self> {
        let asked = listener.tls.as_ref()?;
        let shown = shown(&listener.name, asked, tls);
        Some(Self {
            min_version: asked.min_version.as_str(),
            client_certificate: asked.clients.as_ref().map_or("none", |c| c.policy.as_str()),
            certificates: shown.map(|(files, one)| CertificateStatus::new(files, one)).collect(),
        })
    }
}

impl CertificateStatus {
    fn new(files: &CertificateFiles, shown: &Shown) -> Self {
        let identity = &shown.identity;
        let fingerprint = identity.fingerprint().iter();
        Self {
            names: identity.names().to_vec(),
            subject: identity.subject().to_owned(),
            kind: word(identity.kind()),
            not_before: identity.not_before().as_millis(),
            not_after: identity.not_after().as_millis(),
            fingerprint: fingerprint.map(|byte| format!("{byte:02x}")).collect(),
            stapled: shown.ocsp.is_some(),
            file: files.certificate.value.display().to_string(),
        }
    }
}

/// The word for a kind of key.
pub(crate) const fn word(kind: KeyKind) -> &'static str {
    match kind {
        KeyKind::Rsa => "rsa",
        KeyKind::Ecdsa => "ecdsa",
        KeyKind::Ed25519 => "ed25519",
    }
}

/// The certificates of a listener, each with where it comes from.
pub(crate) fn shown<'a>(
    name: &ListenerName,
    asked: &'a ListenerTls,
    tls: &'a Tls,
) -> impl Iterator<Item = (&'a CertificateFiles, &'a Shown)> {
    let held = tls.listeners.get(name).into_iter().flat_map(|parts| &parts.certificates);
    asked.certificates.iter().zip(held)
}

/// What is wrong with the time of certificates, or will be soon.
pub(super) fn warnings(accepted: &Accepted) -> Vec<String> {
    let (config, now): (&Config, _) = (&accepted.config, clock::unix_time());
    let encrypted = config.listeners.iter().filter_map(|one| Some((one, one.tls.as_ref()?)));
    let all = encrypted.flat_map(|(listener, asked)| {
        shown(&listener.name, asked, &accepted.tls).filter_map(move |(files, shown)| {
            let file = files.certificate.value.display();
            let when = when(&shown.identity, now)?;
            Some(format!("listener {}: the certificate in {file} {when}", listener.name))
        })
    });
    all.collect()
}

fn when(identity: &Identity, now: UnixTime) -> Option<String> {
    let left = identity.not_after().as_secs().saturating_sub(now.as_secs());
    if identity.not_after() < now {
        Some("has expired".to_owned())
    } else if identity.not_before() > now {
        Some("does not hold yet".to_owned())
    } else if left < NOTICE.as_secs() {
        Some(format!("expires in {}", span(left)))
    } else {
        None
    }
}

/// Days, or hours when there is no whole day.
fn span(seconds: u64) -> String {
    match seconds / 86_400 {
        0 => format!("{} hours", seconds / 3600),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
