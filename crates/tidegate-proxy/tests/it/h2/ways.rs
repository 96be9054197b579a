//! The same conversation on every pair of versions: what a client says on one must reach the server
//! on the other, and back.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use h2::RecvStream;
use h2::server::SendResponse;
use http::{HeaderMap, Request, Response};

use super::real;
use crate::world::*;

/// A version of HTTP, as spoken on one side.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    One,
    Two,
}

/// Every pair of a client's and a server's version that HTTP/2 is part of.
pub const WAYS: [(Version, Version); 3] =
    [(Version::Two, Version::One), (Version::One, Version::Two), (Version::Two, Version::Two)];

/// A message, whichever way it goes.
#[derive(Clone, Debug, Default)]
pub struct Message {
    /// Interim responses in front of it: status and the value of a field `link`.
    pub interims: Vec<(u16, String)>,
    /// `POST /path`, or a status.
    pub start: String,
    pub fields: Vec<(String, String)>,
    pub body: Vec<u8>,
    pub length: Length,
    pub trailers: Vec<(String, String)>,
}

/// Whether a head says how long the body is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Length {
    /// There is no body, and nothing is said of one.
    #[default]
    None,
    Known,
    Unknown,
}

impl Message {
    pub fn new(start: &str) -> Self {
        Self { start: start.to_owned(), ..Self::default() }
    }

    pub fn with(mut self, name: &str, value: &str) -> Self {
        self.fields.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn body(mut self, length: Length, body: impl AsRef<[u8]>) -> Self {
        (self.length, self.body) = (length, body.as_ref().to_vec());
        self
    }

    pub fn trailer(mut self, name: &str, value: &str) -> Self {
        self.trailers.push((name.to_owned(), value.to_owned()));
        self
    }

    pub fn interim(mut self, status: u16, link: &str) -> Self {
        self.interims.push((status, link.to_owned()));
        self
    }

    /// The values of a field.
    pub fn field(&self, name: &str) -> Vec<&str> {
        let same = self.fields.iter().filter(|(key, _)| key == name);
        same.map(|(_, value)| value.as_str()).collect()
    }

    pub fn trailer_names(&self) -> Vec<&str> {
        self.trailers.iter().map(|(name, _)| name.as_str()).collect()
    }

    fn is_head(&self) -> bool {
        self.start.starts_with("HEAD ")
    }

    /// The message in HTTP/1.1, behind a start line.
    fn lines(&self, start: &str) -> Vec<u8> {
        let mut lines = format!("{start}\r\n");
        for (name, value) in &self.fields {
            lines += &format!("{name}: {value}\r\n");
        }
        match self.length {
            Length::None => lines += "\r\n",
            Length::Known => lines += &format!("Content-Length: {}\r\n\r\n", self.body.len()),
            Length::Unknown => lines += "Transfer-Encoding: chunked\r\n\r\n",
        }
        let mut bytes = lines.into_bytes();
        if self.length != Length::Unknown {
            bytes.extend(&self.body);
            return bytes;
        }
        for chunk in self.body.chunks(70_000) {
            bytes.extend(format!("{:x}\r\n", chunk.len()).into_bytes());
            bytes.extend(chunk);
            bytes.extend(b"\r\n");
        }
        bytes.extend(b"0\r\n");
        for (name, value) in &self.trailers {
            bytes.extend(format!("{name}: {value}\r\n").into_bytes());
        }
        bytes.extend(b"\r\n");
        bytes
    }

    /// The fields for HTTP/2.
    fn map(&self) -> HeaderMap {
        let mut map = map(&self.fields);
        if self.length == Length::Known {
            map.insert("content-length", self.body.len().into());
        }
        map
    }

    fn read_fields(&mut self, fields: &HeaderMap) {
        self.fields = pairs(fields);
    }
}

fn map(fields: &[(String, String)]) -> HeaderMap {
    let pair = |(name, value): &(String, String)| {
        let name: http::HeaderName = name.parse().expect("a name");
        (name, value.parse::<http::HeaderValue>().expect("a value"))
    };
    fields.iter().map(pair).collect()
}

fn pairs(map: &HeaderMap) -> Vec<(String, String)> {
    let text = |value: &http::HeaderValue| String::from_utf8_lossy(value.as_bytes()).into_owned();
    map.iter().map(|(name, value)| (name.as_str().to_owned(), text(value))).collect()
}

/// The fields of a head in lines.
fn read_lines<'a>(lines: impl Iterator<Item = &'a str>) -> Vec<(String, String)> {
    let pair = |line: &str| {
        let (name, value) = line.split_once(": ")?;
        Some((name.to_ascii_lowercase(), value.to_owned()))
    };
    lines.filter_map(pair).collect()
}

/// Reads a message off a connection on HTTP/1.1. `bare` says that it has no body whatever it says.
fn read(peer: &mut Peer, bare: bool) -> Option<Message> {
    let head = peer.try_head()?;
    let mut message = Message::new(head.lines().next().expect("a start line"));
    message.fields = read_lines(head.lines().skip(1));
    if bare {
        return Some(message);
    }
    if field(&head, "transfer-encoding").is_some() {
        let (body, trailers) = peer.chunks();
        (message.body, message.length) = (body, Length::Unknown);
        message.trailers = read_lines(trailers.iter().map(String::as_str));
    } else if let Some(length) = field(&head, "content-length") {
        message.body = peer.bytes(length.parse().expect("a number"));
        message.length = Length::Known;
    }
    Some(message)
}

/// A server on either version that answers each request as `answer` says, and what it was asked.
pub struct Told {
    pub address: SocketAddr,
    pub requests: Arc<Mutex<Vec<Message>>>,
}

impl Told {
    pub fn start(version: Version, answer: Message) -> Self {
        let requests: Arc<Mutex<Vec<Message>>> = Arc::default();
        let log = Arc::clone(&requests);
        let note = move |message| log.lock().expect("no panic holds it").push(message);
        let address = match version {
            Version::One => start_one(answer, note),
            Version::Two => start_two(answer, note),
        };
        Self { address, requests }
    }

    /// The last request.
    pub fn last(&self) -> Message {
        self.requests.lock().expect("no panic holds it").last().expect("a request").clone()
    }
}

fn start_one(answer: Message, note: impl Fn(Message) + Send + Sync + 'static) -> SocketAddr {
    let server = Server::start(move |conversation, _| {
        while let Some(request) = read(&mut conversation.peer, false) {
            let mut bytes = Vec::new();
            for (status, link) in &answer.interims {
                bytes.extend(format!("HTTP/1.1 {status} Early\r\nlink: {link}\r\n\r\n").bytes());
            }
            let mut lines = answer.lines(&format!("HTTP/1.1 {} Fine", answer.start));
            if request.is_head() {
                let end = lines.windows(4).position(|window| window == b"\r\n\r\n");
                lines.truncate(end.expect("a head") + 4);
            }
            bytes.extend(lines);
            note(request);
            conversation.peer.send(bytes);
        }
    });
    server.address
}

fn start_two(answer: Message, note: impl Fn(Message) + Send + Sync + 'static) -> SocketAddr {
    let shared = Arc::new((answer, note));
    let server = real::Server::start(move |request, respond| {
        let shared = Arc::clone(&shared);
        async move {
            // A client that leaves meanwhile fails its own test.
            let _ = answer_two(request, respond, &shared.0, &shared.1).await;
        }
    });
    server.address
}

async fn answer_two(
    request: Request<RecvStream>,
    mut respond: SendResponse<Bytes>,
    answer: &Message,
    note: &impl Fn(Message),
) -> Result<(), h2::Error> {
    let (head, mut body) = request.into_parts();
    let mut seen = Message::new(&format!("{} {}", head.method, head.uri.path()));
    seen.read_fields(&head.headers);
    let (bytes, trailers) = real::collect(&mut body).await?;
    (seen.body, seen.trailers) = (bytes, pairs(&trailers));
    let bare = seen.is_head();
    note(seen);
    for (status, link) in &answer.interims {
        let interim = Response::builder().status(*status).header("link", link).body(());
        respond.send_informational(interim.expect("well-formed"))?;
    }
    let mut response = Response::builder().status(answer.start.as_str()).body(()).expect("fine");
    *response.headers_mut() = answer.map();
    if bare || answer.length == Length::None {
        respond.send_response(response, true)?;
        return Ok(());
    }
    send_body(&mut respond.send_response(response, false)?, answer).await
}

async fn send_body(stream: &mut h2::SendStream<Bytes>, message: &Message) -> Result<(), h2::Error> {
    if !real::push(stream, &message.body).await {
        return Ok(());
    }
    if message.trailers.is_empty() {
        stream.send_data(Bytes::new(), true)
    } else {
        stream.send_trailers(map(&message.trailers))
    }
}

/// Sends a request on this version, and reads the response; interim ones by status and `link`.
#[track_caller]
pub fn converse(version: Version, balancer: &Balancer, request: &Message) -> Message {
    converse_over(version, balancer.client(), request)
}

/// The same over a connection on which nothing has been said.
#[track_caller]
pub fn converse_over(version: Version, client: Peer, request: &Message) -> Message {
    match version {
        Version::One => converse_one(client, request),
        Version::Two => {
            let client = real::Client::over(client, &h2::client::Builder::new());
            real::wait(converse_two(&client, request)).expect("a response")
        }
    }
}

#[track_caller]
fn converse_one(mut client: Peer, request: &Message) -> Message {
    let start = format!("{} HTTP/1.1\r\nHost: shop.example.com", request.start);
    client.send(request.lines(&start));
    let mut interims = Vec::new();
    loop {
        let bare = request.is_head();
        let mut message = read(&mut client, bare).expect("a response");
        let status: u16 = message.start[9..12].parse().expect("a status");
        if status < 200 {
            interims.push((status, message.field("link").concat()));
            continue;
        }
        (message.start, message.interims) = (status.to_string(), interims);
        return message;
    }
}

async fn converse_two(client: &real::Client, request: &Message) -> Result<Message, h2::Error> {
    let (method, path) = request.start.split_once(' ').expect("a method and a path");
    let mut head = real::plain(method, path);
    *head.headers_mut() = request.map();
    let mut offer = client.offer.clone().ready().await?;
    let bare = request.length == Length::None;
    let (mut response, mut stream) = offer.send_request(head, bare)?;
    let mut message = Message::default();
    if !bare {
        // An answer that came first has ended the stream (RFC 9113, section 8.1) and counts.
        let _ = send_body(&mut stream, request).await;
    }
    while let Some(interim) =
        std::future::poll_fn(|context| response.poll_informational(context)).await
    {
        let interim = interim?;
        let link = interim.headers().get("link").map_or("", |link| link.to_str().unwrap_or(""));
        message.interims.push((interim.status().as_u16(), link.to_owned()));
    }
    let (head, mut body) = response.await?.into_parts();
    message.start = head.status.as_str().to_owned();
    message.read_fields(&head.headers);
    if head.headers.contains_key("content-length") {
        message.length = Length::Known;
    }
    let (bytes, trailers) = real::collect(&mut body).await?;
    (message.body, message.trailers) = (bytes, pairs(&trailers));
    Ok(message)
}

/// A balancer before one server on this version.
#[track_caller]
pub fn before(version: Version, servers: &[SocketAddr], more: &str) -> Balancer {
    Balancer::start(&config(servers, &format!("{}{more}", protocol(version))))
}

/// What a pool says whose servers speak this version.
pub fn protocol(version: Version) -> &'static str {
    match version {
        Version::One => "",
        Version::Two => "protocol = \"h2\"\n",
    }
}

/// Asks on every way in `WAYS`: gives what the server saw and what the client got to `check`.
#[track_caller]
pub fn on_all_ways(request: &Message, answer: &Message, check: impl Fn(&str, Message, Message)) {
    for (from, to) in WAYS {
        let server = Told::start(to, answer.clone());
        let balancer = before(to, &[server.address], "");
        let got = converse(from, &balancer, request);
        check(&format!("{from:?} to {to:?}: {}", request.start), server.last(), got);
        assert_eq!(tidegate_net::task::panics(), 0);
    }
}
