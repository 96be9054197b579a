//! The programs themselves, over real sockets: what goes through the relay arrives whole.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};

/// A program that printed its port, and ends with the test.
struct Program {
    child: Child,
    port: u16,
}

impl Program {
    fn start(path: &str, arguments: &[u16]) -> Self {
        let arguments = arguments.iter().map(u16::to_string);
        let mut child = Command::new(path)
            .args(arguments)
            .stdout(Stdio::piped())
            .spawn()
            .expect("cargo has built the program");
        let stdout = child.stdout.take().expect("it is piped");
        let mut line = String::new();
        BufReader::new(stdout).read_line(&mut line).expect("it prints its port");
        let port = line.trim().strip_prefix("LISTENING ").and_then(|port| port.parse().ok());
        Self { child, port: port.expect("the line names a port") }
    }

    fn ask(&self, request: &str) -> TcpStream {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).expect("it listens");
        stream.write_all(request.as_bytes()).expect("a fresh connection takes a request");
        stream
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // Either may fail only because the program has ended already.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn pair() -> (Program, Program) {
    let origin = Program::start(env!("CARGO_BIN_EXE_origin"), &[0]);
    let relay = Program::start(env!("CARGO_BIN_EXE_relay"), &[0, origin.port]);
    (origin, relay)
}

#[test]
fn a_large_response_comes_through_whole_and_then_the_connection_ends() {
    let (_origin, relay) = pair();
    let length = 8 * 1024 * 1024;
    let request = format!("GET /s/{length} HTTP/1.1\r\nConnection: close\r\n\r\n");
    let mut response = Vec::new();
    relay.ask(&request).read_to_end(&mut response).expect("the relay ends what the origin ends");
    let head = response.windows(4).position(|four| four == b"\r\n\r\n").expect("there is a head");
    assert_eq!(response.len() - head - 4, length);
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let (_origin, relay) = pair();
    let requests = "GET /s/1 HTTP/1.1\r\n\r\nGET /s/22 HTTP/1.1\r\n\r\n\
                    GET /s/333 HTTP/1.1\r\nConnection: close\r\n\r\n";
    let mut text = String::new();
    relay.ask(requests).read_to_string(&mut text).expect("the last one closes");
    let lengths: Vec<&str> =
        text.lines().filter_map(|line| line.strip_prefix("Content-Length: ")).collect();
    assert_eq!(lengths, ["1", "22", "333"]);
}

#[test]
fn the_generator_counts_what_it_was_answered() {
    let (origin, _relay) = pair();
    let port = origin.port.to_string();
    let count = |path: &str, word: &str| {
        let output = Command::new(env!("CARGO_BIN_EXE_loadgen"))
            .args([port.as_str(), path, "4", "1"])
            .output()
            .expect("cargo has built the generator");
        let text = String::from_utf8(output.stdout).expect("it prints text");
        let value = text.lines().find_map(|line| line.strip_prefix(word)?.trim().parse().ok());
        value.unwrap_or_else(|| panic!("no {word} in {text:?}"))
    };
    let answered: u64 = count("/s/10", "REQS");
    assert!(answered > 100, "only {answered} in a second");
    let failed: u64 = count("/nowhere", "FAIL");
    assert!(failed > 100, "only {failed} in a second");
}

#[test]
fn idle_connections_stay_until_the_program_is_let_go() {
    let (_origin, relay) = pair();
    let mut child = Command::new(env!("CARGO_BIN_EXE_idle"))
        .args([relay.port.to_string().as_str(), "/s/10", "50"])
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .expect("cargo has built the program");
    let mut line = String::new();
    let stdout = child.stdout.take().expect("it is piped");
    BufReader::new(stdout).read_line(&mut line).expect("it prints what it holds");
    assert_eq!(line.trim(), "IDLE 50");
    assert!(child.try_wait().expect("it can be asked").is_none(), "it ended too soon");

    drop(child.stdin.take());
    assert!(child.wait().expect("it ends").success());
}
