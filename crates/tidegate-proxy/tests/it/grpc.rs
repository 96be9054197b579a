//! gRPC between real clients and servers: Python's grpcio on both sides, with messages of plain
//! bytes. What clients are to see is checked here, what happens is in `client.py` and `server.py`
//! of `tests/grpc`.

use std::io::{BufRead, BufReader, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdin, Command, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use tidegate_core::model::grpc::Status;
use tidegate_core::signal::{FailureReason, Signal};

use crate::programs::{Program, grpc_python};
use crate::world::*;

/// A script at work.
struct Script {
    _program: Program,
    input: ChildStdin,
    lines: Receiver<String>,
}

impl Script {
    fn start(python: &Path, name: &str, arguments: &[&str]) -> Self {
        let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/grpc");
        let mut child = Command::new(python)
            .arg(directory.join(name))
            .args(arguments)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let input = child.stdin.take().expect("piped");
        let lines = listen(&mut child);
        Self { _program: Program::new(child), input, lines }
    }

    /// The next line that it says.
    #[track_caller]
    fn line(&self) -> String {
        self.lines.recv_timeout(PATIENCE * 3).expect("the script says something")
    }

    /// Waits for a line, past others.
    #[track_caller]
    fn hear(&self, expected: &str) {
        while self.line() != expected {}
    }

    fn tell(&mut self, word: &str) {
        writeln!(self.input, "{word}").expect("the script listens");
    }
}

fn listen(child: &mut Child) -> Receiver<String> {
    let (sender, lines) = channel();
    let output = BufReader::new(child.stdout.take().expect("piped"));
    thread::spawn(move || {
        for line in output.lines().map_while(Result::ok) {
            // A test that has seen enough no longer listens.
            let _ = sender.send(line);
        }
    });
    lines
}

/// A server of `server.py`.
struct Calls {
    script: Script,
    address: SocketAddr,
}

impl Calls {
    fn start(python: &Path, name: &str) -> Self {
        let script = Script::start(python, "server.py", &[name]);
        let port: u16 = script.line().parse().expect("a port");
        Self { script, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    #[track_caller]
    fn tell(&mut self, word: &str) {
        self.script.tell(word);
        self.script.hear(&format!("is {word}"));
    }
}

/// A balancer in front of one server, and clients for it.
struct Site {
    python: PathBuf,
    server: Calls,
    balancer: Balancer,
}

impl Site {
    /// `None` without Python's gRPC on this machine.
    fn new(more: &str) -> Option<Self> {
        let python = grpc_python()?;
        let server = Calls::start(&python, "a");
        let balancer = Balancer::start(&pool(&[server.address], more));
        Some(Self { python, server, balancer })
    }

    fn client(&self, scene: &[&str]) -> Script {
        client(&self.python, &self.balancer, scene)
    }

    /// Counted calls of the one route with this status.
    fn counted(&self, status: Status) -> u64 {
        counted(&self.balancer, status)
    }
}

fn client(python: &Path, balancer: &Balancer, scene: &[&str]) -> Script {
    let address = balancer.address.to_string();
    Script::start(python, "client.py", &[&[address.as_str()], scene].concat())
}

fn counted(balancer: &Balancer, status: Status) -> u64 {
    let routes = balancer.registry.scrape().routes;
    routes.into_values().filter_map(|route| route.grpc.get(&status).copied()).sum()
}

fn pool(servers: &[SocketAddr], more: &str) -> String {
    config(servers, &format!("protocol = \"h2\"\n{more}"))
}

#[test]
fn calls_of_every_kind_pass() {
    let Some(site) = Site::new("") else { return };
    let client = site.client(&["kinds"]);
    for expected in ["a:hi", "a+b+c", "0 1 2 3 4", "True"] {
        assert_eq!(client.line(), expected);
    }
    eventually("all are counted", || site.counted(Status::Ok) == 4);
}

#[test]
fn both_sides_of_a_conversation_hear_each_message_as_it_comes() {
    let Some(site) = Site::new("") else { return };
    let client = site.client(&["chat"]);
    for message in ["one", "two", "three"] {
        assert_eq!(site.server.script.line(), format!("heard {message}"));
        assert_eq!(client.line(), format!("re:{message}"));
    }
    assert_eq!(client.line(), "[] OK");
    site.server.script.hear("heard all");
}

#[test]
fn metadata_and_trailers_pass_both_ways() {
    let Some(site) = Site::new("") else { return };
    let client = site.client(&["metadata"]);
    assert_eq!(client.line(), r"a b'\x01\xfe'");
    assert_eq!(client.line(), r"h b'\x00\xff' t b'\xff\x00'");
}

#[test]
fn errors_keep_their_code_and_message() {
    let Some(site) = Site::new("") else { return };
    let client = site.client(&["errors"]);
    for expected in [
        "NOT_FOUND: no such thing",
        "INTERNAL: 50 % für dich",
        "UNAUTHENTICATED: who",
        "first ABORTED: lost",
        "UNIMPLEMENTED: Method not found!",
    ] {
        assert_eq!(client.line(), expected);
    }
    for status in [Status::NotFound, Status::Internal, Status::Aborted, Status::Unimplemented] {
        eventually("it is counted", || site.counted(status) == 1);
    }
}

#[test]
fn large_messages_pass() {
    let more = "[route.all.limits]\nbody_bytes = \"unlimited\"\n";
    let Some(site) = Site::new(more) else { return };
    assert_eq!(site.client(&["blob"]).line(), "4194304 True");
}

#[test]
fn a_quiet_stream_with_keepalive_pings_goes_on() {
    // `response`, `idle` and the slowest a client may be are for messages that have an end.
    let more = "[route.all.timeouts]\nresponse = \"300ms\"\nidle = \"300ms\"\n\
                [listener.web.limits]\nbody_progress = \"1MiB/s over 1s\"\n";
    let Some(site) = Site::new(more) else { return };
    let client = site.client(&["quiet"]);
    assert_eq!(client.line(), "re:before");
    assert_eq!(client.line(), "re:after []");
    assert_eq!(site.balancer.refused("h2_ping_flood"), 0);
}

#[test]
fn a_quiet_stream_ends_after_the_time_of_a_tunnel() {
    let Some(site) = Site::new("[route.all.timeouts]\ntunnel = \"300ms\"\n") else { return };
    let client = site.client(&["hang_late"]);
    let said = "first DEADLINE_EXCEEDED: neither side said anything for too long";
    assert_eq!(client.line(), said);
    site.server.script.hear("ended hang_late");
}

#[test]
fn a_deadline_reaches_the_server_and_its_end_does_too() {
    let Some(site) = Site::new("") else { return };
    let client = site.client(&["hang", "0.5"]);
    assert_eq!(client.line(), "DEADLINE_EXCEEDED: Deadline Exceeded");
    assert_eq!(site.server.script.line(), "left some");
    site.server.script.hear("ended hang");
}

#[test]
fn the_time_of_the_route_is_a_deadline() {
    let Some(site) = Site::new("[route.all.timeouts]\ntotal = \"300ms\"\n") else { return };
    let expected = "DEADLINE_EXCEEDED: the exchange used up its total time";
    assert_eq!(site.client(&["hang"]).line(), expected);
    assert_eq!(site.server.script.line(), "left much");
    site.server.script.hear("ended hang");
    // With a deadline that is later, the server is told the earlier one.
    let said = site.client(&["hang", "1000"]).line();
    assert!(said.starts_with("DEADLINE_EXCEEDED"), "it may be the first to say so: {said}");
    site.server.script.hear("left some");
    site.server.script.hear("ended hang");
    // What has begun ends with a status too.
    assert_eq!(site.client(&["hang_late"]).line(), format!("first {expected}"));
    site.server.script.hear("ended hang_late");
    eventually("all are counted", || site.counted(Status::DeadlineExceeded) == 3);
}

#[test]
fn a_client_that_cancels_ends_the_call_at_the_server() {
    let Some(site) = Site::new("") else { return };
    let client = site.client(&["cancel"]);
    assert_eq!(client.line(), "first");
    assert!(client.line().starts_with("CANCELLED"));
    site.server.script.hear("ended hang_late");
    eventually("it is counted", || site.counted(Status::Cancelled) == 1);
}

/// Two servers, of which the first takes no calls.
fn declining(python: &Path, more: &str) -> (Balancer, [Calls; 2]) {
    let mut servers = [Calls::start(python, "a"), Calls::start(python, "b")];
    servers[0].tell("decline");
    let more = format!("retry_budget = {{ ratio = 1.0, min_per_second = 1000 }}\n{more}");
    let addresses = [servers[0].address, servers[1].address];
    (Balancer::start(&pool(&addresses, &more)), servers)
}

#[test]
fn a_call_that_was_declined_is_retried() {
    let Some(python) = grpc_python() else { return };
    let (balancer, servers) = declining(&python, "[route.all.retry]\non = [\"503\"]\n");
    assert_eq!(client(&python, &balancer, &["many", "10"]).line(), "10 b'b:'");
    servers[0].script.hear("unary");
    assert!(balancer.pool().retries >= 5);
    eventually("all are counted", || counted(&balancer, Status::Ok) == 10);
    assert_eq!(counted(&balancer, Status::Unavailable), 0);
}

#[test]
fn a_call_is_not_retried_unless_its_route_says_so() {
    let Some(python) = grpc_python() else { return };
    let (mut balancer, _servers) = declining(&python, "");
    let client = client(&python, &balancer, &["many", "20"]);
    assert_eq!(client.line(), "10 UNAVAILABLE: not now");
    assert_eq!(client.line(), "10 b'b:'");
    // As `failures` lists 503, five in a row are worth a word to those who eject.
    let signal = balancer.signals.blocking_recv().expect("it was told");
    let Signal::FailedRun { reason, .. } = signal else { panic!("a run of failures") };
    assert_eq!(reason, FailureReason::Status(503));
}

#[test]
fn a_server_that_dies_under_load_is_not_noticed() {
    let Some(python) = grpc_python() else { return };
    let servers = [Calls::start(&python, "a"), Calls::start(&python, "b")];
    let more = "retry_budget = { ratio = 1.0, min_per_second = 1000 }\n";
    let addresses = [servers[0].address, servers[1].address];
    let balancer = Balancer::start(&pool(&addresses, more));
    let mut client = client(&python, &balancer, &["load"]);
    assert_eq!(client.line(), "under load");
    let [doomed, _other] = servers;
    // With the script goes its process.
    drop(doomed);
    client.tell("go on");
    assert_eq!(client.line(), "failed 0 []");
}

#[test]
fn what_is_answered_here_is_a_status() {
    let Some(python) = grpc_python() else { return };
    let nobody = Balancer::start(&pool(&[Server::absent()], ""));
    let said = client(&python, &nobody, &["many", "1"]).line();
    assert_eq!(said, "1 UNAVAILABLE: no connection to the server");
    let elsewhere = "match = { host = \"elsewhere\" }\n[route.all.limits]\n";
    let none = Balancer::start(
        &pool(&[Server::absent()], "").replace("[pool.app]", &format!("{elsewhere}[pool.app]")),
    );
    let said = client(&python, &none, &["many", "1"]).line();
    assert_eq!(said, "1 UNIMPLEMENTED: no route takes this request");
    assert_eq!(none.refused("no_route"), 1);
}

#[test]
fn a_malformed_deadline_is_refused_and_one_that_has_passed_is_over() {
    let server = Server::named("a");
    let balancer = Balancer::start(&config(&[server.address], ""));
    for (timeout, code, word) in [("1x", "13", "bad_header"), ("0S", "4", "")] {
        let mut client = balancer.client();
        client.send(format!(
            "POST /a.B/C HTTP/1.1\r\nHost: a\r\nContent-Type: application/grpc\r\n\
             grpc-timeout: {timeout}\r\nContent-Length: 0\r\n\r\n"
        ));
        let (head, body) = client.message();
        assert_eq!((status(&head), body.len()), (200, 0));
        assert_eq!(field(&head, "grpc-status"), Some(code), "{head}");
        assert_eq!(field(&head, "content-type"), Some("application/grpc"));
        assert!(word.is_empty() || balancer.refused(word) == 1);
    }
    assert_eq!(server.heads(), [""; 0], "neither was sent on");
}
