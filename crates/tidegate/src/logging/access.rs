//! The access log: what of each request is written down, and the way to the one thread that writes
//! it.
//!
//! A core never waits for a disk. It puts a block of lines into a queue of bounded length; when the
//! queue is full because the disk is slow, the block is dropped and its lines are counted. What
//! cannot be written, on a full disk or into a closed pipe, is counted the same way.
//!
//! A reload may send the lines elsewhere: the new file is opened first, which may fail, and then
//! taken into use, which cannot. Around that moment a line may land in the old file or in the new
//! one, and in one of them it does.

mod target;
mod writer;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{SyncSender, TrySendError, sync_channel};

use arc_swap::ArcSwap;
use tidegate_core::model::node::{AccessLog, Log};
use tidegate_core::telemetry::access_log::Record;
use tidegate_core::time::Duration;
use tidegate_proxy::log::Sink;

use self::target::Target;
use self::writer::{Message, Slot, Writer};

/// Blocks that may wait for the writer. A block is some tens of KiB, so all of them are some tens
/// of MiB.
const QUEUE_MAX: usize = 1024;
/// How long the end of the program waits for the last lines.
const FLUSH_WAIT: Duration = Duration::from_secs(2);

/// The access log, as the cores see it.
#[derive(Debug)]
pub(crate) struct AccessLogSink {
    log: ArcSwap<Log>,
    /// Whether any request gets a line, where a core reads it with each request.
    on: AtomicBool,
    queue: SyncSender<Message>,
    /// Where the writer finds what it is to write to next.
    slot: Arc<Slot>,
    dropped: Arc<AtomicU64>,
}

/// A log that has been opened and is not yet in use.
#[derive(Debug)]
pub(crate) struct Opened {
    log: Log,
    /// `None`: the one in use stays.
    target: Option<Target>,
}

impl AccessLogSink {
    /// Opens the log that a configuration asks for.
    ///
    /// # Errors
    /// A sentence that names the file that cannot be opened.
    pub(crate) fn start(log: &Log) -> Result<Arc<Self>, String> {
        let target = Target::open(&log.access)?;
        let (queue, messages) = sync_channel(QUEUE_MAX);
        let (slot, dropped) = (Arc::<Slot>::default(), Arc::<AtomicU64>::default());
        let writer = Writer::new(target, Arc::clone(&slot), Arc::clone(&dropped));
        let thread = std::thread::Builder::new().name("access-log".to_owned());
        let started = thread.spawn(move || writer.run(&messages));
        started.map_err(|error| format!("cannot start the writer of the access log: {error}"))?;
        let on = AtomicBool::new(log.access != AccessLog::Off);
        Ok(Arc::new(Self { log: ArcSwap::from_pointee(log.clone()), on, queue, slot, dropped }))
    }

    /// Opens what another configuration asks for, if it is something else.
    ///
    /// # Errors
    /// As [`AccessLogSink::start`].
    pub(crate) fn prepare(&self, log: &Log) -> Result<Opened, String> {
        let same = self.log.load().access == log.access;
        let target = if same { None } else { Some(Target::open(&log.access)?) };
        Ok(Opened { log: log.clone(), target })
    }

    /// Follows another configuration from now on.
    pub(crate) fn follow(&self, opened: Opened) {
        self.on.store(opened.log.access != AccessLog::Off, Relaxed);
        self.log.store(Arc::new(opened.log));
        if let Some(target) = opened.target {
            self.hand_over(target);
        }
    }

    /// Opens the file again by its name, since somebody has moved it. If that fails, the old one
    /// stays in use.
    pub(crate) fn reopen(&self) {
        match Target::open(&self.log.load().access) {
            Ok(target) => self.hand_over(target),
            Err(error) => tracing::error!("{error}; the old file stays in use"),
        }
    }

    /// Lines that were lost so far.
    pub(crate) fn dropped(&self) -> u64 {
        self.dropped.load(Relaxed)
    }

    /// Waits until everything handed over so far is written, or [`FLUSH_WAIT`] has passed.
    pub(crate) fn flush(&self) {
        let (done, wait) = sync_channel(1);
        let asked = self.queue.try_send(Message::Flush(done)).is_ok();
        if !asked || wait.recv_timeout(FLUSH_WAIT).is_err() {
            tracing::warn!("the last lines of the access log could not be written in time");
        }
    }

    fn hand_over(&self, target: Target) {
        self.slot.put(target);
        // A queue that is full wakes the writer by itself.
        let _ = self.queue.try_send(Message::Wake);
    }
}

impl Sink for AccessLogSink {
    fn is_on(&self) -> bool {
        self.on.load(Relaxed)
    }

    fn wants(&self, record: &Record<'_>) -> bool {
        match self.log.load().access {
            AccessLog::Off => false,
            AccessLog::Errors => record.failed(),
            AccessLog::Stdout | AccessLog::Stderr | AccessLog::File(_) => true,
        }
    }

    fn append(&self, record: &Record<'_>, out: &mut Vec<u8>) {
        let log = self.log.load();
        record.write(log.format, &log.redact, out);
    }

    fn write(&self, lines: Vec<u8>) {
        let sent = self.queue.try_send(Message::Lines(lines));
        if let Err(TrySendError::Full(message) | TrySendError::Disconnected(message)) = sent
            && let Message::Lines(lines) = message
        {
            self.dropped.fetch_add(writer::count(&lines), Relaxed);
        }
    }
}

#[cfg(test)]
mod tests;
