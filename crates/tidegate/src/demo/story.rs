//! What happens when: the shop opens with six servers, customers come as the script says, and in
//! the middle of the rush a server is killed. Everything else the balancer does by itself.
//!
//! The customers have a thread and a runtime of their own, so that what they measure is not delayed
//! by what is shown.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread;

use anyhow::{Context, Result, ensure};
use tidegate_control::scale::status::AutoscaleStatus;
use tidegate_core::telemetry::registry::Scrape;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;
use tokio::sync::oneshot;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::bill::Meter;
use super::book::Book;
use super::chart::Chart;
use super::load::Load;
use super::screen::{Scene, Screen, Show};
use super::script::Script;
use super::stage::{Crew, RATE_EACH, SERVERS_MAX, SERVERS_MIN, Stage};
use super::summary::{Decision, Demand, Event, Held, Summary, Window, seconds};
use super::tally::{Latencies, PROMISE};
use crate::runtime;
use crate::signals::Signals;

/// How often the story looks at servers and clock.
const TICK: Duration = Duration::from_millis(50);
/// How long the first servers may take to start.
const OPENING_MAX: Duration = Duration::from_secs(30);

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

/// Runs the demo.
pub(crate) async fn run(options: &DemoOptions) -> Result<Summary> {
    let mut signals = Signals::install().context("cannot watch for signals")?;
    let script = Script::new(options.duration);
    let stage = Stage::build(options.listen, &options.admin, &script).await?;
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let opened = tokio::select! {
        opened = open(&stage, &mut ticks) => opened,
        () = signals.stop() => Err(anyhow::anyhow!("interrupted before the shop was open")),
    };
    if let Err(error) = opened {
        stage.node.stop(Duration::ZERO).await;
        return Err(error);
    }
    let mut story = Story::begin(stage, script, options.show)?;
    let mut over = story.invite()?;
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

/// Waits until the first servers serve.
async fn open(stage: &Stage, ticks: &mut Interval) -> Result<()> {
    let begin = clock::now();
    while stage.crew().serving < SERVERS_MIN {
        let waited = clock::now().since(begin);
        ensure!(waited < OPENING_MAX, "the servers of the shop do not start: {}", why(stage));
        ticks.tick().await;
    }
    Ok(())
}

/// What the balancer says about its servers.
fn why(stage: &Stage) -> String {
    let events = stage.node.control.events(0).events;
    events.last().map(|event| format!("{}: {}", event.message, event.reason)).unwrap_or_default()
}

/// How far the crash has come.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Crash {
    /// It is to happen.
    Due,
    /// This server died.
    Happened(String),
    /// Its place is taken.
    Over,
}

struct Story {
    stage: Stage,
    script: Script,
    load: Arc<Load>,
    begin: (Instant, UnixTime),
    /// When the servers were looked at last.
    seen: Instant,
    crash: Crash,
    screen: Screen,
    /// From one view to the next, and how many there were.
    period: Duration,
    shown: u128,
    chart: Chart,
    meter: Meter,
    crew: Crew,
    servers: (usize, usize),
    /// The second that is over, and what ended in it.
    recent: (u64, Latencies),
    decisions: Vec<Decision>,
    events: Vec<Event>,
    last_event: u64,
    interrupted: bool,
}

impl Story {
    fn begin(stage: Stage, script: Script, show: Show) -> Result<Self> {
        let begin = (clock::now(), clock::unix_time());
        let address = stage.address()?;
        let load = Load::new(address, begin.0, script);
        let recent = (0, load.tally().take_recent());
        Ok(Self {
            load: Arc::new(load),
            seen: begin.0,
            crash: Crash::Due,
            screen: Screen::open(show, title(&stage, address, &script))?,
            period: show.period(),
            shown: 0,
            chart: Chart::new(&script),
            meter: Meter::default(),
            crew: stage.crew(),
            servers: (usize::MAX, 0),
            recent,
            decisions: Vec::new(),
            events: Vec::new(),
            last_event: stage.node.control.events(0).last,
            interrupted: false,
            begin,
            script,
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
        let at = now.since(self.begin.0);
        if self.crash == Crash::Due && at >= self.script.crash {
            self.kill(at)?;
        }
        self.observe(now);
        if at.as_nanos() / self.period.as_nanos() > self.shown {
            self.show(at)?;
        }
        Ok(())
    }

    /// Kills a server, as soon as one serves.
    fn kill(&mut self, at: Duration) -> Result<()> {
        if let Some((name, process)) = self.stage.kill_one()? {
            let message = format!("{name}, process {process}, gets SIGKILL");
            self.events.push(Event { at: seconds(at), kind: "server-killed", message });
            self.crash = Crash::Happened(name);
        }
        Ok(())
    }

    /// Takes note when the place of the server that died is taken.
    fn recover(&mut self, status: &AutoscaleStatus, at: Duration) {
        let Crash::Happened(name) = &self.crash else { return };
        let is_gone = status.instances.iter().all(|one| one.id != *name);
        let serving = self.crew.serving;
        if is_gone && u32::try_from(serving).is_ok_and(|serving| serving >= status.desired) {
            let message = format!("another has taken the place of {name}: {serving} serve");
            self.events.push(Event { at: seconds(at), kind: "server-replaced", message });
            self.crash = Crash::Over;
        }
    }

    /// Takes note of what there is and what happened since the last look.
    fn observe(&mut self, now: Instant) {
        let at = now.since(self.begin.0);
        self.meter.count(self.crew.all(), now.since(self.seen));
        self.seen = now;
        self.crew = self.stage.crew();
        let Crew { serving, .. } = self.crew;
        self.servers = (self.servers.0.min(serving), self.servers.1.max(serving));
        self.chart.note(at, self.load.demand(at), serving as f64 * f64::from(RATE_EACH));
        if at.as_secs() > self.recent.0 {
            self.recent = (at.as_secs(), self.load.tally().take_recent());
        }
        self.read(at);
    }

    /// Reads what the balancer tells.
    fn read(&mut self, at: Duration) {
        let control = &self.stage.node.control;
        let page = control.events(self.last_event);
        self.last_event = page.last;
        let begin = self.begin.1;
        self.events.extend(page.events.iter().map(|event| Event::of_balancer(event, begin)));
        let Some(status) = control.autoscale(&self.stage.pool) else { return };
        let since = status.history.iter().filter(|one| one.at >= begin.as_millis());
        self.decisions = since.map(|one| Decision::of_balancer(one, begin)).collect();
        self.recover(&status, at);
    }

    fn show(&mut self, at: Duration) -> Result<()> {
        let tally = self.load.tally().clone();
        self.screen.draw(&Scene {
            at,
            demand: self.load.demand(at),
            crew: self.crew,
            recent: &self.recent.1,
            tally: &tally,
            retries: retries(&self.stage.node.control.scrape()),
            chart: &self.chart,
            events: &self.events,
        })?;
        self.shown = at.as_nanos() / self.period.as_nanos();
        Ok(())
    }

    async fn end(mut self) -> Result<Summary> {
        let now = clock::now();
        let duration = now.since(self.begin.0);
        self.observe(now);
        self.show(duration)?;
        self.events.sort_by(|one, next| one.at.total_cmp(&next.at));
        let tally = self.load.tally().clone();
        let (all, haste) = (tally.all(), self.script.haste().get());
        let due = if self.interrupted { self.load.begun() } else { self.load.total() };
        let summary = Summary {
            requests: tally.requests,
            // A request whose end nobody saw is no success either.
            failed: tally.failed + due.saturating_sub(tally.requests),
            failures: tally.reasons.clone(),
            retries: retries(&self.stage.node.control.scrape()),
            p50_ms: all.quantile_ms(0.5),
            p99_ms: all.quantile_ms(0.99),
            servers_min: self.servers.0,
            servers_max: self.servers.1,
            servers_end: self.crew.all(),
            demand: Demand::SCRIPTED,
            capacity_each: RATE_EACH,
            promise: Held::of(&tally, &self.script),
            startup_window: Window::of_startup(&self.script),
            decisions: self.decisions,
            bill: self.meter.bill(f64::from(haste)),
            time_factor: haste,
            checkouts: tally.checkouts,
            checkouts_failed: tally.checkouts_failed,
            orders: Book::new(self.stage.book()).len()?,
            duration_s: seconds(duration),
            interrupted: self.interrupted,
            events: self.events,
        };
        self.stage.node.stop(Duration::from_secs(1)).await;
        Ok(summary)
    }
}

/// What everybody is to know beforehand.
fn title(stage: &Stage, address: SocketAddr, script: &Script) -> String {
    let admin = stage.node.admin().unwrap_or_else(|| "off".to_owned());
    let (latency, percent) = (PROMISE.latency.as_millis(), PROMISE.ratio * 100.0);
    let Window { from, to } = Window::of_startup(script);
    let haste = script.haste();
    format!(
        "the shop: http://{address}   admin API: {admin}\n\
         {SERVERS_MIN} to {SERVERS_MAX} servers, {RATE_EACH} requests/s each (told, not learned); \
         1 s is {haste} s of its day\n\
         promised: {percent} % within {latency} ms, but from {from:.1} s to {to:.1} s, when \
         servers start"
    )
}

/// Further tries of either kind: those that the budget pays for, and those on the next server after
/// a failed connection.
fn retries(scrape: &Scrape) -> u64 {
    scrape.pools.values().map(|pool| pool.retries + pool.failovers).sum()
}
