//! Two versions of a shop, and the rollout between them.
//!
//! Each version is a shop of its own with its planner and its provider. Once a second both look,
//! and what they can serve goes to the rollout; what that asks goes to the planners, as the shell
//! of the control plane does it. Users are a fluid that is divided exactly.

use tidegate_core::model::autoscale::{Autoscale, Bounds, Policy};
use tidegate_core::model::ids::{PoolName, RolloutName};
use tidegate_core::model::ratio::Limit;
use tidegate_core::model::rollout::{
    Analysis, Errors, OnBreach, Rollout, Share, Strategy, UserKey,
};
use tidegate_core::rollout::capacity::{Capacities, Capacity};
use tidegate_core::rollout::command::Command;
use tidegate_core::rollout::input::{Hold, Input, Look};
use tidegate_core::rollout::machine::Machine;
use tidegate_core::rollout::moment::Moment;
use tidegate_core::rollout::output::Output;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::verdict::{Outcome, Verdict};
use tidegate_core::rollout::view::WaitView;
use tidegate_core::scale::capacity;
use tidegate_core::scale::release::{Ask, Keeps, Known, pledges};
use tidegate_sim::traffic::Rate;

use crate::scale::scene::{Looked, Scene};
use crate::scale::shop::{Clients, RATE, Shop, at, ratio, seconds};

/// Two versions of a shop.
pub(super) struct Release {
    pub(super) stable: Scene,
    pub(super) candidate: Scene,
    rollout: Rollout,
    machine: Machine,
    /// What comes to both.
    pub(super) all: Rate,
    /// What the judge says.
    pub(super) verdict: Outcome,
    second: u64,
    last: Option<(Looked, Looked)>,
}

/// What a second came to.
pub(super) struct Seen<'a> {
    pub(super) second: u64,
    pub(super) phase: Phase,
    /// The share of users that the candidate had.
    pub(super) share: Share,
    /// Requests a second that came to both.
    pub(super) all: f64,
    pub(super) stable: &'a Looked,
    pub(super) candidate: &'a Looked,
    /// Instances of both.
    pub(super) instances: usize,
}

impl Seen<'_> {
    /// What the servers of a version can do, of what comes to it.
    pub(super) fn room(looked: &Looked) -> f64 {
        f64::from(looked.observed.fleet.in_rotation()) * RATE
    }
}

/// Shares of 1, 10 and 65 % and then all, three minutes each; ten minutes of bake.
pub(super) fn canary() -> Rollout {
    let steps = [1.0, 10.0, 65.0, 100.0].map(|it| Share::percent(it).expect("it is a share"));
    Rollout {
        name: RolloutName::new("shop-v2"),
        pool: PoolName::new("shop"),
        candidate: PoolName::new("shop-v2"),
        routes: Vec::new(),
        strategy: Strategy::Canary { steps: steps.to_vec(), hold: seconds(180) },
        user: vec![UserKey::Assign],
        always: Vec::new(),
        only: Vec::new(),
        never: Vec::new(),
        smoke: None,
        bake: seconds(600),
        keep_old: seconds(600),
        keep_size: 2,
        max_total: Limit::Unlimited,
        freeze_during: Vec::new(),
        mirror: None,
        analysis: Some(Analysis {
            errors: Errors { status: true, reset: true, timeout: true, grpc: true },
            max_error_rate: None,
            max_p99: None,
            compare: true,
            false_alarm: ratio(0.05),
            min_requests: 200,
            on_breach: OnBreach::Rollback,
            custom: Vec::new(),
        }),
    }
}

impl Release {
    /// Two shops of which the first has all users; nobody has started the rollout.
    pub(super) fn new(stable: Shop, candidate: Shop, rollout: Rollout, all: Rate) -> Self {
        let (stable, candidate) = (Scene::new(stable, 1), Scene::new(candidate, 2));
        let machine = Machine::new(rollout.clone(), None, 7, moment(0));
        let verdict = Outcome::Pass;
        Self { stable, candidate, rollout, machine, all, verdict, second: 0, last: None }
    }

    pub(super) fn command(&mut self, command: Command) {
        let done = self.machine.command(command, "alice", moment(self.second));
        done.unwrap_or_else(|error| panic!("{command:?} at {} s: {error}", self.second));
        if command == Command::Start
            && let (Some(stable), Some(candidate)) = (self.stable.memory(), self.candidate.memory())
        {
            candidate.share_past(stable);
        }
        self.perform();
    }

    /// What its next step waits for.
    pub(super) fn waits(&self) -> Vec<WaitView> {
        self.machine.view(moment(self.second)).waits
    }

    /// Runs until this second, and hands each to `see`.
    pub(super) fn run(&mut self, until: u64, mut see: impl FnMut(&Seen<'_>)) {
        while self.second < until {
            self.second += 1;
            let (share, phase) = (self.machine.share(), self.machine.phase());
            let all = self.all.at(at(self.second));
            self.ask();
            let to = |scene: &mut Scene, rate: f64| {
                scene.shop.clients = Clients::Open(Rate::Steady(rate));
                let mut last = None;
                scene.run(self.second, |_, looked| last = Some(looked.clone()));
                last
            };
            let to_candidate = all * share.as_fraction();
            let looked = to(&mut self.stable, all - to_candidate);
            let looked = looked.zip(to(&mut self.candidate, to_candidate));
            self.tell(looked.as_ref());
            if let Some((stable, candidate)) = &looked {
                let instances = [&self.stable, &self.candidate];
                let instances = instances.map(|scene| scene.provider.machines().len()).iter().sum();
                let second = self.second;
                see(&Seen { second, phase, share, all, stable, candidate, instances });
            }
            self.last = looked;
        }
    }

    /// Puts to both planners what the rollout asks.
    fn ask(&mut self) {
        let Some(asked) = self.machine.pledges() else { return };
        let keeps = if asked.stable.demand > 0.0 {
            Keeps::All
        } else {
            Keeps::Servers(asked.stable.servers)
        };
        let ask = Ask {
            rollout: self.rollout.name.clone(),
            stable: asked.stable.pool,
            candidate: asked.candidate.pool,
            share: self.machine.share(),
            next: asked.candidate.demand,
            keeps,
            max_total: asked.total_max,
        };
        let last = self.last.as_ref();
        let stable = known(&mut self.stable, last.map(|(stable, _)| stable));
        let candidate = known(&mut self.candidate, last.map(|(_, candidate)| candidate));
        let (kept, taken) = pledges(&ask, &stable, &candidate);
        (self.stable.pledge, self.candidate.pledge) = (Some(kept), Some(taken));
    }

    /// Tells the rollout how things are.
    fn tell(&mut self, looked: Option<&(Looked, Looked)>) {
        let Some((stable, candidate)) = looked else { return };
        let held = [("shop", stable), ("shop-v2", candidate)].map(|(pool, looked)| {
            let strain = looked.plan.as_ref().and_then(|plan| plan.strain());
            strain.map(|why| Hold::Emergency(format!("{pool} ({why})")))
        });
        let capacity = Capacities {
            stable: able(&mut self.stable, stable),
            candidate: able(&mut self.candidate, candidate),
        };
        let verdict = Some(Verdict::plain(self.verdict.clone()));
        let look = Look { verdict, capacity, held: held.into_iter().flatten().collect() };
        self.machine.handle(Input::Look(look), moment(self.second));
        self.machine.handle_timeout(moment(self.second));
        self.perform();
    }

    /// Records are on the disk at once.
    fn perform(&mut self) {
        while let Some(output) = self.machine.poll_output() {
            if let Output::Record(_) = output {
                self.machine.handle(Input::Recorded(Ok(())), moment(self.second));
            }
        }
    }
}

fn moment(second: u64) -> Moment {
    Moment { now: at(second), at: Scene::wall(second) }
}

fn settings(scene: &Scene) -> Autoscale {
    scene.shop.settings.clone()
}

fn known(scene: &mut Scene, looked: Option<&Looked>) -> Known {
    let settings = settings(scene);
    let Some((looked, memory)) = looked.zip(scene.memory()) else { return Known::default() };
    let demand = looked.observed.demand;
    let planned = looked.plan.as_ref().map_or(0, |plan| plan.instances + plan.warm);
    Known {
        arrivals: demand.map(|demand| demand.arrivals),
        servers: looked.observed.fleet.in_rotation(),
        instances: looked.observed.fleet.paid().max(planned),
        able: capacity::able(&settings, &memory.policy.slo.learned, &looked.observed),
    }
}

fn able(scene: &mut Scene, looked: &Looked) -> Capacity {
    let settings = settings(scene);
    let Some(memory) = scene.memory() else { return Capacity::Unknown };
    let now = looked.observed.fleet.in_rotation();
    let able = |servers| memory.able(&settings, &looked.observed, servers);
    let most = able(settings.bounds.max.max(now));
    able(now).zip(most).map_or(Capacity::Unknown, |(now, most)| Capacity::Known { now, most })
}

/// A shop of so many servers, at least two and at most `max`, that launch in a minute.
pub(super) fn shop(running: u32, max: u32) -> Shop {
    let mut shop = Shop::new(Policy::Slo).booting(60);
    shop.settings.bounds = Bounds { min: 2, max };
    shop.running = running;
    shop
}
