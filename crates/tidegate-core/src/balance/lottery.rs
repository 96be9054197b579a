//! Draws choices at random by weight.
//!
//! Each choice owns a stretch of the line from 0 to the total weight; a draw is a point on it,
//! found by binary search. When all weights are equal, stretches have length 1 and the point names
//! the place. A second choice is drawn from the same line with the first one's stretch cut out.
//!
//! Tried choices are drawn and drawn again: the odds among the others stay exactly as their
//! weights say. After a few draws in vain the next one in the circle is taken, so that a pick ends
//! even when a single choice of small weight is left.

use std::ops::Range;

use super::balancer::PickRequest;
use super::choices::{Choice, Choices};
use crate::rng::{mix, scale};

/// How often to draw before looking for an untried choice one by one.
const DRAWS: u64 = 8;

/// The stretches of the line.
#[derive(Debug, Default)]
pub(super) struct Lottery {
    /// Where each choice's stretch ends; empty when all weights are equal.
    ends: Vec<u64>,
    /// Where the line ends.
    total: u64,
}

impl Lottery {
    /// Lays out the weights of `choices`.
    pub(super) fn rebuild(&mut self, choices: &Choices) {
        self.rebuild_by(choices, |choice| choice.weight);
    }

    /// Lays out what counts as the `weight` of `choices`.
    pub(super) fn rebuild_by(&mut self, choices: &Choices, weight: fn(&Choice) -> u32) {
        self.ends.clear();
        let all = choices.all();
        if all.iter().all(|one| weight(one) == weight(&all[0])) {
            self.total = all.len() as u64;
            return;
        }
        let mut end = 0;
        self.ends.extend(all.iter().map(|one| {
            end += u64::from(weight(one));
            end
        }));
        self.total = end;
    }

    /// Whether all weights are equal.
    pub(super) fn is_even(&self) -> bool {
        self.ends.is_empty()
    }

    /// The place of any choice, tried or not; `None` if there are no choices.
    #[inline]
    pub(super) fn place(&self, draw: u64) -> Option<usize> {
        (self.total > 0).then(|| self.place_at(scale(draw, self.total)))
    }

    /// A choice that was not tried; `None` if there is none.
    #[inline]
    pub(super) fn one<'c>(
        &self,
        choices: &'c Choices,
        request: &PickRequest<'_>,
    ) -> Option<&'c Choice> {
        let place = self.draw(choices.all(), request, request.draw, 0..0)?;
        Some(&choices.all()[place])
    }

    /// Two distinct choices that were not tried. The second is `None` if one is left, and the
    /// whole if none is.
    #[inline]
    pub(super) fn two<'c>(
        &self,
        choices: &'c Choices,
        request: &PickRequest<'_>,
    ) -> Option<(&'c Choice, Option<&'c Choice>)> {
        let all = choices.all();
        let first = self.draw(all, request, request.draw, 0..0)?;
        let second = self.draw(all, request, redraw(request.draw, DRAWS), self.stretch(first));
        Some((&all[first], second.map(|place| &all[place])))
    }

    /// The place of a choice that was not tried and whose stretch is not `cut` out.
    fn draw(
        &self,
        all: &[Choice],
        request: &PickRequest<'_>,
        draw: u64,
        cut: Range<u64>,
    ) -> Option<usize> {
        let gap = cut.end - cut.start;
        let length = self.total - gap;
        if length == 0 {
            return None;
        }
        let mut place = 0;
        for attempt in 0..DRAWS {
            let point = scale(redraw(draw, attempt), length);
            place = self.place_at(if point < cut.start { point } else { point + gap });
            if request.allows(all[place].server) {
                return Some(place);
            }
        }
        let mut circle = (place..all.len()).chain(0..place);
        circle.find(|&next| self.stretch(next) != cut && request.allows(all[next].server))
    }

    /// The place whose stretch holds `point`, which is on the line.
    fn place_at(&self, point: u64) -> usize {
        debug_assert!(point < self.total);
        if self.is_even() {
            usize::try_from(point).unwrap_or(usize::MAX)
        } else {
            self.ends.partition_point(|&end| end <= point)
        }
    }

    fn stretch(&self, place: usize) -> Range<u64> {
        if self.is_even() {
            return place as u64..place as u64 + 1;
        }
        let start = if place == 0 { 0 } else { self.ends[place - 1] };
        start..self.ends[place]
    }
}

/// Another draw made from `draw`; the first is `draw` itself.
pub(super) const fn redraw(draw: u64, attempt: u64) -> u64 {
    if attempt == 0 {
        return draw;
    }
    // The odd constant keeps a draw of 0 from mapping to itself.
    mix(draw.wrapping_add(attempt.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
}
