//! Servers that answer as they are told: well, badly, slowly, or not at all.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, Mutex};

use tidegate_net::task;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::task::JoinHandle;

/// What a server does with a connection.
#[derive(Clone, Debug)]
pub(crate) enum Manner {
    /// Reads the request, then says this in pieces, and closes.
    Say(Vec<Vec<u8>>),
    /// Closes without a word.
    Close,
    /// Says nothing and keeps the connection.
    Hang,
    /// Says this, then goes on without an end.
    Flood(Vec<u8>),
}

impl Manner {
    pub(crate) fn say(text: &str) -> Self {
        Self::Say(vec![text.as_bytes().to_vec()])
    }

    pub(crate) fn status(code: u16) -> Self {
        Self::say(&format!("HTTP/1.1 {code} Word\r\nContent-Length: 2\r\n\r\nok"))
    }
}

/// A server.
pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    shared: Arc<Shared>,
    running: JoinHandle<()>,
}

struct Shared {
    manner: Mutex<Manner>,
    connections: AtomicUsize,
    flooded: AtomicUsize,
    requests: Mutex<Vec<String>>,
}

impl Server {
    pub(crate) async fn start(manner: Manner) -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
        let address = listener.local_addr().expect("bound");
        let shared = Arc::new(Shared {
            manner: Mutex::new(manner),
            connections: AtomicUsize::new(0),
            flooded: AtomicUsize::new(0),
            requests: Mutex::default(),
        });
        let running = task::spawn("test-server", serve(listener, Arc::clone(&shared)));
        Self { address, shared, running }
    }

    pub(crate) fn behave(&self, manner: Manner) {
        *self.shared.manner.lock().expect("unharmed") = manner;
    }

    /// Connections so far.
    pub(crate) fn connections(&self) -> usize {
        self.shared.connections.load(SeqCst)
    }

    /// Bytes that went out in floods.
    pub(crate) fn flooded(&self) -> usize {
        self.shared.flooded.load(SeqCst)
    }

    /// Requests so far.
    pub(crate) fn requests(&self) -> Vec<String> {
        self.shared.requests.lock().expect("unharmed").clone()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.running.abort();
    }
}

/// An address where nobody listens.
pub(crate) async fn nobody() -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    listener.local_addr().expect("bound")
}

async fn serve(listener: TcpListener, shared: Arc<Shared>) {
    while let Ok((stream, _)) = listener.accept().await {
        shared.connections.fetch_add(1, SeqCst);
        let manner = shared.manner.lock().expect("unharmed").clone();
        drop(task::spawn("test-connection", answer(stream, manner, Arc::clone(&shared))));
    }
}

async fn answer(mut stream: TcpStream, manner: Manner, shared: Arc<Shared>) {
    let mut request = Vec::new();
    let mut told = false;
    while !told {
        let mut piece = [0; 1024];
        match stream.read(&mut piece).await {
            // A TCP check says nothing.
            Ok(0) | Err(_) => return,
            Ok(count) => request.extend_from_slice(&piece[..count]),
        }
        told = request.ends_with(b"\r\n\r\n");
    }
    let request = String::from_utf8_lossy(&request).into_owned();
    shared.requests.lock().expect("unharmed").push(request);
    // The other side may leave at any time.
    let _ = talk(&mut stream, manner, &shared).await;
}

async fn talk(stream: &mut TcpStream, manner: Manner, shared: &Shared) -> std::io::Result<()> {
    match manner {
        Manner::Close => Ok(()),
        Manner::Hang => std::future::pending().await,
        Manner::Say(pieces) => {
            stream.set_nodelay(true)?;
            for piece in pieces {
                stream.write_all(&piece).await?;
                tokio::task::yield_now().await;
            }
            stream.shutdown().await
        }
        Manner::Flood(start) => {
            stream.write_all(&start).await?;
            loop {
                let sent = stream.write(&[b'x'; 4096]).await?;
                shared.flooded.fetch_add(sent, SeqCst);
            }
        }
    }
}
