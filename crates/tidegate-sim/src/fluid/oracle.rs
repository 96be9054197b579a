//! Two yardsticks: one that knows the future, and one that never moves.

use super::fleet::Size;
use super::replay::{Scaler, Seen};

/// How full the perfect look-ahead fills its servers.
const FULL: f64 = 0.95;

/// Perfect look-ahead over the start-up time.
#[derive(Clone, Debug)]
pub struct Oracle {
    /// For each tick the highest demand until a launch of that tick serves.
    peaks: Vec<f64>,
}

impl Oracle {
    /// One that knows `demand`, tick by tick, and that a start takes `startup` ticks.
    #[must_use]
    pub fn new(demand: &[f64], startup: usize) -> Self {
        let peak = |from: usize| {
            let until = demand.len().min(from + startup + 1);
            demand[from..until].iter().copied().fold(0.0, f64::max)
        };
        Self { peaks: (0..demand.len()).map(peak).collect() }
    }
}

impl Scaler for Oracle {
    fn size(&mut self, seen: &Seen<'_>) -> Size {
        let peak = self.peaks.get(seen.tick).copied().unwrap_or(0.0);
        Size { servers: servers_at(peak, seen.capacity, FULL), warm: 0 }
    }
}

/// As many as there are.
#[derive(Clone, Copy, Debug)]
pub struct Fixed(pub u32);

impl Scaler for Fixed {
    fn size(&mut self, _seen: &Seen<'_>) -> Size {
        Size { servers: self.0, warm: 0 }
    }
}

/// Servers of which `demand` fills this share.
#[must_use]
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "saturates; above 0")]
pub fn servers_at(demand: f64, capacity: f64, share: f64) -> u32 {
    (demand / (capacity * share)).ceil() as u32
}
