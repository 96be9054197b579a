//! One core of the data plane: everything its connections share, and nothing that another core
//! touches.
//!
//! All of it lives on one thread, so cells and reference counts are plain. What crosses threads is
//! in [`crate::plane::Shared`].

use std::cell::{Cell, Ref, RefCell, RefMut};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::sync::atomic::Ordering::{Acquire, Relaxed};

use tidegate_core::edit::facts::Editor;
use tidegate_core::http::reply::ReplyHead;
use tidegate_core::rng::Rng;
use tidegate_core::signal::Signal;
use tidegate_core::telemetry::access_log::Record;
use tidegate_core::telemetry::worker::WorkerCells;
use tidegate_core::time::Instant;
use tidegate_net::{clock, entropy};

use crate::date::Date;
use crate::deadlines::Deadlines;
use crate::exchange::state::Exchange;
use crate::filter::compress::encoders::Encoders;
use crate::held::Held;
use crate::plane::Shared;
use crate::upstream::connections::Connections;
use crate::upstream::trunks::Trunks;
use crate::view::{Ground, View};

/// Bytes of the buffer that every read of a core goes through.
const SCRATCH: usize = 512 * 1024;
/// Spare exchanges and buffers that a core keeps.
const SPARES: usize = 256;
/// Buffers that grew beyond this are given back to the system.
const BUFFER_KEPT: usize = 64 * 1024;
/// Lines of the access log are handed over in blocks of about this size.
const LOG_BLOCK: usize = 32 * 1024;

/// One core of the data plane.
pub(crate) struct Worker {
    pub(crate) shared: Arc<Shared>,
    pub(crate) cells: Arc<WorkerCells>,
    pub(crate) deadlines: Rc<Deadlines>,
    pub(crate) connections: RefCell<Connections>,
    pub(crate) trunks: Rc<RefCell<Trunks>>,
    cores: NonZeroUsize,
    view: RefCell<Rc<View>>,
    generation: Cell<u64>,
    scratch: RefCell<Box<[u8]>>,
    reply: RefCell<ReplyHead>,
    editor: RefCell<Editor>,
    encoders: RefCell<Encoders>,
    #[expect(clippy::vec_box, reason = "exchanges are handed out and back; only the box moves")]
    exchanges: RefCell<Vec<Box<Exchange>>>,
    buffers: RefCell<Vec<Vec<u8>>>,
    rng: RefCell<Rng>,
    date: RefCell<Date>,
    log: RefCell<Vec<u8>>,
    /// Client connections open on this core.
    pub(crate) open: Cell<usize>,
    /// Copies of requests under way on this core.
    pub(crate) copies: Cell<u32>,
    /// From when on a copy that differs is told of.
    pub(crate) tell_from: Cell<Instant>,
    pub(crate) stopping: Cell<bool>,
}

impl Worker {
    /// A core that serves the newest snapshot of `shared`.
    pub(crate) fn new(shared: Arc<Shared>, cores: NonZeroUsize) -> Rc<Self> {
        let cells = shared.registry.worker();
        let mut rng = Rng::new(entropy::word());
        let generation = shared.generation.load(Acquire);
        let ground = Ground { cells: &cells, cores, now: clock::now() };
        let view = View::new(shared.snapshot.load_full(), None, &ground, &mut rng);
        Rc::new(Self {
            deadlines: Rc::default(),
            connections: RefCell::default(),
            trunks: Rc::default(),
            cores,
            view: RefCell::new(Rc::new(view)),
            generation: Cell::new(generation),
            scratch: RefCell::new(vec![0; SCRATCH].into_boxed_slice()),
            reply: RefCell::default(),
            editor: RefCell::default(),
            encoders: RefCell::new(Encoders::new(Arc::clone(&cells.compression))),
            exchanges: RefCell::default(),
            buffers: RefCell::default(),
            rng: RefCell::new(rng),
            date: RefCell::new(Date::at(clock::unix_time())),
            log: RefCell::default(),
            open: Cell::new(0),
            copies: Cell::new(0),
            tell_from: Cell::new(Instant::ZERO),
            stopping: Cell::new(false),
            cells,
            shared,
        })
    }

    /// The newest snapshot, as this core sees it.
    pub(crate) fn view(&self) -> Rc<View> {
        let generation = self.shared.generation.load(Acquire);
        if generation != self.generation.get() {
            self.generation.set(generation);
            let ground = Ground { cells: &self.cells, cores: self.cores, now: clock::now() };
            let snapshot = self.shared.snapshot.load_full();
            let view = {
                let previous = self.view.borrow();
                View::new(snapshot, Some(&previous), &ground, &mut self.rng.borrow_mut())
            };
            *self.view.borrow_mut() = Rc::new(view);
        }
        Rc::clone(&self.view.borrow())
    }

    /// A fresh draw.
    pub(crate) fn draw(&self) -> u64 {
        self.rng.borrow_mut().draw()
    }

    /// The buffer that reads go through. Nobody holds it across an await: polls borrow it and give
    /// it back.
    pub(crate) fn scratch(&self) -> RefMut<'_, Box<[u8]>> {
        self.scratch.borrow_mut()
    }

    /// The Date field, a tick old at most.
    pub(crate) fn date(&self) -> Ref<'_, Date> {
        self.date.borrow()
    }

    /// State for one exchange, clean.
    pub(crate) fn take_exchange(&self) -> Box<Exchange> {
        self.exchanges.borrow_mut().pop().unwrap_or_default()
    }

    /// Gives an exchange back.
    pub(crate) fn give_exchange(&self, mut exchange: Box<Exchange>) {
        if let Some(encoder) = exchange.reset() {
            self.encoders().give(encoder);
        }
        let mut exchanges = self.exchanges.borrow_mut();
        if exchanges.len() < SPARES {
            exchanges.push(exchange);
        }
    }

    /// The head that responses are parsed into. Like the scratch, nobody holds it across an await.
    pub(crate) fn reply(&self) -> RefMut<'_, ReplyHead> {
        self.reply.borrow_mut()
    }

    /// Room for edits of heads. Nobody holds it across an await.
    pub(crate) fn editor(&self) -> RefMut<'_, Editor> {
        self.editor.borrow_mut()
    }

    /// What compresses responses. Nobody holds it across an await.
    pub(crate) fn encoders(&self) -> RefMut<'_, Encoders> {
        self.encoders.borrow_mut()
    }

    /// Lends memory to a queue that is about to be filled: the buffer that was used last, which is
    /// still in the cache.
    pub(crate) fn lend(&self, held: &mut Held) {
        if !held.owns_memory() {
            held.adopt(self.buffers.borrow_mut().pop().unwrap_or_default());
        }
    }

    /// Takes the memory of a queue back if nothing waits in it.
    pub(crate) fn reclaim(&self, held: &mut Held) {
        if !held.is_empty() || !held.owns_memory() {
            return;
        }
        let buffer = held.release();
        let mut buffers = self.buffers.borrow_mut();
        if buffers.len() < SPARES && buffer.capacity() <= BUFFER_KEPT {
            buffers.push(buffer);
        }
    }

    /// Tells the control plane something, unless it cannot keep up: then that is counted.
    pub(crate) fn signal(&self, signal: Signal) {
        if self.shared.signals.try_send(signal).is_err() {
            self.shared.signals_dropped.fetch_add(1, Relaxed);
        }
    }

    /// Writes a line of the access log, if there is one and it wants the line.
    pub(crate) fn log(&self, record: &Record<'_>) {
        let Some(sink) = self.shared.access_log.as_ref().filter(|sink| sink.wants(record)) else {
            return;
        };
        let mut log = self.log.borrow_mut();
        sink.append(record, &mut log);
        if log.len() >= LOG_BLOCK {
            sink.write(std::mem::take(&mut log));
        }
    }

    /// What has to be done now and then, between requests.
    pub(crate) fn tick(&self) {
        let now = clock::now();
        self.date.borrow_mut().update(clock::unix_time());
        self.deadlines.sweep(now);
        self.connections.borrow_mut().sweep(now);
        self.trunks.borrow_mut().sweep(now);
        let lines = std::mem::take(&mut *self.log.borrow_mut());
        if let Some(sink) = self.shared.access_log.as_ref().filter(|_| !lines.is_empty()) {
            sink.write(lines);
        }
    }
}
