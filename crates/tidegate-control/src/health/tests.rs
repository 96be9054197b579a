//! The keeper, driven by hand: results and time are given, and no probe that goes out matters.

use std::sync::Arc;

use tidegate_core::health::probe::ProbeResult;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::server::{Availability, Member};
use tidegate_core::signal::{FailureReason, Signal};
use tidegate_core::snapshot::{Circumstances, Snapshot};
use tidegate_core::telemetry::registry::Registry;
use tidegate_core::time::{Duration, Instant};
use tidegate_net::tls::contexts::Contexts;
use tokio::sync::mpsc;

use super::keeper::Keeper;
use crate::control::{Control, Options};
use crate::observe::config_file::Origin;
use crate::observe::probe::crew::Crew;
use crate::publish::Compiler;

const CHECKED: &str = "health = { type = \"tcp\", unhealthy_after = 2, healthy_after = 1 }";
const WELL: ProbeResult = ProbeResult::Success { latency: Duration::from_millis(1), status: None };

/// A keeper and the snapshot that it keeps.
struct Scene {
    control: Control,
    keeper: Keeper,
    compiler: Compiler,
    snapshot: Arc<Snapshot>,
}

/// A configuration of one pool: its servers, and the lines after them.
fn text(servers: &[&str], lines: &str) -> String {
    let servers: Vec<String> = servers.iter().map(|server| server.replace('\'', "\"")).collect();
    format!(
        "[listener.web]\naddress = \"127.0.0.1:0\"\n[route.all]\npool = \"shop\"\n\
         [pool.shop]\nservers = [{}]\n{lines}\n",
        servers.join(", ")
    )
}

fn origin(text: String) -> Origin {
    Origin::Text { name: "test".to_owned(), text }
}

impl Scene {
    fn new(servers: &[&str], lines: &str) -> Self {
        let origin = origin(text(servers, lines));
        let accepted = origin.load().expect("the text is good");
        let (_, signals) = mpsc::channel(1);
        let registry = Arc::new(Registry::default());
        let config = Arc::clone(&accepted.config);
        let (control, _) = Control::new(Options { origin, accepted, registry, signals });
        let (compiler, snapshot) = Compiler::new(config, at(0));
        let (crew, _) = Crew::new();
        let mut keeper = Keeper::new(Arc::clone(&control.shared), crew, 1);
        keeper.admit(&snapshot, &Contexts::default(), at(0));
        keeper.settle(&snapshot, &Contexts::default(), at(0));
        keeper.handle_timeout(at(0));
        Self { control, keeper, compiler, snapshot }
    }

    fn reload(&mut self, servers: &[&str], lines: &str, now: Instant) {
        let accepted = origin(text(servers, lines)).load().expect("the text is good");
        self.snapshot =
            self.compiler.compile(accepted.config, &Circumstances::default(), &self.snapshot, now);
        self.keeper.admit(&self.snapshot, &Contexts::default(), now);
        self.keeper.settle(&self.snapshot, &Contexts::default(), now);
        self.keeper.handle_timeout(now);
    }

    fn member(&self, place: usize) -> &Member {
        &self.snapshot.pools[0].members[place]
    }

    /// Lets the probe that is due by `now` go out, and answers it.
    fn probe(&mut self, place: usize, result: ProbeResult, now: Instant) {
        self.keeper.handle_timeout(now);
        let id = self.member(place).state.id();
        self.keeper.handle_result(id, result, now);
    }

    /// Lets a server fail `run` times in a row, as the data plane would see and signal it.
    fn fail(&mut self, place: usize, run: u32, now: Instant) {
        let state = &self.member(place).state;
        while state.consecutive_failures() < run {
            state.fail();
        }
        let server = state.id();
        let (pool, reason) = (PoolName::new("shop"), FailureReason::Connect);
        self.keeper.handle_signal(&Signal::FailedRun { pool, server, run, reason }, now);
    }

    #[track_caller]
    fn assert_standing(&self, expected: &[Availability]) {
        let members = &self.snapshot.pools[0].members;
        let found: Vec<_> = members.iter().map(|member| member.state.availability()).collect();
        assert_eq!(found, expected);
    }

    fn kinds(&self) -> Vec<&'static str> {
        self.control.events(0).events.iter().map(|event| event.kind.as_str()).collect()
    }
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(1000 + seconds)
}

use Availability::{Ejected, Healthy, Starting, Unhealthy};

const TWO: [&str; 2] = ["'127.0.0.1:1'", "'127.0.0.1:2'"];
const THREE: [&str; 3] = ["'127.0.0.1:1'", "'127.0.0.1:2'", "'127.0.0.1:3'"];

#[tokio::test]
async fn first_probes_decide_alone_and_begin_no_slow_start() {
    let mut scene = Scene::new(&TWO, CHECKED);
    scene.assert_standing(&[Starting, Starting]);
    scene.probe(0, WELL, at(1));
    scene.probe(1, ProbeResult::Refused, at(1));
    scene.assert_standing(&[Healthy, Unhealthy]);
    assert_eq!(scene.member(0).state.joined(), None);
    scene.probe(1, WELL, at(20));
    scene.assert_standing(&[Healthy, Healthy]);
    assert_eq!(scene.member(1).state.joined(), Some(at(20)), "it comes back to a running pool");
    assert_eq!(scene.kinds(), ["server-down", "server-up"]);
}

#[tokio::test]
async fn thresholds_count_runs() {
    let mut scene = Scene::new(&TWO, CHECKED);
    scene.probe(0, WELL, at(1));
    scene.probe(0, ProbeResult::Timeout, at(10));
    scene.probe(0, WELL, at(20));
    scene.probe(0, ProbeResult::Timeout, at(30));
    scene.assert_standing(&[Healthy, Starting]);
    scene.probe(0, ProbeResult::Timeout, at(40));
    scene.assert_standing(&[Unhealthy, Starting]);
}

#[tokio::test]
async fn failing_traffic_ejects_for_a_while() {
    let mut scene = Scene::new(&THREE, "passive = { eject_for = \"10s\" }");
    let epoch = scene.snapshot.pools[0].state.epoch();
    scene.fail(1, 4, at(0));
    scene.assert_standing(&[Healthy; 3]);
    scene.fail(1, 5, at(0));
    scene.assert_standing(&[Healthy, Ejected, Healthy]);
    assert!(scene.snapshot.pools[0].state.epoch() > epoch, "pickers are told");
    assert_eq!(scene.member(1).state.consecutive_failures(), 0);
    scene.fail(1, 5, at(1));
    assert_eq!(scene.kinds(), ["server-ejected"], "stragglers say nothing new");

    assert_eq!(scene.keeper.poll_timeout(), Some(at(10)));
    scene.member(1).state.fail();
    scene.keeper.handle_timeout(at(9));
    scene.assert_standing(&[Healthy, Ejected, Healthy]);
    scene.keeper.handle_timeout(at(10));
    scene.assert_standing(&[Healthy; 3]);
    assert_eq!(scene.member(1).state.joined(), Some(at(10)));
    assert_eq!(scene.member(1).state.consecutive_failures(), 0);
    assert_eq!(scene.kinds(), ["server-ejected", "server-returned"]);
    let scrape = scene.control.scrape();
    assert_eq!(scrape.servers.values().map(|server| server.ejections).collect::<Vec<_>>(), [1]);
}

#[tokio::test]
async fn a_signal_of_a_run_that_is_over_ejects_nobody() {
    let mut scene = Scene::new(&THREE, "");
    let server = scene.member(1).state.id();
    let (pool, reason) = (PoolName::new("shop"), FailureReason::Reset);
    scene.keeper.handle_signal(&Signal::FailedRun { pool, server, run: 5, reason }, at(0));
    scene.assert_standing(&[Healthy; 3]);
}

#[tokio::test]
async fn beyond_the_cap_a_server_stays_unless_a_backup_steps_in() {
    let mut scene = Scene::new(&TWO, "");
    scene.fail(0, 5, at(0));
    scene.fail(1, 5, at(0));
    scene.fail(1, 6, at(0));
    scene.assert_standing(&[Ejected, Healthy]);
    assert_eq!(scene.kinds(), ["server-ejected", "server-spared"], "a run is told once");

    let backed = ["'127.0.0.1:1'", "{ address = '127.0.0.1:2', backup = true }"];
    let mut scene = Scene::new(&backed, "passive = { max_ejected = 0.0 }");
    scene.fail(1, 5, at(0));
    scene.assert_standing(&[Healthy, Healthy]);
    scene.fail(0, 5, at(0));
    scene.assert_standing(&[Ejected, Healthy]);
}

#[tokio::test]
async fn a_pool_without_servers_is_told_of_once() {
    let mut scene = Scene::new(&TWO, CHECKED);
    scene.probe(0, ProbeResult::Refused, at(1));
    assert_eq!(scene.kinds(), ["server-down"], "the other is not decided yet");
    scene.probe(1, ProbeResult::Refused, at(1));
    assert_eq!(scene.kinds(), ["server-down", "server-down", "pool-down", "pool-panic"]);
    scene.probe(0, WELL, at(20));
    assert_eq!(scene.kinds()[4..], ["server-up", "pool-up"]);

    let refusing = format!("when_all_down = \"refuse\"\n{CHECKED}");
    let mut scene = Scene::new(&TWO[..1], &refusing);
    scene.probe(0, ProbeResult::Refused, at(1));
    assert_eq!(scene.kinds(), ["server-down", "pool-down"]);
}

#[tokio::test]
async fn health_survives_a_reload() {
    let mut scene = Scene::new(&THREE, CHECKED);
    scene.probe(0, WELL, at(1));
    scene.probe(1, ProbeResult::Refused, at(1));
    scene.probe(2, WELL, at(1));
    scene.fail(2, 5, at(2));
    scene.assert_standing(&[Healthy, Unhealthy, Ejected]);
    let [first, .., third] = [0, 1, 2].map(|place| scene.member(place).state.id());

    let stricter = CHECKED.replace("unhealthy_after = 2", "unhealthy_after = 1");
    let more = ["'127.0.0.1:1'", "'127.0.0.1:3'", "'127.0.0.1:4'"];
    scene.reload(&more, &stricter, at(3));
    scene.assert_standing(&[Healthy, Ejected, Starting]);
    assert_eq!([first, third], [0, 1].map(|place| scene.member(place).state.id()));
    scene.probe(0, ProbeResult::Refused, at(20));
    scene.assert_standing(&[Unhealthy, Healthy, Starting]);
    scene.probe(2, WELL, at(21));
    assert_eq!(scene.member(2).state.joined(), Some(at(21)), "it joins a running pool");
    assert_eq!(scene.control.shared.board.find(first).map(|s| s.probes.len()), Some(2));
}

#[tokio::test]
async fn a_check_that_comes_takes_nobody_out_and_one_that_goes_lets_all_in() {
    let mut scene = Scene::new(&TWO, "");
    scene.reload(&TWO, CHECKED, at(1));
    scene.assert_standing(&[Healthy, Healthy]);
    scene.probe(0, ProbeResult::Refused, at(10));
    scene.assert_standing(&[Healthy, Healthy]);
    scene.probe(0, ProbeResult::Refused, at(20));
    scene.assert_standing(&[Unhealthy, Healthy]);
    scene.reload(&TWO, "", at(21));
    scene.assert_standing(&[Healthy, Healthy]);
}

#[tokio::test]
async fn slow_answers_are_told_of_when_they_begin() {
    let slow = ProbeResult::Success { latency: Duration::from_millis(800), status: None };
    let mut scene = Scene::new(&TWO[..1], CHECKED);
    scene.probe(0, WELL, at(1));
    scene.probe(0, slow, at(10));
    scene.probe(0, slow, at(20));
    scene.assert_standing(&[Healthy]);
    assert_eq!(scene.kinds(), ["server-degraded"]);
    scene.probe(0, WELL, at(30));
    scene.probe(0, slow, at(40));
    assert_eq!(scene.kinds(), ["server-degraded", "server-degraded"]);
}

#[tokio::test]
async fn a_probe_that_was_not_sent_says_nothing() {
    let mut scene = Scene::new(&TWO[..1], CHECKED);
    scene.probe(0, ProbeResult::Local("no free descriptor"), at(1));
    scene.assert_standing(&[Starting]);
    scene.probe(0, WELL, at(10));
    scene.assert_standing(&[Healthy]);
}
