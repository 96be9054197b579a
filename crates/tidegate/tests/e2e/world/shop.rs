//! A version of a shop that counts what it answers, and echoes what WebSockets say.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::sync::atomic::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;
use std::time::SystemTime;

use tungstenite::Message;

/// How a version answers.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Quality {
    Good,
    /// 500 to whoever is not a probe.
    Broken,
}

/// One server of one version.
pub(crate) struct Shop {
    pub(crate) address: SocketAddr,
    counts: Arc<Counts>,
}

struct Counts {
    name: &'static str,
    quality: Quality,
    answered: AtomicU64,
    last: Mutex<Option<SystemTime>>,
}

impl Shop {
    pub(crate) fn start(name: &'static str, quality: Quality) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port is free");
        let address = listener.local_addr().expect("it is bound");
        let (answered, last) = (AtomicU64::new(0), Mutex::default());
        let counts = Arc::new(Counts { name, quality, answered, last });
        let shop = Self { address, counts: Arc::clone(&counts) };
        thread::spawn(move || {
            for stream in listener.incoming().flatten() {
                let counts = Arc::clone(&counts);
                thread::spawn(move || counts.converse(stream));
            }
        });
        shop
    }

    /// Requests answered so far, other than probes and WebSockets.
    pub(crate) fn answered(&self) -> u64 {
        self.counts.answered.load(Relaxed)
    }

    /// When the last of them came.
    pub(crate) fn last(&self) -> Option<SystemTime> {
        *self.counts.last.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Counts {
    /// Answers requests without bodies, one at a time, until the client leaves.
    fn converse(&self, mut stream: TcpStream) -> io::Result<()> {
        loop {
            let mut start = [0; 7];
            if stream.peek(&mut start)? == 0 {
                return Ok(());
            }
            if &start == b"GET /ws" {
                return self.echo(stream);
            }
            let (status, body) = match self.read(&stream)? {
                Asked::Probe => ("200 OK", self.name),
                Asked::Page if self.quality == Quality::Broken => ("500 Oops", "sorry"),
                Asked::Page => ("200 OK", self.name),
            };
            let length = body.len();
            write!(stream, "HTTP/1.1 {status}\r\nContent-Length: {length}\r\n\r\n{body}")?;
        }
    }

    fn read(&self, stream: &TcpStream) -> io::Result<Asked> {
        // Nobody who waits for an answer sends on, so nothing of a next request is read.
        let mut lines = BufReader::new(stream).lines();
        let first = lines.next().ok_or(io::ErrorKind::UnexpectedEof)??;
        lines.by_ref().map_while(Result::ok).find(String::is_empty);
        if first.contains("/healthz") {
            return Ok(Asked::Probe);
        }
        self.answered.fetch_add(1, Relaxed);
        #[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
        let now = SystemTime::now();
        *self.last.lock().unwrap_or_else(PoisonError::into_inner) = Some(now);
        Ok(Asked::Page)
    }

    /// Says its name and then the same, message by message.
    fn echo(&self, stream: TcpStream) -> io::Result<()> {
        let Ok(mut socket) = tungstenite::accept(stream) else { return Ok(()) };
        while let Ok(Message::Text(text)) = socket.read() {
            let text = format!("{} {text}", self.name);
            socket.send(Message::text(text)).map_err(io::Error::other)?;
        }
        Ok(())
    }
}

enum Asked {
    Probe,
    Page,
}
