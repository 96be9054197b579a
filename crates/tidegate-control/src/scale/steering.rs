//! What people ask of the autoscaler, kept across restarts. Whatever is asked ends by itself.

use std::collections::BTreeMap;
use std::fmt;

use serde::{Deserialize, Serialize};
use thiserror::Error;
use tidegate_core::config::text::duration;
use tidegate_core::model::ids::PoolName;
use tidegate_core::scale::observed::{Hand, HandWants, Steering};
use tidegate_core::time::{Duration, UnixTime};

/// The longest that anything asked for lasts.
pub const LAST_MAX: Duration = Duration::from_secs(30 * 86_400);

/// What somebody asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Order {
    /// A number of servers of a pool, for so long.
    Scale {
        /// The pool.
        pool: PoolName,
        /// How many.
        wants: HandWants,
        /// For how long, at most [`LAST_MAX`].
        lasts: Duration,
    },
    /// What was asked for a pool is over.
    Auto {
        /// The pool.
        pool: PoolName,
    },
    /// No pool changes, for so long.
    Freeze {
        /// For how long, at most [`LAST_MAX`].
        lasts: Duration,
    },
    /// Pools change again.
    Thaw,
}

impl fmt::Display for Order {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let for_ = |lasts: &Duration| duration::print(*lasts);
        match self {
            Self::Scale { pool, wants: HandWants::Exactly(servers), lasts } => {
                write!(f, "pool {pool} has {servers} servers for {}", for_(lasts))
            }
            Self::Scale { pool, wants: HandWants::AtLeast(servers), lasts } => {
                write!(f, "pool {pool} has at least {servers} servers for {}", for_(lasts))
            }
            Self::Auto { pool } => write!(f, "pool {pool} is left to its policy"),
            Self::Freeze { lasts } => write!(f, "no pool is scaled for {}", for_(lasts)),
            Self::Thaw => f.write_str("pools are scaled again"),
        }
    }
}

/// Why an order is not taken.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
pub enum OrderError {
    /// There is no such pool.
    #[error("there is no such pool")]
    NoPool,
    /// Its servers are those listed.
    #[error("pool {0} has no autoscale")]
    NotScaled(PoolName),
    /// It would last too long, or not at all.
    #[error("it has to last for more than nothing and at most 30 days")]
    Lasts,
    /// It could not be kept, and would not outlive a restart.
    #[error("it cannot be kept: {0}")]
    Kept(String),
    /// The balancer stops.
    #[error("the balancer is stopping")]
    Stopping,
}

/// All that was asked for and is not over.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Orders {
    hands: BTreeMap<String, KeptHand>,
    frozen_until: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct KeptHand {
    servers: u32,
    exactly: bool,
    until: u64,
    by: String,
}

impl Orders {
    /// What was kept; anything else than that is nothing.
    pub(crate) fn parse(text: &[u8]) -> Result<Self, serde_json::Error> {
        serde_json::from_slice(text)
    }

    /// What is to be kept.
    pub(crate) fn print(&self) -> Vec<u8> {
        serde_json::to_vec_pretty(self).expect("numbers and strings under strings are JSON")
    }

    /// Takes an order in.
    pub(crate) fn take(&mut self, order: &Order, by: &str, at: UnixTime) {
        match order {
            Order::Scale { pool, wants, lasts } => {
                let (servers, exactly) = match *wants {
                    HandWants::Exactly(servers) => (servers, true),
                    HandWants::AtLeast(servers) => (servers, false),
                };
                let (until, by) = (after(at, *lasts), by.to_owned());
                let hand = KeptHand { servers, exactly, until, by };
                self.hands.insert(pool.to_string(), hand);
            }
            Order::Auto { pool } => {
                self.hands.remove(pool.as_str());
            }
            Order::Freeze { lasts } => self.frozen_until = Some(after(at, *lasts)),
            Order::Thaw => self.frozen_until = None,
        }
    }

    /// Forgets what is over, and pools that are gone.
    pub(crate) fn tidy(&mut self, at: UnixTime, is_scaled: impl Fn(&str) -> bool) {
        let at = at.as_millis();
        self.hands.retain(|pool, hand| hand.until > at && is_scaled(pool));
        self.frozen_until = self.frozen_until.filter(|until| *until > at);
    }

    /// What is asked of one pool.
    pub(crate) fn of(&self, pool: &PoolName) -> Steering {
        let hand = self.hands.get(pool.as_str()).map(|kept| Hand {
            wants: match kept.exactly {
                true => HandWants::Exactly(kept.servers),
                false => HandWants::AtLeast(kept.servers),
            },
            until: UnixTime::from_millis(kept.until),
            by: kept.by.clone(),
        });
        Steering { hand, frozen: self.frozen_until.map(UnixTime::from_millis) }
    }
}

fn after(at: UnixTime, lasts: Duration) -> u64 {
    at.as_millis().saturating_add(u64::try_from(lasts.as_millis()).unwrap_or(u64::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    const HOUR: Duration = Duration::from_secs(3600);

    fn at(hours: u64) -> UnixTime {
        UnixTime::from_millis(hours * 3_600_000)
    }

    fn shop() -> PoolName {
        PoolName::new("shop")
    }

    fn scale(wants: HandWants) -> Order {
        Order::Scale { pool: shop(), wants, lasts: HOUR }
    }

    #[test]
    fn what_is_asked_for_survives_being_kept() {
        let mut orders = Orders::default();
        orders.take(&scale(HandWants::AtLeast(12)), "alice", at(1));
        orders.take(&Order::Freeze { lasts: HOUR }, "bob", at(1));
        let kept = Orders::parse(&orders.print()).expect("it was printed");
        assert_eq!(kept, orders);
        let hand = Hand { wants: HandWants::AtLeast(12), until: at(2), by: "alice".to_owned() };
        assert_eq!(kept.of(&shop()), Steering { hand: Some(hand), frozen: Some(at(2)) });
        assert_eq!(kept.of(&PoolName::new("api")).hand, None);
        assert!(Orders::parse(b"[]").is_err());
    }

    #[test]
    fn the_last_word_holds_and_ends() {
        let mut orders = Orders::default();
        orders.take(&scale(HandWants::AtLeast(12)), "alice", at(1));
        orders.take(&scale(HandWants::Exactly(3)), "bob", at(1));
        let hand = orders.of(&shop()).hand.expect("bob said so");
        assert_eq!((hand.wants, hand.by.as_str()), (HandWants::Exactly(3), "bob"));
        let mut over = orders.clone();
        over.tidy(at(2), |_| true);
        assert_eq!(over, Orders::default());
        let mut gone = orders.clone();
        gone.tidy(at(1), |_| false);
        assert_eq!(gone, Orders::default());
        orders.take(&Order::Auto { pool: shop() }, "alice", at(1));
        assert_eq!(orders, Orders::default());
    }
}
