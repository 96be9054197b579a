//! A closed-loop load generator: every connection sends its next request when the last is answered.
//!
//! One thread, one epoll, no pipelining. Prints `REQS n` (answered with a 2xx), `FAIL n` (other
//! answers, broken or closed connections) and `LAT p50 p99` in microseconds. With `--users` each
//! connection is a user, who says so and brings back the first cookie that it is given, as a
//! browser does. A closed loop slows
//! down with the server it measures, so its latencies say how busy the loop was, not what a user
//! would wait.

use std::io::{ErrorKind, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::time::{Duration, Instant};

use bench_origin::poll::{Batch, Poll};
use bench_origin::response::{Finished, Reader};
use bench_origin::{clock, socket};
use clap::Parser;
use hdrhistogram::Histogram;

/// The longest latency told apart, in microseconds.
const LATENCY_MAX: u64 = 60_000_000;
/// How often the end of the run is looked for while nothing happens.
const PATIENCE: Duration = Duration::from_millis(50);

/// Asks 127.0.0.1:PORT for PATH as often as it is answered.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1.
    port: u16,
    /// Path to ask for.
    path: String,
    /// Connections, each with one request under way.
    connections: usize,
    /// Length of the run, in seconds.
    seconds: u64,
    /// Each connection is a user of its own, known by the cookie `uid`.
    #[arg(long)]
    users: bool,
}

impl Arguments {
    /// What the client of this number asks, with a cookie that it was given.
    fn request(&self, number: usize, cookie: Option<&str>) -> Vec<u8> {
        let Self { path, port, .. } = self;
        let mut request = format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n");
        if self.users {
            request += &format!("Cookie: uid={number}");
            cookie.iter().for_each(|cookie| request += &format!("; {cookie}"));
            request += "\r\n";
        }
        request += "\r\n";
        request.into_bytes()
    }
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let tally = run(&arguments)?;
    println!("REQS {}", tally.answered);
    println!("FAIL {}", tally.failed);
    let micros = |quantile| tally.latency.value_at_quantile(quantile);
    println!("LAT {} {}", micros(0.5), micros(0.99));
    Ok(())
}

/// What a run amounts to.
struct Tally {
    answered: u64,
    failed: u64,
    /// Microseconds from a request to the last byte of its answer.
    latency: Histogram<u64>,
}

fn run(arguments: &Arguments) -> anyhow::Result<Tally> {
    let poll = Poll::new()?;
    let mut clients = Vec::with_capacity(arguments.connections);
    for token in 0..arguments.connections {
        clients.push(Client::start(&poll, token, arguments)?);
    }

    let mut tally = Tally::new()?;
    let end = clock::now() + Duration::from_secs(arguments.seconds);
    let mut buffer = vec![0; 256 * 1024];
    let mut batch = Batch::new();
    while clock::now() < end {
        poll.wait(&mut batch, Some(PATIENCE))?;
        for event in batch.events().filter(|event| event.readable) {
            let client = &mut clients[event.token];
            if client.advance(&mut buffer, arguments, &mut tally) == Connection::Lost {
                tally.failed += 1;
                *client = Client::start(&poll, event.token, arguments)?;
            }
        }
    }
    Ok(tally)
}

struct Client {
    number: usize,
    /// What it asks each time.
    request: Vec<u8>,
    stream: TcpStream,
    reader: Reader,
    asked: Instant,
}

/// Whether the connection still serves.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Connection {
    Serves,
    Lost,
}

impl Client {
    fn start(poll: &Poll, number: usize, arguments: &Arguments) -> anyhow::Result<Self> {
        let request = arguments.request(number, None);
        let mut stream = socket::connect(Ipv4Addr::LOCALHOST, arguments.port)?;
        stream.write_all(&request)?;
        stream.set_nonblocking(true)?;
        poll.add_stream(&stream, number)?;
        Ok(Self { number, request, stream, reader: Reader::default(), asked: clock::now() })
    }

    /// Reads what came and, when it completes an answer, asks again.
    fn advance(
        &mut self,
        buffer: &mut [u8],
        arguments: &Arguments,
        tally: &mut Tally,
    ) -> Connection {
        loop {
            let count = match self.stream.read(buffer) {
                Ok(0) => return Connection::Lost,
                Ok(count) => count,
                Err(error) if error.kind() == ErrorKind::WouldBlock => return Connection::Serves,
                Err(_) => return Connection::Lost,
            };
            let Ok(finished) = self.reader.feed(&buffer[..count]) else { return Connection::Lost };
            if let Some(finished) = finished {
                let now = clock::now();
                tally.count(&finished, now.duration_since(self.asked));
                self.asked = now;
                if let Some(cookie) = &finished.cookie {
                    self.request = arguments.request(self.number, Some(cookie));
                }
                // A request fits into any socket buffer, and this one is empty.
                return match self.stream.write(&self.request) {
                    Ok(sent) if sent == self.request.len() => Connection::Serves,
                    _ => Connection::Lost,
                };
            }
        }
    }
}

impl Tally {
    fn new() -> anyhow::Result<Self> {
        let latency = Histogram::new_with_max(LATENCY_MAX, 3)?;
        Ok(Self { answered: 0, failed: 0, latency })
    }

    fn count(&mut self, finished: &Finished, latency: Duration) {
        if (200..300).contains(&finished.status) {
            self.answered += 1;
            self.latency.saturating_record(latency.as_micros().try_into().unwrap_or(u64::MAX));
        } else {
            self.failed += 1;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn finished(status: u16) -> Finished {
        Finished { status, cookie: None }
    }

    #[test]
    fn a_user_brings_back_what_it_was_given() {
        let mut arguments = Arguments::parse_from(["loadgen", "80", "/", "1", "1"]);
        assert_eq!(arguments.request(7, None), b"GET / HTTP/1.1\r\nHost: 127.0.0.1:80\r\n\r\n");
        arguments.users = true;
        let request = arguments.request(7, Some("a=b"));
        let text = String::from_utf8(request).expect("it is text");
        assert!(text.ends_with("\r\nCookie: uid=7; a=b\r\n\r\n"), "{text}");
    }

    #[test]
    fn latencies_are_told_apart_and_the_longest_are_counted_too() {
        let mut tally = Tally::new().expect("the limits are sound");
        for millis in [1, 250, 250, 120_000] {
            tally.count(&finished(200), Duration::from_millis(millis));
        }
        tally.count(&finished(503), Duration::from_millis(1));
        assert_eq!((tally.answered, tally.failed), (4, 1));
        let median = tally.latency.value_at_quantile(0.5);
        assert!(median.abs_diff(250_000) < 250, "{median}");
        assert!(tally.latency.max() >= LATENCY_MAX);
    }
}
