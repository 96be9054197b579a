//! The access log on real files, and on a file that takes nothing.

use std::fs;
use std::path::PathBuf;

use tidegate_core::model::node::{LogFormat, LogLevel};

use super::*;

struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let name = format!("tidegate-log-{:016x}", tidegate_net::entropy::word());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory of our own");
        Self(path)
    }

    fn read(&self, name: &str) -> String {
        fs::read_to_string(self.0.join(name)).expect("it is there")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn log(access: AccessLog) -> Log {
    Log { level: LogLevel::Info, access, format: LogFormat::Json, redact: Vec::new() }
}

fn started(path: PathBuf) -> Arc<AccessLogSink> {
    AccessLogSink::start(&log(AccessLog::File(path))).expect("it can be opened")
}

#[test]
fn lines_are_written_in_order_and_a_moved_file_is_begun_anew() {
    let directory = Directory::new();
    let path = directory.0.join("access.log");
    let sink = started(path.clone());
    sink.write(b"one\ntwo\n".to_vec());
    sink.write(b"three\n".to_vec());
    sink.flush();
    assert_eq!(directory.read("access.log"), "one\ntwo\nthree\n");

    fs::rename(&path, directory.0.join("access.log.1")).expect("a plain rename");
    sink.write(b"four\n".to_vec());
    sink.flush();
    sink.reopen();
    sink.write(b"five\n".to_vec());
    sink.flush();
    assert_eq!(directory.read("access.log.1"), "one\ntwo\nthree\nfour\n");
    assert_eq!(directory.read("access.log"), "five\n");
    assert_eq!(sink.dropped(), 0);
}

#[test]
fn another_configuration_sends_lines_elsewhere() {
    let directory = Directory::new();
    let sink = started(directory.0.join("one"));
    sink.write(b"one\n".to_vec());
    sink.flush();
    let other = log(AccessLog::File(directory.0.join("two")));
    sink.follow(sink.prepare(&other).expect("it can be opened"));
    sink.write(b"two\n".to_vec());
    sink.flush();
    assert_eq!((directory.read("one"), directory.read("two")), ("one\n".into(), "two\n".into()));
}

#[test]
fn a_configuration_that_cannot_be_followed_changes_nothing() {
    let directory = Directory::new();
    let sink = started(directory.0.join("one"));
    let bad = log(AccessLog::File(PathBuf::from("/proc/none/access.log")));
    let error = sink.prepare(&bad).expect_err("there is no such directory");
    assert!(error.starts_with("cannot open the access log /proc/none/access.log: "), "{error}");
    sink.write(b"one\n".to_vec());
    sink.flush();
    assert_eq!(directory.read("one"), "one\n");
}

#[test]
fn what_cannot_be_written_is_counted() {
    let sink = started(PathBuf::from("/dev/full"));
    sink.write(b"one\ntwo\n".to_vec());
    sink.flush();
    assert_eq!(sink.dropped(), 2);
}

#[test]
fn a_writer_that_cannot_keep_up_loses_lines_and_blocks_nobody() {
    let (queue, messages) = sync_channel(2);
    let sink = AccessLogSink {
        log: ArcSwap::from_pointee(log(AccessLog::Stdout)),
        on: AtomicBool::new(true),
        queue,
        slot: Arc::default(),
        dropped: Arc::default(),
    };
    for _ in 0..5 {
        sink.write(b"a line\n".to_vec());
    }
    assert_eq!(sink.dropped(), 3);
    assert_eq!(messages.try_iter().count(), 2);
}
