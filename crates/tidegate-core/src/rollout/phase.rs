//! How far a run has come.

use std::fmt;

use crate::model::rollout::Share;

/// How far a run has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Defined; nobody has started it.
    #[default]
    Idle,
    /// The candidate's servers come and are smoke-tested; no user meets them.
    Preparing,
    /// A part of the users meets the candidate.
    Stepping(Share),
    /// All do, and stable keeps capacity for all of them.
    Baking,
    /// A few servers of stable are kept.
    Keeping,
    /// Somebody wants stable back, which has to grow for it first.
    Returning,
    /// Stable is released. The candidate is what serves.
    Done,
    /// It was ended: all users are stable's.
    Aborted,
}

impl Phase {
    /// The share of users that is the candidate's.
    #[must_use]
    pub const fn share(self) -> Share {
        match self {
            Self::Idle | Self::Preparing | Self::Aborted => Share::NONE,
            Self::Stepping(share) => share,
            Self::Baking | Self::Keeping | Self::Returning | Self::Done => Share::ALL,
        }
    }

    /// Whether a run is neither to begin nor over.
    #[must_use]
    pub const fn is_under_way(self) -> bool {
        !matches!(self, Self::Idle | Self::Done | Self::Aborted)
    }

    /// Whether the candidate has not been found good yet: it is judged, and stable has capacity for
    /// everything, so that the way back is instant.
    #[must_use]
    pub const fn is_open(self) -> bool {
        matches!(self, Self::Preparing | Self::Stepping(_) | Self::Baking)
    }

    /// The word for it.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Preparing => "preparing",
            Self::Stepping(_) => "stepping",
            Self::Baking => "baking",
            Self::Keeping => "keeping",
            Self::Returning => "returning",
            Self::Done => "done",
            Self::Aborted => "aborted",
        }
    }

    /// The phase of this word, with this share; `None`: there is no such phase.
    #[must_use]
    pub fn parse(word: &str, share: Share) -> Option<Self> {
        let all = [
            Self::Idle,
            Self::Preparing,
            Self::Stepping(share),
            Self::Baking,
            Self::Keeping,
            Self::Returning,
            Self::Done,
            Self::Aborted,
        ];
        let phase = all.into_iter().find(|phase| phase.as_str() == word)?;
        let is_between = share > Share::NONE && share < Share::ALL;
        let fits = phase.share() == share && (is_between || !matches!(phase, Self::Stepping(_)));
        fits.then_some(phase)
    }
}

impl fmt::Display for Phase {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Stepping(share) => write!(f, "at {} %", share.as_percent()),
            _ => f.write_str(self.as_str()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_word_and_a_share_are_one_phase_or_none() {
        let some = Share::millionths(10_000);
        for phase in [Phase::Idle, Phase::Stepping(some), Phase::Keeping, Phase::Aborted] {
            assert_eq!(Phase::parse(phase.as_str(), phase.share()), Some(phase));
        }
        let wrong = [
            ("stepping", Share::NONE),
            ("stepping", Share::ALL),
            ("baking", some),
            ("aborted", some),
            ("asleep", Share::NONE),
        ];
        for (word, share) in wrong {
            assert_eq!(Phase::parse(word, share), None, "{word} {share:?}");
        }
    }
}
