//! A running balancer: the real program as a child process.

use std::io::{BufRead, BufReader, Read};
use std::net::SocketAddr;
use std::path::Path;
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use super::client::{Response, get};
use super::program::tidegate;
use super::wait::{DEADLINE, until};

/// A running balancer, killed when it is dropped.
pub(crate) struct Balancer {
    child: Child,
    lines: Receiver<String>,
    /// Where its listeners listen, in the order it names them.
    pub(crate) listeners: Vec<SocketAddr>,
    /// Where its admin API listens.
    pub(crate) admin: SocketAddr,
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
        let mut child = command
            .stdout(Stdio::null())
            .stderr(Stdio::piped())
            .spawn()
            .expect("the program starts");
        let lines = follow(child.stderr.take().expect("it is piped"));
        let mut balancer =
            Self { child, lines, listeners: Vec::new(), admin: ([127, 0, 0, 1], 0).into() };
        balancer.introduce();
        balancer
    }

    /// Reads where it listens from what it says at its start.
    fn introduce(&mut self) {
        loop {
            let line = self.line();
            if let Some(rest) = line.strip_prefix("listening on ") {
                let address = rest.split(' ').next().and_then(|text| text.parse().ok());
                self.listeners.push(address.unwrap_or_else(|| panic!("an address in {line:?}")));
            } else if let Some(rest) = line.strip_prefix("admin API on http://") {
                self.admin = rest.parse().unwrap_or_else(|_| panic!("an address in {line:?}"));
                break;
            }
        }
        until("the balancer is ready", || {
            get(self.admin, "/readyz").ok().filter(|response| response.status == 200)
        });
    }

    /// The next line it says on standard error.
    #[track_caller]
    pub(crate) fn line(&self) -> String {
        self.lines.recv_timeout(DEADLINE).expect("it says something more")
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
    pub(crate) fn admin_url(&self) -> String {
        format!("http://{}", self.admin)
    }

    /// Sends a signal, by the name that `kill` knows.
    pub(crate) fn signal(&self, name: &str) {
        let id = self.child.id().to_string();
        let status = Command::new("kill").args(["-s", name, &id]).status();
        assert!(status.expect("kill is everywhere").success(), "cannot signal {id}");
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
