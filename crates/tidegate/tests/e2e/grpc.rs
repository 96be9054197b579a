//! gRPC services behind the whole program: their health service moves traffic, their status is
//! logged. The scripts are those of the data plane's tests.

use std::io::{BufRead, BufReader, Lines, Write};
use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, Stdio};

use crate::world::balancer::Balancer;
use crate::world::config::config;
use crate::world::directory::Directory;
use crate::world::wait::until;

/// A Python that has gRPC, as `cargo xtask test` sets one up; says so when there is none.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("grpcio/bin/python");
    if !python.is_file() {
        eprintln!("SKIPPED a test: there is no {}", python.display());
        return None;
    }
    Some(python)
}

fn script(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../tidegate-proxy/tests/grpc").join(name)
}

struct Server {
    child: Child,
    lines: Lines<BufReader<ChildStdout>>,
    address: SocketAddr,
}

impl Server {
    fn start(python: &Path, name: &str) -> Self {
        let mut child = Command::new(python)
            .arg(script("server.py"))
            .arg(name)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .expect("python starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let port: u16 = lines.next().expect("a line").expect("text").parse().expect("a port");
        Self { child, lines, address: SocketAddr::from(([127, 0, 0, 1], port)) }
    }

    fn tell(&mut self, word: &str) {
        let input = self.child.stdin.as_mut().expect("piped");
        writeln!(input, "{word}").expect("the script listens");
        let said = format!("is {word}");
        let heard = self.lines.by_ref().map_while(Result::ok).any(|line| line == said);
        assert!(heard, "the script does as it is told");
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// What ten calls said, by who served them.
fn ten_calls(python: &Path, balancer: &Balancer) -> String {
    let mut command = Command::new(python);
    command.arg(script("client.py")).arg(balancer.listeners[0].to_string());
    let output = command.args(["many", "10"]).output().expect("python starts");
    String::from_utf8(output.stdout).expect("it is text")
}

#[test]
fn a_server_that_says_it_is_not_serving_gets_no_calls() {
    let Some(python) = python() else { return };
    let world = Directory::new();
    let mut servers = [Server::start(&python, "a"), Server::start(&python, "b")];
    let log = world.path().join("access.log");
    let more = format!(
        "protocol = \"h2\"\n[pool.app.health]\ntype = \"grpc\"\ninterval = \"50ms\"\n\
         interval_changing = \"50ms\"\n[log]\naccess = \"{}\"\n",
        log.display()
    );
    let text = config(&world, &[servers[0].address, servers[1].address], &more);
    let text = text.replace("[pool.app]\n", "[pool.app]\nslow_start = \"0s\"\n");
    let balancer = Balancer::run(world.path(), &world.write("tidegate.toml", &text));
    assert_eq!(ten_calls(&python, &balancer), "5 b'a:'\n5 b'b:'\n");
    servers[0].tell("not-serving");
    until("calls go to the other alone", || {
        (ten_calls(&python, &balancer) == "10 b'b:'\n").then_some(())
    });
    servers[0].tell("serving");
    until("calls go to both again", || {
        (ten_calls(&python, &balancer) == "5 b'a:'\n5 b'b:'\n").then_some(())
    });
    until("calls are logged with their status", || {
        let log = std::fs::read_to_string(&log).ok()?;
        log.contains("\"grpc_status\":\"ok\"").then_some(())
    });
}
