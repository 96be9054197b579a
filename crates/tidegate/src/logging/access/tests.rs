//! The access log on real files, and on a file that takes nothing.

use std::fs;
use std::path::PathBuf;

use tidegate_core::model::node::LogLevel;

use super::*;

struct Directory(PathBuf);

impl Directory {
    fn new() -> Self {
        let name = format!("tidegate-log-{:016x}", tidegate_net::entropy::word());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("a directory of our own");
        Self(path)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.0);
    }
}

fn sink(path: PathBuf) -> Arc<AccessLogSink> {
    let log = Log {
        level: LogLevel::Info,
        access: AccessLog::File(path),
        format: LogFormat::Json,
        redact: Vec::new(),
    };
    AccessLogSink::open(&log).expect("it can be opened").expect("it is on")
}

#[test]
fn lines_are_written_in_order_and_a_moved_file_is_begun_anew() {
    let directory = Directory::new();
    let path = directory.0.join("access.log");
    let sink = sink(path.clone());
    sink.write(b"one\ntwo\n".to_vec());
    sink.write(b"three\n".to_vec());
    sink.flush();
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "one\ntwo\nthree\n");

    let moved = directory.0.join("access.log.1");
    fs::rename(&path, &moved).expect("a plain rename");
    sink.write(b"four\n".to_vec());
    sink.reopen();
    sink.write(b"five\n".to_vec());
    sink.flush();
    assert_eq!(fs::read_to_string(&moved).expect("it is there"), "one\ntwo\nthree\nfour\n");
    assert_eq!(fs::read_to_string(&path).expect("it is there"), "five\n");
    assert_eq!(sink.dropped(), 0);
}

#[test]
fn what_cannot_be_written_is_counted() {
    let sink = sink(PathBuf::from("/dev/full"));
    sink.write(b"one\ntwo\n".to_vec());
    sink.flush();
    assert_eq!(sink.dropped(), 2);
}

#[test]
fn a_writer_that_cannot_keep_up_loses_lines_and_blocks_nobody() {
    let (queue, messages) = sync_channel(2);
    let sink = AccessLogSink {
        format: LogFormat::Text,
        redact: Vec::new(),
        errors_only: false,
        queue,
        dropped: Arc::default(),
    };
    for _ in 0..5 {
        sink.write(b"a line\n".to_vec());
    }
    assert_eq!(sink.dropped(), 3);
    assert_eq!(messages.try_iter().count(), 2);
}

#[test]
fn a_file_that_cannot_be_opened_is_an_error() {
    let log = Log {
        level: LogLevel::Info,
        access: AccessLog::File(PathBuf::from("/proc/none/access.log")),
        format: LogFormat::Json,
        redact: Vec::new(),
    };
    assert!(AccessLogSink::open(&log).is_err());
}
