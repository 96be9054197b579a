//! Pebble, the ACME server that Let's Encrypt tests clients with, and a DNS in which every name
//! leads here. It validates for real, refuses a part of all nonces, and forgets everything when it
//! ends.

use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::thread;

use super::certificate::Pair;
use super::directory::Directory;
use super::wait::until;

/// An authority, ended when it is dropped.
pub(crate) struct Pebble {
    child: Child,
    management: u16,
}

/// Where an authority will be, and where it looks for answers.
#[derive(Clone, Copy)]
pub(crate) struct Ports {
    pub(crate) directory: u16,
    /// Where the root of what it issues is told.
    pub(crate) management: u16,
    /// Of TLS-ALPN-01.
    pub(crate) tls: u16,
    /// Of HTTP-01.
    pub(crate) http: u16,
}

impl Ports {
    /// Ports that nobody has right now: both sides have to know them before either starts.
    pub(crate) fn free() -> Self {
        let sockets = [(); 4].map(|()| TcpListener::bind("127.0.0.1:0").expect("a free port"));
        let [directory, management, tls, http] =
            sockets.map(|socket| socket.local_addr().expect("it is bound").port());
        Self { directory, management, tls, http }
    }

    /// The lines that ask this authority for a certificate.
    pub(crate) fn acme(self, domains: &[&str], more: &str) -> String {
        format!(
            "[listener.web.tls.acme]\ndomains = {domains:?}\n\
             directory = \"https://localhost:{}/dir\"\nca = \"pebble.pem\"\n{more}\n",
            self.directory
        )
    }

    pub(crate) fn tls_address(self) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], self.tls))
    }
}

impl Pebble {
    /// Writes what vouches for the directory to `pebble.pem`, and the key beside it.
    pub(crate) fn introduce(world: &Directory) {
        let pair = Pair::new(&["localhost", "127.0.0.1"]);
        world.write("pebble.pem", &pair.certificate);
        world.write("pebble.key", &pair.key);
    }

    /// Starts one that issues certificates for `seconds` and was introduced, and waits until it
    /// answers.
    pub(crate) fn start(world: &Directory, ports: Ports, seconds: u64) -> Self {
        let (directory, management) = (ports.directory, ports.management);
        let path = world.path().display();
        let config = format!(
            r#"{{"pebble": {{
                "listenAddress": "127.0.0.1:{directory}",
                "managementListenAddress": "127.0.0.1:{management}",
                "certificate": "{path}/pebble.pem",
                "privateKey": "{path}/pebble.key",
                "httpPort": {http},
                "tlsPort": {tls},
                "certificateValidityPeriod": {seconds}
            }}}}"#,
            http = ports.http,
            tls = ports.tls,
        );
        let config = world.write("pebble.json", &config);
        let mut command = Command::new("pebble");
        command.arg("-config").arg(config).arg("-strict");
        command.arg("-dnsserver").arg(names_that_lead_here().to_string());
        command.env("PEBBLE_VA_NOSLEEP", "1").env("PEBBLE_WFE_NONCEREJECT", "5");
        command.env("PEBBLE_AUTHZREUSE", "0");
        let child = command.stdout(Stdio::null()).stderr(Stdio::null()).spawn();
        let pebble = Self { child: child.expect("it is installed"), management };
        until("pebble answers", || pebble.ask("roots/0"));
        pebble
    }

    /// Writes the root of what it issues, and returns the path.
    pub(crate) fn root(&self, world: &Directory) -> PathBuf {
        world.write("root.pem", &self.ask("roots/0").expect("it answers"))
    }

    /// Asks what only tests may.
    fn ask(&self, what: &str) -> Option<String> {
        let mut curl = Command::new("curl");
        curl.args(["-sSk", "-m", "10", "--noproxy", "*"]).stderr(Stdio::null());
        let output = curl.arg(format!("https://127.0.0.1:{}/{what}", self.management)).output();
        let output = output.expect("curl is installed");
        output.status.success().then(|| String::from_utf8_lossy(&output.stdout).into_owned())
    }
}

impl Drop for Pebble {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// A DNS server that knows one address (RFC 1035): 127.0.0.1, whatever is asked for. It serves
/// until the test program ends.
fn names_that_lead_here() -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").expect("a free port");
    let address = socket.local_addr().expect("it is bound");
    thread::spawn(move || {
        let mut query = [0; 512];
        while let Ok((length, peer)) = socket.recv_from(&mut query) {
            let Some(answer) = answer(&query[..length]) else { continue };
            // Whoever asked will ask again.
            let _ = socket.send_to(&answer, peer);
        }
    });
    address
}

fn answer(query: &[u8]) -> Option<Vec<u8>> {
    const HEADER: usize = 12;
    let name = query.get(HEADER..)?.iter().position(|byte| *byte == 0)?;
    let question = query.get(HEADER..HEADER + name + 5)?;
    // A, in the Internet; names have no other records.
    let known = question.ends_with(&[0, 1, 0, 1]);
    let mut answer = query.get(..2)?.to_vec();
    // A response, authoritative; one question, the answers, nothing more.
    answer.extend([0x84, 0, 0, 1, 0, u8::from(known), 0, 0, 0, 0]);
    answer.extend(question);
    if known {
        // The name of the question, A, in the Internet, for no time, four bytes.
        answer.extend([0xc0, 12, 0, 1, 0, 1, 0, 0, 0, 0, 0, 4, 127, 0, 0, 1]);
    }
    Some(answer)
}
