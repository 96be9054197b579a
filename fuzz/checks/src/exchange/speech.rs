//! From operations to bytes.

use super::mark::Mark;
use super::script::{BodySays, ClientSays, RequestSays, ServerSays};

/// The paths of the hostile route begin like this.
pub(super) const HOSTILE: &str = "/hostile/";
const METHODS: [&str; 7] = ["GET", "HEAD", "POST", "PUT", "OPTIONS", "CONNECT", "BREW"];
const CONNECTIONS: [&str; 5] = [
    "",
    "Connection: close\r\n",
    "Connection: keep-alive\r\n",
    "Connection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n\
     Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    "Connection: X-Hop, Content-Length\r\nX-Hop: 1\r\nIdempotency-Key: a\r\n",
];
const STATUSES: [u16; 8] = [200, 204, 304, 404, 500, 503, 206, 999];
const INTERIMS: [u16; 3] = [100, 103, 199];
/// More than the small buffers of these sockets take.
const BULK: usize = 160 * 1024;
const BYTES_MAX: usize = 40;

/// Fragments that a client might send where they do not belong.
const CLIENT_FRAGMENTS: [&str; 14] = [
    "\r\n",
    "GET ",
    "GET /hostile/x HTTP/1.1\r\n",
    "Host: a\r\n\r\n",
    "Content-Length: 3\r\n",
    "Transfer-Encoding: chunked\r\n\r\n",
    "POST /hostile/x HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\
     Transfer-Encoding: chunked\r\n\r\n",
    "POST /hostile/x HTTP/1.1\r\nHost: a\r\nContent-Length: +3\r\n\r\n",
    "GET /hostile/x HTTP/1.1\r\nHost: a\r\n folded\r\n\r\n",
    "GET /other HTTP/1.1\r\nHost: a\r\n\r\n",
    "GET /hostile/../../x HTTP/1.1\r\nHost: a\r\n\r\n",
    "ffffffffffffffff\r\n",
    "0\r\n\r\n",
    "5;a=\"b\r\n",
];

/// Fragments that a server might send where they do not belong.
const SERVER_FRAGMENTS: [&str; 14] = [
    "\r\n",
    "HTTP/1.1 ",
    "HTTP/1.1 200 OK\r\n",
    "\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\n",
    "HTTP/1.1 204 \r\nContent-Length: 3\r\n\r\nabc",
    "HTTP/1.1 20 OK\r\n\r\n",
    "HTTP/2 200 OK\r\n\r\n",
    "HTTP/1.1 200 OK\n\n",
    "ffffffffffffffff\r\n",
    "0\r\n\r\n",
    "3\r\nabcd\r\n",
    "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n",
];

/// What a client says, in the pieces in which it says it.
pub(super) fn client(says: &ClientSays<'_>, mark: Mark) -> Vec<Vec<u8>> {
    let smuggled = format!("GET {HOSTILE}{} HTTP/1.1\r\nHost: a\r\n\r\n", Mark::SMUGGLED);
    vec![match says {
        ClientSays::Head { request, cut } => {
            let mut head = request_head(request, mark);
            if *cut == 0 {
                return vec![head];
            }
            let rest = head.split_off(head.len() * usize::from(*cut) / 256);
            return vec![head, rest];
        }
        ClientSays::Body(length) => filled(&smuggled, (*length).into()),
        ClientSays::Chunk { length, extension } => chunk(&smuggled, *length, *extension),
        ClientSays::LastChunk { trailer } => last_chunk(*trailer),
        ClientSays::Fragment(at) => pick(&CLIENT_FRAGMENTS, *at).as_bytes().to_vec(),
        ClientSays::Bytes(bytes) => bytes[..bytes.len().min(BYTES_MAX)].to_vec(),
        ClientSays::Bulk => filled(&self::smuggled(&format!("X: {}\r\n", "x".repeat(2000))), BULK),
    }]
}

/// A request that nobody may take for one where a body is due.
fn smuggled(fields: &str) -> String {
    format!("GET {HOSTILE}{} HTTP/1.1\r\nHost: a\r\n{fields}\r\n", Mark::SMUGGLED)
}

fn request_head(request: &RequestSays, mark: Mark) -> Vec<u8> {
    let (method, connection) =
        (pick(&METHODS, request.method), pick(&CONNECTIONS, request.connection));
    let version = if request.old { "1.0" } else { "1.1" };
    let expects = if request.expects { "Expect: 100-continue\r\n" } else { "" };
    let framing = framing(request.body);
    let head = format!(
        "{method} {HOSTILE}{mark} HTTP/{version}\r\nHost: shop\r\n\
         {framing}{expects}{connection}\r\n"
    );
    head.into_bytes()
}

/// What a server says, about the request with this mark.
pub(super) fn server(says: &ServerSays<'_>, mark: Option<Mark>) -> Vec<u8> {
    let mark = mark.map_or_else(|| "nobody asked".to_owned(), |mark| mark.to_string());
    match says {
        ServerSays::Head { status, old, closes, body } => {
            let version = if *old { "1.0" } else { "1.1" };
            let status = pick(&STATUSES, *status);
            let connection = if *closes { "Connection: close\r\n" } else { "" };
            let framing = framing(*body);
            format!("HTTP/{version} {status} \r\nX-Mark: {mark}\r\n{framing}{connection}\r\n")
                .into()
        }
        ServerSays::Body(length) => filled(&mark, (*length).into()),
        ServerSays::Chunk { length, extension } => chunk(&mark, *length, *extension),
        ServerSays::LastChunk { trailer } => last_chunk(*trailer),
        ServerSays::Interim(status) => {
            format!("HTTP/1.1 {} \r\nX-Mark: {mark}\r\n\r\n", pick(&INTERIMS, *status)).into()
        }
        ServerSays::Switch => format!(
            "HTTP/1.1 101 \r\nConnection: upgrade\r\nUpgrade: websocket\r\nX-Mark: {mark}\r\n\r\n"
        )
        .into(),
        ServerSays::Whole => {
            format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{mark}", mark.len()).into()
        }
        ServerSays::Fragment(at) => pick(&SERVER_FRAGMENTS, *at).as_bytes().to_vec(),
        ServerSays::Bytes(bytes) => bytes[..bytes.len().min(BYTES_MAX)].to_vec(),
        ServerSays::Bulk => filled(&mark, BULK),
    }
}

fn framing(body: BodySays) -> String {
    match body {
        BodySays::None => String::new(),
        BodySays::Length(length) => format!("Content-Length: {length}\r\n"),
        BodySays::Chunked => "Transfer-Encoding: chunked\r\n".to_owned(),
    }
}

/// A text over and over, so many bytes of it.
fn filled(text: &str, length: usize) -> Vec<u8> {
    let mut filled = text.repeat(length.div_ceil(text.len())).into_bytes();
    filled.truncate(length);
    filled
}

fn chunk(text: &str, length: u8, extension: bool) -> Vec<u8> {
    let extension = if extension { ";a=\"b\"" } else { "" };
    let mut chunk = format!("{length:x}{extension}\r\n").into_bytes();
    if length > 0 {
        chunk.extend(filled(text, length.into()));
        chunk.extend_from_slice(b"\r\n");
    }
    chunk
}

fn last_chunk(trailer: bool) -> Vec<u8> {
    let trailer = if trailer { "X-Sum: 1\r\nContent-Length: 5\r\n" } else { "" };
    format!("0\r\n{trailer}\r\n").into_bytes()
}

fn pick<T: Copy>(choices: &[T], at: u8) -> T {
    choices[usize::from(at) % choices.len()]
}
