//! What happens when: customers come at a steady rate, half-way a server is killed, and later it is
//! back.
//!
//! The story runs on the main thread, which starts and kills the servers; the customers have a
//! thread and a runtime of their own, so that what they measure is not delayed by what is shown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result};
use tidegate_core::telemetry::registry::Scrape;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;
use tokio::sync::oneshot;
use tokio::time::{MissedTickBehavior, interval};

use super::book::Book;
use super::load::Load;
use super::screen::{Scene, Screen, Show};
use super::stage::Stage;
use super::summary::{Event, Summary, seconds};
use crate::runtime;
use crate::signals::Signals;

/// Requests a second.
const RATE: u32 = 300;
/// The server that dies, by its place.
const VICTIM: usize = 3;
/// The longest that it stays away.
const AWAY_MAX: Duration = Duration::from_secs(15);
/// How often the story looks at servers and clock.
const TICK: Duration = Duration::from_millis(50);

/// How the demo is to run.
#[derive(Clone, Debug)]
pub(crate) struct DemoOptions {
    /// How long customers come.
    pub(crate) duration: Duration,
    /// Where the shop is open; port 0: any.
    pub(crate) listen: SocketAddr,
    /// Where the balancer's admin API listens, as the configuration writes it.
    pub(crate) admin: String,
    /// How it is shown.
    pub(crate) show: Show,
}

/// Runs the demo. To be called on the main thread, whose children the servers are.
pub(crate) async fn run(options: &DemoOptions) -> Result<Summary> {
    let mut signals = Signals::install().context("cannot watch for signals")?;
    let stage = Stage::build(options.listen, &options.admin).await?;
    let mut story = Story::begin(stage, options)?;
    let mut over = story.invite()?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        tokio::select! {
            // Its sender is dropped, too, when the thread of the customers comes to a bad end.
            _ = &mut over => break,
            () = signals.stop() => story.interrupt(),
            _ = ticks.tick() => story.go_on(clock::now())?,
        }
    }
    story.end().await
}

struct Story {
    stage: Stage,
    load: Arc<Load>,
    begin: (Instant, UnixTime),
    acts: Vec<(Instant, Act)>,
    screen: Screen,
    title: String,
    /// The whole seconds that have been shown.
    shown: u64,
    /// Requests of each server when they were last shown.
    requests: Vec<u64>,
    servers: (usize, usize),
    events: Vec<Event>,
    last_event: u64,
    interrupted: bool,
}

/// What the demo does to its servers.
#[derive(Clone, Copy, Debug)]
enum Act {
    Kill,
    BringBack,
}

impl Story {
    fn begin(stage: Stage, options: &DemoOptions) -> Result<Self> {
        let begin = (clock::now(), clock::unix_time());
        let address = stage.address()?;
        let half = options.duration / 2;
        let back = half + (options.duration / 4).min(AWAY_MAX);
        let admin = stage.node.admin().unwrap_or_else(|| "off".to_owned());
        let load = Load::new(address, begin.0, options.duration, RATE);
        Ok(Self {
            load: Arc::new(load),
            // Taken from the end.
            acts: vec![(begin.0 + back, Act::BringBack), (begin.0 + half, Act::Kill)],
            screen: Screen::open(options.show)?,
            title: format!("the shop: http://{address}   admin API: {admin}"),
            shown: 0,
            requests: Vec::new(),
            servers: (usize::MAX, 0),
            events: Vec::new(),
            last_event: 0,
            interrupted: false,
            begin,
            stage,
        })
    }

    /// Lets the customers in; the answer comes when the last has been served.
    fn invite(&self) -> Result<oneshot::Receiver<()>> {
        let runtime = runtime::local()?;
        let (done, over) = oneshot::channel();
        let load = Arc::clone(&self.load);
        let customers = thread::Builder::new().name("customers".to_owned());
        customers.spawn(move || {
            runtime.block_on(load.run());
            // Nobody listens any more only when the demo has failed.
            let _ = done.send(());
        })?;
        Ok(over)
    }

    fn interrupt(&mut self) {
        self.interrupted = true;
        self.load.stop();
    }

    fn go_on(&mut self, now: Instant) -> Result<()> {
        while let Some((_, act)) = self.acts.pop_if(|(due, _)| *due <= now) {
            let event = self.perform(act)?;
            self.events.push(event);
        }
        self.observe();
        let second = now.since(self.begin.0).as_secs();
        if second > self.shown {
            self.show(second)?;
        }
        Ok(())
    }

    fn perform(&mut self, act: Act) -> Result<Event> {
        let name = VICTIM + 1;
        let (kind, message) = match act {
            Act::Kill => {
                let id = self.stage.fleet.kill(VICTIM)?;
                ("server-killed", format!("shop-{name}, process {id}, gets SIGKILL"))
            }
            Act::BringBack => {
                let id = self.stage.fleet.bring_back(VICTIM)?;
                ("server-restarted", format!("shop-{name} is started again as process {id}"))
            }
        };
        Ok(Event { at: seconds(clock::now().since(self.begin.0)), kind, message })
    }

    /// Takes note of what happened since the last look.
    fn observe(&mut self) {
        let snapshot = self.stage.node.control.snapshot();
        if let Some(pool) = snapshot.pool(&self.stage.pool) {
            let states = pool.members.iter().map(|member| member.state.availability());
            let up = states.filter(|state| state.is_available()).count();
            self.servers = (self.servers.0.min(up), self.servers.1.max(up));
        }
        let page = self.stage.node.control.events(self.last_event);
        self.last_event = page.last;
        let begin = self.begin.1;
        self.events.extend(page.events.iter().map(|event| Event::of_balancer(event, begin)));
    }

    fn show(&mut self, second: u64) -> Result<()> {
        let servers = self.stage.node.control.servers(&self.stage.pool).unwrap_or_default();
        let requests: Vec<u64> = servers.iter().map(|server| server.requests).collect();
        let seconds = (second - self.shown).max(1);
        let before = self.requests.iter().copied().chain(std::iter::repeat(0));
        let rates: Vec<u64> =
            requests.iter().zip(before).map(|(now, before)| (now - before) / seconds).collect();
        self.screen.draw(&Scene {
            title: &self.title,
            second,
            servers: &servers,
            rates: &rates,
            tally: &self.load.tally(),
            retries: retries(&self.stage.node.control.scrape()),
            events: &self.events,
        })?;
        (self.shown, self.requests) = (second, requests);
        Ok(())
    }

    async fn end(mut self) -> Result<Summary> {
        let duration = clock::now().since(self.begin.0);
        self.observe();
        self.show(duration.as_secs().max(self.shown))?;
        self.events.sort_by(|one, next| one.at.total_cmp(&next.at));
        let tally = self.load.tally();
        let due = if self.interrupted { self.load.begun() } else { self.load.total() };
        let summary = Summary {
            requests: tally.requests,
            // A request whose end nobody saw is no success either.
            failed: tally.failed + due.saturating_sub(tally.requests),
            failures: tally.reasons.clone(),
            retries: retries(&self.stage.node.control.scrape()),
            p50_ms: tally.quantile_ms(0.5),
            p99_ms: tally.quantile_ms(0.99),
            servers_min: self.servers.0,
            servers_max: self.servers.1,
            checkouts: tally.checkouts,
            checkouts_failed: tally.checkouts_failed,
            orders: Book::new(self.stage.book()).len()?,
            duration_s: seconds(duration),
            interrupted: self.interrupted,
            events: self.events,
        };
        let Stage { node, .. } = self.stage;
        node.stop(Duration::from_secs(1)).await;
        Ok(summary)
    }
}

/// Further tries of either kind: those that the budget pays for, and those on the next server after
/// a failed connection.
fn retries(scrape: &Scrape) -> u64 {
    scrape.pools.values().map(|pool| pool.retries + pool.failovers).sum()
}
