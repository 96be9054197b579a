//! A running balancer: the real program as a child process.

use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use rustix::process::{Pid, Signal, kill_process};
use rustix::pty::{OpenptFlags, grantpt, openpt, ptsname, unlockpt};

use super::client::{Response, get};
use super::program::{Ended, ended, tidegate};
use super::wait::{DEADLINE, until};

/// A running balancer, killed when it is dropped.
pub(crate) struct Balancer {
    child: Child,
    lines: Receiver<String>,
    said: Vec<String>,
    /// Where its listeners listen, in the order it names them.
    pub(crate) listeners: Vec<SocketAddr>,
    admin: String,
}

impl Balancer {
    /// Starts `tidegate run -c FILE` and waits until it serves.
    pub(crate) fn run(directory: &Path, file: &Path) -> Self {
        let mut command = tidegate(directory);
        command.arg("run").arg("-c").arg(file);
        Self::start(command)
    }

    /// Starts a command that becomes a balancer, and waits until it serves.
    pub(crate) fn start(mut command: Command) -> Self {
        command.stdout(Stdio::null()).stderr(Stdio::piped());
        let mut child = command.spawn().expect("the program starts");
        let output = child.stderr.take().expect("it is piped");
        Self::introduced(child, output)
    }

    /// Starts a command that becomes a balancer on a terminal.
    pub(crate) fn on_terminal(mut command: Command) -> Self {
        let ours = openpt(OpenptFlags::RDWR | OpenptFlags::NOCTTY).expect("there are terminals");
        grantpt(&ours).and_then(|()| unlockpt(&ours)).expect("the terminal is ours");
        let name = ptsname(&ours, Vec::new()).expect("it has a name");
        let name = name.to_str().expect("plain ASCII");
        let theirs = File::options().read(true).write(true).open(name).expect("it can be opened");
        command.stdout(Stdio::null()).stderr(theirs);
        let child = command.spawn().expect("the program starts");
        Self::introduced(child, File::from(ours))
    }

    /// Reads where it listens from what it says at its start, and waits until it serves.
    fn introduced(child: Child, output: impl Read + Send + 'static) -> Self {
        let (lines, said, listeners) = (follow(output), Vec::new(), Vec::new());
        let mut balancer = Self { child, lines, said, listeners, admin: String::new() };
        while balancer.admin.is_empty() {
            let line = balancer.line();
            if let Some(rest) = line.strip_prefix("listening on ") {
                let address = rest.split(' ').next().and_then(|text| text.parse().ok());
                balancer.listeners.push(address.unwrap_or_else(|| panic!("an address: {line:?}")));
            } else if let Some(rest) = line.strip_prefix("admin API on ") {
                rest.clone_into(&mut balancer.admin);
            }
            balancer.said.push(line);
        }
        balancer
    }

    /// What it said at its start, a line each.
    pub(crate) fn said(&self) -> &[String] {
        &self.said
    }

    /// The next line it says on standard error.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        let line = self.lines.recv_timeout(DEADLINE);
        line.unwrap_or_else(|error| panic!("it says no more ({error}) after {:#?}", self.said))
    }

    /// Waits for a line that contains `text`.
    #[track_caller]
    pub(crate) fn line_with(&self, text: &str) -> String {
        loop {
            let line = self.line();
            if line.contains(text) {
                return line;
            }
        }
    }

    /// Sends a GET request through its first listener.
    #[track_caller]
    pub(crate) fn get(&self, path: &str) -> Response {
        get(self.listeners[0], path).expect("it answers")
    }

    /// Where commands find it.
    pub(crate) fn admin_url(&self) -> &str {
        &self.admin
    }

    /// Where its admin API listens.
    pub(crate) fn admin(&self) -> SocketAddr {
        let address = self.admin.strip_prefix("http://").and_then(|rest| rest.parse().ok());
        address.expect("it listens on TCP")
    }

    /// Runs a command that asks it.
    pub(crate) fn asked(&self, directory: &Path, arguments: &[&str]) -> Ended {
        ended(directory, &[arguments, &["--admin", &self.admin]].concat())
    }

    /// Sends it a signal.
    pub(crate) fn signal(&self, signal: Signal) {
        kill_process(Pid::from_child(&self.child), signal).expect("it runs, and is our child");
    }

    /// What the system limits it to.
    pub(crate) fn limits(&self) -> String {
        let path = format!("/proc/{}/limits", self.child.id());
        std::fs::read_to_string(path).expect("it runs")
    }

    /// Waits for it to end by itself.
    #[track_caller]
    pub(crate) fn end(&mut self) -> ExitStatus {
        until("the balancer ends", || self.child.try_wait().expect("it is our child"))
    }
}

impl Drop for Balancer {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// Lines as they come.
fn follow(output: impl Read + Send + 'static) -> Receiver<String> {
    let (tell, lines) = channel();
    thread::spawn(move || {
        for line in BufReader::new(output).lines().map_while(Result::ok) {
            if tell.send(line).is_err() {
                return;
            }
        }
    });
    lines
}
