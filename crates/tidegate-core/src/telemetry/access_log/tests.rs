//! The three formats, with tame requests and with hostile ones.

use std::net::{IpAddr, Ipv4Addr};
use std::sync::LazyLock;

use proptest::prelude::*;

use super::*;

const TAME: &str = r#"{"time":"2026-02-03T04:05:06.789Z","client":"192.0.2.7","listener":"web","#;

struct Names {
    listener: ListenerName,
    route: RouteName,
    pool: PoolName,
    server: ServerName,
}

static NAMES: LazyLock<Names> = LazyLock::new(|| Names {
    listener: ListenerName::new("web"),
    route: RouteName::new("shop"),
    pool: PoolName::new("shop"),
    server: ServerName::new("127.0.0.1:9001"),
});

fn record<'a>(edit: impl FnOnce(&mut Record<'a>)) -> Record<'a> {
    let mut record = Record {
        time: UnixTime::from_millis(1_770_091_506_789),
        client: IpAddr::V4(Ipv4Addr::new(192, 0, 2, 7)),
        listener: &NAMES.listener,
        route: Some(&NAMES.route),
        pool: Some(&NAMES.pool),
        server: Some(&NAMES.server),
        method: b"GET",
        host: b"shop.example.com",
        path: b"/cart?id=7",
        protocol: "HTTP/1.1",
        status: Some(200),
        grpc: None,
        bytes_in: 321,
        bytes_out: 65_000,
        phases: Phases {
            total: Duration::from_micros(1_234_567),
            queue: None,
            connect: Some(Duration::ZERO),
            first_byte: Some(Duration::from_micros(42)),
            body: Some(Duration::from_secs(1)),
        },
        tries: 1,
        ending: Ending::Done,
        request_id: 0xc0_ffee,
        user_agent: Some(b"curl/8"),
        referer: None,
    };
    edit(&mut record);
    record
}

fn line<'a>(format: LogFormat, edit: impl FnOnce(&mut Record<'a>)) -> String {
    let mut out = Vec::new();
    let redact = [Redaction::Query("token".to_owned())];
    record(edit).write(format, &redact, &mut out);
    String::from_utf8(out).expect("every format is UTF-8")
}

#[test]
fn json_has_every_field_in_order() {
    let rest = concat!(
        r#""route":"shop","pool":"shop","server":"127.0.0.1:9001","method":"GET","#,
        r#""host":"shop.example.com","path":"/cart?id=7","protocol":"HTTP/1.1","status":200,"#,
        r#""bytes_in":321,"bytes_out":65000,"total":1.234567,"queue":null,"connect":0.000000,"#,
        r#""first_byte":0.000042,"body":1.000000,"tries":1,"ending":"-D","#,
        r#""request_id":"0000000000c0ffee"}"#,
    );
    assert_eq!(line(LogFormat::Json, |_| {}), format!("{TAME}{rest}\n"));
}

#[test]
fn text_has_every_field_in_order() {
    let expected = "time=2026-02-03T04:05:06.789Z client=192.0.2.7 listener=web route=- pool=shop \
                    server=127.0.0.1:9001 method=GET host=shop.example.com path=/cart?id=7 \
                    protocol=HTTP/1.1 status=- bytes_in=321 bytes_out=65000 total=1.234567 queue=- \
                    connect=0.000000 first_byte=0.000042 body=1.000000 tries=1 ending=CR \
                    request_id=0000000000c0ffee\n";
    let line = line(LogFormat::Text, |record| {
        (record.route, record.status, record.ending) = (None, None, Ending::ClientReset);
    });
    assert_eq!(line, expected);
}

#[test]
fn a_call_has_a_field_for_its_status() {
    let call = |record: &mut Record<'_>| record.grpc = Some(Status::DeadlineExceeded);
    let json = line(LogFormat::Json, call);
    assert!(json.ends_with(",\"grpc_status\":\"deadline_exceeded\"}\n"), "{json}");
    let text = line(LogFormat::Text, call);
    assert!(text.ends_with(" grpc_status=deadline_exceeded\n"), "{text}");
    assert_eq!(line(LogFormat::Combined, call), line(LogFormat::Combined, |_| {}));
}

#[test]
fn combined_is_what_log_readers_know() {
    let expected = "192.0.2.7 - - [03/Feb/2026:04:05:06 +0000] \"GET /cart?id=7 HTTP/1.1\" \
                    200 65000 \"-\" \"curl/8\"\n";
    assert_eq!(line(LogFormat::Combined, |_| {}), expected);
}

#[test]
fn secrets_are_blotted_out_of_paths_and_referers() {
    for format in [LogFormat::Json, LogFormat::Text, LogFormat::Combined] {
        let line = line(format, |record| {
            record.path = b"/x?token=secret&y=1";
            record.referer = Some(b"https://shop.example.com/?token=secret");
        });
        assert!(line.contains("/x?token=***&y=1") && !line.contains("secret"), "{line}");
    }
}

#[test]
fn what_was_not_read_is_unknown() {
    let nothing = |record: &mut Record<'_>| {
        (record.method, record.host, record.path, record.protocol) = (b"", b"", b"", "");
    };
    assert!(
        line(LogFormat::Json, nothing)
            .contains(r#""method":null,"host":null,"path":null,"protocol":null"#)
    );
    assert!(line(LogFormat::Text, nothing).contains("method=- host=- path=- protocol=-"));
}

#[test]
fn text_quotes_what_could_be_taken_for_more_than_a_word() {
    let line = line(LogFormat::Text, |record| {
        (record.method, record.host, record.path) = (b"-", b"a b", b"/\" status=200\nx");
    });
    assert!(line.contains(r#"method="-" host="a b" path="/\" status=200\nx" "#), "{line}");
}

/// Case K7: log injection.
#[test]
fn hostile_bytes_stay_inside_their_field() {
    let hostile = b"/\r\n{\"x\":1}\x1b[31m\x00\x7f\\\xff\xc2\x9b\xe2\x80\xae";
    let json = line(LogFormat::Json, |record| record.path = hostile);
    let path = r#""path":"/\r\n{\"x\":1}\u001b[31m\u0000\u007f\\\ufffd\u009b\u202e","#;
    assert!(json.contains(path), "{json}");
    let combined = line(LogFormat::Combined, |record| record.user_agent = Some(hostile));
    let agent = r#""/\x0d\x0a{\x22x\x22:1}\x1b[31m\x00\x7f\x5c\xff\xc2\x9b\xe2\x80\xae""#;
    assert!(combined.ends_with(&format!("{agent}\n")), "{combined}");
}

#[test]
fn only_failures_count_as_failed() {
    let failed = |edit: fn(&mut Record<'_>)| record(edit).failed();
    assert!(!failed(|_| {}));
    assert!(!failed(|record| record.status = Some(404)));
    assert!(failed(|record| record.status = Some(503)));
    assert!(failed(|record| record.ending = Ending::ServerReset));
    assert!(!failed(|record| record.grpc = Some(Status::NotFound)));
    assert!(failed(|record| record.grpc = Some(Status::Unavailable)));
}

proptest! {
    #[test]
    fn any_bytes_give_one_line_that_parses(
        path in prop::collection::vec(any::<u8>(), 1..200),
        agent in prop::collection::vec(any::<u8>(), 0..50),
    ) {
        for format in [LogFormat::Json, LogFormat::Text, LogFormat::Combined] {
            let line = line(format, |record| {
                (record.path, record.host, record.method) = (&path, &path, &path);
                record.user_agent = Some(&agent);
                record.referer = Some(&agent);
            });
            let body = line.strip_suffix('\n').expect("a line ends with a line feed");
            prop_assert!(!body.chars().any(char::is_control), "{body:?}");
        }
        let json = line(LogFormat::Json, |record| (record.host, record.method) = (&path, &path));
        let parsed: serde_json::Value = serde_json::from_str(&json).expect("it is JSON");
        let expected = String::from_utf8_lossy(&path).into_owned();
        prop_assert_eq!(parsed["host"].as_str(), Some(expected.as_str()));
    }
}

#[test]
fn a_line_is_appended_in_place() {
    let mut out = Vec::with_capacity(4096);
    let before = out.as_ptr();
    record(|_| {}).write(LogFormat::Json, &[], &mut out);
    assert!(out.as_ptr() == before && out.capacity() == 4096);
}
