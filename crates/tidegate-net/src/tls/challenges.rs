//! What authorities are told when they check who holds a name (ACME, RFC 8555, section 8).
//!
//! One table for the whole process, shared by every context that there is and will be: an authority
//! comes to whichever listener the name leads to, and contexts may be replaced while it is on its
//! way. What is told is told for as long as somebody keeps the [`Told`].

use std::collections::HashMap;
use std::sync::{Arc, PoisonError, RwLock, RwLockReadGuard, RwLockWriteGuard};

use rustls::ServerConfig;
use rustls::server::NoServerSessionStorage;
use tidegate_core::model::tls::TlsVersion;

use super::Alpn;
pub use super::error::SetupError;
use super::identity::Identity;
use super::names::canonical;
use super::provider::{provider, versions};
use super::server::{Chosen, show};

/// Challenges of either kind that may be under way at once.
const CHALLENGES_MAX: usize = 1000;

/// The challenges that are under way.
#[derive(Debug, Default)]
pub struct Challenges {
    table: RwLock<Table>,
}

#[derive(Debug, Default)]
struct Table {
    /// Of HTTP-01, by token.
    texts: HashMap<String, String>,
    /// Of TLS-ALPN-01, by name.
    shown: HashMap<String, Chosen>,
}

/// What an authority is told until this is dropped.
#[derive(Debug)]
pub struct Told {
    challenges: Arc<Challenges>,
    what: What,
}

#[derive(Debug)]
enum What {
    Text(String),
    Shown(String),
}

impl Challenges {
    /// Answers whoever asks for `token` over plain HTTP with `text` (RFC 8555, section 8.3).
    ///
    /// # Errors
    /// [`SetupError::TooManyChallenges`].
    pub fn tell(self: &Arc<Self>, token: &str, text: &str) -> Result<Told, SetupError> {
        let mut table = self.write();
        room(table.texts.len())?;
        table.texts.insert(token.to_owned(), text.to_owned());
        Ok(Told { challenges: Arc::clone(self), what: What::Text(token.to_owned()) })
    }

    /// Shows `identity` to whoever asks for `name` over `acme-tls/1` and nothing else (RFC 8737).
    ///
    /// # Errors
    /// [`SetupError::TooManyChallenges`].
    pub fn show(self: &Arc<Self>, name: &str, identity: Arc<Identity>) -> Result<Told, SetupError> {
        let mut config = ServerConfig::builder_with_provider(provider())
            .with_protocol_versions(versions(TlsVersion::Tls12))?
            .with_no_client_auth()
            .with_cert_resolver(show(&identity));
        config.alpn_protocols = Alpn::list(&[Alpn::AcmeTls]);
        config.session_storage = Arc::new(NoServerSessionStorage {});
        let chosen = Chosen { identity, config: Arc::new(config) };
        let mut table = self.write();
        room(table.shown.len())?;
        table.shown.insert(canonical(name), chosen);
        Ok(Told { challenges: Arc::clone(self), what: What::Shown(canonical(name)) })
    }

    /// What whoever asks for `token` over plain HTTP is answered; `None`: it is nobody's.
    #[must_use]
    pub fn text(&self, token: &str) -> Option<String> {
        self.read().texts.get(token).cloned()
    }

    pub(super) fn shown(&self, name: &str) -> Option<Chosen> {
        self.read().shown.get(&canonical(name)).cloned()
    }

    /// A panic elsewhere leaves the table whole: each change is one step.
    fn read(&self) -> RwLockReadGuard<'_, Table> {
        self.table.read().unwrap_or_else(PoisonError::into_inner)
    }

    fn write(&self) -> RwLockWriteGuard<'_, Table> {
        self.table.write().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Told {
    fn drop(&mut self) {
        let mut table = self.challenges.write();
        match &self.what {
            What::Text(token) => drop(table.texts.remove(token)),
            What::Shown(name) => drop(table.shown.remove(name)),
        }
    }
}

const fn room(taken: usize) -> Result<(), SetupError> {
    if taken < CHALLENGES_MAX { Ok(()) } else { Err(SetupError::TooManyChallenges) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_text_is_told_for_as_long_as_it_is_kept() {
        let challenges = Arc::new(Challenges::default());
        let told = challenges.tell("token", "text").expect("room");
        assert_eq!(challenges.text("token").as_deref(), Some("text"));
        assert_eq!(challenges.text("Token"), None, "tokens know case");
        drop(told);
        assert_eq!(challenges.text("token"), None);
    }

    #[test]
    fn there_is_room_for_so_many_and_no_more() {
        let challenges = Arc::new(Challenges::default());
        let all: Result<Vec<_>, _> =
            (0..CHALLENGES_MAX).map(|place| challenges.tell(&place.to_string(), "")).collect();
        assert!(matches!(challenges.tell("more", ""), Err(SetupError::TooManyChallenges)));
        drop(all.expect("there was room"));
        challenges.tell("more", "").expect("there is room again");
    }
}
