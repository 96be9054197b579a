//! A rollout while it runs: a Machine that takes the candidate from nobody to everybody, and back
//! at once when it is found worse.
//!
//! A person starts it; what is seen every second ([`input::Look`]) lets it take its next step or
//! keeps it where it is; what comes out is what the shell performs, one after the other.
//!
//! ```text
//! idle -> preparing -> stepping (1 %, 5 %, …) -> baking -> keeping -> done
//!             \------------\-----------------------/          |
//!              \-> aborted (0 %) <-------------- returning <--/
//! ```
//!
//! - A step is a share. The next one is taken when nothing stands in the way ([`wait::Wait`] names
//!   all that does): time, the judge's word, room on the candidate's servers, a sale, a person.
//!   Waiting is never a failure; there is no deadline.
//! - A share that grows is on the disk before users meet it, one that shrinks need not be: after a
//!   kill at any moment nobody changes sides who need not. See `disk`.
//! - A breach is acted on wherever it is seen, waiting or paused. What was aborted stays so until a
//!   person starts another run, and a way back is never turned round.
//! - Until the bake ends stable can take everything ([`pledge`]): the way back needs no capacity.
//!
//! It does not judge, smoke-test, scale or publish; it says when. The shell performs outputs
//! strictly in order and owes one answer for each Record and Smoke, a timeout included. It gives a
//! look each second while a run is under way; no word of the judge in it is older than a Rejudge.
//! A command is to be answered once what it decided is on the disk, or cannot be brought there.
//!
//! Reading order: `moment`, `phase`, `verdict`, `capacity`, `input` and `output`, `machine` (the
//! whole), `step`, `wait` and `smoke` (what a step waits for), `breach`, `order` and `command`
//! (people), `disk` and `record` (what outlives a kill), `terms` (what may not change meanwhile),
//! `pledge`, `event` and `view`. Beside it stands `analysis`, the judge, which moves nothing.

mod breach;
mod clock;
mod disk;
mod order;
mod smoke;
mod step;

pub mod analysis;
pub mod capacity;
pub mod command;
pub mod event;
pub mod input;
pub mod machine;
pub mod moment;
pub mod output;
pub mod phase;
pub mod pledge;
pub mod record;
pub mod terms;
pub mod verdict;
pub mod view;
pub mod wait;

#[cfg(test)]
mod tests;
