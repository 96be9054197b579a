//! One try to hand a letter over.

use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CONNECTION, CONTENT_TYPE, HOST, HeaderValue, USER_AGENT};
use http::{Request, StatusCode, Uri};
use hyper::body::{Body, Frame, SizeHint};
use hyper::client::conn::http1::handshake;
use tidegate_core::delivery::Failure;
use tidegate_net::task;

use super::letter::Letter;
use super::webhook::Webhook;
use crate::act::web::{Fault, connect, retry_after, sentence};

/// Who we are.
const AGENT: &str = concat!("tidegate/", env!("CARGO_PKG_VERSION"));

/// Why it was not taken. The words hold nothing of the URL but its host.
pub(super) struct Failed {
    pub(super) failure: Failure,
    pub(super) why: String,
}

/// Sends the letter, within the time that the webhook has.
pub(super) async fn post(webhook: &Webhook, letter: &Letter) -> Result<(), Failed> {
    let unreached = |why| Failed { failure: Failure::Unreached, why };
    match tokio::time::timeout(webhook.timeout, exchange(webhook, letter)).await {
        Err(_) => Err(unreached("no answer in time".to_owned())),
        Ok(Err(fault)) => Err(unreached(sentence(&*fault))),
        Ok(Ok(answered)) => answered,
    }
}

/// What the answer's body says does not matter, and is not read.
async fn exchange(webhook: &Webhook, letter: &Letter) -> Result<Result<(), Failed>, Fault> {
    let socket = connect(&webhook.url, webhook.tls.as_deref()).await?;
    let (mut sender, connection) = handshake(socket).await?;
    // It ends with the sender.
    drop(task::spawn("notify-connection", connection));
    let answer = sender.send_request(request(webhook, letter)?).await?;
    let status = answer.status();
    let why = format!("status {}", status.as_u16());
    let failure = match status {
        _ if status.is_success() => return Ok(Ok(())),
        StatusCode::TOO_MANY_REQUESTS => Failure::Busy(retry_after(answer.headers())),
        _ if status.is_server_error() => Failure::Busy(retry_after(answer.headers())),
        _ => Failure::Refused,
    };
    Ok(Err(Failed { failure, why }))
}

fn request(webhook: &Webhook, letter: &Letter) -> Result<Request<Whole>, Fault> {
    let path = webhook.url.path_and_query().map_or("/", |path| path.as_str());
    // The form of a request to the origin itself (RFC 9112, section 3.2.1).
    let mut request = Request::post(Uri::try_from(path)?);
    let fields = [
        (HOST, HeaderValue::from_str(webhook.host())?),
        (USER_AGENT, HeaderValue::from_static(AGENT)),
        (CONTENT_TYPE, HeaderValue::from_static("application/json")),
        (CONNECTION, HeaderValue::from_static("close")),
    ];
    for (name, value) in fields {
        request = request.header(name, value);
    }
    Ok(request.header("idempotency-key", &letter.key).body(Whole(Some(letter.body.clone())))?)
}

/// A body that is there already.
struct Whole(Option<Bytes>);

impl Body for Whole {
    type Data = Bytes;
    type Error = std::convert::Infallible;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        _: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Self::Error>>> {
        Poll::Ready(self.0.take().map(|bytes| Ok(Frame::data(bytes))))
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_none()
    }

    fn size_hint(&self) -> SizeHint {
        SizeHint::with_exact(self.0.as_ref().map_or(0, |bytes| bytes.len() as u64))
    }
}
