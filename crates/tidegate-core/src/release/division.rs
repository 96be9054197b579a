//! How the users of a pool are divided between stable and candidate at a moment.

use super::user::User;
use crate::model::ids::{PoolName, RolloutName};
use crate::model::rollout::{Mirror, Share, Side};

/// How users are divided. There is none while a rollout does not run: all users are stable's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Division {
    /// The rollout.
    pub rollout: RolloutName,
    /// The pool that requests were for.
    pub pool: PoolName,
    /// The pool that takes those of the candidate's users.
    pub candidate: PoolName,
    /// The share of users that are the candidate's.
    pub share: Share,
    /// What places users: drawn once for each run.
    pub salt: u64,
    /// Whether requests to stable are copied to the candidate.
    pub mirrors: bool,
}

impl Division {
    /// The version that a user meets, whom no audience puts elsewhere.
    #[must_use]
    pub fn side_of(&self, user: User) -> Side {
        if user.place(self.salt).is_within(self.share) { Side::Candidate } else { Side::Stable }
    }

    /// Whether requests of a user are among those that are copied. The place is another than the
    /// one that the share goes by, or users would be copied in the order in which they are to go
    /// over.
    #[must_use]
    pub fn copies(&self, user: User, mirror: &Mirror) -> bool {
        self.mirrors && user.place(!self.salt).is_within(mirror.share)
    }
}
