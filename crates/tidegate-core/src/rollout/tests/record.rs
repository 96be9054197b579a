//! Records: what is written is read, and anything else is refused.

use serde_json::{Value, json};

use super::super::command::Command;
use super::super::record::{Record, RecordError};
use super::play::{Play, analysis, breach, canary};
use crate::model::ids::RolloutName;
use crate::model::rollout::{OnBreach, Rollout};

fn read(text: &[u8]) -> Result<Record, RecordError> {
    Record::from_json(&RolloutName::new("shop-v2"), text)
}

#[test]
fn what_is_written_is_read() {
    let frozen = Rollout { analysis: Some(analysis(OnBreach::Freeze)), ..canary() };
    let mut play = Play::at(10.0, frozen);
    play.judge(breach("slow"));
    let first = play.disk.clone().expect("it runs");
    play.order(Command::Abort).expect("it runs");
    for text in [first, play.disk.clone().expect("it ran")] {
        let record = read(&text).expect("it was written so");
        assert_eq!(record.to_json(), text);
        assert!(record.verdict.is_some());
    }
}

#[test]
fn anything_else_is_refused_as_a_whole() {
    let play = Play::at(10.0, canary());
    let text = play.disk.as_ref().expect("it runs");
    let good: Value = serde_json::from_slice(text).expect("it is JSON");
    let with = |key: &str, value: Value| {
        let mut other = good.clone();
        other[key] = value;
        other.to_string()
    };
    let cases = [
        (String::new(), "cannot be read"),
        ("[]".to_owned(), "cannot be read"),
        ("{\"version\":1}".to_owned(), "cannot be read"),
        (with("more", json!(1)), "cannot be read"),
        (with("run", json!(-1)), "cannot be read"),
        (with("evidence", json!("x".repeat(Record::BYTES_MAX))), "at most 1048576 are read"),
        (with("version", json!(2)), "has version 2"),
        (with("rollout", json!("toys")), "belongs to rollout \"toys\""),
        (with("phase", json!("asleep")), "says \"asleep\""),
        (with("phase", json!("aborted")), "says \"aborted\" at 100000"),
        (with("share_millionths", json!(1_000_000)), "says \"stepping\" at 1000000"),
        (with("share_millionths", json!(u32::MAX)), "which cannot be"),
        (with("run", json!(0)), "which cannot be"),
        (with("salt", json!("salt")), "no salt"),
    ];
    assert!(read(good.to_string().as_bytes()).is_ok());
    for (text, says) in cases {
        let error = read(text.as_bytes()).expect_err("it is refused").to_string();
        assert!(error.contains(says), "{error}");
    }
}

#[test]
fn a_pause_that_cannot_be_is_left_out() {
    let mut play = Play::at(10.0, canary());
    play.order(Command::Abort).expect("it runs");
    let mut other: Value =
        serde_json::from_slice(play.disk.as_ref().expect("it ran")).expect("it is JSON");
    other["paused"] = json!({ "why": "by nobody", "cause": "person" });
    let record = read(other.to_string().as_bytes()).expect("it is one");
    assert_eq!(record.paused, None, "what is over is not paused");
}

proptest::proptest! {
    #[test]
    fn no_bytes_panic(bytes: Vec<u8>) {
        let _ = read(&bytes);
    }
}
