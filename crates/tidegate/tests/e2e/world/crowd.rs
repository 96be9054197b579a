//! Users who never pause: on kept connections, on HTTP/2 by h2load, and on WebSockets.

use std::io::{self, BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::process::Command;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::sync::atomic::Ordering::Relaxed;
use std::thread::{self, JoinHandle};

use tungstenite::{Message, WebSocket};

use super::wait::DEADLINE;

/// What users have met.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Met {
    /// Answers of 2xx.
    pub(crate) good: u64,
    /// Answers of 5xx.
    pub(crate) errors: u64,
    /// Anything else: other answers, and requests without one.
    pub(crate) lost: u64,
}

impl Met {
    fn add(&mut self, other: &Self) {
        self.good += other.good;
        self.errors += other.errors;
        self.lost += other.lost;
    }
}

/// Users at work.
pub(crate) struct Crowd {
    stop: Arc<AtomicBool>,
    users: Vec<JoinHandle<Met>>,
}

impl Crowd {
    /// Sends `kept` users on a connection each, and others on four connections of HTTP/2, to a
    /// listener.
    pub(crate) fn start(address: SocketAddr, kept: u32) -> Self {
        let stop = Arc::new(AtomicBool::new(false));
        let mut users = Vec::new();
        for user in 0..kept {
            let stop = Arc::clone(&stop);
            users.push(thread::spawn(move || keep_asking(address, user, &stop)));
        }
        let over = Arc::clone(&stop);
        users.push(thread::spawn(move || keep_loading(address, &over)));
        Self { stop, users }
    }

    /// Lets all finish what they are at, and adds up what they met.
    pub(crate) fn leave(self) -> Met {
        self.stop.store(true, Relaxed);
        let mut met = Met::default();
        for user in self.users {
            met.add(&user.join().expect("a user does not panic"));
        }
        met
    }
}

fn keep_asking(address: SocketAddr, user: u32, stop: &AtomicBool) -> Met {
    let mut met = Met::default();
    let mut connection = connect(address);
    while !stop.load(Relaxed) {
        match ask(&mut connection, user) {
            Ok(200..300) => met.good += 1,
            Ok(500..600) => met.errors += 1,
            _ => {
                met.lost += 1;
                connection = connect(address);
            }
        }
    }
    met
}

fn connect(address: SocketAddr) -> BufReader<TcpStream> {
    let stream = TcpStream::connect(address).expect("it listens");
    stream.set_read_timeout(Some(DEADLINE)).expect("a time that is not zero");
    BufReader::new(stream)
}

fn ask(connection: &mut BufReader<TcpStream>, user: u32) -> io::Result<u16> {
    let request = format!("GET /page HTTP/1.1\r\nHost: shop\r\nX-User: {user}\r\n\r\n");
    connection.get_mut().write_all(request.as_bytes())?;
    let (mut status, mut length) = (0, 0);
    for line in connection.by_ref().lines() {
        let line = line?.to_ascii_lowercase();
        if let Some(rest) = line.strip_prefix("http/1.1 ") {
            status = rest.get(..3).and_then(|digits| digits.parse().ok()).unwrap_or(0);
        } else if let Some(value) = line.strip_prefix("content-length: ") {
            length = value.parse().unwrap_or(0);
        } else if line.is_empty() {
            break;
        }
    }
    let mut body = vec![0; length];
    connection.read_exact(&mut body)?;
    Ok(status)
}

fn keep_loading(address: SocketAddr, stop: &AtomicBool) -> Met {
    let mut met = Met::default();
    while !stop.load(Relaxed) {
        let mut load = Command::new("h2load");
        load.args(["-n", "1000", "-c", "4", "-m", "10", "-H", "x-user: 1000"]);
        let output = load.arg(format!("http://{address}/page")).output().expect("it is installed");
        met.add(&read(&String::from_utf8_lossy(&output.stdout)));
    }
    met
}

/// The lines `requests: 9 total, …, 2 failed, …` and `status codes: 5 2xx, 0 3xx, 0 4xx, 2 5xx`.
fn read(told: &str) -> Met {
    let count = |line: &str, what: &str| {
        let line = told.lines().find_map(|told| told.strip_prefix(line)).unwrap_or_default();
        let part = line.split(',').find_map(|part| part.trim().strip_suffix(what));
        part.and_then(|digits| digits.trim().parse::<u64>().ok()).unwrap_or_default()
    };
    let (good, errors) = (count("status codes:", "2xx"), count("status codes:", "5xx"));
    Met { good, errors, lost: 1000 - good - errors }
}

/// A WebSocket that is open.
pub(crate) struct Talk(WebSocket<TcpStream>);

impl Talk {
    /// Opens one through a listener.
    pub(crate) fn start(address: SocketAddr) -> Self {
        let stream = TcpStream::connect(address).expect("it listens");
        stream.set_read_timeout(Some(DEADLINE)).expect("a time that is not zero");
        let (socket, _) = tungstenite::client(format!("ws://{address}/ws"), stream)
            .unwrap_or_else(|error| panic!("a handshake: {error}"));
        Self(socket)
    }

    /// Who answers on it.
    pub(crate) fn partner(&mut self) -> String {
        self.0.send(Message::text("hello")).expect("it is open");
        let answer = self.0.read().expect("it is open").into_text().expect("a text");
        let name = answer.strip_suffix(" hello").expect("the same comes back");
        name.to_owned()
    }
}
