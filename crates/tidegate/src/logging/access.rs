//! The access log: one thread that writes what the cores hand over.
//!
//! A core never waits for a disk. It puts a block of lines into a queue of bounded length; when the queue is
//! full because the disk is slow, the block is dropped and its lines are counted. What cannot be written, on a
//! full disk or into a closed pipe, is counted the same way. Lines are written in the order they came.

use std::fs::{File, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, sync_channel};
use std::thread;

use tidegate_core::model::node::{AccessLog, Log, LogFormat, Redaction};
use tidegate_core::telemetry::access_log::Record;
use tidegate_core::time::Duration;
use tidegate_proxy::log::Sink;

/// Blocks that may wait for the writer. A block is some tens of KiB, so all of them are some tens of MiB.
const QUEUE_MAX: usize = 1024;
/// Bytes that go to the system in one write, if so many wait.
const BATCH: usize = 256 * 1024;
/// How long the end of the program waits for the last lines.
const FLUSH_WAIT: Duration = Duration::from_secs(2);

/// The queue before the writer.
#[derive(Debug)]
pub(crate) struct AccessLogSink {
    format: LogFormat,
    redact: Vec<Redaction>,
    /// Whether only requests that failed get a line.
    errors_only: bool,
    queue: SyncSender<Message>,
    dropped: Arc<AtomicU64>,
}

#[derive(Debug)]
enum Message {
    Lines(Vec<u8>),
    Reopen,
    /// Write what is there, then say so.
    Flush(SyncSender<()>),
}

impl AccessLogSink {
    /// Opens the log that the configuration asks for; `None` when it asks for none.
    ///
    /// # Errors
    /// When the file cannot be opened, or the thread not be started.
    pub(crate) fn open(log: &Log) -> io::Result<Option<Arc<Self>>> {
        let Some(target) = Target::open(&log.access)? else { return Ok(None) };
        let (queue, messages) = sync_channel(QUEUE_MAX);
        let dropped = Arc::new(AtomicU64::new(0));
        let writer = Writer { target, batch: Vec::new(), dropped: Arc::clone(&dropped), ailing: false };
        thread::Builder::new().name("access-log".to_owned()).spawn(move || writer.run(&messages))?;
        Ok(Some(Arc::new(Self {
            format: log.format,
            redact: log.redact.clone(),
            errors_only: log.access == AccessLog::Errors,
            queue,
            dropped,
        })))
    }

    /// Lines that were lost so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Opens the file again by its name, once the lines that came before are written.
    pub(crate) fn reopen(&self) {
        if self.queue.send(Message::Reopen).is_err() {
            tracing::error!("the access log has no writer");
        }
    }

    /// Waits until everything handed over so far is written, or [`FLUSH_WAIT`] has passed.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        let asked = self.queue.try_send(Message::Flush(done)).is_ok();
        if !asked || wait.recv_timeout(FLUSH_WAIT) == Err(RecvTimeoutError::Timeout) {
            tracing::warn!("the last lines of the access log could not be written in time");
        }
    }
}

impl Sink for AccessLogSink {
    fn format(&self) -> LogFormat {
        self.format
    }

    fn redact(&self) -> &[Redaction] {
        &self.redact
    }

    fn wants(&self, record: &Record<'_>) -> bool {
        !self.errors_only || record.failed()
    }

    fn write(&self, lines: Vec<u8>) {
        if let Err(error) = self.queue.try_send(Message::Lines(lines)) {
            let (std::sync::mpsc::TrySendError::Full(message)
            | std::sync::mpsc::TrySendError::Disconnected(message)) = error;
            if let Message::Lines(lines) = message {
                self.dropped.fetch_add(count(&lines), Relaxed);
            }
        }
    }
}

fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}

/// Where the lines go.
#[derive(Debug)]
enum Target {
    Stdout,
    Stderr,
    File { file: File, path: Box<Path> },
}

impl Target {
    fn open(access: &AccessLog) -> io::Result<Option<Self>> {
        Ok(match access {
            AccessLog::Off => None,
            AccessLog::Errors | AccessLog::Stdout => Some(Self::Stdout),
            AccessLog::Stderr => Some(Self::Stderr),
            AccessLog::File(path) => {
                Some(Self::File { file: append_to(path)?, path: path.as_path().into() })
            }
        })
    }

    fn write(&mut self, bytes: &[u8]) -> io::Result<()> {
        match self {
            Self::Stdout => {
                let mut stdout = io::stdout().lock();
                stdout.write_all(bytes)?;
                stdout.flush()
            }
            Self::Stderr => io::stderr().lock().write_all(bytes),
            Self::File { file, .. } => file.write_all(bytes),
        }
    }

    /// A file that cannot be opened again leaves the old one in use.
    fn reopen(&mut self) {
        if let Self::File { file, path } = self {
            match append_to(path) {
                Ok(fresh) => *file = fresh,
                Err(error) => {
                    tracing::error!(%error, path = %path.display(), "cannot reopen the access log");
                }
            }
        }
    }
}

/// Requests are nobody's business but the owner's and the group's.
fn append_to(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).mode(0o640).open(path)
}

/// The thread behind the queue.
#[derive(Debug)]
struct Writer {
    target: Target,
    batch: Vec<u8>,
    dropped: Arc<AtomicU64>,
    /// Whether the last write failed; said once, not for each batch.
    ailing: bool,
}

impl Writer {
    /// Runs until nobody can hand over anything any more.
    fn run(mut self, messages: &Receiver<Message>) {
        while let Ok(first) = messages.recv() {
            let mut next = Some(first);
            while let Some(message) = next {
                self.take(message);
                next = messages.try_recv().ok();
            }
            self.write();
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Lines(lines) if self.batch.is_empty() => self.batch = lines,
            Message::Lines(lines) => self.batch.extend_from_slice(&lines),
            Message::Reopen => {
                self.write();
                self.target.reopen();
            }
            Message::Flush(done) => {
                self.write();
                // Whoever asked may have given up waiting.
                let _ = done.try_send(());
            }
        }
        if self.batch.len() >= BATCH {
            self.write();
        }
    }

    fn write(&mut self) {
        if self.batch.is_empty() {
            return;
        }
        match self.target.write(&self.batch) {
            Ok(()) => self.ailing = false,
            Err(error) => {
                self.dropped.fetch_add(count(&self.batch), Relaxed);
                if !std::mem::replace(&mut self.ailing, true) {
                    tracing::error!(%error, "cannot write the access log; lines are lost");
                }
            }
        }
        self.batch.clear();
    }
}

#[cfg(test)]
mod tests;
