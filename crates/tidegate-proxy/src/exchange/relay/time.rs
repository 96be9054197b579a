//! Step 8 of 8: the relay's deadlines. Whoever is waited for has a time of its own.

use tidegate_core::time::Instant;
use tidegate_net::clock;

use super::Relay;
use crate::error::Error;
use crate::exchange::state::Phase;

/// Whom the relay waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum WaitsFor {
    /// The client, to send more of its request or to take more of the response.
    Client,
    /// The server, to begin its response.
    Head,
    /// The server, to take more of the request or to send more of the response.
    Server,
    /// Either side of a gRPC call, to go on when it likes: a stream of messages may be quiet.
    Either,
}

impl Relay<'_> {
    fn waits_for(&self) -> WaitsFor {
        let x = &self.x;
        if !x.to_client.is_empty() {
            return WaitsFor::Client;
        }
        let quiet = x.call.is_some() && x.to_server.is_empty();
        match x.attempt.phase {
            Phase::Body if quiet => WaitsFor::Either,
            Phase::Head if quiet && !x.request_body.is_done() && !x.attempt.deaf => {
                WaitsFor::Either
            }
            Phase::Body => WaitsFor::Server,
            Phase::Head if x.attempt.deaf => WaitsFor::Head,
            Phase::Head if !x.to_server.is_empty() => WaitsFor::Server,
            Phase::Head if !x.request_body.is_done() => WaitsFor::Client,
            Phase::Head => WaitsFor::Head,
        }
    }

    /// When time should be looked at again, at the latest.
    pub(super) fn due(&self, now: Instant) -> Instant {
        let timeouts = &self.course.route.timeouts;
        let activity = self.x.attempt.activity;
        let wait = match (self.waits_for(), self.x.attempt.phase) {
            (WaitsFor::Head, _) => activity + timeouts.response,
            (WaitsFor::Either, Phase::Body) => activity + timeouts.tunnel,
            // Without another look the wait may turn into that for the head.
            (WaitsFor::Either, Phase::Head) => {
                (activity + timeouts.tunnel).min(now + timeouts.response)
            }
            (_, Phase::Head) => now + timeouts.response.min(timeouts.idle),
            (_, Phase::Body) => activity + timeouts.idle,
        };
        let window = now + self.course.listener.limits.body_progress.window;
        let total = self.x.total_due(self.course);
        wait.min(window).min(now + timeouts.idle).min(total)
    }

    /// Looks at the time if the deadline fired.
    pub(super) fn check_time(&mut self) -> Result<(), Error> {
        if !self.client.deadline.fired() {
            return Ok(());
        }
        let now = clock::now();
        if now >= self.x.total_due(self.course) {
            return Err(Error::TotalTimeout);
        }
        let timeouts = &self.course.route.timeouts;
        let silence = now.since(self.x.attempt.activity);
        match self.waits_for() {
            WaitsFor::Head if silence >= timeouts.response => Err(Error::ResponseTimeout),
            WaitsFor::Server if silence >= timeouts.idle => Err(Error::Stalled),
            WaitsFor::Either if silence >= timeouts.tunnel => Err(Error::Idle),
            WaitsFor::Client => self.check_client(now),
            WaitsFor::Head | WaitsFor::Server | WaitsFor::Either => {
                self.x.attempt.client_window = false;
                Ok(())
            }
        }?;
        let due = self.due(now);
        self.client.deadline.arm(due);
        Ok(())
    }

    /// The slowest a client may be: `body_progress` over a window in which it alone was waited for,
    /// and no silence beyond the idle time.
    fn check_client(&mut self, now: Instant) -> Result<(), Error> {
        let progress = self.course.listener.limits.body_progress;
        let attempt = &self.x.attempt;
        let whole = attempt.client_window && now.since(attempt.window_start) >= progress.window;
        let too_slow = whole && attempt.window_bytes < progress.bytes_per_window();
        if too_slow || now.since(attempt.activity) >= self.course.route.timeouts.idle {
            return Err(Error::BodyTimeout);
        }
        if whole || !attempt.client_window {
            self.begin_window(now);
        }
        Ok(())
    }

    fn begin_window(&mut self, now: Instant) {
        self.x.attempt.client_window = true;
        self.x.attempt.window_start = now;
        self.x.attempt.window_bytes = 0;
    }
}
