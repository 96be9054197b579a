//! Instances by where they are in their lives, with a start that takes its time and an end that
//! takes none.

use std::collections::VecDeque;

use tidegate_core::scale::observed::FleetCount;

/// How many there should be.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// In rotation.
    pub servers: u32,
    /// Kept warm.
    pub warm: u32,
}

/// The instances of a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Fleet {
    serving: u32,
    starting: VecDeque<Launch>,
    warm_ready: u32,
    warm_starting: VecDeque<Launch>,
    startup: usize,
}

/// Instances that start together.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Launch {
    ready: usize,
    count: u32,
}

impl Fleet {
    /// `serving` instances; others take `startup` ticks to join them.
    #[must_use]
    pub const fn new(serving: u32, startup: usize) -> Self {
        Self {
            serving,
            starting: VecDeque::new(),
            warm_ready: 0,
            warm_starting: VecDeque::new(),
            startup,
        }
    }

    /// Where they are.
    #[must_use]
    pub fn count(&self) -> FleetCount {
        FleetCount {
            serving: self.serving,
            starting: total(&self.starting),
            warm: self.warm_ready + total(&self.warm_starting),
            warm_ready: self.warm_ready,
            ..FleetCount::default()
        }
    }

    /// Those that are ready by this tick begin to serve, or to be warm.
    pub fn arrive(&mut self, tick: usize) {
        self.serving += take_ready(&mut self.starting, tick);
        self.warm_ready += take_ready(&mut self.warm_starting, tick);
    }

    /// Starts and stops until there are as many as there should be, or on their way.
    pub fn resize(&mut self, size: Size, tick: usize) {
        let committed = self.serving + total(&self.starting);
        if size.servers >= committed {
            self.grow(size.servers - committed, tick);
        } else {
            let over = committed - size.servers;
            let kept = drop_latest(&mut self.starting, over);
            self.serving -= kept;
        }
        let warm = self.warm_ready + total(&self.warm_starting);
        if size.warm > warm {
            launch(&mut self.warm_starting, size.warm - warm, tick + self.startup);
        } else {
            let kept = drop_latest(&mut self.warm_starting, warm - size.warm);
            self.warm_ready -= kept;
        }
        self.arrive(tick);
    }

    /// What is warm enters rotation first, then what is on its way there, then new ones start.
    fn grow(&mut self, more: u32, tick: usize) {
        let ready = more.min(self.warm_ready);
        self.warm_ready -= ready;
        self.serving += ready;
        let mut more = more - ready;
        while more > 0 {
            let Some(first) = self.warm_starting.front_mut() else { break };
            let taken = more.min(first.count);
            let at = first.ready;
            first.count -= taken;
            if first.count == 0 {
                self.warm_starting.pop_front();
            }
            launch(&mut self.starting, taken, at);
            more -= taken;
        }
        if more > 0 {
            launch(&mut self.starting, more, tick + self.startup);
        }
    }
}

/// Adds a launch in the order of readiness.
fn launch(launches: &mut VecDeque<Launch>, count: u32, ready: usize) {
    let place = launches.partition_point(|launch| launch.ready <= ready);
    launches.insert(place, Launch { ready, count });
}

fn total(launches: &VecDeque<Launch>) -> u32 {
    launches.iter().map(|launch| launch.count).sum()
}

fn take_ready(launches: &mut VecDeque<Launch>, tick: usize) -> u32 {
    let mut ready = 0;
    while let Some(first) = launches.front().filter(|first| first.ready <= tick) {
        ready += first.count;
        launches.pop_front();
    }
    ready
}

/// Takes `count` away, those first that would be ready last; tells how many are still to go.
fn drop_latest(launches: &mut VecDeque<Launch>, count: u32) -> u32 {
    let mut left = count;
    while left > 0 {
        let Some(last) = launches.back_mut() else { break };
        let gone = left.min(last.count);
        last.count -= gone;
        left -= gone;
        if last.count == 0 {
            launches.pop_back();
        }
    }
    left
}

#[cfg(test)]
mod tests {
    use super::*;

    fn size(servers: u32, warm: u32) -> Size {
        Size { servers, warm }
    }

    #[test]
    fn a_launch_serves_after_its_start_up_and_a_stop_is_at_once() {
        let mut fleet = Fleet::new(3, 2);
        fleet.resize(size(5, 0), 0);
        assert_eq!((fleet.count().serving, fleet.count().starting), (3, 2));
        fleet.arrive(1);
        assert_eq!(fleet.count().serving, 3);
        fleet.arrive(2);
        assert_eq!((fleet.count().serving, fleet.count().starting), (5, 0));
        fleet.resize(size(6, 0), 3);
        fleet.resize(size(4, 0), 4);
        assert_eq!((fleet.count().serving, fleet.count().starting), (4, 0), "the new one first");
    }

    #[test]
    fn what_is_warm_enters_at_once_and_is_refilled() {
        let mut fleet = Fleet::new(3, 2);
        fleet.resize(size(3, 2), 0);
        fleet.arrive(2);
        assert_eq!(fleet.count().warm_ready, 2);
        fleet.resize(size(6, 2), 2);
        let count = fleet.count();
        assert_eq!((count.serving, count.starting), (5, 1));
        assert_eq!((count.warm, count.warm_ready), (2, 0));
    }

    #[test]
    fn without_a_start_up_a_launch_serves_at_once() {
        let mut fleet = Fleet::new(1, 0);
        fleet.resize(size(4, 1), 7);
        assert_eq!((fleet.count().serving, fleet.count().warm_ready), (4, 1));
    }
}
