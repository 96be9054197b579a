//! Calls told from requests, timeouts and statuses there and back.

use proptest::prelude::*;

use super::*;

fn head(method: &str, fields: &[(&str, &str)]) -> Head {
    Head::compose(method, "a", "/shop.Cart/Add", fields).expect("the path is canonical")
}

#[test]
fn a_call_is_told_by_its_media_type() {
    let is = |content_type| is_call(&head("POST", &[("content-type", content_type)]));
    for content_type in
        ["application/grpc", "application/grpc+proto", "Application/GRPC;charset=utf-8"]
    {
        assert!(is(content_type), "{content_type}");
    }
    for content_type in
        ["application/grpc-web", "application/grpc-web+proto", "application/grp", "text/plain", ""]
    {
        assert!(!is(content_type), "{content_type}");
    }
    assert!(!is_call(&head("GET", &[("content-type", "application/grpc")])));
    assert!(!is_call(&head("POST", &[])));
}

#[test]
fn timeouts_are_read_in_every_unit() {
    for (text, timeout) in [
        ("1H", Duration::from_secs(3600)),
        ("2M", Duration::from_secs(120)),
        ("3S", Duration::from_secs(3)),
        ("4m", Duration::from_millis(4)),
        ("5u", Duration::from_micros(5)),
        ("6n", Duration::from_nanos(6)),
        ("0S", Duration::ZERO),
        ("00000001S", Duration::from_secs(1)),
        ("99999999H", Duration::from_secs(99_999_999 * 3600)),
    ] {
        assert_eq!(timeout_of(text), Ok(Some(timeout)), "{text}");
    }
    assert_eq!(timeout(&head("POST", &[])), Ok(None));
}

#[test]
fn what_is_no_timeout_is_refused() {
    for text in ["", "S", "1", "1s", "-1S", "+1S", "1.5S", "100000000S", "1 S", "1SS", "0x1S"] {
        assert_eq!(timeout_of(text), Err(BadTimeout), "{text}");
    }
}

fn timeout_of(text: &str) -> Result<Option<Duration>, BadTimeout> {
    timeout(&head("POST", &[("grpc-timeout", text)]))
}

#[test]
fn a_status_is_found_and_read_as_clients_read_it() {
    let read = |value: &[u8]| status([(&b"Grpc-Status"[..], value)].into_iter());
    assert_eq!(read(b"0"), Some(Status::Ok));
    assert_eq!(read(b"14"), Some(Status::Unavailable));
    for value in [&b"17"[..], b"99999999999999999999999", b"-1", b"", b"\xff"] {
        assert_eq!(read(value), Some(Status::Unknown), "{value:?}");
    }
    assert_eq!(status([(&b"grpc-message"[..], &b"0"[..])].into_iter()), None);
}

#[test]
fn a_message_is_percent_encoded() {
    let mut out = Vec::new();
    write_status(Status::Unavailable, "50 % off\r\nfür dich", &mut out);
    let expected = "grpc-status: 14\r\ngrpc-message: 50 %25 off%0D%0Af%C3%BCr dich\r\n";
    assert_eq!(out, expected.as_bytes());
}

proptest! {
    #[test]
    fn a_printed_timeout_is_read_again_and_never_longer(nanos in any::<u64>()) {
        let timeout = Duration::from_nanos(nanos);
        let text = print_timeout(timeout);
        let again = parse_timeout(text.as_bytes()).expect("it is well-formed");
        prop_assert!(again <= timeout.max(Duration::from_nanos(1)));
        // Eight digits keep seven of a number's.
        prop_assert!(timeout.abs_diff(again) <= timeout / 100_000 + Duration::from_nanos(1));
    }

    #[test]
    fn any_bytes_are_a_timeout_or_none(value in prop::collection::vec(any::<u8>(), 0..12)) {
        if let Ok(timeout) = parse_timeout(&value) {
            let again = parse_timeout(print_timeout(timeout).as_bytes()).expect("well-formed");
            prop_assert!(again <= timeout.max(Duration::from_nanos(1)));
        }
    }

    #[test]
    fn a_message_is_one_printable_line_that_decodes_to_itself(text in any::<String>()) {
        let encoded = percent_encoded(&text);
        prop_assert!(encoded.bytes().all(|byte| matches!(byte, b' '..=b'~')));
        let mut decoded = Vec::new();
        let mut pieces = encoded.split('%');
        decoded.extend_from_slice(pieces.next().unwrap_or_default().as_bytes());
        for piece in pieces {
            decoded.push(u8::from_str_radix(&piece[..2], 16).expect("two digits"));
            decoded.extend_from_slice(&piece.as_bytes()[2..]);
        }
        prop_assert_eq!(decoded, text.as_bytes());
    }
}
