//! The HTTP/2 library as a client and as a server, for what is well-formed; on a runtime of its
//! own, so that tests stay blocking.

use std::future::Future;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering::SeqCst};
use std::sync::{Arc, LazyLock};

use bytes::Bytes;
use h2::client::SendRequest;
use h2::server::SendResponse;
use h2::{RecvStream, SendStream};
use http::{HeaderMap, Request, Response};
use tokio::net::{TcpListener, TcpStream};
use tokio::runtime::Runtime;

use crate::world::{Balancer, PATIENCE, Peer};

/// The runtime of all clients and servers.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    let mut builder = tokio::runtime::Builder::new_multi_thread();
    builder.worker_threads(2).enable_all().build().expect("threads")
});

/// Runs this to its end, which must come.
#[track_caller]
pub fn wait<T>(future: impl Future<Output = T>) -> T {
    let due = async { tokio::time::timeout(PATIENCE, future).await };
    RUNTIME.block_on(due).expect("nothing came")
}

/// Runs this beside the test.
pub fn beside<T: Send + 'static>(
    future: impl Future<Output = T> + Send + 'static,
) -> tokio::task::JoinHandle<T> {
    RUNTIME.spawn(future)
}

/// A client's connection.
#[derive(Clone)]
pub struct Client {
    pub offer: SendRequest<Bytes>,
}

impl Client {
    #[track_caller]
    pub fn new(balancer: &Balancer) -> Self {
        Self::with(balancer, &h2::client::Builder::new())
    }

    #[track_caller]
    pub fn with(balancer: &Balancer, builder: &h2::client::Builder) -> Self {
        Self::over(balancer.client(), builder)
    }

    /// A client on a connection on which nothing has been said.
    #[track_caller]
    pub fn over(peer: Peer, builder: &h2::client::Builder) -> Self {
        wait(async {
            peer.stream.set_nonblocking(true).expect("an option");
            let stream = TcpStream::from_std(peer.stream).expect("a runtime");
            let (offer, connection) = builder.handshake(stream).await.expect("a preface");
            // Its streams hear of its end.
            beside(async { drop(connection.await) });
            Self { offer }
        })
    }

    /// Begins a request whose body is to follow.
    pub async fn open(
        &self,
        request: Request<()>,
    ) -> Result<(h2::client::ResponseFuture, SendStream<Bytes>), h2::Error> {
        let mut offer = self.offer.clone().ready().await?;
        offer.send_request(request, false)
    }

    /// Sends a request without a body.
    pub async fn ask(&self, request: Request<()>) -> Result<Response<RecvStream>, h2::Error> {
        let mut offer = self.offer.clone().ready().await?;
        offer.send_request(request, true)?.0.await
    }

    /// Sends a request without a body, and reads the whole response.
    pub async fn fetch(&self, request: Request<()>) -> Result<(u16, Vec<u8>), h2::Error> {
        let (head, mut body) = self.ask(request).await?.into_parts();
        Ok((head.status.as_u16(), collect(&mut body).await?.0))
    }
}

/// A request without fields.
pub fn plain(method: &str, path: &str) -> Request<()> {
    let uri = format!("http://shop.example.com{path}");
    Request::builder().method(method).uri(uri).body(()).expect("well-formed")
}

/// The whole of a body and its trailers.
pub async fn collect(body: &mut RecvStream) -> Result<(Vec<u8>, HeaderMap), h2::Error> {
    let mut bytes = Vec::new();
    while let Some(piece) = body.data().await {
        let piece = piece?;
        // A stream that is over has no use for it.
        let _ = body.flow_control().release_capacity(piece.len());
        bytes.extend_from_slice(&piece);
    }
    Ok((bytes, body.trailers().await?.unwrap_or_default()))
}

/// Sends bytes as the receiver takes them. False when the stream ended before.
pub async fn push(stream: &mut SendStream<Bytes>, bytes: &[u8]) -> bool {
    let mut left = bytes;
    while !left.is_empty() {
        stream.reserve_capacity(left.len());
        let Some(Ok(count)) = std::future::poll_fn(|context| stream.poll_capacity(context)).await
        else {
            return false;
        };
        let (piece, rest) = left.split_at(count.min(left.len()));
        if stream.send_data(Bytes::copy_from_slice(piece), false).is_err() {
            return false;
        }
        left = rest;
    }
    true
}

/// A server on HTTP/2.
pub struct Server {
    pub address: SocketAddr,
    connections: Arc<AtomicUsize>,
    open: Arc<AtomicUsize>,
}

/// What is called for each request.
pub trait Answer: Send + Sync + 'static {
    fn answer(
        &self,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) -> impl Future<Output = ()> + Send;
}

impl<F, T> Answer for F
where
    F: Fn(Request<RecvStream>, SendResponse<Bytes>) -> T + Send + Sync + 'static,
    T: Future<Output = ()> + Send,
{
    fn answer(
        &self,
        request: Request<RecvStream>,
        respond: SendResponse<Bytes>,
    ) -> impl Future<Output = ()> + Send {
        self(request, respond)
    }
}

impl Server {
    pub fn start(answer: impl Answer) -> Self {
        Self::with(h2::server::Builder::new(), answer)
    }

    /// A server with settings.
    pub fn with(builder: h2::server::Builder, answer: impl Answer) -> Self {
        let listener = wait(TcpListener::bind("127.0.0.1:0")).expect("a free port");
        let server = Self {
            address: listener.local_addr().expect("bound"),
            connections: Arc::default(),
            open: Arc::default(),
        };
        let (connections, open) = (Arc::clone(&server.connections), Arc::clone(&server.open));
        let answer = Arc::new(answer);
        beside(async move {
            while let Ok((stream, _)) = listener.accept().await {
                connections.fetch_add(1, SeqCst);
                open.fetch_add(1, SeqCst);
                let (answer, open) = (Arc::clone(&answer), Arc::clone(&open));
                let builder = builder.clone();
                beside(async move {
                    serve(stream, &builder, &answer).await;
                    open.fetch_sub(1, SeqCst);
                });
            }
        });
        server
    }

    /// A server that answers every request with this.
    pub fn named(name: &'static str) -> Self {
        Self::start(async move |_, mut respond: SendResponse<Bytes>| {
            if let Ok(mut body) = respond.send_response(Response::new(()), false) {
                // The client may be gone.
                let _ = body.send_data(Bytes::from_static(name.as_bytes()), true);
            }
        })
    }

    pub fn connections(&self) -> usize {
        self.connections.load(SeqCst)
    }

    /// Connections that have not ended.
    pub fn open(&self) -> usize {
        self.open.load(SeqCst)
    }
}

async fn serve(stream: TcpStream, builder: &h2::server::Builder, answer: &Arc<impl Answer>) {
    let Ok(mut connection) = builder.handshake(stream).await else { return };
    while let Some(Ok((request, respond))) = connection.accept().await {
        let answer = Arc::clone(answer);
        beside(async move { answer.answer(request, respond).await });
    }
}
