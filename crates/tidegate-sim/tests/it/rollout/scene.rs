//! The world of a rollout: a judge, two pools, a disk, people, and a balancer that may be killed.

mod definition;
mod watch;

use std::fmt::Write;

use tidegate_core::model::rollout::{Rollout, Share};
use tidegate_core::rollout::capacity::{Capacities, Capacity};
use tidegate_core::rollout::command::{Command, CommandError, Reach, Urgency};
use tidegate_core::rollout::event::RolloutEvent;
use tidegate_core::rollout::input::{Hold, Input, Look};
use tidegate_core::rollout::machine::Machine;
use tidegate_core::rollout::moment::Moment;
use tidegate_core::rollout::output::Output;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::record::Record;
use tidegate_core::rollout::verdict::{Outcome, Verdict};
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_sim::world::World;

use super::oracle::{Objection, Oracle};
use definition::definition;

/// After this nothing fails any more.
pub(crate) const FAULTS_END: Instant = Instant::from_nanos(900_000_000_000);
const HOLD: Duration = Duration::from_secs(20);
/// The wall clock at the origin of the other.
const START_MS: u64 = 1_800_000_000_000;

#[derive(Clone, Debug)]
enum Event {
    /// Time may be up for the machine of this life.
    Due(u64),
    /// An answer to the machine of this life.
    Hear(u64, Input),
    /// The write that the machine of this life asked for comes to its end.
    Written(u64),
    Look,
    Order(Command),
    Judge(Outcome),
    Room(Capacities),
    Hold(Option<Hold>),
    Disk {
        fails: bool,
    },
    Smoke {
        fails: bool,
    },
    /// The wall clock is set, so many milliseconds from the start of the world.
    Clock(u64),
    Kill,
    Restart,
}

pub(crate) struct Scene {
    world: World<Event>,
    definition: Rollout,
    /// `None`: the balancer does not run.
    machine: Option<Machine>,
    /// Counts the starts of the balancer: what an earlier one asked for is not heard by a later.
    life: u64,
    /// The timeout that was planned last.
    due: (u64, Instant),
    disk: Option<Record>,
    /// What is being written.
    writing: Option<Record>,
    disk_fails: bool,
    smoke_fails: bool,
    look: Look,
    /// What the one who runs was told last, and when.
    heard: Option<(Look, Instant)>,
    wall: u64,
    /// Whether the wall clock was set, so that it says nothing of how long a hold was.
    was_set: bool,
    /// The share that a person let go of holds for.
    promoted: Share,
    oracle: Oracle,
    kills: u32,
    aborts: u32,
    /// Everything that was wanted done.
    pub(crate) outputs: u32,
}

impl Scene {
    pub(crate) fn new(seed: u64) -> Self {
        let mut scene = Self {
            world: World::new(seed),
            definition: definition(seed),
            machine: None,
            life: 0,
            due: (0, Instant::ZERO),
            disk: None,
            writing: None,
            disk_fails: false,
            smoke_fails: false,
            look: Look {
                verdict: Some(Verdict::plain(Outcome::Pass)),
                capacity: Capacities { stable: room(1.2), candidate: room(1.2) },
                held: Vec::new(),
            },
            heard: None,
            wall: START_MS,
            was_set: false,
            promoted: Share::NONE,
            oracle: Oracle::default(),
            kills: 0,
            aborts: 0,
            outputs: 0,
        };
        scene.plan(seed);
        scene
    }

    fn plan(&mut self, seed: u64) {
        self.world.plan(Instant::ZERO, Event::Restart);
        self.world.plan(Instant::ZERO, Event::Look);
        self.world.plan(Instant::ZERO + Duration::from_secs(2), Event::Order(Command::Start));
        for _ in 0..6 {
            let events = [
                Event::Order(Command::Start),
                Event::Order(Command::Start),
                Event::Order(self.some_command()),
                Event::Order(self.some_command()),
                Event::Order(self.some_command()),
                Event::Judge(self.some_outcome()),
                Event::Judge(Outcome::Pass),
                Event::Judge(Outcome::Pass),
                Event::Room(self.some_room()),
                Event::Room(Capacities { stable: room(1.2), candidate: room(1.2) }),
                Event::Hold(self.some_hold()),
                Event::Hold(None),
                Event::Disk { fails: self.below(3) == 0 },
                Event::Disk { fails: false },
                Event::Smoke { fails: self.below(3) == 0 },
                Event::Kill,
            ];
            for event in events {
                let at = Instant::from_nanos(self.below(FAULTS_END.as_nanos()));
                self.world.plan(at, event);
            }
        }
        if seed.is_multiple_of(3) {
            let at = Instant::from_nanos(self.below(FAULTS_END.as_nanos()));
            let wall = self.below(2 * START_MS);
            self.world.plan(at, Event::Clock(wall));
        }
    }

    fn below(&mut self, bound: u64) -> u64 {
        self.world.chance().below(bound)
    }

    fn some_command(&mut self) -> Command {
        let all = [
            Command::Promote(Reach::Next),
            Command::Promote(Reach::Next),
            Command::Promote(Reach::All),
            Command::Pause,
            Command::Resume,
            Command::Resume,
            Command::Abort,
            Command::Rollback(Urgency::WhenAble),
            Command::Rollback(Urgency::AtOnce),
        ];
        all[self.below(all.len() as u64) as usize]
    }

    fn some_outcome(&mut self) -> Outcome {
        let why = "so it is".to_owned();
        if self.below(3) == 0 { Outcome::Breach(why) } else { Outcome::Hold(why) }
    }

    fn some_room(&mut self) -> Capacities {
        let mut some = || match self.below(6) {
            0 => Capacity::Unknown,
            1 => Capacity::Vouched,
            2 => room(f64::NAN),
            part => room(part as f64 * 0.2),
        };
        Capacities { stable: some(), candidate: some() }
    }

    fn some_hold(&mut self) -> Option<Hold> {
        let all = [
            Hold::Sale("sale".to_owned()),
            Hold::Emergency("shop".to_owned()),
            Hold::Frozen("by kim".to_owned()),
            Hold::Ceiling(80),
        ];
        all.get(self.below(5) as usize).cloned()
    }

    fn has_faults(&self) -> bool {
        self.world.now() < FAULTS_END
    }

    fn moment(&self) -> Moment {
        let now = self.world.now();
        let at = self.wall.saturating_add(now.as_nanos() / 1_000_000);
        Moment { now, at: UnixTime::from_millis(at) }
    }

    pub(crate) fn run(&mut self, end: Instant) {
        while let Some(event) = self.world.next_until(end) {
            self.happen(event);
        }
    }

    /// All is well from now on, and whatever was ended is begun anew.
    pub(crate) fn run_to_the_end(&mut self, end: Instant) {
        let well = [
            Event::Restart,
            Event::Disk { fails: false },
            Event::Smoke { fails: false },
            Event::Judge(Outcome::Pass),
            Event::Room(Capacities { stable: room(1.2), candidate: room(1.2) }),
            Event::Hold(None),
        ];
        for event in well {
            self.happen(event);
        }
        for command in [Command::Resume, Command::Start] {
            self.world.plan_after(Duration::from_secs(30), Event::Order(command));
        }
        self.run(end);
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Due(life) if life == self.life => self.work(Machine::handle_timeout),
            Event::Hear(life, input) if life == self.life => self.hear(input),
            Event::Written(life) if life == self.life => self.finish_write(),
            Event::Due(_) | Event::Hear(..) | Event::Written(_) => {}
            Event::Look => self.see(),
            Event::Order(command) => self.order(command),
            Event::Judge(outcome) => self.look.verdict = Some(Verdict::plain(outcome)),
            Event::Room(capacity) => self.look.capacity = capacity,
            Event::Hold(hold) => self.look.held = hold.into_iter().collect(),
            Event::Disk { fails } => self.disk_fails = fails,
            Event::Smoke { fails } => self.smoke_fails = fails,
            Event::Clock(wall) => {
                self.wall = wall;
                self.was_set = true;
            }
            Event::Kill => self.kill(),
            Event::Restart => self.restart(),
        }
    }

    /// Nothing is left of the balancer but its disk; a write that is under way came through or did
    /// not.
    fn kill(&mut self) {
        if self.machine.take().is_none() {
            return;
        }
        self.kills += 1;
        self.life += 1;
        if let Some(record) = self.writing.take()
            && self.below(2) == 0
        {
            self.store(record);
        }
        let wait = Duration::from_millis(self.below(20_000));
        self.world.plan_after(wait, Event::Restart);
    }

    fn restart(&mut self) {
        if self.machine.is_some() {
            return;
        }
        let name = &self.definition.name;
        let read = |record: &Record| Record::from_json(name, &record.to_json());
        let record = self.disk.as_ref().map(|record| read(record).expect("it was written whole"));
        let seed = self.world.chance().draw();
        let machine = Machine::new(self.definition.clone(), record, seed, self.moment());
        let division = machine.division();
        self.machine = Some(machine);
        self.heard = None;
        // What the file has moved on from is history.
        let disk = self.disk.as_ref().filter(|it| it.terms.pool == self.definition.pool);
        let objection = self.oracle.restarted(division.as_ref(), disk);
        self.object(objection);
        self.work(|_, _| {});
    }

    fn see(&mut self) {
        // Now and then nobody has the time to look.
        if self.below(20) > 0 {
            self.heard = Some((self.look.clone(), self.world.now()));
            self.hear(Input::Look(self.look.clone()));
            self.look_at_breach();
        }
        if self.below(10) == 0 {
            let evidence = self.world.now().as_nanos();
            self.hear(Input::Evidence(evidence.into()));
        }
        self.world.plan_after(Duration::from_secs(1), Event::Look);
    }

    fn order(&mut self, command: Command) {
        let moment = self.moment();
        let Some(machine) = &mut self.machine else { return };
        let before = (machine.phase(), machine.run());
        match machine.command(command, "kim", moment) {
            Ok(()) => self.obeyed(command),
            Err(CommandError::Finished) if command == Command::Start => return self.redefine(),
            Err(error) => assert!(!error.to_string().is_empty()),
        }
        let Some(machine) = &self.machine else { return };
        let is_back = matches!(before.0, Phase::Aborted | Phase::Idle);
        let started = machine.run() > before.1;
        self.expect(started == (is_back && command == Command::Start), "only people begin a run");
        if machine.phase().share() > before.0.share() && !started {
            self.look_at_growth(before.0);
        }
        self.work(Machine::handle_timeout);
    }

    fn obeyed(&mut self, command: Command) {
        match command {
            Command::Start => self.promoted = Share::NONE,
            Command::Promote(Reach::All) => self.promoted = Share::ALL,
            Command::Promote(Reach::Next) => {
                let steps = self.definition.strategy.steps();
                let share = self.machine.as_ref().map_or(Share::NONE, Machine::share);
                // The step may have been taken with the command, but users do not meet it yet.
                let next = steps.iter().copied().find(|step| *step > share);
                self.promoted = self.promoted.max(next.unwrap_or(Share::ALL));
            }
            _ => {}
        }
    }

    /// The file says what has come of it, and that the next candidate is the pool that was stable.
    fn redefine(&mut self) {
        let moment = self.moment();
        let mut next = self.definition.clone();
        std::mem::swap(&mut next.pool, &mut next.candidate);
        let machine = self.machine.as_mut().expect("it has answered");
        machine.update(&next, moment).expect("the file knows what serves");
        machine.command(Command::Start, "kim", moment).expect("nothing runs");
        self.definition = next;
        self.oracle.redefined();
        self.promoted = Share::NONE;
        self.work(Machine::handle_timeout);
    }

    fn hear(&mut self, input: Input) {
        self.work(|machine, moment| machine.handle(input, moment));
    }

    /// Lets the machine do something, and performs what it wants, up to where it is killed.
    fn work(&mut self, step: impl FnOnce(&mut Machine, Moment)) {
        let moment = self.moment();
        let Some(machine) = &mut self.machine else { return };
        let (before, run) = (machine.phase(), machine.run());
        step(machine, moment);
        if machine.phase().share() > before.share() && machine.run() == run {
            self.look_at_growth(before);
        }
        self.look_at_pledges();
        while let Some(output) = self.machine.as_mut().and_then(Machine::poll_output) {
            self.perform(output);
            if self.has_faults() && self.below(100) == 0 {
                self.kill();
            }
        }
        if let Some(at) = self.machine.as_ref().and_then(Machine::poll_timeout) {
            self.expect(at > moment.now, "a timeout lies ahead");
            if self.due != (self.life, at) {
                self.due = (self.life, at);
                self.world.plan(at, Event::Due(self.life));
            }
        }
    }

    fn perform(&mut self, output: Output) {
        self.outputs += 1;
        match output {
            Output::Publish => {
                let division = self.machine.as_ref().and_then(Machine::division);
                let objection = self.oracle.published(division, self.disk.as_ref());
                self.object(objection);
            }
            Output::Record(record) => {
                self.expect(self.writing.is_none(), "one write at a time");
                self.writing = Some(*record);
                let takes = Duration::from_millis(self.below(1000));
                self.world.plan_after(takes, Event::Written(self.life));
            }
            Output::Smoke { run } => {
                let result = if self.smoke_fails { Err("it fails".to_owned()) } else { Ok(()) };
                let takes = Duration::from_millis(self.below(5000));
                let answer = Event::Hear(self.life, Input::Smoked { run, result });
                self.world.plan_after(takes, answer);
            }
            Output::Rejudge => {}
            Output::Told(event) => {
                assert!(!event.to_string().is_empty());
                self.aborts += u32::from(matches!(event, RolloutEvent::Aborted { .. }));
            }
        }
    }

    /// One that fails may have come through all the same.
    fn finish_write(&mut self) {
        let Some(record) = self.writing.take() else { return };
        let result = if self.disk_fails { Err("no space left".to_owned()) } else { Ok(()) };
        if result.is_ok() || self.below(4) == 0 {
            self.store(record);
        }
        self.hear(Input::Recorded(result));
    }

    fn store(&mut self, record: Record) {
        self.oracle.written(&record);
        self.disk = Some(record);
    }

    /// Kills, aborts, steps taken and runs that went on after a kill.
    pub(crate) fn seen(&self) -> [u32; 4] {
        [self.kills, self.aborts, self.oracle.growths, self.oracle.resumed]
    }

    fn object(&self, objection: Objection) {
        if let Err(what) = objection {
            self.expect(false, what);
        }
    }

    pub(crate) fn expect(&self, holds: bool, what: &str) {
        assert!(holds, "{what}\n{}", self.report());
    }

    pub(crate) fn report(&self) -> String {
        let mut report = self.world.report();
        // Writing to a string does not fail.
        let _ = write!(report, "\n  disk: {:?}", self.disk);
        let view = self.machine.as_ref().map(|machine| machine.view(self.moment()));
        let _ = write!(report, "\n  machine: {view:?}");
        report
    }
}

fn room(now: f64) -> Capacity {
    Capacity::Known { now, most: 2.0 }
}
