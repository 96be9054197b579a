//! The one thread that writes access-log lines. It gathers what waits into large writes.

use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::sync::mpsc::{Receiver, SyncSender};
use std::sync::{Arc, Mutex, PoisonError};

use super::target::Target;

/// Bytes that go to the system in one write, if so many wait.
const BATCH: usize = 256 * 1024;

/// What the writer is told.
#[derive(Debug)]
pub(super) enum Message {
    /// Whole lines.
    Lines(Vec<u8>),
    /// Look into the slot.
    Wake,
    /// Write what is there, then say so.
    Flush(SyncSender<()>),
}

/// What to write to next; the last one put there counts.
#[derive(Debug, Default)]
pub(super) struct Slot(Mutex<Option<Target>>);

impl Slot {
    pub(super) fn put(&self, target: Target) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some(target);
    }

    fn take(&self) -> Option<Target> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// The thread behind the queue.
#[derive(Debug)]
pub(super) struct Writer {
    target: Target,
    slot: Arc<Slot>,
    batch: Vec<u8>,
    dropped: Arc<AtomicU64>,
    /// Whether the last write failed; said once, not for each batch.
    ailing: bool,
}

impl Writer {
    pub(super) fn new(target: Target, slot: Arc<Slot>, dropped: Arc<AtomicU64>) -> Self {
        Self { target, slot, batch: Vec::new(), dropped, ailing: false }
    }

    /// Runs until nobody can hand over anything any more.
    pub(super) fn run(mut self, messages: &Receiver<Message>) {
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
            Message::Wake => {}
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
        if let Some(target) = self.slot.take() {
            self.target = target;
        }
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

/// How many lines there are.
pub(super) fn count(lines: &[u8]) -> u64 {
    lines.iter().filter(|byte| **byte == b'\n').count() as u64
}
