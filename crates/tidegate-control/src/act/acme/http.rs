//! How an authority is talked to: HTTP/1.1 over TLS, a connection for each request.
//!
//! An order takes a dozen requests every two months, so connections are not kept; the TLS session
//! is. Its certificate is verified as that of a server of a pool is. Answers are bounded in size
//! and time. When an answer that is an error says when to come again, that is noted.

use std::future::poll_fn;
use std::io;
use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, RETRY_AFTER, USER_AGENT};
use http::{HeaderMap, Request, Response, Uri};
use hyper::body::{Body, Incoming};
use hyper::client::conn::http1::handshake;
use hyper::rt::{Read, ReadBufCursor, Write};
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tidegate_core::time::Duration;
use tidegate_net::stream::Stream;
use tidegate_net::task;
use tidegate_net::tls::client::Client;

use crate::control::lock;

/// For one request, from finding the address to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer: a chain of certificates takes a few thousand.
const ANSWER_BYTES_MAX: usize = 1 << 20;
/// Bytes of one read.
const READ_BYTES: usize = 8 << 10;
/// Who we are (RFC 8555, section 6.1).
const AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"), " instant-acme");

/// Talks to an authority.
#[derive(Clone, Debug)]
pub(super) struct Http {
    tls: Arc<Client>,
    away: Arc<Mutex<Option<Duration>>>,
}

impl Http {
    pub(super) fn new(tls: Arc<Client>) -> Self {
        Self { tls, away: Arc::default() }
    }

    /// How long the authority last wanted us to stay away.
    pub(super) fn away(&self) -> Option<Duration> {
        *lock(&self.away)
    }

    async fn exchange(&self, request: Request<BodyWrapper<Bytes>>) -> Result<Answer, Fault> {
        let (mut parts, body) = request.into_parts();
        let authority = parts.uri.authority().ok_or("a URL without a host")?.clone();
        let stream = self.connect(&parts.uri).await?;
        let (mut sender, connection) = handshake(Socket(stream)).await?;
        // It ends with the sender.
        drop(task::spawn("acme-connection", connection));
        // The form of a request to the origin itself (RFC 9112, section 3.2.1).
        parts.uri = Uri::from_str(parts.uri.path_and_query().map_or("/", |path| path.as_str()))?;
        parts.headers.insert(HOST, HeaderValue::from_str(authority.as_str())?);
        parts.headers.insert(USER_AGENT, HeaderValue::from_static(AGENT));
        let answer = sender.send_request(Request::from_parts(parts, body)).await?;
        let (head, body) = answer.into_parts();
        if head.status.is_client_error() || head.status.is_server_error() {
            let asked = retry_after(&head.headers);
            let mut away = lock(&self.away);
            *away = asked.or(*away);
        }
        Ok(Response::from_parts(head, collect(body).await?))
    }

    async fn connect(&self, uri: &Uri) -> Result<Stream, Fault> {
        let host = uri.host().ok_or("a URL without a host")?;
        let host = host.trim_start_matches('[').trim_end_matches(']');
        let mut failed = Fault::from("the host has no address");
        for address in tokio::net::lookup_host((host, uri.port_u16().unwrap_or(443))).await? {
            match self.open(address, host).await {
                Ok(stream) => return Ok(stream),
                Err(fault) => failed = fault,
            }
        }
        Err(failed)
    }

    async fn open(&self, address: std::net::SocketAddr, host: &str) -> Result<Stream, Fault> {
        let connected = Stream::connect(address).await;
        let mut stream =
            connected.map_err(|error| format!("cannot connect to {address}: {error}"))?;
        stream.connect_tls(&self.tls, host)?;
        poll_fn(|context| stream.poll_handshake(context))
            .await
            .map_err(|error| sentence(&error))?;
        Ok(stream)
    }
}

type Fault = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<Answered>;

/// The whole body of an answer.
#[derive(Debug)]
struct Answered(Bytes);

impl HttpClient for Http {
    fn request(
        &self,
        request: Request<BodyWrapper<Bytes>>,
    ) -> Pin<Box<dyn Future<Output = Result<BytesResponse, Error>> + Send>> {
        let http = self.clone();
        Box::pin(async move {
            let uri = request.uri().to_string();
            let answer = tokio::time::timeout(TIMEOUT, http.exchange(request)).await;
            let answer = answer.unwrap_or_else(|_| Err("it took too long".into()));
            match answer {
                Ok(answer) => {
                    let (parts, Answered(body)) = answer.into_parts();
                    Ok(BytesResponse { parts, body: Box::new(body) })
                }
                Err(fault) => Err(Error::Other(format!("{uri}: {}", sentence(&*fault)).into())),
            }
        })
    }
}

async fn collect(mut body: Incoming) -> Result<Answered, Fault> {
    let mut whole = Vec::new();
    while let Some(frame) = poll_fn(|context| Pin::new(&mut body).poll_frame(context)).await {
        if let Ok(data) = frame?.into_data() {
            if whole.len() + data.len() > ANSWER_BYTES_MAX {
                return Err("the answer is too large".into());
            }
            whole.extend_from_slice(&data);
        }
    }
    Ok(Answered(whole.into()))
}

/// In seconds, which is how authorities write it.
fn retry_after(headers: &HeaderMap) -> Option<Duration> {
    let seconds = headers.get(RETRY_AFTER)?.to_str().ok()?.trim().parse().ok()?;
    Some(Duration::from_secs(seconds))
}

/// An error and what it comes from.
fn sentence(error: &dyn std::error::Error) -> String {
    match error.source() {
        Some(source) => format!("{error}: {}", sentence(source)),
        None => error.to_string(),
    }
}

/// A connection as the HTTP library wants it.
struct Socket(Stream);

impl Read for Socket {
    fn poll_read(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        mut room: ReadBufCursor<'_>,
    ) -> Poll<io::Result<()>> {
        let mut buffer = [0; READ_BYTES];
        let length = room.remaining().min(READ_BYTES);
        let count = ready!(self.get_mut().0.poll_read(context, &mut buffer[..length]))?;
        room.put_slice(&buffer[..count]);
        Poll::Ready(Ok(()))
    }
}

impl Write for Socket {
    fn poll_write(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        self.get_mut().0.poll_write(context, bytes)
    }

    /// What is told of as taken is with the socket.
    fn poll_flush(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<io::Result<()>> {
        Poll::Ready(Ok(()))
    }

    fn poll_shutdown(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.get_mut().0.poll_shutdown(context)
    }
}
