//! What people see of TLS: which certificates are shown to whom, and until when. Never a key.

use serde::Serialize;
use tidegate_core::model::acme::Acme;
use tidegate_core::model::ids::ListenerName;
use tidegate_core::model::listener::Listener;
use tidegate_core::model::node::Config;
use tidegate_core::model::tls::ListenerTls;
use tidegate_core::time::{Duration, UnixTime};
use tidegate_net::clock;
use tidegate_net::tls::identity::{Identity, KeyKind};

use crate::act::acme::standing::{Standing, Standings};
use crate::observe::config_file::Accepted;
use crate::tls::parts::{Issued, Shown, Tls};

/// How long before its end a certificate is warned of, at most.
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
    /// What an authority is asked for; `None`: nothing.
    pub acme: Option<AcmeStatus>,
}

/// A certificate that an authority is asked for.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct AcmeStatus {
    /// The hosts that it is to be for.
    pub domains: Vec<String>,
    /// The directory of the authority.
    pub directory: String,
    /// How it is shown that the hosts are ours.
    pub challenge: &'static str,
    /// `pending`: there is none yet; `valid`; `failed`: the last order did, whether there is one or
    /// not.
    pub state: &'static str,
    /// Until when the one that is there holds, in milliseconds since 1970.
    pub valid_until: Option<u64>,
    /// When it is asked for next, in milliseconds since 1970; `None`: it is being asked for.
    pub next_order: Option<u64>,
    /// Why the last order failed.
    pub failure: Option<String>,
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
    /// The file that it comes from, or is kept in.
    pub file: String,
}

impl TlsStatus {
    /// What `tls` makes of a listener; `None`: it is plain.
    pub(super) fn of(listener: &Listener, tls: &Tls, standings: &Standings) -> Option<Self> {
        let asked = listener.tls.as_ref()?;
        let shown = shown(&listener.name, asked, tls);
        let acme = asked.acme.as_ref().map(|asked| {
            let issued = issued(&listener.name, tls).filter(|one| one.name == asked.value.name());
            AcmeStatus::new(&asked.value, issued, standings.of(&asked.value.name()))
        });
        Some(Self {
            acme,
            min_version: asked.min_version.as_str(),
            client_certificate: asked.clients.as_ref().map_or("none", |c| c.policy.as_str()),
            certificates: shown.map(|(file, one)| CertificateStatus::new(file, one)).collect(),
        })
    }
}

impl AcmeStatus {
    fn new(acme: &Acme, issued: Option<&Issued>, standing: Standing) -> Self {
        let state = match (&standing.failure, issued) {
            (Some(_), _) => "failed",
            (None, Some(_)) => "valid",
            (None, None) => "pending",
        };
        Self {
            domains: acme.domains.clone(),
            directory: acme.authority.directory.clone(),
            challenge: acme.challenge.as_str(),
            state,
            valid_until: issued.map(|one| one.shown.identity.not_after().as_millis()),
            next_order: standing.next.map(UnixTime::as_millis),
            failure: standing.failure,
        }
    }
}

impl CertificateStatus {
    fn new(file: String, shown: &Shown) -> Self {
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
            file,
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
    name: &'a ListenerName,
    asked: &'a ListenerTls,
    tls: &'a Tls,
) -> impl Iterator<Item = (String, &'a Shown)> {
    let held = tls.listeners.get(name).into_iter().flat_map(|parts| &parts.certificates);
    let files = asked.certificates.iter().map(|files| files.certificate.value.display());
    let files = files.map(|file| file.to_string()).zip(held);
    files.chain(issued(name, tls).map(|one| (tls.kept.path(&one.name), &one.shown)))
}

fn issued<'a>(name: &ListenerName, tls: &'a Tls) -> Option<&'a Issued> {
    tls.listeners.get(name)?.acme.as_ref()?.issued.as_ref()
}

/// What is wrong with the time of certificates, or will be soon, and with those that are asked for.
pub(super) fn warnings(accepted: &Accepted, standings: &Standings) -> Vec<String> {
    let (config, now): (&Config, _) = (&accepted.config, clock::unix_time());
    let encrypted = config.listeners.iter().filter_map(|one| Some((one, one.tls.as_ref()?)));
    let all = encrypted.flat_map(|(listener, asked)| {
        shown(&listener.name, asked, &accepted.tls).filter_map(move |(file, shown)| {
            let when = when(&shown.identity, now)?;
            Some(format!("listener {}: the certificate in {file} {when}", listener.name))
        })
    });
    let missing = config.acme().filter_map(|(listener, asked)| {
        let failure = standings.of(&asked.value.name()).failure;
        let is_there = issued(&listener.name, &accepted.tls).is_some();
        let domains = asked.value.domains.join(", ");
        let what = match (failure, is_there) {
            (Some(why), _) => format!("no new certificate for {domains}: {why}"),
            (None, false) => format!("no certificate for {domains} yet"),
            (None, true) => return None,
        };
        Some(format!("listener {}: {what}", listener.name))
    });
    all.chain(missing).collect()
}

fn when(identity: &Identity, now: UnixTime) -> Option<String> {
    let left = identity.not_after().as_secs().saturating_sub(now.as_secs());
    if identity.not_after() < now {
        Some("has expired".to_owned())
    } else if identity.not_before() > now {
        Some("does not hold yet".to_owned())
    } else if left < notice(identity).as_secs() {
        Some(format!("expires in {}", span(left)))
    } else {
        None
    }
}

/// Before what is left is less than a sixth of the whole: such as are issued for few days are
/// renewed by then.
fn notice(identity: &Identity) -> Duration {
    let whole = identity.not_after().as_secs().saturating_sub(identity.not_before().as_secs());
    NOTICE.min(Duration::from_secs(whole / 6))
}

/// Days, or hours when there is no whole day.
fn span(seconds: u64) -> String {
    match seconds / 86_400 {
        0 => format!("{} hours", seconds / 3600),
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    }
}
