//! The verdict on a candidate, which may be asked for at any time and as often as one likes.
//!
//! A [`Judge`](judge::Judge) is made from the configured `Analysis` when a rollout starts. The
//! shell hands it the counters of both versions at every look, a second apart or a minute; the
//! answer is a [`Verdict`](verdict::Verdict): pass, hold with a reason, or breach, with the numbers
//! it rests on.
//!
//! ```text
//! let mut judge = Judge::new(&analysis);         // or Judge::restore(&analysis, record)
//! judge.begin_step(share);                       // whenever the candidate's share changes
//! let verdict = judge.look(&Look { now, totals: registry.versions(&name), custom: &readings });
//! judge.record()                                 // to be kept: evidence outlives a restart
//! judge.pardon()                                 // somebody decided to go on after a breach
//! ```
//!
//! **What is compared.** If two versions are equally good, each error is a coin that lands on the
//! candidate as often as requests do. Evidence against equality is the fortune of a gambler who
//! bets on such coins at fair odds and never borrows (`evidence`, `coins`): a fortune of 1/a comes
//! with probability a at most, whenever and however often one looks (Ville 1939; Ramdas, Grünwald,
//! Vovk, Shafer: "Game-theoretic statistics and safe anytime-valid inference", 2023). So
//! `false_alarm` is kept over the whole rollout and nobody has to say for how long to wait.
//! Latency is the same, with coins that weigh more the slower the request was (`slowness`).
//!
//! **What keeps it true.** Counts are judged in windows of five seconds (`window`), each by its
//! own split of requests. So a share that grows changes nothing, and neither does a time of day at
//! which everything fails more: both sides see it. A side without a request in a window gives coins
//! that cannot surprise, and adds nothing. What was counted across a change of the share is left
//! out. Errors come in runs, as when somebody asks again and again: what one window shows counts
//! for a third of what a breach takes at most, so that one takes fifteen seconds of trouble.
//!
//! **What is no worse.** A candidate that fails up to a fifth more often than stable, or is slower
//! by up to a bucket of latency, a tenth or so, is tolerated: such a difference is not found
//! however much traffic there is, and is not what anybody rolls back for.
//!
//! **Limits** (`limit`) are of the candidate alone, and breached when evidence says that it exceeds
//! both the limit and what stable does at the same time: trouble that both have is not the
//! candidate's. **Measures** of the user's own (`measure`) are single numbers; several in a row
//! decide.
//!
//! Each part that may find a breach has an equal part of `false_alarm`. Not here: what a breach
//! does, how long a step is held, where numbers come from.
//!
//! Reading order: `evidence`, `coins`, `slowness`, `window`, `limit`, `measure`, `verdict`,
//! `judge`.

mod coins;
mod evidence;
mod limit;
mod slowness;
mod window;

pub mod judge;
pub mod measure;
pub mod record;
pub mod verdict;

#[cfg(test)]
mod tests;
