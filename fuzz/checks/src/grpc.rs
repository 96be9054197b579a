//! What a stranger says in a gRPC call, from arbitrary bytes: a timeout, a status, a health reply.
//!
//! A timeout that is accepted is printed in a form that is accepted too and never says more; a
//! status is one of those there are; a health reply is read within its bounds.

use tidegate_core::http::grpc::{self, health};
use tidegate_core::http::head::Head;
use tidegate_core::model::grpc::Status;
use tidegate_core::time::Duration;

use crate::plain::text;

/// Runs the check.
pub fn run(data: &[u8]) {
    check_timeout(data);
    let status = grpc::status([(&b"grpc-status"[..], data)].into_iter());
    let status = status.expect("there is one, whatever it says");
    let plain = (0..17u8).find(|code| data == code.to_string().as_bytes());
    if let Some(code) = plain {
        assert_eq!(status.code(), code);
    }
    assert!(Status::ALL.contains(&status));
    if let Some(health::Condition::Serving) = health::reply(data) {
        let said = data.windows(2).any(|window| window[0] & 0x7f == 8 && window[1] & 0x7f == 1);
        assert!(said || data.len() > 7, "nobody said so: {}", text(data));
    }
}

fn check_timeout(data: &[u8]) {
    let Ok(value) = std::str::from_utf8(data) else { return };
    let Ok(Some(timeout)) = read(value) else { return };
    assert!((2..=9).contains(&value.len()), "eight digits and a unit: {value}");
    let printed = grpc::print_timeout(timeout);
    let again = read(&printed).expect("what is printed is a timeout").expect("it is there");
    assert!(again <= timeout.max(Duration::from_nanos(1)), "{value} became {printed}");
}

fn read(value: &str) -> Result<Option<Duration>, grpc::BadTimeout> {
    let head = Head::compose("POST", "a", "/", &[(grpc::TIMEOUT, value)]);
    grpc::timeout(&head.expect("the path is canonical"))
}
