//! A worker's thread: one runtime that never steals work, the sockets it accepts on, and what ends
//! it.

use std::cell::RefCell;
use std::collections::HashMap;
use std::io;
use std::net::{SocketAddr, TcpListener};
use std::num::NonZeroUsize;
use std::rc::Rc;
use std::sync::Arc;
use std::thread::JoinHandle;

use tidegate_core::model::ids::ListenerName;
use tidegate_core::time::Duration;
use tidegate_net::{clock, task};
use tokio::runtime::LocalRuntime;
use tokio::sync::{mpsc, oneshot};
use tokio::task::AbortHandle;

use crate::deadlines::TICK;
use crate::downstream::accept::accept;
use crate::plane::Shared;
use crate::worker::Worker;

/// How often a stopping worker looks whether its connections are done.
const DRAIN_TICK: Duration = Duration::from_millis(10);

/// What a worker can be told.
pub(crate) enum Command {
    /// Accept on a socket.
    Listen { name: ListenerName, address: SocketAddr, socket: TcpListener },
    /// The listener at an address has another name now.
    Rename { address: SocketAddr, name: ListenerName },
    /// Accept no more at an address.
    Close { address: SocketAddr },
    /// Finish what is under way and end. Answers how many connections were cut.
    Stop { grace: Duration, reply: oneshot::Sender<u64> },
}

/// Starts a worker's thread.
pub(crate) fn start(
    number: usize,
    shared: Arc<Shared>,
    cores: NonZeroUsize,
    inbox: mpsc::Receiver<Vec<Command>>,
) -> io::Result<JoinHandle<()>> {
    std::thread::Builder::new().name(format!("worker-{number}")).spawn(move || {
        let mut builder = tokio::runtime::Builder::new_current_thread();
        match builder.enable_all().build_local(Default::default()) {
            Ok(runtime) => run(&runtime, shared, cores, inbox),
            Err(error) => tracing::error!(%error, "a worker could not start"),
        }
    })
}

fn run(
    runtime: &LocalRuntime,
    shared: Arc<Shared>,
    cores: NonZeroUsize,
    mut inbox: mpsc::Receiver<Vec<Command>>,
) {
    runtime.block_on(async {
        let worker = Worker::new(shared, cores);
        let ticking = Rc::clone(&worker);
        task::spawn_local("tick", || tick(ticking));
        let mut sockets = Sockets::default();
        while let Some(orders) = inbox.recv().await {
            for command in orders {
                if let Command::Stop { grace, reply } = command {
                    sockets.close_all();
                    let cut = drain(&worker, grace).await;
                    worker.tick();
                    // Whoever asked may have stopped waiting.
                    let _ = reply.send(cut);
                    return;
                }
                sockets.change(&worker, command);
            }
        }
    });
}

async fn tick(worker: Rc<Worker>) {
    let mut ticks = tokio::time::interval(TICK);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        worker.tick();
    }
}

/// Lets connections finish; returns how many did not within `grace`.
async fn drain(worker: &Worker, grace: Duration) -> u64 {
    let due = clock::now() + grace;
    worker.stopping.set(true);
    worker.deadlines.dismiss_all();
    while worker.open.get() > 0 && clock::now() < due {
        tokio::time::sleep(DRAIN_TICK).await;
    }
    worker.open.get() as u64
}

/// The sockets that a worker accepts on, by the address as configured.
#[derive(Default)]
struct Sockets(HashMap<SocketAddr, Accepting>);

struct Accepting {
    name: Rc<RefCell<ListenerName>>,
    task: AbortHandle,
}

impl Sockets {
    fn change(&mut self, worker: &Rc<Worker>, command: Command) {
        match command {
            Command::Listen { name, address, socket } => self.open(worker, name, address, socket),
            Command::Rename { address, name } => self.rename(address, name),
            Command::Close { address } => self.close(address),
            Command::Stop { .. } => self.close_all(),
        }
    }

    fn open(
        &mut self,
        worker: &Rc<Worker>,
        name: ListenerName,
        address: SocketAddr,
        socket: TcpListener,
    ) {
        let socket = match tokio::net::TcpListener::from_std(socket) {
            Ok(socket) => socket,
            Err(error) => {
                tracing::error!(%error, %address, "a worker cannot accept");
                return;
            }
        };
        let name = Rc::new(RefCell::new(name));
        let (accepting, current) = (Rc::clone(worker), Rc::clone(&name));
        let task = task::spawn_local("accept", || accept(accepting, socket, current));
        self.0.insert(address, Accepting { name, task: task.abort_handle() });
    }

    fn rename(&self, address: SocketAddr, name: ListenerName) {
        if let Some(accepting) = self.0.get(&address) {
            *accepting.name.borrow_mut() = name;
        }
    }

    fn close(&mut self, address: SocketAddr) {
        if let Some(accepting) = self.0.remove(&address) {
            accepting.task.abort();
        }
    }

    fn close_all(&mut self) {
        self.0.drain().for_each(|(_, accepting)| accepting.task.abort());
    }
}
