//! Deadlines of one core: arming one is a store, and one sweep every tenth of a second fires those
//! that passed.
//!
//! A connection has one slot for its whole life and moves the deadline in it from phase to phase.
//! No timer is registered with the runtime, so a request costs two or three stores; the price is
//! that a deadline fires up to [`TICK`] late, which none of them minds. The slots also know which
//! connections are idle, and so which to let go when descriptors run short or the balancer stops.

use std::cell::RefCell;
use std::rc::Rc;
use std::task::Waker;

use tidegate_core::time::{Duration, Instant};

/// How often deadlines are swept, and so how late one may fire.
pub(crate) const TICK: Duration = Duration::from_millis(100);

/// All deadlines of one core.
#[derive(Debug, Default)]
pub(crate) struct Deadlines(RefCell<Slots>);

#[derive(Debug, Default)]
struct Slots {
    /// Apart from the rest, so that a sweep reads few cache lines.
    at: Vec<Instant>,
    rest: Vec<Rest>,
    free: Vec<usize>,
}

#[derive(Debug, Default)]
struct Rest {
    waker: Option<Waker>,
    /// Since when the connection waits for its next request; `None`: it is at work.
    idle_since: Option<Instant>,
    /// The connection should go.
    dismissed: bool,
}

/// The deadline of one connection.
#[derive(Debug)]
pub(crate) struct Deadline {
    deadlines: Rc<Deadlines>,
    slot: usize,
}

impl Deadlines {
    /// A slot for a new connection.
    pub(crate) fn register(self: &Rc<Self>) -> Deadline {
        let mut slots = self.0.borrow_mut();
        let slot = slots.free.pop().unwrap_or_else(|| {
            slots.at.push(Instant::NEVER);
            slots.rest.push(Rest::default());
            slots.at.len() - 1
        });
        Deadline { deadlines: Rc::clone(self), slot }
    }

    /// Wakes the connections whose deadline has passed.
    pub(crate) fn sweep(&self, now: Instant) {
        let mut slots = self.0.borrow_mut();
        let Slots { at, rest, .. } = &mut *slots;
        for (at, rest) in at.iter_mut().zip(rest) {
            if *at <= now {
                *at = Instant::NEVER;
                wake(rest);
            }
        }
    }

    /// Lets the connection go that has been idle the longest. False when none is idle.
    pub(crate) fn dismiss_oldest_idle(&self) -> bool {
        let mut slots = self.0.borrow_mut();
        let idle =
            slots.rest.iter_mut().filter(|rest| !rest.dismissed && rest.idle_since.is_some());
        let Some(oldest) = idle.min_by_key(|rest| rest.idle_since) else { return false };
        oldest.dismissed = true;
        wake(oldest);
        true
    }

    /// Asks every connection to go: idle ones at once, the others after their request.
    pub(crate) fn dismiss_all(&self) {
        for rest in &mut self.0.borrow_mut().rest {
            rest.dismissed = true;
            wake(rest);
        }
    }
}

fn wake(rest: &Rest) {
    if let Some(waker) = &rest.waker {
        waker.wake_by_ref();
    }
}

impl Deadline {
    /// Says whom to wake: the connection's task, once and for all.
    pub(crate) fn attach(&self, waker: &Waker) {
        self.deadlines.0.borrow_mut().rest[self.slot].waker = Some(waker.clone());
    }

    /// Moves the deadline.
    pub(crate) fn arm(&self, at: Instant) {
        self.deadlines.0.borrow_mut().at[self.slot] = at;
    }

    /// Whether the deadline fired since it was last armed.
    pub(crate) fn fired(&self) -> bool {
        self.deadlines.0.borrow().at[self.slot] == Instant::NEVER
    }

    /// Says since when the connection is idle, or that it is not.
    pub(crate) fn set_idle(&self, since: Option<Instant>) {
        self.deadlines.0.borrow_mut().rest[self.slot].idle_since = since;
    }

    /// Whether the connection should go.
    pub(crate) fn is_dismissed(&self) -> bool {
        self.deadlines.0.borrow().rest[self.slot].dismissed
    }
}

impl Drop for Deadline {
    fn drop(&mut self) {
        let mut slots = self.deadlines.0.borrow_mut();
        slots.at[self.slot] = Instant::NEVER;
        slots.rest[self.slot] = Rest::default();
        slots.free.push(self.slot);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_deadlines_that_passed_fire() {
        let deadlines = Rc::new(Deadlines::default());
        let (early, late) = (deadlines.register(), deadlines.register());
        early.arm(Instant::from_nanos(10));
        late.arm(Instant::from_nanos(20));
        deadlines.sweep(Instant::from_nanos(15));
        assert!(early.fired() && !late.fired());
    }

    #[test]
    fn the_longest_idle_goes_first_and_busy_ones_stay() {
        let deadlines = Rc::new(Deadlines::default());
        let slots = [deadlines.register(), deadlines.register(), deadlines.register()];
        slots[0].set_idle(Some(Instant::from_nanos(5)));
        slots[1].set_idle(Some(Instant::from_nanos(3)));
        assert!(deadlines.dismiss_oldest_idle());
        assert!(slots[1].is_dismissed() && !slots[0].is_dismissed());
        assert!(deadlines.dismiss_oldest_idle());
        assert!(slots[0].is_dismissed() && !slots[2].is_dismissed());
        assert!(!deadlines.dismiss_oldest_idle());
    }

    #[test]
    fn a_slot_is_used_again_clean() {
        let deadlines = Rc::new(Deadlines::default());
        let slot = deadlines.register();
        slot.set_idle(Some(Instant::ZERO));
        deadlines.dismiss_all();
        drop(slot);
        assert!(!deadlines.register().is_dismissed());
        assert_eq!(deadlines.0.borrow().at.len(), 1);
    }
}
