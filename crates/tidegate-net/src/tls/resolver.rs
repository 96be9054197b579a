//! Which identity a client is shown: by the name that it asks for (SNI, RFC 6066, section 3).
//!
//! The name as it is comes first, then a wildcard for its first label, then the first identity,
//! which also answers clients that ask for no name or an unknown one (security case G8). For one
//! name there may be identities with keys of several kinds: clients that can are shown the one with
//! an ECDSA key, whose signature costs a tenth. Names are found by hash, so that five hundred
//! identities cost what one does.

use std::collections::HashMap;
use std::sync::Arc;

use rustls::SignatureScheme;

use super::identity::{Identity, KeyKind};
use super::names::{canonical, parent};
use super::provider::provider;

/// Why a client is shown what it is shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Because {
    /// It is for the name that the client asks for.
    Name,
    /// It is for all names that have this one's parent.
    Wildcard,
    /// It is the first, and none is for the name, or no name is asked for.
    First,
}

/// Identities by name.
#[derive(Debug)]
pub struct Resolver {
    identities: Vec<Arc<Identity>>,
    exact: HashMap<String, Vec<usize>>,
    /// By what stands behind the `*.`.
    wild: HashMap<String, Vec<usize>>,
}

impl Resolver {
    /// Identities, the first of which is the default.
    #[must_use]
    pub fn new(identities: Vec<Arc<Identity>>) -> Self {
        let mut resolver = Self { identities, exact: HashMap::new(), wild: HashMap::new() };
        for (place, identity) in resolver.identities.iter().enumerate() {
            for name in identity.names() {
                let (map, key) = match name.strip_prefix("*.") {
                    Some(behind) => (&mut resolver.wild, behind),
                    None => (&mut resolver.exact, name.as_str()),
                };
                map.entry(key.to_owned()).or_default().push(place);
            }
        }
        for places in resolver.exact.values_mut().chain(resolver.wild.values_mut()) {
            // Stable: of two of one kind the first stands.
            places.sort_by_key(|place| preference(resolver.identities[*place].kind()));
        }
        resolver
    }

    /// All identities, the default first.
    #[must_use]
    pub fn identities(&self) -> &[Arc<Identity>] {
        &self.identities
    }

    /// Whether some identity is for this host.
    #[must_use]
    pub fn covers(&self, host: &str) -> bool {
        let host = canonical(host);
        self.places(&host).is_some() || self.identities.iter().any(|known| known.covers(&host))
    }

    /// The identity for a client that asks for `name` and understands every kind of key, and why
    /// it is this one; `None` when there is none at all.
    #[must_use]
    pub fn shown_for(&self, name: Option<&str>) -> Option<(&Arc<Identity>, Because)> {
        let schemes = &provider().signature_verification_algorithms.supported_schemes();
        let host = name.map(canonical);
        let because = match host.as_deref() {
            Some(host) if self.exact.contains_key(host) => Because::Name,
            Some(host) if self.places(host).is_some() => Because::Wildcard,
            _ => Because::First,
        };
        Some((&self.identities[self.resolve(name, schemes)?], because))
    }

    /// The place of the identity for a client that asks for `name` and understands `schemes`.
    /// `None` when there is no identity at all.
    pub(super) fn resolve(&self, name: Option<&str>, schemes: &[SignatureScheme]) -> Option<usize> {
        let host = name.map(canonical);
        let usable = |place: &&usize| {
            self.identities[**place].certified().key.choose_scheme(schemes).is_some()
        };
        let places = host.as_deref().and_then(|host| self.places(host));
        match places {
            Some(places) => places.iter().find(usable).or_else(|| places.first()).copied(),
            None => self.default_for(schemes),
        }
    }

    fn places(&self, host: &str) -> Option<&Vec<usize>> {
        self.exact.get(host).or_else(|| self.wild.get(parent(host)?))
    }

    /// The first identity, or the first one for the same names that the client understands.
    fn default_for(&self, schemes: &[SignatureScheme]) -> Option<usize> {
        let names = self.identities.first()?.names();
        let twins = self.identities.iter().enumerate().filter(|(_, one)| one.names() == names);
        let usable = twins
            .filter(|(_, one)| one.certified().key.choose_scheme(schemes).is_some())
            .min_by_key(|(_, one)| preference(one.kind()));
        Some(usable.map_or(0, |(place, _)| place))
    }
}

/// The cheaper a signature, the sooner. Few clients understand Ed25519, and all of those ECDSA.
const fn preference(kind: KeyKind) -> u8 {
    match kind {
        KeyKind::Ecdsa => 0,
        KeyKind::Ed25519 => 1,
        KeyKind::Rsa => 2,
    }
}
