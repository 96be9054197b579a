//! Demand with known shapes, for tests that have no real trace at hand.

use tidegate_core::rng::Rng;

use super::replay::TICK_SECONDS;

/// Ticks of a day.
pub const DAY: usize = 86_400 / TICK_SECONDS as usize;

/// The shape of demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// Every day has its peak, with bursts of ten minutes at times that nobody knows.
    DaysWithBursts,
    /// Every day has its peak, and weekends are calm.
    Weeks,
    /// As ever, then four times as much.
    Step,
    /// As ever, and once ten times as much for a quarter of an hour.
    Flash,
    /// Nothing, mostly.
    Sparse,
}

/// Requests a second, tick by tick, for so many days.
#[must_use]
pub fn demand(shape: Shape, days: usize, seed: u64) -> Vec<f64> {
    let mut rng = Rng::new(seed);
    let mut burst = 0;
    let mut demand = Vec::with_capacity(days * DAY);
    for tick in 0..days * DAY {
        let noise = 1.0 + 0.04 * (rng.ratio() + rng.ratio() - 1.0);
        if rng.below(DAY as u64 / 6) == 0 {
            burst = 40;
        }
        burst = usize::saturating_sub(burst, 1);
        let turn = std::f64::consts::TAU * (tick % DAY) as f64 / DAY as f64;
        let daily = 1.0 - 0.7 * turn.cos();
        let shaped = match shape {
            Shape::DaysWithBursts => daily * if burst > 0 { 1.8 } else { 1.0 },
            Shape::Weeks => daily * if tick / DAY % 7 < 5 { 1.0 } else { 0.4 },
            Shape::Step => {
                if tick > days * DAY / 2 {
                    4.0
                } else {
                    1.0
                }
            }
            Shape::Flash => {
                if (0..60).contains(&(tick as isize - (days * DAY / 2) as isize)) {
                    10.0
                } else {
                    1.0
                }
            }
            Shape::Sparse => {
                if rng.below(400) == 0 {
                    1.0
                } else {
                    0.0
                }
            }
        };
        demand.push(500.0 * shaped * noise);
    }
    demand
}
