//! What happens when: the shop serves, a faulty version is released and caught, a good one is
//! released and takes over. Nobody does anything but start the two releases.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use anyhow::{Context, Result, bail, ensure};
use tidegate_control::events::Event;
use tidegate_control::release::status::RolloutStatus;
use tidegate_control::release::steering::Order;
use tidegate_core::rollout::command::Command;
use tidegate_core::time::{Duration, Instant, UnixTime};
use tidegate_net::clock;
use tokio::time::{Interval, MissedTickBehavior, interval};

use super::pace::Pace;
use super::shoppers::{RATE, Shoppers, Tally};
use super::stage::{FAULTS, SERVERS_MIN, Stage, Version};
use super::summary::{Facts, Summary};
use crate::demo::screen::Show;
use crate::signals::Signals;
use crate::{output, runtime};

/// How often the story looks at what is going on.
const TICK: Duration = Duration::from_millis(50);
/// How long the first servers may take to start.
const OPENING_MAX: Duration = Duration::from_secs(30);

/// How the demo is to run.
#[derive(Clone, Debug)]
pub(crate) struct ReleaseOptions {
    /// About how long it takes.
    pub(crate) duration: Duration,
    /// Where the shop is open; port 0: any.
    pub(crate) listen: SocketAddr,
    /// Where the balancer's admin API listens, as the configuration writes it.
    pub(crate) admin: String,
    /// How it is shown; a release has no picture, only lines.
    pub(crate) show: Show,
}

/// Runs the demo.
pub(crate) async fn run(options: &ReleaseOptions) -> Result<Summary> {
    let mut signals = Signals::install().context("cannot watch for signals")?;
    let pace = Pace::of(options.duration);
    let stage = Stage::build(options.listen, &options.admin, pace).await?;
    let told = tokio::select! {
        told = tell(&stage, pace, options.show) => told,
        () = signals.stop() => Err(anyhow::anyhow!("interrupted before the releases were over")),
    };
    stage.node.stop(Duration::from_secs(1)).await;
    told
}

async fn tell(stage: &Stage, pace: Pace, show: Show) -> Result<Summary> {
    let mut ticks = interval(TICK);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    let opening = clock::now();
    while stage.serving(Version::First) < SERVERS_MIN as usize {
        ensure!(clock::now().since(opening) < OPENING_MAX, "the servers of the shop do not start");
        ticks.tick().await;
    }
    let mut story = Story::begin(stage, pace, show, ticks)?;
    story.wait(pace.quiet).await?;
    let faulty = story.release(Version::Faulty, "aborted").await?;
    story.wait(pace.quiet).await?;
    let good = story.release(Version::Good, "done").await?;
    story.end(faulty, good)
}

struct Story<'a> {
    stage: &'a Stage,
    pace: Pace,
    show: Show,
    ticks: Interval,
    shoppers: Arc<Shoppers>,
    customers: Option<JoinHandle<()>>,
    begin: (Instant, UnixTime),
    /// Seconds that have been shown.
    shown: u64,
    /// What had been met then.
    before: Tally,
    last_event: u64,
}

impl<'a> Story<'a> {
    /// Lets the customers in.
    fn begin(stage: &'a Stage, pace: Pace, show: Show, ticks: Interval) -> Result<Self> {
        let (address, begin) = (stage.address()?, (clock::now(), clock::unix_time()));
        let shoppers = Arc::new(Shoppers::new(address, begin.0));
        let (runtime, running) = (runtime::local()?, Arc::clone(&shoppers));
        let customers = thread::Builder::new().name("customers".to_owned());
        let customers = customers.spawn(move || runtime.block_on(running.run()))?;
        let story = Self {
            stage,
            pace,
            show,
            ticks,
            shoppers,
            customers: Some(customers),
            begin,
            shown: 0,
            before: Tally::default(),
            last_event: stage.node.control.events(0).last,
        };
        let admin = stage.node.admin().unwrap_or_else(|| "off".to_owned());
        story.say(&format!(
            "the shop: http://{address}   admin API: {admin}\n{RATE} requests/s; shop-v2 fails \
             {:.0} % of its requests, shop-v3 none\n",
            FAULTS * 100.0
        ))?;
        Ok(story)
    }

    fn say(&self, text: &str) -> Result<()> {
        match self.show {
            Show::LinesAside => output::complain(text),
            Show::Lines | Show::Picture => output::line(text)?,
        }
        Ok(())
    }

    /// Starts a release and waits for its end; `end` is the phase that it is to end in.
    async fn release(&mut self, version: Version, end: &str) -> Result<Arc<RolloutStatus>> {
        let control = &self.stage.node.control;
        let order = Order::Command(version.rollout(), Command::Start);
        control.release(order, "demo").await.context("the release does not start")?;
        loop {
            self.turn().await?;
            let Some(status) = self.stage.node.control.rollout(&version.rollout()) else {
                bail!("the balancer does not know the release to {}", version.as_str());
            };
            if status.view.phase == end {
                return Ok(status);
            }
            ensure!(status.view.ended.is_none(), "{} has ended: {:?}", version.as_str(), status);
        }
    }

    async fn wait(&mut self, lasts: Duration) -> Result<()> {
        let from = clock::now();
        while clock::now().since(from) < lasts {
            self.turn().await?;
        }
        Ok(())
    }

    /// Lets a moment pass, and shows what there is to see.
    async fn turn(&mut self) -> Result<()> {
        self.ticks.tick().await;
        let at = clock::now().since(self.begin.0);
        ensure!(at < self.pace.most, "the releases took longer than they may");
        let page = self.stage.node.control.events(self.last_event);
        self.last_event = page.last;
        let told = page.events.iter().filter(|event| event.kind.as_str() == "rollout");
        for event in told {
            self.say(&self.line_of(event))?;
        }
        if at.as_secs() > self.shown {
            self.shown = at.as_secs();
            self.show_second()?;
        }
        Ok(())
    }

    fn line_of(&self, event: &Event) -> String {
        let at = event.at.saturating_sub(self.begin.1.as_millis()) as f64 / 1000.0;
        format!("{at:>6.1} s  {}", event.message)
    }

    /// What each version answered in the second that is over, and how many serve.
    fn show_second(&mut self) -> Result<()> {
        let tally = self.shoppers.tally().clone();
        let count = |tally: &Tally, version| tally.answered.get(&version).copied().unwrap_or(0);
        let mut line = format!("{:>4} s  ", self.shown);
        for version in Version::ALL {
            let (answered, servers) = (
                count(&tally, version) - count(&self.before, version),
                self.stage.serving(version),
            );
            line += &format!("  {}: {answered:>3}/s on {servers}", version.as_str());
        }
        line += &format!("   faults {}", tally.faults);
        self.before = tally;
        self.say(&line)
    }

    fn end(mut self, faulty: Arc<RolloutStatus>, good: Arc<RolloutStatus>) -> Result<Summary> {
        self.shoppers.stop();
        if let Some(Err(_)) = self.customers.take().map(JoinHandle::join) {
            bail!("the customers came to a bad end");
        }
        let tally = self.shoppers.tally().clone();
        let duration = clock::now().since(self.begin.0);
        Ok(Summary::of(&tally, &Facts { faulty, good, duration }))
    }
}
