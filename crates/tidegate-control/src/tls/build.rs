//! Contexts from files, and everything that is wrong with them.
//!
//! Each mistake is told at the place in the configuration that names the file. One mistake does not
//! keep the others from being found.

use std::collections::HashMap;
use std::error::Error;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use tidegate_core::config::diagnostic::{Diagnostic, Severity};
use tidegate_core::model::acme::Acme;
use tidegate_core::model::audience::Geo;
use tidegate_core::model::ids::{ListenerName, PoolName};
use tidegate_core::model::node::Config;
use tidegate_core::model::pool::{Pool, Protocol};
use tidegate_core::model::tls::{
    CertificateFiles, ClientCertificatePolicy, ListenerTls, PoolTls, TlsVersion,
};
use tidegate_core::model::written::{Place, Written};
use tidegate_core::time::UnixTime;
use tidegate_net::clock;
use tidegate_net::geo::Countries;
use tidegate_net::seal::Keyring;
use tidegate_net::tls::Alpn;
use tidegate_net::tls::client::{Client, ClientSetup};
use tidegate_net::tls::identity::{Identity, IdentityError, KeyKind};
use tidegate_net::tls::roots::Roots;
use tidegate_net::tls::server::{ClientAuth, Server, ServerSetup, SetupError};

use super::files::{Content, Files};
use super::kept::{Kept, is_for};
use super::keys::{self, Made};
use super::parts::{AcmeParts, Issued, ListenerParts, PoolParts, Shown, Tls};
use crate::observe::sources::Sources;

/// Reads what `config` names and builds its contexts. Tickets that listeners of `before` gave out
/// stay good where who may connect is still the same. Blocks on the disk.
///
/// # Errors
/// Every mistake and doubt, and what was read, when there is at least one mistake.
pub(crate) fn build(config: &Config, before: &Tls) -> Result<Tls, (Vec<Diagnostic>, Sources)> {
    let mut builder = Builder::new(before, Fallback::Nothing);
    let tls = builder.tls(config);
    let (mistakes, warnings) = builder.told();
    if mistakes.is_empty() {
        return Ok(Tls { warnings, ..tls });
    }
    Err(([mistakes, warnings].concat(), tls.sources))
}

/// What stands in for what cannot be used.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Fallback {
    /// Nothing does.
    Nothing,
    /// What was there before, of the same configuration.
    Before,
}

/// Builds, and gathers what is wrong.
pub(super) struct Builder<'a> {
    files: Files,
    before: &'a Tls,
    fallback: Fallback,
    now: UnixTime,
    diagnostics: Vec<Diagnostic>,
}

impl<'a> Builder<'a> {
    pub(super) fn new(before: &'a Tls, fallback: Fallback) -> Self {
        let (files, now) = (Files::default(), clock::unix_time());
        Self { files, before, fallback, now, diagnostics: Vec::new() }
    }

    /// All of it, without what cannot be used and has nothing to stand in for it.
    pub(super) fn tls(&mut self, config: &Config) -> Tls {
        let (kept, challenges) = (self.before.kept.clone(), Arc::clone(&self.before.challenges));
        let (made, keys) = (self.before.made.clone(), self.keys(config));
        let countries = config.geo.as_ref().and_then(|geo| self.countries(geo));
        let mut tls = Tls { kept, challenges, made, keys, countries, ..Tls::default() };
        for listener in &config.listeners {
            if let Some(asked) = &listener.tls {
                let parts = self.listener(&listener.name, asked);
                let parts = parts.or_else(|| self.held_listener(&listener.name).cloned());
                tls.listeners.extend(parts.map(|parts| (listener.name.clone(), parts)));
            }
        }
        for pool in &config.pools {
            if let Some(asked) = &pool.tls {
                let parts = self.pool(pool, asked);
                let parts = parts.or_else(|| self.held_pool(&pool.name).cloned());
                tls.pools.extend(parts.map(|parts| (pool.name.clone(), parts)));
            }
        }
        tls.contexts = Arc::new(tls.gather());
        tls.sources = std::mem::take(&mut self.files.sources);
        tls
    }

    /// The mistakes and the doubts, each once: several objects may inherit one.
    pub(super) fn told(self) -> (Vec<Diagnostic>, Vec<Diagnostic>) {
        let mut told: Vec<Diagnostic> = Vec::new();
        for diagnostic in self.diagnostics {
            if !told.contains(&diagnostic) {
                told.push(diagnostic);
            }
        }
        told.into_iter().partition(|diagnostic| diagnostic.severity == Severity::Error)
    }

    /// What cookies are sealed with: what is named, or else what was made, or else what no other
    /// process has.
    fn keys(&mut self, config: &Config) -> Arc<Keyring> {
        let before = Arc::clone(&self.before.keys);
        match (keys::named(&config.keys, &mut self.files), &self.before.made) {
            (Ok(Some(named)), _) => Arc::new(named),
            (Ok(None), Made::There(made)) => Arc::clone(made),
            (Ok(None), Made::Unable(place, why)) => {
                self.doubt(place, format!("sessions end with this process: {why}"));
                before
            }
            (Ok(None), Made::Nowhere) => before,
            (Err(mistakes), _) => {
                mistakes.into_iter().for_each(|(place, why)| self.mistake(place, why));
                before
            }
        }
    }

    /// What a database tells, or what it told before.
    fn countries(&mut self, asked: &Geo) -> Option<Arc<Countries>> {
        let file = &asked.database;
        let held = match self.fallback {
            Fallback::Before => self.before.countries.clone(),
            Fallback::Nothing => None,
        };
        let read = self.files.read_database(&file.value).and_then(|content| {
            let path = file.value.display();
            Countries::new(content).map_err(|error| format!("{path}: {}", sentence(&error)))
        });
        let read = read.map_err(|why| self.mistake(&file.place, why));
        read.ok().map(Arc::new).or(held)
    }

    fn listener(&mut self, name: &ListenerName, asked: &ListenerTls) -> Option<ListenerParts> {
        let held = self.held_listener(name);
        // All are read before the first that cannot be used ends it.
        let mut certificates = Vec::new();
        for (place, files) in asked.certificates.iter().enumerate() {
            certificates
                .push(self.shown(files, held.and_then(|held| held.certificates.get(place))));
        }
        let client_auth = self.client_auth(asked, held);
        let acme = asked.acme.as_ref().map(|asked| self.acme(name, asked));
        let certificates: Vec<_> = certificates.into_iter().collect::<Option<_>>()?;
        let (client_auth, acme) = (client_auth?, whole(acme)?);
        self.names_differ(asked, &certificates)?;
        let tickets = self.before.listeners.get(name).map(|before| before.tickets.clone());
        let tickets = tickets.unwrap_or_default();
        let issued = acme.iter().filter_map(|acme| acme.issued.as_ref().map(|one| &one.shown));
        let shown = certificates.iter().chain(issued);
        let setup = ServerSetup {
            identities: shown.map(|one| Arc::clone(&one.identity)).collect(),
            min_version: asked.min_version,
            client_auth: client_auth.clone(),
            alpn: vec![Alpn::H2, Alpn::Http11],
            tickets: tickets.clone(),
            challenges: Arc::clone(&self.before.challenges),
        };
        let at = match (&asked.clients, &asked.acme) {
            (Some(clients), _) => &clients.ca.place,
            (None, Some(acme)) => &acme.place,
            (None, None) => &asked.certificates.first()?.certificate.place,
        };
        let context = self.sound(Server::new(setup), at)?;
        let context = Arc::new(context);
        Some(ListenerParts { certificates, acme, client_auth, tickets, context })
    }

    /// How an authority is asked, and what it issued so far.
    fn acme(&mut self, listener: &ListenerName, asked: &Written<Acme>) -> Option<AcmeParts> {
        let held = self.held_listener(listener).and_then(|held| held.acme.as_ref());
        let roots = match &asked.value.authority.ca {
            Some(ca) => self.authorities(ca, held.map(|held| &held.roots))?,
            None => Roots::System,
        };
        let setup = ClientSetup {
            roots: roots.clone(),
            identity: None,
            alpn: vec![Alpn::Http11],
            min_version: TlsVersion::Tls12,
            server_name: None,
        };
        let at = asked.value.authority.ca.as_ref().map_or(&asked.place, |ca| &ca.place);
        let directory = Arc::new(self.sound(Client::new(setup), at)?);
        let issued = self.issued(listener, asked);
        Some(AcmeParts { roots, directory, issued })
    }

    /// What is kept of an authority. Until there is what is asked for now, what was asked for
    /// before is shown.
    fn issued(&mut self, listener: &ListenerName, asked: &Written<Acme>) -> Option<Issued> {
        let before = self.before.listeners.get(listener).and_then(|parts| parts.acme.as_ref());
        let before = before.and_then(|acme| acme.issued.clone());
        match &self.before.kept {
            Kept::Nowhere => before,
            Kept::Unable(why) => {
                let doubt = format!("no certificate is asked for: no state directory: {why}");
                self.doubt(&asked.place, doubt);
                before
            }
            Kept::On(shelf) => {
                let name = asked.value.name();
                let read = self.read_kept(&shelf.path(&name), &asked.value.domains);
                match read.map_err(|why| self.doubt(&asked.place, why)) {
                    Ok(Some(shown)) => Some(Issued { name, shown }),
                    Ok(None) | Err(()) => before,
                }
            }
        }
    }

    fn read_kept(&mut self, path: &Path, domains: &[String]) -> Result<Option<Shown>, String> {
        let Some(content) = self.files.read_if_there(path)? else { return Ok(None) };
        let path = path.display();
        let identity = Identity::from_pem(&content, &content, None)
            .map_err(|error| format!("{path}: {}", sentence(&error)))?;
        if !is_for(&identity, domains) {
            return Err(format!("{path}: the certificate is for other hosts"));
        }
        Ok(Some(Shown { identity: Arc::new(identity), ocsp: None }))
    }

    fn pool(&mut self, pool: &Pool, tls: &Written<PoolTls>) -> Option<PoolParts> {
        let (asked, held) = (&tls.value, self.held_pool(&pool.name));
        let identity = asked
            .identity
            .as_ref()
            .map(|files| self.shown(files, held.and_then(|held| held.identity.as_ref())));
        let roots = match &asked.ca {
            Some(ca) => self.authorities(ca, held.map(|held| &held.roots)),
            None => Some(Roots::System),
        };
        let identity = whole(identity)?;
        let roots = roots?;
        let alpn = match pool.protocol {
            Protocol::Http1 => Alpn::Http11,
            Protocol::Http2 => Alpn::H2,
        };
        let setup = ClientSetup {
            roots: roots.clone(),
            identity: identity.as_ref().map(|shown| Arc::clone(&shown.identity)),
            alpn: vec![alpn],
            min_version: TlsVersion::Tls12,
            server_name: asked.server_name.clone(),
        };
        let at = asked.ca.as_ref().map_or(&tls.place, |ca| &ca.place);
        let context = self.sound(Client::new(setup), at)?;
        Some(PoolParts { identity, roots, context: Arc::new(context) })
    }

    /// What files make of us, or what stands in for it.
    fn shown(&mut self, files: &CertificateFiles, held: Option<&Shown>) -> Option<Shown> {
        let read = self.read_shown(files);
        if let Some(shown) = &read {
            self.holds_now(files, &shown.identity);
        }
        read.or_else(|| held.cloned())
    }

    fn read_shown(&mut self, files: &CertificateFiles) -> Option<Shown> {
        let certificate = self.read(&files.certificate);
        let key = self.files.resolve(&files.key.value);
        let key = key.map_err(|why| self.mistake(&files.key.place, why)).ok();
        let ocsp = files.ocsp.as_ref().map(|ocsp| self.read(ocsp));
        let (certificate, key, ocsp) = (certificate?, key?, whole(ocsp)?);
        // A response is no secret.
        let ocsp = ocsp.map(|ocsp| ocsp.to_vec());
        let identity = Identity::from_pem(&certificate, &key, ocsp.clone());
        let identity = identity.map_err(|error| {
            let at = match error {
                IdentityError::NoKey | IdentityError::Key(_) | IdentityError::Mismatch => {
                    &files.key.place
                }
                _ => &files.certificate.place,
            };
            let path = files.certificate.value.display();
            self.mistake(at, format!("{path}: {}", sentence(&error)));
        });
        Some(Shown { identity: Arc::new(identity.ok()?), ocsp })
    }

    /// A certificate out of its time is shown all the same: peers say whether they trust it.
    fn holds_now(&mut self, files: &CertificateFiles, identity: &Identity) {
        let path = files.certificate.value.display();
        let doubt = if identity.not_after() < self.now {
            format!("{path}: the certificate has expired")
        } else if identity.not_before() > self.now {
            format!("{path}: the certificate does not hold yet")
        } else {
            return;
        };
        self.doubt(&files.certificate.place, doubt);
    }

    fn client_auth(
        &mut self,
        asked: &ListenerTls,
        held: Option<&ListenerParts>,
    ) -> Option<ClientAuth> {
        let Some(clients) = &asked.clients else { return Some(ClientAuth::Off) };
        let held = held.and_then(|held| match &held.client_auth {
            ClientAuth::Off => None,
            ClientAuth::Optional(roots) | ClientAuth::Required(roots) => Some(roots),
        });
        let roots = self.authorities(&clients.ca, held)?;
        Some(match clients.policy {
            ClientCertificatePolicy::Required => ClientAuth::Required(roots),
            ClientCertificatePolicy::Optional => ClientAuth::Optional(roots),
        })
    }

    /// What a file holds, or what stands in for it. Whether these are certificates shows when a
    /// context is made of them.
    fn authorities(&mut self, file: &Written<PathBuf>, held: Option<&Roots>) -> Option<Roots> {
        let read = self.read(file).map(|content| Roots::Pem(content.to_vec()));
        read.or_else(|| held.cloned())
    }

    fn read(&mut self, file: &Written<PathBuf>) -> Option<Content> {
        let content = self.files.read(&file.value);
        content.map_err(|why| self.mistake(&file.place, why)).ok()
    }

    /// Which of two certificates for one name and of one kind is shown would be chance.
    fn names_differ(&mut self, asked: &ListenerTls, certificates: &[Shown]) -> Option<()> {
        let mut taken: HashMap<(&str, KeyKind), &Path> = HashMap::new();
        let mut differ = Some(());
        for (files, Shown { identity, .. }) in asked.certificates.iter().zip(certificates) {
            let path = files.certificate.value.as_path();
            let twice = identity.names().iter().find_map(|name| {
                taken.insert((name, identity.kind()), path).map(|first| (name, first))
            });
            if let Some((name, first)) = twice {
                let (path, first) = (path.display(), first.display());
                let why =
                    format!("{path}: {first} is for {name} as well, with the same kind of key");
                self.mistake(&files.certificate.place, why);
                differ = None;
            }
        }
        differ
    }

    fn held_listener(&self, name: &ListenerName) -> Option<&'a ListenerParts> {
        match self.fallback {
            Fallback::Before => self.before.listeners.get(name),
            Fallback::Nothing => None,
        }
    }

    fn held_pool(&self, name: &PoolName) -> Option<&'a PoolParts> {
        match self.fallback {
            Fallback::Before => self.before.pools.get(name),
            Fallback::Nothing => None,
        }
    }

    fn sound<T>(&mut self, made: Result<T, SetupError>, at: &Place) -> Option<T> {
        made.map_err(|error| self.mistake(at, sentence(&error))).ok()
    }

    fn doubt(&mut self, at: &Place, why: String) {
        self.diagnostics.push(Diagnostic::new(at, Severity::Warning, why));
    }

    fn mistake(&mut self, at: &Place, why: String) {
        self.diagnostics.push(Diagnostic::new(at, Severity::Error, why));
    }
}

/// A part that was asked for has to be there; one that was not is nothing.
fn whole<T>(part: Option<Option<T>>) -> Option<Option<T>> {
    part.map_or(Some(None), |part| part.map(Some))
}

/// An error and what it comes from.
fn sentence(error: &dyn Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", sentence(source)),
        None => error.to_string(),
    }
}
