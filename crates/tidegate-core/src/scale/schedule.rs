//! Which sales bind at a moment, and from when to when each is held.
//!
//! A sale binds a `lead` before it begins, so that what is launched for it serves at its first
//! moment, and up to its end. One that comes again does so by the clock on the wall of its zone:
//! its occurrences are a day or a week apart on that clock, whatever their distance in hours. A
//! time that the clock skips or shows twice can be read in two ways; an occurrence lasts from the
//! earlier reading of its beginning to the later one of its end, so that capacity is there under
//! both. How many servers a sale takes is for the planner to say.

use crate::model::autoscale::{Every, Repeat, Sale};
use crate::model::zone::WallTime;
use crate::time::{Duration, UnixTime};

/// A sale that binds, with the occurrence that does.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due<'a> {
    /// The sale.
    pub sale: &'a Sale,
    /// When this occurrence begins: its capacity serves then.
    pub from: UnixTime,
    /// When it is over.
    pub to: UnixTime,
}

/// The sales that bind at `at`, in the order of the configuration: those that are held, and those
/// that begin within `lead`. Of a sale that comes again, the first occurrence that is not over.
#[must_use]
pub fn upcoming(sales: &[Sale], at: UnixTime, lead: Duration) -> Vec<Due<'_>> {
    sales.iter().filter_map(|sale| due(sale, at, lead)).collect()
}

/// Whether a sale is held at `at`.
#[must_use]
pub fn is_held(sale: &Sale, at: UnixTime) -> bool {
    due(sale, at, Duration::ZERO).is_some()
}

fn due(sale: &Sale, at: UnixTime, lead: Duration) -> Option<Due<'_>> {
    let (from, to) = match &sale.repeat {
        Some(repeat) => occurrence(sale, repeat, at)?,
        None => (sale.from, sale.to),
    };
    let ahead = Duration::from_millis(from.as_millis().saturating_sub(at.as_millis()));
    (ahead <= lead && at < to).then_some(Due { sale, from, to })
}

const DAY: u64 = 24 * 60 * 60 * 1000;

/// Clocks of a zone have been put forward or back by a day at most.
const DISTANCE_MAX: u64 = 2 * DAY;

/// The first occurrence that is not over at `at`; `None` beyond the calendar.
fn occurrence(sale: &Sale, repeat: &Repeat, at: UnixTime) -> Option<(UnixTime, UnixTime)> {
    if at < sale.to {
        return Some((sale.from, sale.to));
    }
    let days = match repeat.every {
        Every::Day => 1,
        Every::Week => 7,
    };
    let (from, to) = (repeat.zone.wall(sale.from)?, repeat.zone.wall(sale.to)?);
    // A sale that the clock never shows, as it is put back meanwhile, is held once.
    if to <= from {
        return None;
    }
    let since = at.as_millis() - sale.to.as_millis();
    // Had no clock been put forward or back, this many would be over; no fewer are than these.
    let over = since.saturating_sub(DISTANCE_MAX) / (days * DAY);
    let nth = |count: u64| {
        let later = |wall: WallTime| wall.days_later(count * days);
        let (from, to) = (repeat.zone.earliest(later(from)?)?, repeat.zone.latest(later(to)?)?);
        Some((from, to))
    };
    (over.max(1)..).map_while(nth).find(|(_, to)| at < *to)
}

#[cfg(test)]
mod tests;
