//! How a route compresses responses: with which content codings, which responses, how hard.

use super::ratio::Ratio;

/// What a route does about compression.
#[derive(Clone, Debug, PartialEq)]
pub struct Compression {
    /// The content codings on offer, the one preferred among equals first; never empty.
    pub codings: Vec<Coding>,
    /// Media types that are worth it.
    pub types: Vec<MediaPattern>,
    /// Bytes of the smallest body that is worth it, where the length is known.
    pub bytes_min: u64,
    /// How hard each coding tries.
    pub levels: Levels,
    /// The share of a core's time that may go into compression.
    pub cpu_ceiling: Ratio,
}

/// A content coding (RFC 9110, section 8.4.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Coding {
    /// `zstd` (RFC 8878).
    Zstd,
    /// `br` (RFC 7932).
    Br,
    /// `gzip` (RFC 1952).
    Gzip,
}

impl Coding {
    /// All of them, in the order that is usually wanted.
    pub const ALL: [Self; 3] = [Self::Zstd, Self::Br, Self::Gzip];

    /// Its name in messages, in the configuration and in the metrics.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Zstd => "zstd",
            Self::Br => "br",
            Self::Gzip => "gzip",
        }
    }
}

/// How hard an encoder tries, on the scale of its coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Level(u8);

impl Level {
    /// A level, or `None` outside the range of the coding.
    #[must_use]
    pub const fn new(coding: Coding, level: u8) -> Option<Self> {
        let (min, max) = Self::range(coding);
        if min <= level && level <= max { Some(Self(level)) } else { None }
    }

    /// The least and the most. Beyond these one encoder takes tens of mebibytes, and more time than
    /// live traffic can wait.
    #[must_use]
    pub const fn range(coding: Coding) -> (u8, u8) {
        match coding {
            Coding::Zstd => (1, 6),
            Coding::Br => (2, 6),
            Coding::Gzip => (1, 9),
        }
    }

    /// The cheapest level of a coding.
    #[must_use]
    pub const fn cheapest(coding: Coding) -> Self {
        Self(Self::range(coding).0)
    }

    /// The number.
    #[must_use]
    pub const fn value(self) -> u8 {
        self.0
    }
}

/// The level of each coding.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Levels {
    /// Of `zstd`.
    pub zstd: Level,
    /// Of `br`.
    pub br: Level,
    /// Of `gzip`.
    pub gzip: Level,
}

impl Levels {
    /// The level of one.
    #[must_use]
    pub const fn of(&self, coding: Coding) -> Level {
        match coding {
            Coding::Zstd => self.zstd,
            Coding::Br => self.br,
            Coding::Gzip => self.gzip,
        }
    }
}

/// Media types to match, in lower case.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaPattern {
    /// The type before the slash.
    pub kind: String,
    /// What may stand behind it.
    pub subtype: Subtype,
}

/// The part of a media type behind the slash.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Subtype {
    /// `*`: any.
    Any,
    /// This one.
    Exact(String),
    /// `*+xml`, held as `+xml`: any with this structured syntax suffix (RFC 6839).
    Suffix(String),
}

impl MediaPattern {
    /// Whether it takes a type, given in any case and without parameters.
    #[must_use]
    pub fn takes(&self, kind: &[u8], subtype: &[u8]) -> bool {
        kind.eq_ignore_ascii_case(self.kind.as_bytes())
            && match &self.subtype {
                Subtype::Any => !subtype.is_empty(),
                Subtype::Exact(name) => subtype.eq_ignore_ascii_case(name.as_bytes()),
                Subtype::Suffix(suffix) => {
                    let start = subtype.len().checked_sub(suffix.len());
                    start.is_some_and(|start| {
                        start > 0 && subtype[start..].eq_ignore_ascii_case(suffix.as_bytes())
                    })
                }
            }
    }
}
