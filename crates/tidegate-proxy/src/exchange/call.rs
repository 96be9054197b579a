//! Step 4 of 8: what gRPC adds to an exchange: a deadline that the client set, and an outcome
//! beside the HTTP status. From `serve`, for all that judge the exchange.

use tidegate_core::http::head::{BodyLength, Head};
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::{assemble, grpc};
use tidegate_core::model::grpc::Status;
use tidegate_core::time::{Duration, Instant};

use super::Course;
use super::state::Exchange;
use crate::error::Error;

/// A gRPC call.
#[derive(Clone, Copy, Debug)]
pub(super) struct Call {
    /// When its client gives up; [`Instant::NEVER`] if it did not say.
    pub(super) deadline: Instant,
    /// How it ended, once that is known.
    pub(super) status: Option<Status>,
}

impl Call {
    /// The call that a request is, if it is one.
    pub(super) fn of(head: &Head) -> Option<Self> {
        grpc::is_call(head).then_some(Self { deadline: Instant::NEVER, status: None })
    }
}

impl Exchange {
    /// Takes up the deadline of a call. It runs from the head on.
    pub(super) fn set_deadline(&mut self) -> Result<(), Error> {
        if let Some(call) = &mut self.call
            && let Some(timeout) = grpc::timeout(&self.head)?
        {
            call.deadline = self.started + timeout;
        }
        Ok(())
    }

    /// When the exchange has used up its time: that of the route, or that of its client.
    pub(super) fn total_due(&self, course: &Course<'_>) -> Instant {
        let total = course.route.timeouts.total.bound();
        let total = [total, self.lasts].into_iter().flatten().min();
        let total = total.map_or(Instant::NEVER, |total| self.started + total);
        self.call.map_or(total, |call| call.deadline.min(total))
    }

    /// What is left of the time, for the server of a client that set a deadline.
    pub(super) fn time_left(&self, course: &Course<'_>, now: Instant) -> Option<Duration> {
        self.call.filter(|call| call.deadline != Instant::NEVER)?;
        Some(self.total_due(course).since(now))
    }

    /// Looks for the outcome of a call in a response head, where it is when nothing follows, and
    /// says by which HTTP status the head is judged.
    pub(super) fn note_head(&mut self, reply: &ReplyHead) -> u16 {
        if let Some(call) = &mut self.call {
            let alone = matches!(reply.body(), BodyLength::Empty | BodyLength::Exact(0));
            let fields = reply.fields().map(|field| (field.name, field.value));
            call.status = if alone { grpc::status(fields) } else { None };
            self.attempt.declined = call.status.is_some_and(|status| status != Status::Ok);
        }
        match (reply.status(), self.call.and_then(|call| call.status)) {
            (200, Some(status)) => status.equivalent(),
            (status, _) => status,
        }
    }

    /// Looks for the outcome of a call in the trailers of the response.
    pub(super) fn note_trailers(&mut self) {
        if let Some(call) = &mut self.call
            && !self.reply_trailers.is_empty()
        {
            call.status = grpc::status(assemble::fields_of(&self.reply_trailers));
        }
    }

    /// The HTTP status by which a response is judged: for a call, the one that means the same as
    /// its own. A response that ended without one failed.
    pub(super) fn judged_status(&self) -> Option<u16> {
        match (self.status, self.outcome()) {
            (Some(200), Some(status)) => Some(status.equivalent()),
            (status, _) => status,
        }
    }

    /// Whether a server says that the deadline of its client was missed, which proves nothing
    /// against the server: clients could have any server ejected that way.
    pub(super) fn deadline_was_missed(&self) -> bool {
        let Some(call) = self.call else { return false };
        call.deadline != Instant::NEVER && call.status == Some(Status::DeadlineExceeded)
    }

    /// How a call ended, as far as it has been answered; `None` for what is no call.
    pub(super) fn outcome(&self) -> Option<Status> {
        self.call?.status.or_else(|| self.status.map(Status::of_http))
    }
}
