//! A session: what keeps a user on one server of a pool, and when it gives way.

use std::num::NonZeroU32;

use crate::time::Duration;

/// How users of a pool keep their server.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Session {
    /// What remembers the server.
    pub mode: SessionMode,
    /// Whether load alone may end it.
    pub strength: Strength,
    /// What becomes of it when its server leaves.
    pub on_scale_in: OnScaleIn,
}

/// What remembers the server of a user.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionMode {
    /// The user, by a sealed cookie.
    Cookie(SessionCookie),
    /// Nobody: the network of the trusted client address decides. The pool balances by it.
    IpHash,
    /// The balancer, by something that the application sends.
    Table(SessionTable),
}

/// The cookie that holds a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionCookie {
    /// Its name.
    pub name: String,
    /// The paths that it is for.
    pub path: String,
    /// The domain that it is for; `None`: the host that set it.
    pub domain: Option<String>,
    /// Which requests from elsewhere carry it.
    pub same_site: SameSite,
    /// How long it holds after its last use.
    pub ttl: Duration,
}

/// A table of sessions.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionTable {
    /// What tells sessions apart.
    pub key: SessionKey,
    /// How long one is remembered after its last use.
    pub ttl: Duration,
    /// Sessions that are remembered at once.
    pub entries: NonZeroU32,
}

/// What of a request tells sessions apart.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum SessionKey {
    /// A cookie of the application.
    Cookie(String),
    /// A header, by lower-case name.
    Header(String),
}

/// Which requests that another site caused carry a cookie (RFC 6265bis, section 4.1.2.7).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SameSite {
    /// None.
    Strict,
    /// Those by which the user comes over.
    #[default]
    Lax,
    /// All; only over connections that are encrypted.
    None,
}

impl SameSite {
    /// The word of the attribute.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Strict => "Strict",
            Self::Lax => "Lax",
            Self::None => "None",
        }
    }
}

/// Whether load alone may end a session.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Strength {
    /// It moves once when its server has far more to do than the others.
    #[default]
    Soft,
    /// It waits on its server.
    Hard,
}

/// What becomes of a session whose server leaves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum OnScaleIn {
    /// It moves with its next request.
    #[default]
    Move,
    /// It stays on the server that drains, which waits this long for its sessions to end.
    Wait(Duration),
}
