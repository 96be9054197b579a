//! The life of the instances of one pool: a Machine that has a provider start and stop them.
//!
//! The planner says how many there should be ([`input::Aim`]); checks, load and the provider's
//! inventory say how they are; what comes out is what the shell performs, one after the other.
//!
//! ```text
//! requested -> starting -> checked -> warming -> serving -> draining -> stopping -> gone
//!                                 \-> warm ->/          \<-/
//! ```
//!
//! Four rules make it safe to kill at any point:
//!
//! - We name an instance, and the name is on the disk before the provider hears it
//!   ([`output::Output::Record`] comes first). An unanswered launch is asked for again under the
//!   same name, so one wish never becomes two instances.
//! - After a start nothing is started or stopped before the provider has said what runs. What was
//!   in rotation is so again at once, as its checks allow: without the provider traffic flows on.
//! - Whatever runs and carries our mark is counted, known or not. None is forgotten before its
//!   stop has been confirmed.
//! - The inventory is believed with care: an instance whose checks pass is there, whatever a list
//!   says; a list that fails changes nothing.
//!
//! Failures of launches slow launches down (`back_off`). An instance that is unhealthy for too long
//! is replaced, start first, a tenth of the pool at a time; none is while over three tenths of the
//! pool are unhealthy, because the fault is elsewhere then. One alone may always be replaced, or
//! the rule would leave pools of up to three without help.
//!
//! It does not decide how many there should be, and sends no probes. The shell owes one result for
//! each Start, Stop and List within the time it names, a timeout included, and performs outputs
//! strictly in order. When a record cannot be written ([`input::Input::Unrecorded`]) it performs no
//! Start behind it.
//!
//! Reading order: `id`, `provider`, `instance` (what there is), `input` and `output`, `machine`
//! (the whole), `settle` (who comes and who goes), `life` (one step of one instance), `calls` and
//! `inventory` (the provider), `record`.

mod back_off;
mod calls;
mod inventory;
mod life;
mod settle;

pub mod event;
pub mod id;
pub mod input;
pub mod instance;
pub mod machine;
pub mod output;
pub mod provider;
pub mod record;
pub mod settings;
pub mod startup;

#[cfg(test)]
mod tests;
