//! TLS connections one after the other, each with one request, to weigh a handshake.
//!
//! Prints `REQS n`, `FAIL n` (handshakes that were not of the kind asked for) and `LAT p50 p99` in
//! microseconds.

use std::io::{Read, Write};
use std::net::TcpStream;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use anyhow::ensure;
use bench_origin::clock;
use bench_origin::response::Reader;
use bench_origin::tls::{self, Tickets};
use clap::{Parser, ValueEnum};
use hdrhistogram::Histogram;
use rustls::{ClientConfig, ClientConnection, HandshakeKind, Stream};

/// The longest latency told apart, in microseconds.
const LATENCY_MAX: u64 = 60_000_000;

/// Asks 127.0.0.1:PORT for PATH over a new TLS connection each time.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1.
    port: u16,
    /// Path to ask for.
    path: String,
    /// Length of the run, in seconds.
    seconds: u64,
    /// How connections begin.
    kind: Kind,
    /// The certificate to trust, in PEM.
    certificate: PathBuf,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum Kind {
    Full,
    Resumed,
}

#[expect(clippy::print_stdout, reason = "the result of the program")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let tickets = match arguments.kind {
        Kind::Full => Tickets::Forgotten,
        Kind::Resumed => Tickets::Used,
    };
    let config = tls::client(&arguments.certificate, tickets, &["http/1.1"])?;
    // The first connection fetches the ticket.
    ask(&arguments, &config)?;
    let mut latencies = Histogram::<u64>::new_with_bounds(1, LATENCY_MAX, 3)?;
    let (mut answered, mut other) = (0_u64, 0_u64);
    let end = clock::now() + Duration::from_secs(arguments.seconds);
    loop {
        let begun = clock::now();
        if begun >= end {
            break;
        }
        let kind = ask(&arguments, &config)?;
        answered += 1;
        other += u64::from((kind == HandshakeKind::Resumed) != (arguments.kind == Kind::Resumed));
        latencies.saturating_record(micros(clock::now() - begun));
    }
    println!("REQS {answered}\nFAIL {other}");
    println!("LAT {} {}", latencies.value_at_quantile(0.5), latencies.value_at_quantile(0.99));
    Ok(())
}

fn micros(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(LATENCY_MAX)
}

/// One connection, one request, one whole answer.
fn ask(arguments: &Arguments, config: &Arc<ClientConfig>) -> anyhow::Result<HandshakeKind> {
    let mut socket = TcpStream::connect(("127.0.0.1", arguments.port))?;
    socket.set_nodelay(true)?;
    let mut connection = ClientConnection::new(Arc::clone(config), tls::server_name()?)?;
    let mut stream = Stream::new(&mut connection, &mut socket);
    let (path, name) = (&arguments.path, tls::NAME);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: {name}\r\nConnection: close\r\n\r\n")?;
    let mut reader = Reader::default();
    let mut buffer = [0; 16 * 1024];
    loop {
        let count = stream.read(&mut buffer)?;
        ensure!(count > 0, "closed before it was answered");
        let finished = reader.feed(&buffer[..count]).map_err(|_| anyhow::anyhow!("unreadable"))?;
        if let Some(finished) = finished {
            ensure!(finished.status == 200, "answered {}", finished.status);
            break;
        }
    }
    connection.handshake_kind().ok_or_else(|| anyhow::anyhow!("no handshake"))
}
