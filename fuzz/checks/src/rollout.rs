//! A rollout as a sequence of operations, and records of any bytes.
//!
//! `shell` performs what the machine wants and objects to what it may not want; this file is what
//! can happen to it.

mod shell;

use arbitrary::{Arbitrary, Unstructured};
use tidegate_core::model::ids::RolloutName;
use tidegate_core::rollout::capacity::Capacity;
use tidegate_core::rollout::command::{Command, Reach, Urgency};
use tidegate_core::rollout::input::Hold;
use tidegate_core::rollout::machine::Machine;
use tidegate_core::rollout::moment::Moment;
use tidegate_core::rollout::record::Record;
use tidegate_core::rollout::verdict::Outcome;
use tidegate_core::time::{Instant, UnixTime};

use shell::{Shape, Shell};

#[derive(Arbitrary, Debug)]
enum Case {
    Record(Vec<u8>),
    Ops { shape: Shape, seed: u64, ops: Vec<Op> },
}

#[derive(Arbitrary, Debug)]
enum Op {
    /// So many milliseconds go by.
    Wait(u32),
    WaitUntilDue,
    Look {
        verdict: Option<Word>,
        stable: Room,
        candidate: Room,
        hold: Option<Held>,
    },
    Evidence(u64),
    /// The write that is out ends.
    Written {
        succeeds: bool,
        comes_through: bool,
    },
    /// The smoke checks of this or another run end.
    Smoked {
        run: Option<u8>,
        succeeds: bool,
    },
    Order(Order),
    /// The wall clock is set.
    Clock(u64),
    Shape(Shape),
    /// Another definition is taken whatever it contradicts.
    Accept(Shape),
    /// The balancer is killed and starts with what is on the disk.
    Restart,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Word {
    Pass,
    Hold,
    Breach,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Room {
    Unknown,
    Vouched,
    Known(f64, f64),
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Held {
    Sale,
    Emergency,
    Frozen,
    Ceiling,
}

#[derive(Arbitrary, Clone, Copy, Debug)]
enum Order {
    Start,
    PromoteNext,
    PromoteAll,
    Pause,
    Resume,
    Abort,
    Rollback,
    RollbackAtOnce,
}

/// The most operations of one case.
const OPS_MAX: usize = 200;

/// Runs the check.
pub fn run(data: &[u8]) {
    match Case::arbitrary_take_rest(Unstructured::new(data)) {
        Ok(Case::Record(bytes)) => read(&bytes),
        Ok(Case::Ops { shape, seed, ops }) => {
            let mut shell = Shell::new(shape, seed);
            for op in ops.iter().take(OPS_MAX) {
                shell.perform(op);
                shell.look();
            }
        }
        Err(_) => {}
    }
}

/// What is read is written and read again as the same, and a machine can go on from it.
fn read(bytes: &[u8]) {
    let name = RolloutName::new("shop-v2");
    let Ok(record) = Record::from_json(&name, bytes) else { return };
    let again = Record::from_json(&name, &record.to_json());
    assert_eq!(again.expect("it was written so"), record);
    for at in [0, 1_800_000_000_000, u64::MAX] {
        let moment = Moment { now: Instant::ZERO, at: UnixTime::from_millis(at) };
        let definition = Shape::default().definition();
        let is_admitted = record.admits(&definition).is_ok();
        let mut machine = Machine::new(definition, Some(record.clone()), 1, moment);
        machine.handle_timeout(Moment { now: Instant::NEVER, at: moment.at });
        let share = machine.share();
        assert!(share <= record.phase.share(), "nothing grows by reading");
        assert!(is_admitted || share.as_millionths() == 0, "what contradicts is forgotten");
        assert!(!machine.view(moment).rollout.is_empty());
    }
}

impl Shell {
    fn perform(&mut self, op: &Op) {
        match *op {
            Op::Wait(millis) => self.wait(millis),
            Op::WaitUntilDue => self.wait_until_due(),
            Op::Look { verdict, stable, candidate, hold } => {
                let outcome = verdict.map(Word::outcome);
                self.see(outcome, [stable, candidate].map(Room::capacity), hold.map(Held::hold));
            }
            Op::Evidence(evidence) => self.keep(evidence),
            Op::Written { succeeds, comes_through } => self.written(succeeds, comes_through),
            Op::Smoked { run, succeeds } => self.smoked(run.map(u32::from), succeeds),
            Op::Order(order) => self.order(order.command()),
            Op::Clock(at) => self.at = UnixTime::from_millis(at),
            Op::Shape(shape) => self.reload(shape),
            Op::Accept(shape) => self.accept(shape),
            Op::Restart => self.restart(),
        }
    }
}

impl Word {
    fn outcome(self) -> Outcome {
        match self {
            Self::Pass => Outcome::Pass,
            Self::Hold => Outcome::Hold("so it is".to_owned()),
            Self::Breach => Outcome::Breach("so it is".to_owned()),
        }
    }
}

impl Room {
    const fn capacity(self) -> Capacity {
        match self {
            Self::Unknown => Capacity::Unknown,
            Self::Vouched => Capacity::Vouched,
            Self::Known(now, most) => Capacity::Known { now, most },
        }
    }
}

impl Held {
    fn hold(self) -> Hold {
        match self {
            Self::Sale => Hold::Sale("sale".to_owned()),
            Self::Emergency => Hold::Emergency("shop".to_owned()),
            Self::Frozen => Hold::Frozen("by kim".to_owned()),
            Self::Ceiling => Hold::Ceiling(80),
        }
    }
}

impl Order {
    const fn command(self) -> Command {
        match self {
            Self::Start => Command::Start,
            Self::PromoteNext => Command::Promote(Reach::Next),
            Self::PromoteAll => Command::Promote(Reach::All),
            Self::Pause => Command::Pause,
            Self::Resume => Command::Resume,
            Self::Abort => Command::Abort,
            Self::Rollback => Command::Rollback(Urgency::WhenAble),
            Self::RollbackAtOnce => Command::Rollback(Urgency::AtOnce),
        }
    }
}
