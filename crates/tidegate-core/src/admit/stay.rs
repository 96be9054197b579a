//! How long a client's HTTP/2 connection may stay.
//!
//! A machine: whoever drives the connection says how it stands and what time it is, and is told
//! what to do, or when to ask again. A connection that idles, grows old or is not wanted any more
//! is told to go, and has some time for its last streams; one within a field block has the time of
//! any head, as nothing else can come over it meanwhile (RFC 9113, section 4.3).

use crate::model::listener::ListenerLimits;
use crate::time::{Duration, Instant};

/// How long a client that was told to go may take to end its last streams and hang up.
const FAREWELL: Duration = Duration::from_secs(30);

/// The stay of one connection.
#[derive(Clone, Debug)]
pub struct Stay {
    idle_timeout: Duration,
    header_timeout: Duration,
    /// When it should be asked to go.
    retire_at: Instant,
    /// Since when no exchange has been under way.
    idle_since: Option<Instant>,
    /// The client was told to go, and has until then.
    farewell: Option<Instant>,
}

/// How a connection stands.
#[derive(Clone, Copy, Debug)]
pub struct Standing {
    /// Exchanges under way.
    pub exchanges: u32,
    /// Since when the client has been within a field block.
    pub fields_since: Option<Instant>,
    /// Whether it is wanted no more.
    pub dismissed: bool,
}

/// What to do with a connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Advice {
    /// Nothing, until then or until something comes.
    Wait(Instant),
    /// Tell the client to go.
    Farewell,
    /// End it: a field block does not come to its end.
    Cut,
    /// End it: the client has had its time to go.
    Close,
}

impl Stay {
    /// Of a connection that should be asked to go at `retire_at`.
    #[must_use]
    pub const fn new(limits: &ListenerLimits, retire_at: Instant) -> Self {
        Self {
            idle_timeout: limits.idle_timeout,
            header_timeout: limits.header_timeout,
            retire_at,
            idle_since: None,
            farewell: None,
        }
    }

    /// An exchange is about to begin. False when the client has had its time to go, and is served
    /// no more.
    pub fn begin(&mut self, now: Instant) -> bool {
        self.idle_since = None;
        self.farewell.is_none_or(|due| now < due)
    }

    /// The client was told to go.
    pub fn part(&mut self, now: Instant) {
        self.farewell = Some(now + FAREWELL);
    }

    /// What to do at `now`. Of a farewell nothing is known here until [`Stay::part`].
    pub fn advise(&mut self, standing: Standing, now: Instant) -> Advice {
        let Standing { exchanges, fields_since, dismissed } = standing;
        let idle_since = (exchanges == 0).then(|| *self.idle_since.get_or_insert(now));
        let head_due = fields_since.map_or(Instant::NEVER, |since| since + self.header_timeout);
        if now >= head_due {
            return Advice::Cut;
        }
        if let Some(due) = self.farewell {
            let over = now >= due && exchanges == 0;
            return if over { Advice::Close } else { Advice::Wait(due.min(head_due)) };
        }
        let idle_due = idle_since.map_or(Instant::NEVER, |since| since + self.idle_timeout);
        let due = self.retire_at.min(idle_due);
        match dismissed || now >= due {
            true => Advice::Farewell,
            false => Advice::Wait(due.min(head_due)),
        }
    }

    /// Since when no exchange has been under way.
    #[must_use]
    pub const fn idle_since(&self) -> Option<Instant> {
        self.idle_since
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::listener::Progress;
    use crate::model::ratio::Limit;

    const AT_WORK: Standing = Standing { exchanges: 1, fields_since: None, dismissed: false };
    const IDLE: Standing = Standing { exchanges: 0, ..AT_WORK };

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    /// A stay that begins at 0, idles for 75 seconds, has 10 for a head, and ends at 3600.
    fn stay() -> Stay {
        let limits = ListenerLimits {
            handshake_timeout: Duration::MAX,
            header_timeout: Duration::from_secs(10),
            header_bytes: 0,
            header_fields: 0,
            body_bytes: Limit::Unlimited,
            idle_timeout: Duration::from_secs(75),
            body_progress: Progress { rate: 0, window: Duration::MAX },
            max_age: Duration::MAX,
            connections: Limit::Unlimited,
            connections_per_client: Limit::Unlimited,
        };
        Stay::new(&limits, at(3600))
    }

    #[test]
    fn a_connection_idles_for_its_time_and_works_for_its_age() {
        let mut stay = stay();
        assert_eq!(stay.advise(IDLE, at(1)), Advice::Wait(at(76)));
        assert_eq!(stay.advise(IDLE, at(75)), Advice::Wait(at(76)));
        assert!(stay.begin(at(75)));
        assert_eq!(stay.advise(AT_WORK, at(75)), Advice::Wait(at(3600)));
        assert_eq!(stay.advise(AT_WORK, at(3599)), Advice::Wait(at(3600)));
        assert_eq!(stay.advise(AT_WORK, at(3600)), Advice::Farewell);
        let mut stay = self::stay();
        assert_eq!(stay.advise(IDLE, at(3590)), Advice::Wait(at(3600)));
        let mut stay = self::stay();
        assert_eq!(stay.advise(IDLE, at(1)), Advice::Wait(at(76)));
        assert_eq!(stay.advise(IDLE, at(76)), Advice::Farewell);
        let unwanted = Standing { dismissed: true, ..AT_WORK };
        assert_eq!(self::stay().advise(unwanted, at(1)), Advice::Farewell);
    }

    /// Security case D13.
    #[test]
    fn who_was_told_to_go_has_thirty_seconds_and_then_no_more_requests() {
        let mut stay = stay();
        stay.part(at(100));
        assert!(stay.begin(at(129)), "it may not have heard yet");
        assert_eq!(stay.advise(AT_WORK, at(129)), Advice::Wait(at(130)));
        assert!(!stay.begin(at(130)));
        // What was begun in time is served to its end, and nothing behind it.
        assert_eq!(stay.advise(AT_WORK, at(200)), Advice::Wait(at(130)));
        assert!(!stay.begin(at(200)));
        assert_eq!(stay.advise(IDLE, at(200)), Advice::Close);
        let mut silent = self::stay();
        silent.part(at(100));
        let unwanted = Standing { dismissed: true, ..IDLE };
        assert_eq!(silent.advise(unwanted, at(129)), Advice::Wait(at(130)), "once is enough");
        assert_eq!(silent.advise(unwanted, at(130)), Advice::Close);
    }

    /// Security case D3.
    #[test]
    fn a_field_block_has_the_time_of_a_head_whatever_else_goes_on() {
        for standing in [AT_WORK, IDLE] {
            let within = Standing { fields_since: Some(at(50)), ..standing };
            let mut stay = stay();
            assert_eq!(stay.advise(within, at(50)), Advice::Wait(at(60)));
            assert_eq!(stay.advise(within, at(60)), Advice::Cut);
            stay.part(at(50));
            assert_eq!(stay.advise(within, at(59)), Advice::Wait(at(60)));
            assert_eq!(stay.advise(within, at(60)), Advice::Cut);
        }
    }
}
