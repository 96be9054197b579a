//! The gRPC check: one call of the standard health service on a connection of its own.
//!
//! A server is well if it says `SERVING`. A status other than OK, as of a server that has no health
//! service, is told as the HTTP status that means the same.

use std::net::SocketAddr;

use bytes::Bytes;
use h2::client::{self, SendRequest};
use http::uri::{Authority, PathAndQuery, Scheme};
use http::{HeaderMap, HeaderValue, Method, Request, Response, Uri};
use tidegate_core::health::probe::ProbeResult;
use tidegate_core::http::grpc::{self, health};
use tidegate_core::model::grpc::Status;
use tidegate_net::clock;

use super::connect::connect;
use super::crew::Target;
use super::fault;

/// Asks the server; the caller bounds the time.
pub(super) async fn ask(target: &Target, service: &str) -> ProbeResult {
    let started = clock::now();
    match run(target, service).await {
        Ok(()) => {
            let latency = clock::now().since(started);
            ProbeResult::Success { latency, status: Some(200) }
        }
        Err(result) => result,
    }
}

async fn run(target: &Target, service: &str) -> Result<(), ProbeResult> {
    let stream = connect(target).await?;
    let mut builder = client::Builder::new();
    builder.enable_push(false).max_header_list_size(HEADER_LIST);
    let shaken = builder.handshake::<_, Bytes>(stream).await;
    let (offer, connection) = shaken.map_err(|error| of_stream(&error))?;
    let mut call = std::pin::pin!(call(offer, target.address, service));
    tokio::select! {
        biased;
        result = &mut call => result,
        // The call learns from the connection how it ended.
        _ = connection => call.await,
    }
}

/// The most that the fields of an answer may take, in the library's count.
const HEADER_LIST: u32 = 16 << 10;

async fn call(
    offer: SendRequest<Bytes>,
    address: SocketAddr,
    service: &str,
) -> Result<(), ProbeResult> {
    let mut offer = offer.ready().await.map_err(|error| of_stream(&error))?;
    let request = request(address).ok_or(ProbeResult::Local("no request for this address"))?;
    let sent = offer.send_request(request, false);
    let (response, mut body) = sent.map_err(|error| of_stream(&error))?;
    let sent = body.send_data(Bytes::from(health::request(service)), true);
    sent.map_err(|error| of_stream(&error))?;
    let response = response.await.map_err(|error| of_stream(&error))?;
    match answer(response).await? {
        health::Condition::Serving => Ok(()),
        health::Condition::NotServing => Err(ProbeResult::NotServing),
    }
}

fn request(address: SocketAddr) -> Option<Request<()>> {
    let mut parts = http::uri::Parts::default();
    parts.scheme = Some(Scheme::HTTP);
    parts.authority = Some(Authority::try_from(address.to_string()).ok()?);
    parts.path_and_query = Some(PathAndQuery::from_static(health::PATH));
    let mut request = Request::new(());
    *request.method_mut() = Method::POST;
    *request.uri_mut() = Uri::from_parts(parts).ok()?;
    let fields = [
        ("content-type", "application/grpc"),
        ("te", "trailers"),
        ("user-agent", "tidegate-health"),
    ];
    for (name, value) in fields {
        request.headers_mut().insert(name, HeaderValue::from_static(value));
    }
    Some(request)
}

/// Reads the message and the status behind it.
async fn answer(response: Response<h2::RecvStream>) -> Result<health::Condition, ProbeResult> {
    let (head, mut body) = response.into_parts();
    if head.status != 200 {
        return Err(ProbeResult::BadStatus(head.status.as_u16()));
    }
    let mut message = Vec::new();
    while let Some(data) = body.data().await {
        let data = data.map_err(|error| of_stream(&error))?;
        if message.len() + data.len() > health::REPLY_MAX {
            return Err(ProbeResult::Protocol("no health reply"));
        }
        message.extend_from_slice(&data);
    }
    let trailers = body.trailers().await.map_err(|error| of_stream(&error))?;
    match trailers.as_ref().and_then(status).or_else(|| status(&head.headers)) {
        Some(Status::Ok) => health::reply(&message).ok_or(ProbeResult::Protocol("no health reply")),
        Some(status) => Err(ProbeResult::BadStatus(status.equivalent())),
        None => Err(ProbeResult::Protocol("no gRPC status")),
    }
}

fn status(fields: &HeaderMap) -> Option<Status> {
    grpc::status(fields.iter().map(|(name, value)| (name.as_str().as_bytes(), value.as_bytes())))
}

/// A connection or a stream that broke.
fn of_stream(error: &h2::Error) -> ProbeResult {
    match error.get_io() {
        Some(error) => fault::of_talking(error),
        None if error.is_remote() => ProbeResult::Reset,
        None => ProbeResult::Protocol("not HTTP/2"),
    }
}
