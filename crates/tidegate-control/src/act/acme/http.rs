//! How an authority is talked to: HTTP/1.1 over TLS, a connection for each request.
//!
//! An order takes a dozen requests every two months, so connections are not kept; the TLS session
//! is. Its certificate is verified as that of a server of a pool is. Answers are bounded in size
//! and time. When an answer that is an error says when to come again, that is noted.

use std::pin::Pin;
use std::str::FromStr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use http::header::{HOST, HeaderValue, USER_AGENT};
use http::{Request, Response, Uri};
use hyper::client::conn::http1::handshake;
use instant_acme::{BodyWrapper, BytesResponse, Error, HttpClient};
use tidegate_core::time::Duration;
use tidegate_net::task;
use tidegate_net::tls::client::Client;

use crate::act::web::{Fault, collect, connect, retry_after, sentence};
use crate::shared::lock;

/// For one request, from finding the address to the end of the answer.
const TIMEOUT: Duration = Duration::from_secs(30);
/// Bytes of an answer: a chain of certificates takes a few thousand.
const ANSWER_BYTES_MAX: usize = 1 << 20;
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
        let socket = connect(&parts.uri, Some(&self.tls)).await?;
        let (mut sender, connection) = handshake(socket).await?;
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
        let body = collect(body, ANSWER_BYTES_MAX).await?;
        Ok(Response::from_parts(head, Answered(body.into())))
    }
}

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
