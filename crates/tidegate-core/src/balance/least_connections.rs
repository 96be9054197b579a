//! Least connections: the choice with the fewest requests in flight; ties at random.
//!
//! All choices are looked at, so the cost grows with the pool; `p2c` comes close to the result
//! for two looks. The counters are shared by all cores, and another core's request may begin in
//! the midst of a scan: the pick is then one request out of date, as any pick is a moment later.
//!
//! A ramping server's requests in flight count as if they were on the fraction of a server that it
//! is so far, and it wins that fraction of ties. So the requests that it works on at once grow
//! with its progress, from one up: an idle server is the least loaded, however cold.

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use super::lottery::{Lottery, redraw};
use super::picker::Picker;
use crate::rng::scale;

/// How often to draw in search of an idle choice.
const IDLE_DRAWS: u64 = 4;

/// Picks the one with the fewest in flight.
#[derive(Debug, Default)]
pub(super) struct LeastConnections {
    scan: Scan,
}

impl Picker for LeastConnections {
    fn rebuild(&mut self, choices: &Choices) {
        self.scan.rebuild(choices, of_progress);
    }

    fn pick<'c>(&mut self, choices: &'c Choices, request: &PickRequest<'_>) -> Option<&'c Choice> {
        self.scan.least(choices, request, of_progress)
    }
}

/// What a request in flight is divided by when weights are ignored.
fn of_progress(choice: &Choice) -> u32 {
    choice.progress.thousandths()
}

/// Finds the choice with the fewest requests in flight per weight; ties at random by weight.
///
/// In a pool with more servers than requests, some server is idle, and no load is less than none.
/// A few are drawn by weight first, and the first idle one taken: that is a fair draw among all
/// that are idle, without looking at the rest.
#[derive(Debug, Default)]
pub(super) struct Scan {
    lottery: Lottery,
    /// Room for as many ties as there are choices; what it holds matters to one pick only.
    tied: Vec<Tied>,
}

/// One of those that share the least load.
#[derive(Clone, Debug, Default)]
struct Tied {
    place: usize,
    /// The weights of the tied up to here, for the draw.
    end: u64,
}

impl Scan {
    /// Prepares for `choices`, so that no pick has to make room.
    pub(super) fn rebuild(&mut self, choices: &Choices, weight: fn(&Choice) -> u32) {
        self.lottery.rebuild_by(choices, weight);
        self.tied.clear();
        self.tied.resize(choices.all().len(), Tied::default());
    }

    /// The least loaded choice, `weight` saying what a request in flight is divided by.
    pub(super) fn least<'c>(
        &mut self,
        choices: &'c Choices,
        request: &PickRequest<'_>,
        weight: impl Fn(&Choice) -> u32,
    ) -> Option<&'c Choice> {
        if self.lottery.is_even() {
            // The compiler then leaves out the multiplications.
            self.search(choices, request, |_| 1)
        } else {
            self.search(choices, request, weight)
        }
    }

    fn search<'c>(
        &mut self,
        choices: &'c Choices,
        request: &PickRequest<'_>,
        weight: impl Fn(&Choice) -> u32,
    ) -> Option<&'c Choice> {
        let all = choices.all();
        if request.tried.is_empty() {
            let idle = self.idle(all, request.draw);
            idle.or_else(|| self.draw(all, request.draw, weight, |_| true))
        } else {
            self.draw(all, request.draw, weight, |one| request.allows(one.server))
        }
    }

    /// One of a few drawn, if it is idle.
    fn idle<'c>(&self, all: &'c [Choice], draw: u64) -> Option<&'c Choice> {
        let drawn = (0..IDLE_DRAWS).filter_map(|attempt| self.lottery.place(redraw(draw, attempt)));
        drawn.map(|place| &all[place]).find(|one| one.state.in_flight() == 0)
    }

    /// One of the least loaded that `admits` approves.
    fn draw<'c>(
        &mut self,
        all: &'c [Choice],
        draw: u64,
        weight: impl Fn(&Choice) -> u32,
        admits: impl Fn(&Choice) -> bool,
    ) -> Option<&'c Choice> {
        let room = &mut self.tied[..all.len()];
        let mut least = Load::MAX;
        let (mut tied, mut end) = (0, 0);
        for (place, one) in all.iter().enumerate() {
            let load = Load { in_flight: one.state.in_flight(), weight: weight(one) };
            if load.exceeds(least) || !admits(one) {
                continue;
            }
            if least.exceeds(load) {
                (least, tied, end) = (load, 0, 0);
            }
            end += u64::from(load.weight);
            room[tied] = Tied { place, end };
            tied += 1;
        }
        let point = scale(redraw(draw, IDLE_DRAWS), end);
        let drawn = room[..tied].partition_point(|one| one.end <= point);
        Some(&all[room[..tied].get(drawn)?.place])
    }
}

/// Requests in flight over weight, compared without dividing.
#[derive(Clone, Copy)]
struct Load {
    in_flight: u32,
    weight: u32,
}

impl Load {
    /// More than any load: something over nothing.
    const MAX: Self = Self { in_flight: 1, weight: 0 };

    #[inline]
    fn exceeds(self, other: Self) -> bool {
        let cross = |of: Self, against: Self| u64::from(of.in_flight) * u64::from(against.weight);
        cross(self, other) > cross(other, self)
    }
}
