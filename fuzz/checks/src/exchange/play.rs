//! Performs a script: one operation after the other, each given time to show its effect.

use tidegate_core::time::Duration;

use super::hearing;
use super::mark::Mark;
use super::pipe::Pipe;
use super::script::{Ends, Op, Script, ServerSays};
use super::speech;
use super::stage::Stage;

/// The most events that one operation is given time for.
const EVENTS_MAX: usize = 200;

/// A script under way.
pub(super) struct Play<'a> {
    stage: &'a mut Stage,
    /// Without an event for so long, an operation has had its effect.
    patience: Duration,
    clients: [Option<Pipe>; 2],
    /// Client connections that are over.
    past: Vec<Pipe>,
    servers: Vec<Server>,
}

/// A server's end of a connection.
struct Server {
    pipe: Pipe,
    /// It has switched protocols, or said so.
    switched: bool,
}

impl Server {
    /// The mark of the request that came last.
    fn mark(&self) -> Option<Mark> {
        hearing::heard(&self.pipe.heard, self.switched).last().and_then(|request| request.mark)
    }
}

impl<'a> Play<'a> {
    pub(super) fn new(stage: &'a mut Stage, patience: Duration) -> Self {
        Self { stage, patience, clients: [None, None], past: Vec::new(), servers: Vec::new() }
    }

    /// Performs the script and looks at what came of it. An error is a finding that may be a matter
    /// of timing; others panic.
    pub(super) fn run(mut self, script: &Script<'_>) -> Result<(), String> {
        for op in script.ops.iter().take(Script::OPS_MAX) {
            self.perform(op);
            self.settle();
        }
        let finding = self.look();
        self.close();
        self.stage.check_rest();
        finding
    }

    fn perform(&mut self, op: &Op<'_>) {
        match op {
            Op::Client { second, says } => {
                let mark = self.stage.marks.next();
                for (number, piece) in speech::client(says, mark).iter().enumerate() {
                    if number > 0 {
                        self.settle();
                    }
                    self.client(*second).say(piece);
                }
            }
            Op::ClientEnds { second, how } => {
                if let Some(client) = &mut self.clients[usize::from(*second)] {
                    client.end(*how);
                }
            }
            Op::ClientReads { second, reads } => {
                if let Some(client) = &mut self.clients[usize::from(*second)] {
                    client.reads = *reads;
                }
            }
            Op::Server { at, says } => self.answer(*at, says),
            Op::ServerEnds { at, how } => {
                if let Some(server) = self.server(*at) {
                    server.pipe.end(*how);
                }
            }
            Op::Reload => self.stage.reload(),
        }
    }

    /// A client, connected anew if it has to be.
    fn client(&mut self, second: bool) -> &mut Pipe {
        let slot = &mut self.clients[usize::from(second)];
        if let Some(mut over) = slot.take_if(|client| client.is_closed() || client.ended) {
            over.end(Ends::Reset);
            self.past.push(over);
        }
        slot.get_or_insert_with(|| Pipe::connect(self.stage.address))
    }

    /// A server's end, the newest first.
    fn server(&mut self, at: u8) -> Option<&mut Server> {
        let count = self.servers.len();
        let place = count.checked_sub(1 + usize::from(at) % count.max(1))?;
        self.servers.get_mut(place)
    }

    fn answer(&mut self, at: u8, says: &ServerSays<'_>) {
        let Some(server) = self.server(at) else { return };
        server.pipe.pump();
        server.switched |= matches!(says, ServerSays::Switch);
        let bytes = speech::server(says, server.mark());
        server.pipe.say(&bytes);
    }

    /// Lets everything happen that is going to happen by itself.
    fn settle(&mut self) {
        for _ in 0..EVENTS_MAX {
            self.pump();
            let pipes = self.clients.iter().flatten().chain(self.servers.iter().map(|s| &s.pipe));
            if !self.stage.wait(pipes, self.patience) {
                return;
            }
        }
    }

    fn pump(&mut self) {
        while let Some(stream) = self.stage.accept() {
            self.servers.push(Server { pipe: Pipe::new(stream), switched: false });
        }
        let servers = self.servers.iter_mut().map(|server| &mut server.pipe);
        for pipe in self.clients.iter_mut().flatten().chain(servers) {
            pipe.pump();
        }
    }

    fn look(&self) -> Result<(), String> {
        let clients: Vec<&Pipe> = self.past.iter().chain(self.clients.iter().flatten()).collect();
        let asked: Vec<_> = clients.iter().map(|client| hearing::asked(&client.said)).collect();
        let all: Vec<&[hearing::Request]> = asked.iter().map(|asked| &asked[..]).collect();
        for server in &self.servers {
            for heard in hearing::heard(&server.pipe.heard, server.switched) {
                hearing::check_heard(&heard, &all);
            }
        }
        clients
            .iter()
            .zip(&asked)
            .try_for_each(|(client, asked)| hearing::check_answers(&client.heard, asked))
    }

    /// Resets everything that is open: nothing is left waiting in the kernel.
    fn close(&mut self) {
        let servers = self.servers.iter_mut().map(|server| &mut server.pipe);
        for pipe in self.clients.iter_mut().flatten().chain(servers) {
            pipe.end(Ends::Reset);
        }
    }
}
