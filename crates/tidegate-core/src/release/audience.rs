//! Whether somebody is in an audience.
//!
//! What is looked at of a request is signed, or comes from where it is trusted: the client's
//! address, a cookie that the balancer sealed, a header that a trusted proxy set. The exceptions
//! are what a user agent says of itself and a draw of users, which say nothing that has to be true.
//!
//! Not here: how a cookie is opened, and which addresses are in which country. A [`Witness`] tells,
//! and is asked only by an audience that wants to know.

use std::net::IpAddr;

use super::user::User;
use crate::http::device::Agent;
use crate::http::head::Head;
use crate::model::audience::{Audience, AudienceMatch, Country};
use crate::model::route::ValuePattern;

/// What is known of a request.
#[derive(Clone, Copy)]
pub struct Seen<'a> {
    /// Its head, as it came.
    pub head: &'a Head,
    /// The trusted client address.
    pub client: IpAddr,
    /// Who sent the head.
    pub sender: Sender,
    /// Whose it is, if that can be told.
    pub user: Option<User>,
    /// Who knows the rest.
    pub witness: &'a dyn Witness,
}

/// Who sent a head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Sender {
    /// A trusted proxy: its headers are believed.
    Proxy,
    /// Anybody.
    Stranger,
}

/// What takes keys or a database to tell.
pub trait Witness {
    /// The country of an address, if it is known.
    fn country(&self, address: IpAddr) -> Option<Country>;

    /// Whether the balancer sealed this value for a cookie of this name, and it still holds.
    fn has_sealed(&self, cookie: &str, value: &[u8]) -> bool;
}

/// Whether a request is of somebody in the audience.
#[must_use]
pub fn holds(audience: &Audience, seen: &Seen<'_>) -> bool {
    audience.any.iter().any(|one| all_hold(one, audience, seen))
}

fn all_hold(one: &AudienceMatch, audience: &Audience, seen: &Seen<'_>) -> bool {
    is_at(one, seen)
        && is_drawn(one, audience, seen)
        && says_so(one, seen)
        && is_on_device(one, seen)
        && shows_cookie(one, seen)
        && is_in_country(one, seen)
}

fn is_at(one: &AudienceMatch, seen: &Seen<'_>) -> bool {
    one.clients.is_empty() || one.clients.iter().any(|network| network.contains(&seen.client))
}

fn is_drawn(one: &AudienceMatch, audience: &Audience, seen: &Seen<'_>) -> bool {
    one.share.is_none_or(|share| {
        seen.user.is_some_and(|user| user.place_for(&audience.name).is_within(share))
    })
}

/// Headers are believed of trusted proxies alone.
fn says_so(one: &AudienceMatch, seen: &Seen<'_>) -> bool {
    let mut headers = one.headers.iter();
    let as_asked =
        |(name, pattern): &(String, ValuePattern)| pattern.takes_all(seen.head.values(name));
    one.headers.is_empty() || seen.sender == Sender::Proxy && headers.all(as_asked)
}

fn is_on_device(one: &AudienceMatch, seen: &Seen<'_>) -> bool {
    if one.devices.is_empty() {
        return true;
    }
    let agent = Agent::of(seen.head);
    one.devices.iter().any(|device| agent.is(*device))
}

/// Of a repeated cookie the first counts, as everywhere.
fn shows_cookie(one: &AudienceMatch, seen: &Seen<'_>) -> bool {
    one.signed_cookie.as_ref().is_none_or(|name| {
        let value = seen.head.cookies(name).next();
        value.is_some_and(|value| seen.witness.has_sealed(name, value))
    })
}

fn is_in_country(one: &AudienceMatch, seen: &Seen<'_>) -> bool {
    if one.countries.is_empty() {
        return true;
    }
    let country = seen.witness.country(seen.client);
    country.is_some_and(|country| one.countries.contains(&country))
}

#[cfg(test)]
mod tests;
