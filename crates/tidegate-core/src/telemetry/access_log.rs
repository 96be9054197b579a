//! One line of the access log for one request.
//!
//! Three formats say the same in different shapes: `json` (an object a line, unknown values
//! `null`), `text` (`key=value` words, unknown values `-`) and `combined` (what Apache and nginx
//! write, which has no place for most of it). Everything that a client or a server sent is escaped:
//! a line stays a line, and nothing in it reaches a terminal or a parser as more than text. A line
//! is appended to a buffer the caller keeps, so that writing one allocates nothing once the buffer
//! has grown. Durations are seconds with six decimals.
//!
//! Where lines go, and what happens when a disk is full, is not decided here.

mod combined;
mod escape;
mod json;
mod number;
mod redact;
mod text;
mod timestamp;

use std::net::IpAddr;

use super::ending::Ending;
use crate::model::grpc::Status;
use crate::model::ids::{ListenerName, PoolName, RouteName, ServerName};
use crate::model::node::{LogFormat, Redaction};
use crate::time::{Duration, UnixTime};

/// What is logged of a request.
#[derive(Clone, Debug)]
pub struct Record<'a> {
    /// When its first byte came.
    pub time: UnixTime,
    /// The trusted client address.
    pub client: IpAddr,
    /// The listener it came through.
    pub listener: &'a ListenerName,
    /// The route that took it.
    pub route: Option<&'a RouteName>,
    /// The pool it went to.
    pub pool: Option<&'a PoolName>,
    /// The server that was tried last.
    pub server: Option<&'a ServerName>,
    /// The method; empty when it could not be read.
    pub method: &'a [u8],
    /// The host; empty when it could not be read.
    pub host: &'a [u8],
    /// Path and query as they were sent; empty when they could not be read.
    pub path: &'a [u8],
    /// The protocol, as `HTTP/1.1`; empty when it could not be read.
    pub protocol: &'a str,
    /// The status code sent to the client; `None`: it left before one was.
    pub status: Option<u16>,
    /// How it ended, if it was a gRPC call; a field of its own in `json` and `text`, which other
    /// requests do not have.
    pub grpc: Option<Status>,
    /// Bytes from the client, head and body.
    pub bytes_in: u64,
    /// Bytes to the client, head and body.
    pub bytes_out: u64,
    /// How long it took.
    pub phases: Phases,
    /// Servers tried, the same one twice counted twice.
    pub tries: u32,
    /// Who ended it, and why.
    pub ending: Ending,
    /// Identifies the request in logs and traces; sixteen hexadecimal digits.
    pub request_id: u64,
    /// The `User-Agent` header; `combined` only.
    pub user_agent: Option<&'a [u8]>,
    /// The `Referer` header; `combined` only.
    pub referer: Option<&'a [u8]>,
}

/// Where the time went; a phase that was not reached is `None`. With retries, phases of the last
/// try.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Phases {
    /// From the first byte of the request to the end of the response.
    pub total: Duration,
    /// Waiting for a server to be free.
    pub queue: Option<Duration>,
    /// Until a connection to the server stood; zero for one that was open already.
    pub connect: Option<Duration>,
    /// From there to the first byte of the response.
    pub first_byte: Option<Duration>,
    /// From there to the end of the response.
    pub body: Option<Duration>,
}

impl Record<'_> {
    /// Appends the line, its line feed included, to `out`. The values of query keys in `redact` are
    /// blotted out.
    pub fn write(&self, format: LogFormat, redact: &[Redaction], out: &mut Vec<u8>) {
        match format {
            LogFormat::Json => json::write(self, redact, out),
            LogFormat::Text => text::write(self, redact, out),
            LogFormat::Combined => combined::write(self, redact, out),
        }
    }

    /// Whether a log of errors alone shows it: it did not come to its end, or the answer was a 5xx,
    /// or the gRPC status that means the same.
    #[must_use]
    pub fn failed(&self) -> bool {
        let equivalent = self.grpc.map(Status::equivalent);
        let failed = |code: Option<u16>| code.is_some_and(|code| code >= 500);
        self.ending != Ending::Done || failed(self.status) || failed(equivalent)
    }

    /// The fields of `json` and `text`, in order.
    fn fields<'r>(
        &'r self,
        redact: &'r [Redaction],
    ) -> impl Iterator<Item = (&'static str, Value<'r>)> {
        let name =
            |text: Option<&'r str>| text.map_or(Value::Unknown, |t| Value::Text(t.as_bytes()));
        let sent = |bytes: &'r [u8]| {
            if bytes.is_empty() { Value::Unknown } else { Value::Text(bytes) }
        };
        let spent = |phase: Option<Duration>| phase.map_or(Value::Unknown, Value::Seconds);
        let fields = [
            ("time", Value::Time(self.time)),
            ("client", Value::Address(self.client)),
            ("listener", name(Some(self.listener.as_str()))),
            ("route", name(self.route.map(RouteName::as_str))),
            ("pool", name(self.pool.map(PoolName::as_str))),
            ("server", name(self.server.map(ServerName::as_str))),
            ("method", sent(self.method)),
            ("host", sent(self.host)),
            (
                "path",
                if self.path.is_empty() { Value::Unknown } else { Value::Url(self.path, redact) },
            ),
            ("protocol", sent(self.protocol.as_bytes())),
            ("status", self.status.map_or(Value::Unknown, |code| Value::Number(code.into()))),
            ("bytes_in", Value::Number(self.bytes_in)),
            ("bytes_out", Value::Number(self.bytes_out)),
            ("total", Value::Seconds(self.phases.total)),
            ("queue", spent(self.phases.queue)),
            ("connect", spent(self.phases.connect)),
            ("first_byte", spent(self.phases.first_byte)),
            ("body", spent(self.phases.body)),
            ("tries", Value::Number(self.tries.into())),
            ("ending", Value::Text(self.ending.as_str().as_bytes())),
            ("request_id", Value::Id(self.request_id)),
        ];
        let grpc = self.grpc.map(|status| ("grpc_status", Value::Text(status.as_str().as_bytes())));
        fields.into_iter().chain(grpc)
    }
}

/// A field's value, before it takes the shape of a format.
#[derive(Clone, Copy)]
enum Value<'r> {
    Unknown,
    Text(&'r [u8]),
    /// A path or URL whose query may hold secrets.
    Url(&'r [u8], &'r [Redaction]),
    Number(u64),
    Seconds(Duration),
    Time(UnixTime),
    Address(IpAddr),
    /// Hexadecimal.
    Id(u64),
}

#[cfg(test)]
mod tests;
