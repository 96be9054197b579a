//! A simulated provider of instances: slow, short of quota, out of order, and at times a liar.
//!
//! It keeps the one promise that is asked of providers: a name stands for at most one instance,
//! however often it is asked for, and stopping a name that it does not know is done at once. A call
//! that is not answered may still have its effect. What it lists may lack what runs, name things
//! twice, or be a minute old.

use std::collections::{BTreeMap, VecDeque};
use std::net::SocketAddr;

use tidegate_core::rng::Rng;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::{Condition, Launched, Listed, ProviderFailure};
use tidegate_core::time::{Duration, Instant};

/// How a provider is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Mood {
    /// It does what it is asked for.
    Well,
    /// It does, but late: calls may go unanswered.
    Slow,
    /// It starts nothing.
    Short,
    /// It answers nothing.
    Down,
    /// It does what it is asked for, and lies about what runs.
    Lying,
}

/// An instance.
#[derive(Clone, Copy, Debug)]
pub struct Machine {
    /// Where it listens.
    pub address: SocketAddr,
    /// When it answers first; [`Instant::NEVER`]: not at all.
    pub ready: Instant,
    /// Until when it is sick.
    pub sick_until: Instant,
}

impl Machine {
    /// Whether it answers.
    #[must_use]
    pub fn answers(&self, now: Instant) -> bool {
        now >= self.ready && now >= self.sick_until
    }
}

/// What comes of a call: the answer, and how long it takes.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Reply<T> {
    /// How long.
    pub takes: Duration,
    /// The answer.
    pub result: Result<T, ProviderFailure>,
}

/// A provider and everything that it runs.
#[derive(Clone, Debug)]
pub struct Provider {
    mood: Mood,
    machines: BTreeMap<InstanceId, Machine>,
    /// What a list said some time ago.
    past: VecDeque<(Instant, Vec<Listed>)>,
    ports: u16,
}

impl Default for Provider {
    fn default() -> Self {
        let machines = BTreeMap::new();
        Self { mood: Mood::Well, machines, past: VecDeque::new(), ports: 10_000 }
    }
}

impl Provider {
    /// How old a list may be.
    const STALE: Duration = Duration::from_secs(60);

    /// Changes how it is.
    pub const fn become_mood(&mut self, mood: Mood) {
        self.mood = mood;
    }

    /// What runs.
    #[must_use]
    pub const fn machines(&self) -> &BTreeMap<InstanceId, Machine> {
        &self.machines
    }

    /// The instance of this name, to let something happen to it.
    pub fn machine(&mut self, id: &InstanceId) -> Option<&mut Machine> {
        self.machines.get_mut(id)
    }

    /// An instance ends by itself.
    pub fn die(&mut self, id: &InstanceId) {
        self.machines.remove(id);
    }

    /// Starts an instance that answers at `ready`, within the caller's bound on time.
    pub fn start(
        &mut self,
        id: &InstanceId,
        ready: Instant,
        within: Duration,
        chance: &mut Rng,
    ) -> Reply<Launched> {
        let takes = self.takes(within, chance);
        match self.mood {
            Mood::Down => return silence(within),
            Mood::Short if chance.below(2) == 0 => {
                return Reply { takes, result: Err(ProviderFailure::Quota("all in use".into())) };
            }
            Mood::Short => {
                return Reply { takes, result: Err(ProviderFailure::Refused("no".into())) };
            }
            Mood::Well | Mood::Slow | Mood::Lying => {}
        }
        self.ports += 1;
        let address = ([10, 0, 0, 1], self.ports).into();
        let fresh = Machine { address, ready, sick_until: Instant::ZERO };
        let address = Some(self.machines.entry(id.clone()).or_insert(fresh).address);
        let address = address.filter(|_| chance.below(4) > 0);
        if takes >= within {
            silence(within)
        } else {
            Reply { takes, result: Ok(Launched { address }) }
        }
    }

    /// Stops an instance.
    pub fn stop(&mut self, id: &InstanceId, within: Duration, chance: &mut Rng) -> Reply<()> {
        let takes = self.takes(within, chance);
        if self.mood == Mood::Down {
            return silence(within);
        }
        self.machines.remove(id);
        if takes >= within { silence(within) } else { Reply { takes, result: Ok(()) } }
    }

    /// Says what runs.
    pub fn list(&mut self, now: Instant, within: Duration, chance: &mut Rng) -> Reply<Vec<Listed>> {
        let truth: Vec<Listed> = self.machines.iter().map(listed).collect();
        self.past.push_back((now, truth.clone()));
        while self.past.front().is_some_and(|(at, _)| now.since(*at) > Self::STALE) {
            self.past.pop_front();
        }
        let takes = self.takes(within, chance);
        if self.mood == Mood::Down || takes >= within {
            return silence(within);
        }
        let result = if self.mood == Mood::Lying { self.lie(truth, chance) } else { truth };
        Reply { takes, result: Ok(result) }
    }

    fn lie(&self, mut truth: Vec<Listed>, chance: &mut Rng) -> Vec<Listed> {
        match chance.below(4) {
            0 => Vec::new(),
            1 => self.past.front().map(|(_, old)| old.clone()).unwrap_or_default(),
            2 => truth.iter().chain(&truth).cloned().collect(),
            _ => {
                truth.retain(|_| chance.below(2) == 0);
                truth
            }
        }
    }

    fn takes(&self, within: Duration, chance: &mut Rng) -> Duration {
        let usual = Duration::from_millis(50 + chance.below(400));
        let slow = self.mood == Mood::Slow;
        if slow { within.mul_f64(1.5 * chance.ratio()) } else { usual }
    }
}

fn listed((id, machine): (&InstanceId, &Machine)) -> Listed {
    let address = Some(machine.address);
    Listed { id: id.clone(), address, condition: Condition::Running, template: None }
}

const fn silence<T>(within: Duration) -> Reply<T> {
    Reply { takes: within, result: Err(ProviderFailure::Timeout) }
}

#[cfg(test)]
mod tests {
    use super::*;

    const WITHIN: Duration = Duration::from_secs(60);

    #[test]
    fn a_name_is_one_instance_however_often_it_is_asked_for() {
        let (mut provider, mut chance) = (Provider::default(), Rng::new(1));
        let id = InstanceId::parse("shop-1").expect("a name");
        for mood in [Mood::Well, Mood::Slow, Mood::Lying, Mood::Slow, Mood::Down, Mood::Short] {
            provider.become_mood(mood);
            provider.start(&id, Instant::ZERO, WITHIN, &mut chance);
            assert_eq!(provider.machines().len(), 1, "{mood:?}");
        }
        assert_eq!(provider.stop(&id, WITHIN, &mut chance).result, Ok(()));
        assert_eq!(provider.stop(&id, WITHIN, &mut chance).result, Ok(()), "it is not there");
        assert!(provider.machines().is_empty());
    }

    #[test]
    fn a_liar_sometimes_tells_the_truth() {
        let (mut provider, mut chance) = (Provider::default(), Rng::new(1));
        for number in 0..4 {
            let id = InstanceId::parse(&format!("shop-{number}")).expect("a name");
            provider.start(&id, Instant::ZERO, WITHIN, &mut chance);
        }
        let mut list = |mood| {
            provider.become_mood(mood);
            provider.list(Instant::ZERO, WITHIN, &mut chance).result
        };
        let truth = list(Mood::Well);
        assert_eq!(truth.as_ref().map(Vec::len), Ok(4));
        let told: Vec<_> = (0..100).map(|_| list(Mood::Lying)).collect();
        assert!(told.contains(&truth) && told.iter().any(|list| *list != truth));
        assert_eq!(list(Mood::Down), Err(ProviderFailure::Timeout));
    }
}
