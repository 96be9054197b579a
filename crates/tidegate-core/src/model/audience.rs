//! Audiences: users that have something in common.
//!
//! An audience says which version of a rollout somebody meets. Most of what tells its users is
//! signed by the balancer, or comes from where it is trusted. What a user agent says of itself is
//! neither, and a percentage says nothing of who somebody is: both may choose between versions, and
//! neither may ever grant anything.

use std::fmt;
use std::path::PathBuf;

use ipnet::IpNet;

use super::ids::AudienceName;
use super::rollout::Share;
use super::route::ValuePattern;
use super::written::Written;

/// An audience.
#[derive(Clone, Debug)]
pub struct Audience {
    /// Its name.
    pub name: AudienceName,
    /// Who is in it: whoever one of these holds for. Never empty.
    pub any: Vec<AudienceMatch>,
}

/// Conditions that all have to hold; one that is empty or `None` always does.
#[derive(Clone, Debug, Default)]
pub struct AudienceMatch {
    /// Networks of the trusted client address.
    pub clients: Vec<IpNet>,
    /// The name of a cookie that the balancer has signed.
    pub signed_cookie: Option<String>,
    /// Countries of the trusted client address.
    pub countries: Vec<Country>,
    /// What the user agent says it runs on.
    pub devices: Vec<Device>,
    /// Header fields, by lower-case name, believed of trusted proxies only.
    pub headers: Vec<(String, ValuePattern)>,
    /// A share of all users, the same ones every time.
    pub share: Option<Share>,
}

/// Where it is known which addresses are in which country.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Geo {
    /// A MaxMind database.
    pub database: Written<PathBuf>,
}

/// A country, by its two letters of ISO 3166-1.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Country([u8; 2]);

impl Country {
    /// The country of two upper-case letters.
    #[must_use]
    pub const fn new(letters: [u8; 2]) -> Option<Self> {
        match letters {
            [b'A'..=b'Z', b'A'..=b'Z'] => Some(Self(letters)),
            _ => None,
        }
    }

    /// The country that a text names.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        text.as_bytes().try_into().ok().and_then(Self::new)
    }

    /// Its letters.
    #[must_use]
    pub const fn letters(self) -> [u8; 2] {
        self.0
    }
}

impl fmt::Display for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [first, second] = self.0;
        write!(f, "{}{}", char::from(first), char::from(second))
    }
}

impl fmt::Debug for Country {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// What a user agent says it runs on. One may be of two classes: a telephone with Android is both.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Device {
    /// iOS or iPadOS.
    Ios,
    /// Android.
    Android,
    /// A telephone.
    Mobile,
    /// A tablet.
    Tablet,
    /// A computer on or under a desk.
    Desktop,
    /// No person: a crawler.
    Bot,
}

impl Device {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Ios, Self::Android, Self::Mobile, Self::Tablet, Self::Desktop, Self::Bot];

    /// The word of the configuration for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
            Self::Mobile => "mobile",
            Self::Tablet => "tablet",
            Self::Desktop => "desktop",
            Self::Bot => "bot",
        }
    }
}
