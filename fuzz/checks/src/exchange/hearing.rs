//! What was asked, what servers heard, what clients heard, and what must hold between them.

use tidegate_core::http::body::Body;
use tidegate_core::http::chunked::Keep;
use tidegate_core::http::head::{BodyLength, Head, Version};
use tidegate_core::http::parse;
use tidegate_core::http::scan::Scan;
use tidegate_core::http::scheme::Scheme;

use super::mark::Mark;
use super::stage::NODE;
use crate::plain::{PlainChunks, PlainFraming, PlainHead, text};

/// The limits that the configuration leaves at their defaults.
const HEADER_BYTES: usize = 32 * 1024;
const HEADER_FIELDS: usize = 128;

/// A request as its client meant it, or as a server heard it.
#[derive(Debug)]
pub(super) struct Request {
    pub(super) method: String,
    /// HTTP/1.0.
    old: bool,
    pub(super) mark: Option<Mark>,
    /// As much of it as came.
    body: Vec<u8>,
    /// Whether all of it came.
    whole: bool,
}

/// The requests in what a client said, as the strict parser reads them, up to the first that it
/// refuses.
pub(super) fn asked(mut said: &[u8]) -> Vec<Request> {
    let mut requests = Vec::new();
    while let Ok(Some(length)) = Scan::default().advance(said, HEADER_BYTES) {
        let mut head = Head::default();
        if parse::request(&said[..length], HEADER_FIELDS, Scheme::Http, &mut head).is_err() {
            break;
        }
        let rest = &said[length..];
        let come = match head.body() {
            BodyLength::Empty => 0,
            BodyLength::Exact(length) => rest.len().min(length as usize),
            BodyLength::Chunked | BodyLength::UntilEnd => rest.len(),
        };
        let mut bytes = rest[..come].to_vec();
        let step = Body::new(head.body()).advance(&mut bytes, Keep::Data, &mut Vec::new());
        // Data in front of a chunk that is refused may have gone on already.
        let step = step.ok().filter(|step| step.done);
        let mark = Mark::all_in(head.target().as_bytes()).next();
        requests.push(Request {
            method: head.method().to_owned(),
            old: head.version() == Version::Http10,
            mark,
            body: step.map_or_else(Vec::new, |step| bytes[..step.produced].to_vec()),
            whole: step.is_some(),
        });
        let Some(step) = step else { break };
        said = &said[length + step.consumed..];
    }
    requests
}

/// The requests that a server heard on one connection, read the plain way. `switched`: what follows
/// an upgrade is not HTTP.
pub(super) fn heard(mut bytes: &[u8], switched: bool) -> Vec<Request> {
    let mut requests = Vec::new();
    while let Some(length) = head_length(bytes) {
        let head = PlainHead::read(&bytes[..length]);
        let mut line = head.start.split(|byte| *byte == b' ');
        let (method, target) = (line.next().unwrap_or_default(), line.next().unwrap_or_default());
        assert_eq!(line.next(), Some(&b"HTTP/1.1"[..]), "{}", text(head.start));
        assert_eq!(head.values("host").count(), 1, "one host");
        assert!(head.values("via").any(|via| via.ends_with(NODE.as_bytes())), "it says who it is");
        let rest = &bytes[length..];
        let (body, end) = body_of(&head, rest, Some(0));
        // Not as it is shown: a method may hold what is escaped there.
        let method = String::from_utf8_lossy(method).into_owned();
        let mark = Mark::all_in(target).next();
        requests.push(Request { method, old: false, mark, body, whole: end.is_some() });
        let upgrades = head.values("upgrade").next().is_some();
        let Some(end) = end.filter(|_| !(upgrades && switched)) else { break };
        bytes = &rest[end..];
    }
    requests
}

fn head_length(bytes: &[u8]) -> Option<usize> {
    bytes.windows(4).position(|window| window == b"\r\n\r\n").map(|end| end + 4)
}

/// The body behind a head as far as it came, and its length once it is whole. `bare` is the length
/// of one that the head does not frame; `None`: until the connection closes.
fn body_of(head: &PlainHead<'_>, rest: &[u8], bare: Option<usize>) -> (Vec<u8>, Option<usize>) {
    let exact = |length: usize| {
        let come = length.min(rest.len());
        (rest[..come].to_vec(), (come == length).then_some(length))
    };
    match head.framing() {
        PlainFraming::Chunked => {
            let chunks = PlainChunks::read(rest);
            (chunks.data, chunks.end.map(|(_, length)| length))
        }
        PlainFraming::Length(digits) => {
            let digits = std::str::from_utf8(digits).expect("digits");
            exact(digits.parse().expect("a length that fits"))
        }
        PlainFraming::None => bare.map_or_else(|| (rest.to_vec(), None), exact),
    }
}

/// Whether what a server heard is what some client asked.
pub(super) fn check_heard(heard: &Request, asked: &[&[Request]]) {
    let meant = asked.iter().flat_map(|requests| requests.iter()).any(|asked| {
        // The body of one that is not whole was not kept: it may end in a refused chunk.
        let same_body =
            if asked.whole { asked.body.starts_with(&heard.body) } else { !heard.whole };
        let whole = !heard.whole || (asked.whole && asked.body.len() == heard.body.len());
        asked.method == heard.method && asked.mark == heard.mark && same_body && whole
    });
    assert!(meant, "a server heard what nobody asked: {heard:?}");
}

/// Whether what a client heard answers what it asked, in order.
pub(super) fn check_answers(mut bytes: &[u8], asked: &[Request]) -> Result<(), String> {
    let mut requests = asked.iter();
    let mut request = requests.next();
    while let Some(length) = head_length(bytes) {
        let head = PlainHead::read(&bytes[..length]);
        let status = status_of(&head);
        bytes = &bytes[length..];
        check_marks(&text(head.start), &head.fields, request)?;
        if matches!(status, 100..=199) && status != 101 {
            assert!(!request.is_some_and(|request| request.old), "1.0 knows no interim responses");
            continue;
        }
        let Some(answered) = request.filter(|_| status != 101) else {
            // A tunnel, or the answer to what could not be read: nothing of HTTP follows.
            assert!(status == 101 || status >= 400, "an answer without a request: {status}");
            return Ok(());
        };
        let Some(end) = check_body(&head, status, bytes, answered)? else { return Ok(()) };
        bytes = &bytes[end..];
        let closes = head.values("connection").any(|value| value == b"close");
        assert!(!closes || bytes.is_empty(), "bytes behind the last response: {}", text(bytes));
        request = requests.next();
    }
    let start = &bytes[..bytes.len().min(9)];
    assert!(b"HTTP/1.1 ".starts_with(start), "not a response: {}", text(bytes));
    Ok(())
}

fn status_of(head: &PlainHead<'_>) -> u16 {
    let code = head.start.strip_prefix(b"HTTP/1.1 ").and_then(|rest| rest.split_first_chunk::<3>());
    let code = code.and_then(|(code, _)| std::str::from_utf8(code).ok()?.parse().ok());
    code.unwrap_or_else(|| panic!("a status line: {}", text(head.start)))
}

/// The length of a response's body, once it is whole.
fn check_body(
    head: &PlainHead<'_>,
    status: u16,
    rest: &[u8],
    request: &Request,
) -> Result<Option<usize>, String> {
    if request.method == "HEAD" || matches!(status, 204 | 304) {
        return Ok(Some(0));
    }
    let framing = head.framing();
    assert!(!(request.old && framing == PlainFraming::Chunked), "1.0 knows no chunks");
    let (body, end) = body_of(head, rest, None);
    check_marks_in(&body, Some(request))?;
    if framing == PlainFraming::None {
        assert!(head.values("connection").any(|value| value == b"close"), "it ends by closing");
    }
    Ok(end)
}

fn check_marks(
    start: &str,
    fields: &[(&[u8], &[u8])],
    request: Option<&Request>,
) -> Result<(), String> {
    check_marks_in(start.as_bytes(), request)?;
    fields.iter().try_for_each(|(_, value)| check_marks_in(value, request))
}

/// Every mark in an answer is that of the request it answers.
fn check_marks_in(bytes: &[u8], request: Option<&Request>) -> Result<(), String> {
    let own = request.and_then(|request| request.mark);
    match Mark::all_in(bytes).find(|mark| Some(*mark) != own) {
        Some(mark) => Err(format!("{mark} in the answer to {own:?}: {}", text(bytes))),
        None => Ok(()),
    }
}
