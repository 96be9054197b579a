//! Opens many keep-alive connections, asks once on each, then holds them without a word.
//!
//! Prints `IDLE n` once all are answered and open, and keeps them until its standard input ends.
//! Who started it looks at the balancer's memory in between. Connections are opened one after the
//! other, so the balancer needs one server connection for all of them, and come from several
//! loopback addresses because one has too few ports.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};

use anyhow::{Context, ensure};
use bench_origin::response::Reader;
use bench_origin::socket;
use clap::Parser;

/// Connections from one source address.
const PER_ADDRESS: usize = 5000;

/// Holds CONNECTIONS idle keep-alive connections to 127.0.0.1:PORT.
#[derive(Parser)]
struct Arguments {
    /// Port on 127.0.0.1.
    port: u16,
    /// Path asked for once on each connection.
    path: String,
    /// Connections to hold.
    connections: usize,
}

#[expect(clippy::print_stdout, reason = "the line that the measuring program waits for")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let mut held = Vec::with_capacity(arguments.connections);
    for index in 0..arguments.connections {
        held.push(open(&arguments, index).with_context(|| format!("connection {index}"))?);
    }
    println!("IDLE {}", held.len());
    io::stdout().flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

fn open(arguments: &Arguments, index: usize) -> anyhow::Result<TcpStream> {
    let host = u8::try_from(1 + index / PER_ADDRESS).context("too many connections")?;
    let mut stream = socket::connect(Ipv4Addr::new(127, 0, 0, host), arguments.port)?;
    let (path, port) = (&arguments.path, arguments.port);
    write!(stream, "GET {path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\n\r\n")?;

    let mut reader = Reader::default();
    let mut buffer = [0; 4096];
    loop {
        let count = stream.read(&mut buffer)?;
        ensure!(count > 0, "closed before it was answered");
        let finished = reader.feed(&buffer[..count]).ok().context("unreadable response")?;
        if let Some(finished) = finished {
            ensure!(finished.status == 200, "answered {}", finished.status);
            return Ok(stream);
        }
    }
}
