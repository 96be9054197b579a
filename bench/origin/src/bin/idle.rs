//! Opens many keep-alive connections, asks once on each, then holds them without a word.
//!
//! Prints `IDLE n` once all are answered and open, and keeps them until its standard input ends.
//! Who started it looks at the balancer's memory in between. Connections are opened one after the
//! other, so the balancer needs one server connection for all of them, and come from several
//! loopback addresses because one has too few ports. With a certificate to trust, they are
//! connections of HTTP/2 over TLS.

use std::io::{self, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use anyhow::{Context, ensure};
use bench_origin::response::Reader;
use bench_origin::socket;
use bench_origin::tls::{self, Tickets};
use clap::Parser;
use rustls::{ClientConfig, ClientConnection, StreamOwned};

/// Frame types and flags of HTTP/2 (RFC 9113, section 6).
const DATA: u8 = 0;
const HEADERS: u8 = 1;
const RST_STREAM: u8 = 3;
const SETTINGS: u8 = 4;
const GOAWAY: u8 = 7;
const ACK: u8 = 1;
const END_STREAM: u8 = 1;
const END_HEADERS: u8 = 4;
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
    /// Speak HTTP/2 over TLS, and trust the certificate in this PEM file.
    #[arg(long)]
    certificate: Option<PathBuf>,
}

#[expect(clippy::print_stdout, reason = "the line that the measuring program waits for")]
fn main() -> anyhow::Result<()> {
    let arguments = Arguments::parse();
    let config = match &arguments.certificate {
        Some(file) => Some(tls::client(file, Tickets::Forgotten, &["h2"])?),
        None => None,
    };
    let mut held = Vec::with_capacity(arguments.connections);
    for index in 0..arguments.connections {
        let opened = match &config {
            Some(config) => open_http2(&arguments, index, config),
            None => open(&arguments, index).map(Held::Plain),
        };
        held.push(opened.with_context(|| format!("connection {index}"))?);
    }
    println!("IDLE {}", held.len());
    io::stdout().flush()?;
    io::copy(&mut io::stdin(), &mut io::sink())?;
    Ok(())
}

/// A connection, kept open by being kept.
#[expect(dead_code, reason = "held for their end alone")]
enum Held {
    Plain(TcpStream),
    Encrypted(Box<StreamOwned<ClientConnection, TcpStream>>),
}

fn connect(arguments: &Arguments, index: usize) -> anyhow::Result<TcpStream> {
    let host = u8::try_from(1 + index / PER_ADDRESS).context("too many connections")?;
    Ok(socket::connect(Ipv4Addr::new(127, 0, 0, host), arguments.port)?)
}

/// Opens a connection of HTTP/2 and asks once, with fields that need no table.
fn open_http2(
    arguments: &Arguments,
    index: usize,
    config: &Arc<ClientConfig>,
) -> anyhow::Result<Held> {
    let connection = ClientConnection::new(Arc::clone(config), tls::server_name()?)?;
    let mut stream = StreamOwned::new(connection, connect(arguments, index)?);
    stream.write_all(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")?;
    stream.write_all(&frame(SETTINGS, 0, 0, &[]))?;
    // RFC 7541, appendix A: 2 is `:method: GET`, 7 `:scheme: https`, 4 `:path`, 1 `:authority`.
    let mut fields = vec![0x82, 0x87];
    for (name, value) in [(0x04, arguments.path.as_str()), (0x01, tls::NAME)] {
        fields.extend([name, u8::try_from(value.len())?]);
        fields.extend_from_slice(value.as_bytes());
    }
    stream.write_all(&frame(HEADERS, END_STREAM | END_HEADERS, 1, &fields))?;
    stream.flush()?;
    loop {
        let mut head = [0; 9];
        stream.read_exact(&mut head)?;
        let length = u32::from_be_bytes([0, head[0], head[1], head[2]]);
        io::copy(&mut (&mut stream).take(length.into()), &mut io::sink())?;
        let [.., kind, flags, _, _, _, id] = head;
        if kind == SETTINGS && flags == 0 {
            stream.write_all(&frame(SETTINGS, ACK, 0, &[]))?;
        }
        if id == 1 && matches!(kind, DATA | HEADERS) && flags & END_STREAM != 0 {
            return Ok(Held::Encrypted(Box::new(stream)));
        }
        ensure!(kind != GOAWAY && kind != RST_STREAM, "refused");
    }
}

/// A frame of HTTP/2 (RFC 9113, section 4.1).
fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap_or(u32::MAX).to_be_bytes();
    let head = [length[1], length[2], length[3], kind, flags];
    [&head[..], &stream.to_be_bytes(), payload].concat()
}

fn open(arguments: &Arguments, index: usize) -> anyhow::Result<TcpStream> {
    let mut stream = connect(arguments, index)?;
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
