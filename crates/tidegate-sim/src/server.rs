//! A simulated server: how long it takes, and how it fails.
//!
//! Service time rises with the square of the load and varies by a fifth either way; a server that
//! has just come up is slower until it is warm. A server that hangs accepts work and never answers;
//! the caller's timeout is the caller's.

use tidegate_core::rng::Rng;
use tidegate_core::time::{Duration, Instant};

/// What a server is made of.
#[derive(Clone, Copy, Debug)]
pub struct Build {
    /// Service time when idle and warm.
    pub service: Duration,
    /// Requests at once at which the service time has doubled.
    pub capacity: u32,
    /// How many times slower it is when cold.
    pub cold_factor: f64,
    /// How long it takes to get warm.
    pub warm_up: Duration,
}

/// How a server is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// As built.
    Well,
    /// As built, but each answer takes this much longer.
    Slow(Duration),
    /// It answers with this status code.
    Failing(u16),
    /// It closes connections before it answers.
    Resetting,
    /// It accepts and never answers.
    Hanging,
    /// Nobody listens.
    Refusing,
}

impl Condition {
    /// Whether no request can succeed.
    #[must_use]
    pub const fn is_dead(self) -> bool {
        !matches!(self, Self::Well | Self::Slow(_))
    }
}

/// What comes of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Answer {
    /// A status code, after a while.
    Status(u16, Duration),
    /// The connection closes, after a while.
    Reset(Duration),
    /// The connection is refused at once.
    Refused,
    /// Nothing, ever.
    Silence,
}

/// A simulated server.
#[derive(Clone, Debug)]
pub struct Server {
    build: Build,
    condition: Condition,
    up_since: Instant,
    in_flight: u32,
}

impl Server {
    /// A server that has been up, and warm, for ever.
    #[must_use]
    pub fn new(build: Build) -> Self {
        Self { up_since: Instant::ZERO, condition: Condition::Well, in_flight: 0, build }
    }

    /// How it is.
    #[must_use]
    pub const fn condition(&self) -> Condition {
        self.condition
    }

    /// Changes how it is; one that nobody listened at starts cold.
    pub fn become_condition(&mut self, condition: Condition, now: Instant) {
        if self.condition == Condition::Refusing && condition != Condition::Refusing {
            self.up_since = now;
        }
        self.condition = condition;
    }

    /// Takes a request. If the answer takes time, [`Server::finish`] is owed after it.
    pub fn take(&mut self, now: Instant, chance: &mut Rng) -> Answer {
        let takes = self.service_time(now, chance);
        let answer = match self.condition {
            Condition::Well => Answer::Status(200, takes),
            Condition::Slow(extra) => Answer::Status(200, takes + extra),
            Condition::Failing(code) => Answer::Status(code, takes),
            Condition::Resetting => Answer::Reset(takes),
            Condition::Hanging => Answer::Silence,
            Condition::Refusing => Answer::Refused,
        };
        self.in_flight += u32::from(answer.takes().is_some());
        answer
    }

    /// A request that took time is over.
    pub fn finish(&mut self) {
        debug_assert!(self.in_flight > 0, "what finishes has begun");
        self.in_flight -= 1;
    }

    fn service_time(&self, now: Instant, chance: &mut Rng) -> Duration {
        let load = f64::from(self.in_flight) / f64::from(self.build.capacity);
        let varied = 0.8 + 0.4 * chance.ratio();
        self.build.service.mul_f64((1.0 + load * load) * self.coldness(now) * varied)
    }

    /// Times slower than when warm: falls in a straight line while it warms up.
    fn coldness(&self, now: Instant) -> f64 {
        let up = now.since(self.up_since);
        if self.up_since == Instant::ZERO || up >= self.build.warm_up {
            return 1.0;
        }
        let cold = 1.0 - up.as_secs_f64() / self.build.warm_up.as_secs_f64();
        1.0 + (self.build.cold_factor - 1.0) * cold
    }
}

impl Answer {
    /// How long the server works on it; `None` when it does not.
    #[must_use]
    pub const fn takes(self) -> Option<Duration> {
        match self {
            Self::Status(_, takes) | Self::Reset(takes) => Some(takes),
            Self::Refused | Self::Silence => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn server() -> Server {
        Server::new(Build {
            service: Duration::from_millis(10),
            capacity: 10,
            cold_factor: 5.0,
            warm_up: Duration::from_secs(10),
        })
    }

    fn at(seconds: u64) -> Instant {
        Instant::ZERO + Duration::from_secs(seconds)
    }

    /// The service time in milliseconds, variation removed by averaging.
    fn mean(server: &Server, now: Instant) -> f64 {
        let mut chance = Rng::new(1);
        let times = (0..1000).map(|_| server.service_time(now, &mut chance).as_secs_f64());
        times.sum::<f64>()
    }

    #[test]
    fn service_time_doubles_at_capacity() {
        let mut server = server();
        assert!((mean(&server, at(1)) - 10.0).abs() < 0.2);
        let mut chance = Rng::new(2);
        (0..10).for_each(|_| {
            server.take(at(1), &mut chance);
        });
        assert!((mean(&server, at(1)) - 20.0).abs() < 0.4);
        (0..10).for_each(|_| server.finish());
        assert!((mean(&server, at(1)) - 10.0).abs() < 0.2);
    }

    #[test]
    fn a_server_that_comes_back_is_cold() {
        let mut server = server();
        server.become_condition(Condition::Refusing, at(50));
        assert_eq!(server.take(at(55), &mut Rng::new(1)), Answer::Refused);
        server.become_condition(Condition::Well, at(60));
        for (second, millis) in [(60, 50.0), (65, 30.0), (70, 10.0)] {
            let mean = mean(&server, at(second));
            assert!((mean - millis).abs() < millis / 50.0, "{mean} after {second} s");
        }
    }

    #[test]
    fn each_condition_has_its_answer() {
        let mut server = server();
        let mut answer = |condition| {
            server.become_condition(condition, at(1));
            server.take(at(1), &mut Rng::new(1))
        };
        assert!(matches!(answer(Condition::Failing(503)), Answer::Status(503, _)));
        assert!(matches!(answer(Condition::Resetting), Answer::Reset(_)));
        assert_eq!(answer(Condition::Hanging), Answer::Silence);
        let slow = answer(Condition::Slow(Duration::from_secs(1)));
        assert!(matches!(slow, Answer::Status(200, takes) if takes > Duration::from_secs(1)));
    }
}
