//! A line of the access log about a request whose every word is hostile.
//!
//! In each format it must be one line that stays within its quotes, hold nothing that a terminal
//! obeys, and not show the value of a query key that is to be blotted out.

use std::net::{IpAddr, Ipv6Addr};

use arbitrary::{Arbitrary, Unstructured};
use tidegate_core::model::grpc::Status;
use tidegate_core::model::ids::{ListenerName, PoolName, RouteName, ServerName};
use tidegate_core::model::node::{LogFormat, Redaction};
use tidegate_core::telemetry::access_log::{Phases, Record};
use tidegate_core::telemetry::ending::Ending;
use tidegate_core::time::{Duration, UnixTime};

use crate::plain::text;

/// What must not be seen.
const SECRET: &[u8] = b"S3CR3T";
/// The keys of a JSON line.
const KEYS: usize = 21;

/// What a client, a server and a configuration could make of a request.
#[derive(Arbitrary, Debug)]
struct Words<'a> {
    time: u64,
    client: u128,
    names: [&'a str; 4],
    method: &'a [u8],
    host: &'a [u8],
    path: &'a [u8],
    query: &'a [u8],
    protocol: &'a str,
    status: Option<u16>,
    numbers: [u64; 3],
    phases: [Option<u64>; 4],
    user_agent: Option<&'a [u8]>,
    referer: Option<&'a [u8]>,
}

/// Runs the check.
pub fn run(data: &[u8]) {
    let Ok(words) = Words::arbitrary_take_rest(Unstructured::new(data)) else { return };
    if data.windows(SECRET.len()).any(|window| window == SECRET) {
        return;
    }
    // A `?` in the path would make another key of the secret's.
    let mut path: Vec<u8> = words.path.iter().copied().filter(|byte| *byte != b'?').collect();
    path.extend_from_slice(b"?");
    path.extend_from_slice(words.query);
    path.extend_from_slice(b"&token=");
    path.extend_from_slice(SECRET);
    path.extend_from_slice(b"&");
    path.extend_from_slice(words.query);
    let names = Names::of(&words);
    let record = record(&words, &names, &path);
    check_json(&record);
    check_text(&record);
    check_combined(&record);
}

struct Names(ListenerName, RouteName, PoolName, ServerName);

impl Names {
    fn of(words: &Words<'_>) -> Self {
        let [listener, route, pool, server] = words.names;
        Self(
            ListenerName::new(listener),
            RouteName::new(route),
            PoolName::new(pool),
            ServerName::new(server),
        )
    }
}

fn record<'a>(words: &Words<'a>, names: &'a Names, path: &'a [u8]) -> Record<'a> {
    let phase = |nanos: Option<u64>| nanos.map(Duration::from_nanos);
    let [queue, connect, first_byte, body] = words.phases.map(phase);
    let [bytes_in, bytes_out, request_id] = words.numbers;
    Record {
        time: UnixTime::from_millis(words.time),
        client: IpAddr::V6(Ipv6Addr::from(words.client)).to_canonical(),
        listener: &names.0,
        route: Some(&names.1),
        pool: Some(&names.2),
        server: Some(&names.3),
        method: words.method,
        host: words.host,
        path,
        protocol: words.protocol,
        status: words.status,
        grpc: words.status.and_then(|code| Status::ALL.get(usize::from(code) % 32).copied()),
        bytes_in,
        bytes_out,
        phases: Phases { total: body.unwrap_or_default(), queue, connect, first_byte, body },
        tries: words.status.unwrap_or_default().into(),
        ending: Ending::Done,
        request_id,
        user_agent: words.user_agent,
        referer: words.referer,
    }
}

/// The line, behind one that stands in the buffer already.
fn line(record: &Record<'_>, format: LogFormat) -> String {
    let redact = [Redaction::Query("token".to_owned())];
    let mut out = b"before\n".to_vec();
    record.write(format, &redact, &mut out);
    let written = out.strip_prefix(b"before\n").expect("a line is appended");
    let hidden = !written.windows(SECRET.len()).any(|window| window == SECRET);
    assert!(hidden, "a secret shows: {}", text(written));
    let line = std::str::from_utf8(written).expect("a line is UTF-8");
    let line = line.strip_suffix('\n').expect("a line ends in a line feed");
    let obeyed = |char: char| char.is_control() || matches!(char, '\u{2028}'..='\u{202e}');
    assert!(!line.contains(obeyed), "a terminal would obey: {}", text(written));
    line.to_owned()
}

/// A call has one more, for its status.
fn keys(record: &Record<'_>) -> usize {
    KEYS + usize::from(record.grpc.is_some())
}

fn check_json(record: &Record<'_>) {
    let line = line(record, LogFormat::Json);
    let value: serde_json::Value = serde_json::from_str(&line).expect("a line is JSON");
    let object = value.as_object().expect("a line is an object");
    assert_eq!(object.len(), keys(record), "each key once: {line}");
    let host = object["host"].as_str().unwrap_or_default();
    assert_eq!(host, String::from_utf8_lossy(record.host), "what was sent is what is read");
}

/// Words of the form `key=value` or `key="value"`, a space between them.
fn check_text(record: &Record<'_>) {
    let line = line(record, LogFormat::Text);
    let mut rest = line.as_str();
    let mut words = 0;
    while !rest.is_empty() {
        let (key, value) = rest.split_once('=').expect("a word has a key");
        assert!(key.bytes().all(|byte| byte.is_ascii_lowercase() || byte == b'_'), "{line}");
        let end = if value.starts_with('"') { quoted(value) } else { bare(value) };
        rest = &value[end..];
        if !rest.is_empty() {
            rest = rest.strip_prefix(' ').expect("a space between words");
            assert!(!rest.is_empty(), "no space behind the last word");
        }
        words += 1;
    }
    assert_eq!(words, keys(record), "{line}");
}

fn bare(value: &str) -> usize {
    let end = value.find(' ').unwrap_or(value.len());
    assert!(!value[..end].contains('"'), "must be quoted: {value}");
    end
}

/// The length of a text in quotes; panics where they do not close.
fn quoted(value: &str) -> usize {
    let mut escaped = false;
    for (at, byte) in value.bytes().enumerate().skip(1) {
        match byte {
            _ if escaped => escaped = false,
            b'\\' => escaped = true,
            b'"' => return at + 1,
            _ => {}
        }
    }
    panic!("an open quote: {value}");
}

/// Three texts in quotes, and none within.
fn check_combined(record: &Record<'_>) {
    let line = line(record, LogFormat::Combined);
    assert!(line.is_ascii(), "{line}");
    let parts: Vec<&str> = line.split('"').collect();
    assert_eq!(parts.len(), 7, "six quotes: {line}");
    let between = parts[2].trim();
    let numbers = between.split(' ').filter(|word| word.bytes().all(|b| b.is_ascii_digit()));
    assert_eq!(numbers.count(), 2, "status and size: {line}");
    assert_eq!((parts[4], parts[6]), (" ", ""), "{line}");
}
