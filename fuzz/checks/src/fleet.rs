//! The life of instances as a sequence of operations, and records of any bytes.
//!
//! `shell` performs what the fleet wants and objects to what it may not want; this file is what
//! can happen to it.

mod shell;

use arbitrary::{Arbitrary, Unstructured};
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::server::Availability;
use tidegate_core::scale::fleet::input::{Aim, Input};
use tidegate_core::scale::fleet::provider::{Condition, Launched, ProviderFailure};
use tidegate_core::scale::fleet::record::FleetRecord;
use tidegate_core::time::{Duration, Instant};

use shell::Shell;

#[derive(Arbitrary, Debug)]
enum Case {
    Record(Vec<u8>),
    Ops { instances_max: u8, seed: u64, ops: Vec<Op> },
}

#[derive(Arbitrary, Debug)]
enum Op {
    Wait(u32),
    WaitUntilDue,
    Aim(u8, u8),
    /// The call that has been out the longest, or one behind it, ends.
    Answer(u8, Outcome),
    List(Vec<Entry>),
    ListFails(Outcome),
    Health(u8, u8),
    Load(u8, u8, u8),
    Exited(u8),
    Warmed(u8),
    ListedServers(u8, u8),
    Unrecorded,
    /// The balancer is killed and starts with what is on the disk, or with nothing.
    Restart {
        keeps_record: bool,
    },
    Template(u8),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Outcome {
    Done,
    DoneAt(u8),
    Refused,
    Quota,
    Timeout,
    Broken,
}

/// A line of a list: one of ours or a stranger, anywhere.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Entry {
    who: u8,
    port: Option<u8>,
    is_stopping: bool,
    template: Option<u8>,
}

/// The most operations of one case.
const OPS_MAX: usize = 200;

/// Runs the check.
pub fn run(data: &[u8]) {
    match Case::arbitrary_take_rest(Unstructured::new(data)) {
        Ok(Case::Record(bytes)) => read(&bytes),
        Ok(Case::Ops { instances_max, seed, ops }) => {
            let mut shell = Shell::new(instances_max % 20, seed);
            for op in ops.iter().take(OPS_MAX) {
                shell.perform(op);
                shell.look();
            }
        }
        Err(_) => {}
    }
}

/// What is read is written and read again as the same.
fn read(bytes: &[u8]) {
    let pool = PoolName::new("shop");
    let Ok(record) = FleetRecord::from_json(&pool, bytes) else { return };
    let again = FleetRecord::from_json(&pool, &record.to_json());
    assert_eq!(again.expect("it was written so"), record);
}

impl Shell {
    fn perform(&mut self, op: &Op) {
        match *op {
            Op::Wait(millis) => self.wait(self.now + Duration::from_millis(millis.into())),
            Op::WaitUntilDue => {
                let due = self.fleet.poll_timeout().unwrap_or(self.now);
                assert!(due > self.now || due == Instant::ZERO || self.is_due(), "it lies ahead");
                self.wait(due.max(self.now));
            }
            Op::Aim(instances, warm) => {
                self.hear(Input::Aim(Aim { instances: instances.into(), warm: warm.into() }));
            }
            Op::Answer(which, outcome) => self.answer(which, outcome),
            Op::List(ref entries) => self.list(entries),
            Op::ListFails(outcome) => self.list_fails(outcome.failure()),
            Op::Health(who, how) => {
                let availability = [
                    Availability::Healthy,
                    Availability::Unhealthy,
                    Availability::Ejected,
                    Availability::Starting,
                ][usize::from(how % 4)];
                self.hear(Input::Health(self.name(who), availability));
            }
            Op::Load(who, in_flight, sessions) => {
                let (in_flight, sessions) = (in_flight.into(), sessions.into());
                self.hear(Input::Load { id: self.name(who), in_flight, sessions });
            }
            Op::Exited(who) => self.hear(Input::Exited(self.name(who))),
            Op::Warmed(who) => self.hear(Input::Warmed(self.name(who))),
            Op::ListedServers(members, unhealthy) => {
                let (members, unhealthy) = (members.into(), unhealthy.min(members).into());
                self.hear(Input::ListedServers { members, unhealthy });
            }
            Op::Unrecorded => self.hear(Input::Unrecorded),
            Op::Restart { keeps_record } => self.restart(keeps_record),
            Op::Template(template) => self.relaunch_from(template.into()),
        }
    }
}

impl Outcome {
    fn launched(self) -> Result<Launched, ProviderFailure> {
        match self {
            Self::Done => Ok(Launched::default()),
            Self::DoneAt(port) => Ok(Launched { address: Some(shell::address(port)) }),
            _ => Err(self.failure()),
        }
    }

    fn failure(self) -> ProviderFailure {
        match self {
            Self::Refused => ProviderFailure::Refused(String::new()),
            Self::Quota => ProviderFailure::Quota(String::new()),
            Self::Broken => ProviderFailure::Broken(String::new()),
            Self::Done | Self::DoneAt(_) | Self::Timeout => ProviderFailure::Timeout,
        }
    }
}

impl Entry {
    const fn condition(self) -> Condition {
        if self.is_stopping { Condition::Stopping } else { Condition::Running }
    }
}
