//! A balancer that does nothing but keep a fleet: the machine, a provider and a directory.
//!
//! It runs in a process of its own, as this test program once more, so that it can be killed. For
//! each thing that it does it prints a line.

use std::io::Write;
use std::time::Duration;

use tidegate_control::act::provider::contract::{Order, Provider};
use tidegate_control::act::provider::process::ProcessProvider;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::provider::{OnExit, Process};
use tidegate_core::model::server::Availability;
use tidegate_core::model::session::OnScaleIn;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::input::{Aim, Input};
use tidegate_core::scale::fleet::machine::Fleet;
use tidegate_core::scale::fleet::output::Output;
use tidegate_core::scale::fleet::provider::ProviderFailure;
use tidegate_core::scale::fleet::record::FleetRecord;
use tidegate_core::scale::fleet::settings::{Pace, Settings, WarmUp};
use tidegate_net::state::StateDirectory;
use tidegate_net::{clock, entropy};
use tokio::sync::mpsc;

/// The variable that makes a driver of this program: its directory, its first port and its aim.
pub(crate) const DRIVER: &str = "TIDEGATE_TEST_DRIVER";

const RECORD: &str = "record.json";
const TEMPLATE: u64 = 7;

/// What a driver is told to do.
pub(crate) struct Part {
    pub(crate) state: StateDirectory,
    pub(crate) first_port: u16,
    pub(crate) aim: u32,
}

impl Part {
    fn read(text: &str) -> Self {
        let parts: Vec<&str> = text.split(',').collect();
        let state = StateDirectory::at(parts[0].into()).expect("it is there");
        let number = |text: &str| text.parse::<u16>().expect("a number");
        Self { state, first_port: number(parts[1]), aim: number(parts[2]).into() }
    }

    pub(crate) fn write(&self) -> String {
        format!("{},{},{}", self.state.path("").display(), self.first_port, self.aim)
    }

    pub(crate) fn provider(&self) -> (ProcessProvider, mpsc::Receiver<InstanceId>) {
        let (sender, ends) = mpsc::channel(16);
        let notes = self.state.within("notes").expect("room");
        let settings = Process {
            command: vec!["sleep".into(), "1000".into()],
            ports: (self.first_port, self.first_port + 39),
            env: [].into(),
            directory: None,
            logs: None,
            cpus: None,
            memory: None,
            stop_timeout: Duration::from_secs(20),
            on_exit: OnExit::Keep,
        };
        (ProcessProvider::new(&pool(), settings, notes, sender), ends)
    }

    /// What is on the disk.
    pub(crate) fn record(&self) -> Option<FleetRecord> {
        let text = self.state.read(RECORD).expect("it can be read")?;
        Some(FleetRecord::from_json(&pool(), &text).expect("it was written whole"))
    }
}

fn pool() -> PoolName {
    PoolName::new("shop")
}

/// Not a test by itself: the program of a driver, in the hands of `kill`.
#[test]
fn driver() {
    let Ok(part) = std::env::var(DRIVER) else { return };
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
    runtime.expect("descriptors are free").block_on(drive(Part::read(&part)));
}

/// Keeps the fleet until it is as it should be, then says so and goes on.
async fn drive(part: Part) {
    let _claim = part.state.claim("fleet").expect("it can be claimed").expect("it is free");
    let (provider, mut ends) = part.provider();
    let settings = Settings {
        pool: pool(),
        template: TEMPLATE,
        instances_max: 12,
        startup: Duration::from_secs(1),
        replace_after: Duration::from_secs(60),
        slow_start: Duration::ZERO,
        drain: Duration::from_secs(1),
        on_scale_in: OnScaleIn::Move,
        warm_up: WarmUp::None,
        pace: Pace { start_within: Duration::from_millis(50), ..Pace::default() },
    };
    let mut fleet = Fleet::new(settings, part.record(), entropy::word(), clock::now());
    fleet.handle(Input::Aim(Aim { instances: part.aim, warm: 0 }), clock::now());
    loop {
        while let Some(output) = fleet.poll_output() {
            say(&output);
            if let Some(input) = perform(output, &part, &provider).await {
                fleet.handle(input, clock::now());
            }
        }
        let count = fleet.count();
        if fleet.is_acquainted() && (count.serving, count.paid()) == (part.aim, part.aim) {
            line("settled");
        }
        let due = fleet.poll_timeout().map_or(Duration::from_secs(1), |at| at - clock::now());
        tokio::select! {
            end = ends.recv() => {
                fleet.handle(Input::Exited(end.expect("we hold it")), clock::now());
            }
            () = tokio::time::sleep(due) => fleet.handle_timeout(clock::now()),
        }
    }
}

async fn perform(output: Output, part: &Part, provider: &ProcessProvider) -> Option<Input> {
    Some(match output {
        Output::Record(record) => {
            part.state.write(RECORD, &record.to_json()).expect("room");
            return None;
        }
        Output::List { .. } => Input::Inventory(provider.list().await),
        Output::Start { id, within } => {
            let order = Order { id: id.clone(), template: TEMPLATE };
            let started = tokio::time::timeout(within, provider.start(&order)).await;
            Input::Started(id, started.unwrap_or(Err(ProviderFailure::Timeout)))
        }
        Output::Stop { id, .. } => {
            let stopped = provider.stop(&id).await;
            Input::Stopped(id, stopped)
        }
        Output::Join { id, .. } => Input::Health(id, Availability::Healthy),
        Output::Drain { id } => Input::Load { id, in_flight: 0, sessions: 0 },
        Output::Warm { id } => Input::Warmed(id),
        Output::Enter { .. } | Output::Leave { .. } | Output::Told(_) => return None,
    })
}

fn say(output: &Output) {
    let text = format!("{output:?}");
    line(text.split(['(', '{']).next().unwrap_or_default());
}

#[expect(clippy::print_stdout, reason = "it is how the parent follows")]
fn line(text: &str) {
    println!("driver {text}");
    std::io::stdout().flush().expect("the parent listens");
}
