//! The HTTP check: one HTTP/1.1 request on a connection of its own.
//!
//! The response head is parsed as strictly as one that is forwarded, so a server that traffic could
//! not use is not called well. Redirects are not followed: a check that could be sent elsewhere
//! would make the balancer fetch what a server tells it to. Of the body nothing is read, unless the
//! check asks for a text in it; then at most 64 KiB.

use std::fmt::Write as _;
use std::future::poll_fn;
use std::net::SocketAddr;

use memchr::memmem;
use tidegate_core::health::probe::ProbeResult;
use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::http::parse;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::http::scan::Scan;
use tidegate_core::model::pool::HttpProbe;
use tidegate_net::clock;
use tidegate_net::stream::Stream;

use super::connect::{connect, send};
use super::crew::Target;
use super::fault;

/// Bytes of a response head, its interim responses not counted.
const HEAD_BYTES_MAX: usize = 32 << 10;
/// Fields of a response head.
const FIELDS_MAX: usize = 128;
/// Interim responses before the final one.
const INTERIM_MAX: usize = 16;
/// Bytes of a body, as they come over the wire, in which a text is looked for.
const BODY_BYTES_MAX: usize = 64 << 10;
/// Bytes of one read.
const READ_BYTES: usize = 8 << 10;

/// Asks the server; the caller bounds the time.
pub(super) async fn ask(target: &Target, probe: &HttpProbe) -> ProbeResult {
    let started = clock::now();
    match Exchange::run(target, probe).await {
        Ok(status) => {
            let latency = clock::now().since(started);
            ProbeResult::Success { latency, status: Some(status) }
        }
        Err(result) => result,
    }
}

/// One request and what has come of the response.
struct Exchange<'a> {
    probe: &'a HttpProbe,
    stream: Stream,
    /// What was read and not yet taken.
    buffer: Vec<u8>,
}

impl<'a> Exchange<'a> {
    async fn run(target: &Target, probe: &'a HttpProbe) -> Result<u16, ProbeResult> {
        let stream = connect(target).await?;
        let mut exchange = Self { probe, stream, buffer: Vec::new() };
        send(&mut exchange.stream, request(target.address, probe).as_bytes()).await?;
        let reply = exchange.final_reply().await?;
        let status = reply.status();
        if !probe.status.iter().any(|(from, to)| (*from..=*to).contains(&status)) {
            return Err(ProbeResult::BadStatus(status));
        }
        if let Some(text) = &probe.body_contains {
            exchange.find(text.as_bytes(), Body::new(reply.body())).await?;
        }
        Ok(status)
    }

    async fn final_reply(&mut self) -> Result<ReplyHead, ProbeResult> {
        let mut reply = ReplyHead::default();
        for _ in 0..=INTERIM_MAX {
            let length = self.head().await?;
            let head: Vec<u8> = self.buffer.drain(..length).collect();
            parse::reply(&head, FIELDS_MAX, self.probe.method == "HEAD", &mut reply)
                .map_err(|_| ProbeResult::Protocol("malformed response head"))?;
            if !reply.is_interim() {
                return Ok(reply);
            }
        }
        Err(ProbeResult::Protocol("too many interim responses"))
    }

    /// Reads until a whole head is there, and returns its length.
    async fn head(&mut self) -> Result<usize, ProbeResult> {
        let mut scan = Scan::default();
        loop {
            if !self.buffer.is_empty() {
                match scan.advance(&self.buffer, HEAD_BYTES_MAX) {
                    Ok(Some(length)) => return Ok(length),
                    Ok(None) => {}
                    Err(_) => return Err(ProbeResult::Protocol("no response head")),
                }
            }
            if self.read().await? == 0 {
                return Err(ProbeResult::Reset);
            }
        }
    }

    /// Looks for `text` in the body, and stops where it ends.
    async fn find(&mut self, text: &[u8], mut body: Body) -> Result<(), ProbeResult> {
        let mut data = Vec::new();
        let mut taken = 0;
        loop {
            let step = body
                .advance(&mut self.buffer, Keep::Data, &mut Vec::new())
                .map_err(|_| ProbeResult::Protocol("malformed body"))?;
            // The end of the last look may hold the beginning of the text.
            let from = data.len().saturating_sub(text.len());
            data.extend_from_slice(&self.buffer[..step.produced]);
            self.buffer.drain(..step.consumed);
            taken += step.consumed;
            if memmem::find(&data[from..], text).is_some() {
                return Ok(());
            }
            if step.done || taken >= BODY_BYTES_MAX {
                return Err(ProbeResult::BodyMismatch);
            }
            if self.read().await? == 0 {
                let whole = matches!(body, Body::UntilEnd(_));
                return Err(if whole { ProbeResult::BodyMismatch } else { ProbeResult::Reset });
            }
        }
    }

    async fn read(&mut self) -> Result<usize, ProbeResult> {
        let held = self.buffer.len();
        self.buffer.resize(held + READ_BYTES, 0);
        let room = &mut self.buffer[held..];
        let read = poll_fn(|context| self.stream.poll_read(context, room)).await;
        self.buffer.truncate(held + read.as_ref().copied().unwrap_or_default());
        read.map_err(|error| fault::of_talking(&error))
    }
}

/// The request as it is sent. What the configuration gives stands in for what is sent otherwise.
fn request(address: SocketAddr, probe: &HttpProbe) -> String {
    let mut text = format!("{} {} HTTP/1.1\r\n", probe.method, probe.path);
    let given =
        |name: &str| probe.headers.iter().any(|(known, _)| known.eq_ignore_ascii_case(name));
    let host = probe.host.clone().unwrap_or_else(|| address.to_string());
    let own = [("Host", host.as_str()), ("User-Agent", "tidegate-health"), ("Connection", "close")];
    let own = own.into_iter().filter(|(name, _)| !given(name));
    let headers = probe.headers.iter().map(|(name, value)| (name.as_str(), value.as_str()));
    for (name, value) in own.chain(headers) {
        // Writing to a string cannot fail.
        let _ = write!(text, "{name}: {value}\r\n");
    }
    text.push_str("\r\n");
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_request_names_itself_and_asks_to_close() {
        let mut probe = HttpProbe {
            method: "GET".to_owned(),
            path: "/healthz".to_owned(),
            host: None,
            headers: vec![("X-A".to_owned(), "1".to_owned())],
            status: vec![(200, 399)],
            body_contains: None,
        };
        let address = "127.0.0.1:9001".parse().expect("an address");
        assert_eq!(
            request(address, &probe),
            "GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:9001\r\nUser-Agent: tidegate-health\r\n\
             Connection: close\r\nX-A: 1\r\n\r\n"
        );
        probe.host = Some("shop.example.com".to_owned());
        probe.headers = vec![("user-agent".to_owned(), "own".to_owned())];
        assert_eq!(
            request(address, &probe),
            "GET /healthz HTTP/1.1\r\nHost: shop.example.com\r\nConnection: close\r\n\
             user-agent: own\r\n\r\n"
        );
    }
}
