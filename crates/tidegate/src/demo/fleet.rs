//! The servers of the shop as processes: started, killed and brought back.
//!
//! They are this same program under another command. None outlives the demo: each is killed when
//! its handle is dropped, and asks the kernel to be killed when the demo ends in any other way.

use std::io::{self, BufRead, BufReader};
use std::net::{Ipv4Addr, SocketAddr};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result};

/// This program, even if its file has been replaced since it started.
const PROGRAM: &str = "/proc/self/exe";

/// All servers of the shop.
#[derive(Debug)]
pub(super) struct Fleet {
    book: PathBuf,
    servers: Vec<ShopProcess>,
}

#[derive(Debug)]
struct ShopProcess {
    child: Child,
    address: SocketAddr,
}

impl Fleet {
    /// Starts so many servers, each on a port that it finds. Orders are written down in `book`.
    ///
    /// To be called on the main thread: the kernel kills the servers when the thread that started
    /// them ends.
    pub(super) fn start(count: usize, book: &Path) -> Result<Self> {
        let servers = (0..count).map(|_| ShopProcess::start(0, book)).collect::<Result<_>>()?;
        Ok(Self { book: book.to_owned(), servers })
    }

    /// Where they listen, in order.
    pub(super) fn addresses(&self) -> Vec<SocketAddr> {
        self.servers.iter().map(|server| server.address).collect()
    }

    /// Kills one with SIGKILL; returns its process id.
    pub(super) fn kill(&mut self, place: usize) -> Result<u32> {
        let server = &mut self.servers[place];
        let id = server.child.id();
        server.stop().with_context(|| format!("cannot kill process {id}"))?;
        Ok(id)
    }

    /// Starts one again that was killed, on the port that it had; returns its process id.
    pub(super) fn bring_back(&mut self, place: usize) -> Result<u32> {
        let port = self.servers[place].address.port();
        self.servers[place] = ShopProcess::start(port, &self.book)?;
        Ok(self.servers[place].child.id())
    }
}

impl ShopProcess {
    fn start(port: u16, book: &Path) -> Result<Self> {
        let child = Command::new(PROGRAM)
            .args(["shop-server", "--port", &port.to_string()])
            .args(["--parent", &std::process::id().to_string(), "--book"])
            .arg(book)
            // Ctrl-C on a terminal is for the demo, which then ends them itself.
            .process_group(0)
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .spawn()
            .context("cannot start a shop server")?;
        // From here on an error drops the handle, which kills the process.
        let mut server = Self { child, address: (Ipv4Addr::LOCALHOST, port).into() };
        let port = server.port().context("a shop server did not come up")?;
        server.address.set_port(port);
        Ok(server)
    }

    /// The port that it says it listens on.
    fn port(&mut self) -> io::Result<u16> {
        let output = self.child.stdout.take().ok_or(io::ErrorKind::BrokenPipe)?;
        let mut line = String::new();
        BufReader::new(output).read_line(&mut line)?;
        line.trim().parse().map_err(io::Error::other)
    }

    fn stop(&mut self) -> io::Result<()> {
        self.child.kill()?;
        self.child.wait().map(drop)
    }
}

impl Drop for ShopProcess {
    fn drop(&mut self) {
        // One that has been stopped before is known to be gone, so no stranger gets the signal.
        let _ = self.stop();
    }
}
