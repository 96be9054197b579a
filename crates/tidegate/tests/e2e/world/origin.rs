//! A server to balance over, in the test's own process.

use std::io::{BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;

/// Answers every request with its name; a request for `/held` waits until it is released.
pub(crate) struct Origin {
    pub(crate) address: SocketAddr,
    arrived: Receiver<Held>,
}

/// A request that waits for its answer. Dropping it releases it, too.
pub(crate) struct Held(#[expect(dead_code, reason = "held, not read")] Sender<()>);

impl Origin {
    pub(crate) fn start(name: &'static str) -> Self {
        Self::answering(200, name)
    }

    /// One whose answers have this status.
    pub(crate) fn answering(status: u16, name: &'static str) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (tell, arrived) = channel();
        let tell = Arc::new(tell);
        let length = name.len();
        let answer = format!("HTTP/1.1 {status} Such\r\nContent-Length: {length}\r\n\r\n{name}");
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let (answer, tell) = (answer.clone(), Arc::clone(&tell));
                thread::spawn(move || converse(stream, &answer, &tell));
            }
        });
        Self { address, arrived }
    }

    /// Waits for a request for `/held`.
    #[track_caller]
    pub(crate) fn held(&self) -> Held {
        let held = self.arrived.recv_timeout(super::wait::DEADLINE);
        held.expect("a request for /held arrives")
    }
}

/// Speaks just enough HTTP: requests without bodies, answered in order until the client leaves.
fn converse(stream: TcpStream, answer: &str, tell: &Sender<Held>) -> Option<()> {
    let mut reader = BufReader::new(stream.try_clone().ok()?);
    let mut writer = stream;
    loop {
        let mut first = String::new();
        reader.read_line(&mut first).ok().filter(|length| *length > 0)?;
        let mut line = String::new();
        while line != "\r\n" {
            line.clear();
            reader.read_line(&mut line).ok().filter(|length| *length > 0)?;
        }
        if first.contains(" /held ") {
            let (release, released) = channel();
            tell.send(Held(release)).ok()?;
            // Either way of being released is an error of the channel: its sender is dropped.
            let _ = released.recv();
        }
        writer.write_all(answer.as_bytes()).ok()?;
    }
}
