//! Real programs as servers and clients: found on this machine, started on ports of their own,
//! ended with the test.

use std::io::{self, BufRead, BufReader, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use crate::world::eventually;

/// A child process that ends with the test.
pub struct Program(Child);

impl Program {
    pub fn new(child: Child) -> Self {
        Self(child)
    }

    pub fn id(&self) -> u32 {
        self.0.id()
    }

    /// Sends a signal by name, as `kill` takes it.
    pub fn signal(&self, name: &str) {
        let kill = Command::new("kill").args(["-s", name, &self.id().to_string()]).status();
        assert!(kill.expect("kill is everywhere").success());
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        // It may have ended by itself.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// A directory that goes with the test.
pub struct Directory(PathBuf);

impl Directory {
    pub fn new(name: &str) -> Self {
        let path =
            Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).expect("a place to write");
        Self(path)
    }

    pub fn path(&self) -> &Path {
        &self.0
    }

    pub fn write(&self, name: &str, content: impl AsRef<[u8]>) -> PathBuf {
        let path = self.0.join(name);
        std::fs::write(&path, content).expect("a place to write");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What is left lies in the build directory.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Whether a program is installed; says so when a test has to go without.
pub fn installed(program: &str) -> bool {
    let found = Command::new("sh").args(["-c", &format!("command -v {program}")]).output();
    let found = found.is_ok_and(|output| output.status.success());
    if !found {
        // Past the harness, which shows what a test prints only when it fails.
        let _ = writeln!(io::stderr(), "SKIPPED a test: {program} is not installed");
    }
    found
}

/// A Python that has gRPC, as `cargo xtask test` sets one up; says so when a test has to go
/// without.
pub fn grpc_python() -> Option<PathBuf> {
    let python = Path::new(env!("CARGO_TARGET_TMPDIR")).with_file_name("grpcio/bin/python");
    if !python.is_file() {
        let _ = writeln!(io::stderr(), "SKIPPED a test: there is no {}", python.display());
        return None;
    }
    Some(python)
}

/// `python3 -m http.server` over a directory, on a port that it picks.
pub fn python(directory: &Path, version: &str) -> (Program, SocketAddr) {
    let mut child = Command::new("python3")
        .args(["-u", "-m", "http.server", "0", "--bind", "127.0.0.1", "--protocol", version])
        .current_dir(directory)
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("python3 starts");
    let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
    let line = lines.next().expect("it says where it listens").expect("text");
    let port = line.split("port ").nth(1).and_then(|rest| rest.split(' ').next());
    let port = port.and_then(|port| port.parse().ok()).expect("a port");
    (Program(child), SocketAddr::from(([127, 0, 0, 1], port)))
}

/// nginx over a directory, on a free port of an address that no other test uses.
pub fn nginx(directory: &Directory, server: &str) -> (Program, SocketAddr) {
    nginx_on(directory, "", server)
}

/// The same with TLS, where the directory has a certificate and its key.
pub fn nginx_tls(directory: &Directory) -> (Program, SocketAddr) {
    let root = directory.path().display();
    let files =
        format!("ssl_certificate {root}/server.pem; ssl_certificate_key {root}/server.key;");
    nginx_on(directory, "ssl", &files)
}

/// The same, listening with these words, such as `http2`.
pub fn nginx_on(directory: &Directory, words: &str, server: &str) -> (Program, SocketAddr) {
    let free = TcpListener::bind("127.0.0.17:0").expect("a free port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let temporary = ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"]
        .map(|kind| format!("{kind}_temp_path {kind};\n"))
        .concat();
    let config = format!(
        "daemon off;\nmaster_process off;\npid nginx.pid;\nerror_log stderr;\n\
         events {{ worker_connections 256; }}\n\
         http {{\naccess_log off;\n{temporary}\
         server {{\nlisten {address} {words};\nroot .;\n{server}\n}}\n}}\n"
    );
    let path = directory.write("nginx.conf", config);
    let child = Command::new("nginx")
        .arg("-p")
        .arg(directory.path())
        .arg("-c")
        .arg(path)
        .args(["-e", "stderr"])
        .stderr(Stdio::null())
        .spawn()
        .expect("nginx starts");
    eventually("nginx listens", || TcpStream::connect(address).is_ok());
    (Program(child), address)
}

/// HAProxy on a free port, in TCP mode before one server, whose line is given.
pub fn haproxy(directory: &Directory, server: &str) -> (Program, SocketAddr) {
    let free = TcpListener::bind("127.0.0.19:0").expect("a free port");
    let address = free.local_addr().expect("bound");
    drop(free);
    let config = format!(
        "defaults\nmode tcp\ntimeout connect 10s\ntimeout client 10s\ntimeout server 10s\n\
         listen front\nbind {address}\nunique-id-format %rt\nserver one {server}\n"
    );
    let path = directory.write("haproxy.cfg", config);
    let child = Command::new("haproxy")
        .args(["-db", "-q", "-f"])
        .arg(path)
        .stderr(Stdio::null())
        .spawn()
        .expect("haproxy starts");
    eventually("haproxy listens", || TcpStream::connect(address).is_ok());
    (Program(child), address)
}
