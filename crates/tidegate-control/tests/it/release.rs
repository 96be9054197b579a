//! Rollouts: started, taken from step to step, ended, and the same after a restart.

use std::net::SocketAddr;
use std::sync::Arc;

use tidegate_control::control::Reload;
use tidegate_control::observe::config_file::Origin;
use tidegate_control::release::facts::Word;
use tidegate_control::release::status::RolloutStatus;
use tidegate_control::release::steering::{Order, OrderError};
use tidegate_core::config::diagnostic::Severity;
use tidegate_core::http::head::Head;
use tidegate_core::model::ids::RolloutName;
use tidegate_core::model::rollout::Share;
use tidegate_core::release::division::Division;
use tidegate_core::rollout::command::{Command, CommandError, Reach, Urgency};
use tidegate_core::time::Duration;
use tidegate_net::http::Wire;
use tidegate_net::task;
use tokio::net::TcpListener;

use crate::support::balancer::{Balancer, told, until};
use crate::support::directory::Directory;
use crate::support::server::{Manner, Server, nobody};

/// Two pools and a rollout between them, with these keys. Nothing is watched.
struct World {
    directory: Directory,
    keys: String,
    servers: [String; 2],
}

const MANY: &str = "hold = \"1h\"\nbake = \"1h\"";
const UNWATCHED: &str = "analysis = \"off\"\n";
const ONE: &str = "steps = [100]\nbake = \"0s\"\nkeep_old = \"0s\"";

impl World {
    async fn new(keys: &str) -> Self {
        let servers = [nobody().await.to_string(), nobody().await.to_string()];
        let keys = format!("{UNWATCHED}{keys}");
        Self { directory: Directory::new(), keys, servers }
    }

    /// The file, with a route to this pool and, if wanted, the definition.
    fn write(&self, route: &str, definition: Option<&str>) {
        let state = self.directory.path("state");
        let definition = definition.map_or_else(String::new, |keys| {
            format!(
                "[rollout.v2]\npool = \"shop\"\ncandidate = \"shop-v2\"\nstrategy = \"canary\"\n\
                 {keys}\n"
            )
        });
        let [old, new] = &self.servers;
        let text = format!(
            "[runtime]\nstate = \"{}\"\n[listener.web]\naddress = \"127.0.0.1:0\"\n\
             [route.all]\npool = \"{route}\"\n[pool.shop]\nservers = [\"{old}\"]\n\
             [pool.shop-v2]\nservers = [\"{new}\"]\n{definition}",
            state.display()
        );
        self.directory.write("tidegate.toml", &text);
    }

    fn origin(&self) -> Origin {
        Origin::File(self.directory.path("tidegate.toml"))
    }

    async fn start(&self) -> Balancer {
        self.write("shop", Some(&self.keys));
        Balancer::start(self.origin()).await
    }

    fn mistakes(&self) -> Vec<String> {
        match self.origin().load() {
            Ok(_) => Vec::new(),
            Err(refused) => refused
                .diagnostics
                .iter()
                .filter(|one| one.severity == Severity::Error)
                .map(ToString::to_string)
                .collect(),
        }
    }
}

fn name() -> RolloutName {
    RolloutName::new("v2")
}

async fn command(balancer: &Balancer, command: Command) -> Result<(), OrderError> {
    balancer.control.release(Order::Command(name(), command), "alice").await
}

fn status(balancer: &Balancer) -> Arc<RolloutStatus> {
    balancer.control.rollout(&name()).expect("it is defined")
}

fn divisions(balancer: &Balancer) -> Vec<Division> {
    balancer.control.snapshot().divisions().cloned().collect()
}

/// The candidate's share of users, as requests meet it.
fn percent(balancer: &Balancer) -> f64 {
    divisions(balancer).first().map_or(0.0, |division| division.share.as_percent())
}

async fn reaches(balancer: &Balancer, share: f64) {
    until("the share is reached", || (percent(balancer) - share).abs() < 1e-9).await;
}

async fn stop(balancer: Balancer) {
    let Balancer { control, running, .. } = balancer;
    control.stop().await;
    running.await.expect("it ends");
}

#[tokio::test]
async fn a_rollout_goes_from_step_to_step_and_back_at_once() {
    let world = World::new(MANY).await;
    let balancer = world.start().await;
    assert_eq!(divisions(&balancer), []);
    assert_eq!(status(&balancer).view.phase, "idle");
    let nobody =
        balancer.control.release(Order::Command(RolloutName::new("v3"), Command::Start), "alice");
    assert_eq!(nobody.await, Err(OrderError::NoRollout));
    assert_eq!(command(&balancer, Command::Start).await, Ok(()));
    reaches(&balancer, 1.0).await;
    let first = divisions(&balancer).remove(0);
    assert_eq!((first.pool.as_str(), first.candidate.as_str()), ("shop", "shop-v2"));
    let again = command(&balancer, Command::Start).await;
    assert!(matches!(again, Err(OrderError::Refused(CommandError::UnderWay(_)))), "{again:?}");
    assert_eq!(command(&balancer, Command::Promote(Reach::Next)).await, Ok(()));
    reaches(&balancer, 5.0).await;
    assert_eq!(divisions(&balancer)[0].salt, first.salt, "nobody changes sides");
    assert!(balancer.control.status().rollouts[0].starts_with("v2: shop -> shop-v2 stepping, 5 %"));
    assert_eq!(command(&balancer, Command::Abort).await, Ok(()));
    assert_eq!(divisions(&balancer), [], "the answer comes after it");
    assert_eq!(status(&balancer).view.phase, "aborted");
    let told = balancer.control.events(0).events;
    let told: Vec<_> = told.iter().filter(|event| event.kind.as_str() == "rollout").collect();
    assert!(told.iter().all(|event| event.pool.as_deref() == Some("shop")));
    let told: Vec<&str> = told.iter().map(|event| event.message.as_str()).collect();
    assert_eq!(told[0], "rollout v2: run 1 started by alice");
    assert!(told.contains(&"rollout v2: the candidate has 1 % of users"), "{told:?}");
    assert!(told.contains(&"rollout v2: promoted to 5 % by alice"), "{told:?}");
    assert_eq!(told.last(), Some(&"rollout v2: aborted, from 5 % to 0 %: by alice"));
}

#[tokio::test]
async fn a_restart_finds_the_same_step_and_the_same_users() {
    let world = World::new(MANY).await;
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    reaches(&balancer, 1.0).await;
    command(&balancer, Command::Promote(Reach::Next)).await.expect("it may");
    reaches(&balancer, 5.0).await;
    let before = divisions(&balancer);
    stop(balancer).await;
    let balancer = world.start().await;
    assert_eq!(divisions(&balancer), before, "from the first request on");
    assert_eq!(status(&balancer).view.run, 1);
    command(&balancer, Command::Abort).await.expect("it may");
    stop(balancer).await;
    let balancer = world.start().await;
    assert_eq!((divisions(&balancer), &*status(&balancer).view.phase), (vec![], "aborted"));
}

#[tokio::test]
async fn users_wait_for_smoke_tests_of_every_server() {
    let smoke = format!("{MANY}\nsmoke = {{ path = \"/ready\", times = 2 }}");
    let mut world = World::new(&smoke).await;
    let server = Server::start(Manner::status(500)).await;
    world.servers[1] = server.address.to_string();
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    until("it fails", || status(&balancer).view.phase == "aborted").await;
    let ended = status(&balancer).view.ended.clone().expect("it says why");
    assert!(ended.contains("status 500"), "{ended}");
    assert_eq!(divisions(&balancer), []);
    server.behave(Manner::status(200));
    let before = server.connections();
    command(&balancer, Command::Start).await.expect("a person may try again");
    reaches(&balancer, 1.0).await;
    assert_eq!(server.connections() - before, 2);
    assert!(server.requests()[0].starts_with("GET /ready HTTP/1.1\r\n"));
}

#[tokio::test]
async fn a_freeze_holds_every_step_and_ends() {
    let world = World::new(MANY).await;
    let balancer = world.start().await;
    let freeze = |hours: u64| Order::Freeze { lasts: Duration::from_secs(hours * 3600) };
    let release = |order| balancer.control.release(order, "bob");
    assert_eq!(release(freeze(0)).await, Err(OrderError::Lasts));
    assert_eq!(release(freeze(1)).await, Ok(()));
    command(&balancer, Command::Start).await.expect("it can start");
    let waits = || {
        let view = &status(&balancer).view;
        view.waits.iter().map(|wait| wait.what.clone()).collect::<Vec<_>>()
    };
    until("it waits", || waits() == ["frozen"]).await;
    assert_eq!(divisions(&balancer), []);
    assert_eq!(release(Order::Thaw).await, Ok(()));
    reaches(&balancer, 1.0).await;
}

#[tokio::test]
async fn a_candidate_without_servers_that_serve_gets_no_users() {
    let mut world =
        World::new(&format!("{MANY}\n[pool.shop-v2.health]\ninterval_changing = \"20ms\"")).await;
    let server = Server::start(Manner::status(500)).await;
    world.servers[1] = server.address.to_string();
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    until("it waits", || status(&balancer).view.waits.iter().any(|wait| wait.what == "capacity"))
        .await;
    assert_eq!(divisions(&balancer), []);
    server.behave(Manner::status(200));
    reaches(&balancer, 1.0).await;
}

#[tokio::test]
async fn what_has_finished_is_a_fact_until_the_file_says_it() {
    let world = World::new(ONE).await;
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    until("it has finished", || status(&balancer).view.phase == "done").await;
    assert_eq!(divisions(&balancer)[0].share, Share::ALL);
    assert_eq!(world.mistakes(), [""; 0], "as long as it is defined");
    world.write("shop", None);
    let [mistake] = <[String; 1]>::try_from(world.mistakes()).expect("one line is to change");
    assert!(
        mistake.contains("tidegate.toml:6:1: rollout v2 has finished: pool shop is now shop-v2"),
        "{mistake}"
    );
    assert!(mistake.contains("expected `pool = \"shop-v2\"`"), "{mistake}");
    let refused = told(&balancer.control.reload("a test").await);
    assert_eq!(refused.first(), Some(&mistake));
    assert_eq!(divisions(&balancer)[0].share, Share::ALL);
    stop(balancer).await;
    let balancer = world.start().await;
    assert_eq!(divisions(&balancer)[0].share, Share::ALL, "restarts change nothing");
    world.write("shop-v2", None);
    let reload = balancer.control.reload("a test").await;
    assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
    assert_eq!(divisions(&balancer), []);
    assert!(!world.directory.path("state/release/v2.json").exists(), "the file says it");
}

#[tokio::test]
async fn the_files_word_is_taken_when_somebody_says_so() {
    let world = World::new(MANY).await;
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    reaches(&balancer, 1.0).await;
    world.write("shop", Some(&format!("{UNWATCHED}{MANY}\nuser = \"client\"")));
    let [mistake] = <[String; 1]>::try_from(world.mistakes()).expect("one line is to change");
    assert!(mistake.contains("tidegate.toml:18:1: rollout v2 is under way (at 1 %)"), "{mistake}");
    world.write("shop", None);
    let [mistake] = <[String; 1]>::try_from(world.mistakes()).expect("it is missing");
    assert!(mistake.contains("is under way (at 1 %), and is not defined"), "{mistake}");
    assert!(matches!(balancer.control.reload("a test").await, Reload::Refused(_)));
    reaches(&balancer, 1.0).await;
    let reload = balancer.control.reload_by(Word::OfFile, "a test").await;
    assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
    assert_eq!((divisions(&balancer), balancer.control.rollouts().len()), (vec![], 0));
    let events = balancer.control.events(0).events;
    assert!(events.iter().any(|event| event.message == "rollout v2 is forgotten"), "{events:?}");
    assert_eq!(world.mistakes(), [""; 0], "nothing is kept");
}

#[tokio::test]
async fn a_record_that_cannot_be_believed_is_not_guessed_at() {
    let world = World::new(MANY).await;
    world.directory.write("state/release/v2.json", "{ \"version\": 99 }");
    world.write("shop", Some(&world.keys));
    let [mistake] = <[String; 1]>::try_from(world.mistakes()).expect("it is not believed");
    assert!(mistake.contains("what is kept of rollout v2 cannot be believed"), "{mistake}");
    assert!(world.origin().load_by(Word::OfFile).is_ok());
}

#[tokio::test]
async fn everything_goes_back_after_the_bake_as_well() {
    let world = World::new("steps = [100]\nbake = \"0s\"").await;
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    until("the bake is over", || status(&balancer).view.phase == "keeping").await;
    let back = Command::Rollback(Urgency::WhenAble);
    command(&balancer, back).await.expect("stable is there");
    until("all is back", || status(&balancer).view.phase == "aborted").await;
    assert_eq!(divisions(&balancer), []);
}

/// A Prometheus server that says 5 of the candidate and 0.5 of stable, or of both alike.
async fn prometheus(shared: bool) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a free port");
    let address = listener.local_addr().expect("bound");
    let serve = async move {
        while let Ok((stream, _)) = listener.accept().await {
            let (mut wire, mut head) = (Wire::new(stream), Head::default());
            if !wire.request(&mut head).await.is_ok_and(|asked| asked) {
                continue;
            }
            let value = if shared || head.target().contains("shop-v2") { "5" } else { "0.5" };
            let body = format!(
                "{{\"status\":\"success\",\"data\":{{\"resultType\":\"scalar\",\"result\":[1,\
                 \"{value}\"]}}}}"
            );
            let reply = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{body}", body.len());
            // Whoever asked may have gone meanwhile.
            let _ = wire.send(reply.as_bytes()).await;
        }
    };
    drop(task::spawn("test-prometheus", serve));
    address
}

/// A world that watches one measure, which may be 1 at most.
async fn watched(shared: bool) -> World {
    let server = prometheus(shared).await;
    let mut world = World::new("").await;
    world.keys = format!(
        "{MANY}\nanalysis = {{ custom = [{{ name = \"orders\", prometheus = \"http://{server}\", \
         query = \"orders_{{version}}\", max = 1, every = \"50ms\" }}] }}"
    );
    world
}

#[tokio::test]
async fn a_candidate_that_is_found_worse_loses_its_users_at_once() {
    let world = watched(false).await;
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    until("it is ended", || status(&balancer).view.phase == "aborted").await;
    assert_eq!(divisions(&balancer), []);
    let status = status(&balancer);
    let why = status.view.ended.clone().expect("it says why");
    assert!(why.contains("orders"), "{why}");
    let verdict = status.view.verdict.clone().expect("it was judged");
    assert_eq!(verdict["outcome"], "breach");
    assert_eq!(verdict["numbers"]["measures"][0]["candidate"], 5.0, "{verdict}");
    assert!(status.verdicts.breach > 0);
    let events = balancer.control.events(0).events;
    let last = events.iter().rfind(|event| event.message.contains("aborted, from 1 % to 0 %"));
    let reason = &last.expect("people are told").reason;
    assert!(reason.starts_with("breach: ") && reason.contains("0.5 of stable"), "{reason}");
}

#[tokio::test]
async fn what_both_versions_have_ends_nothing() {
    let world = watched(true).await;
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    reaches(&balancer, 1.0).await;
    until("it was judged often", || status(&balancer).verdicts.hold > 3).await;
    assert_eq!((status(&balancer).verdicts.breach, percent(&balancer)), (0, 1.0));
}

/// Three rollouts: from `shop` to two candidates, and from one of those on.
const RIVALS: &str = r#"
[pool.shop-v3]
servers = ["127.0.0.1:1"]
[rollout.v3]
pool = "shop"
candidate = "shop-v3"
strategy = "blue-green"
bake = "1h"
analysis = "off"
[rollout.onward]
pool = "shop-v2"
candidate = "shop-v3"
strategy = "blue-green"
bake = "1h"
analysis = "off"
"#;

#[tokio::test]
async fn a_pool_is_in_one_rollout_at_a_time() {
    let world = World::new(&format!("{MANY}\n{RIVALS}")).await;
    let balancer = world.start().await;
    let start = |name: &str| {
        let order = Order::Command(RolloutName::new(name), Command::Start);
        let answer = balancer.control.release(order, "alice");
        async { answer.await.map_err(|error| error.to_string()) }
    };
    assert_eq!(start("v2").await, Ok(()));
    for (name, pool) in [("v3", "shop"), ("onward", "shop-v2")] {
        let refused = start(name).await.expect_err("its pool is taken");
        let said = format!("pool {pool} is in rollout v2, which is under way");
        assert!(refused.starts_with(&said), "{refused}");
    }
    assert_eq!(command(&balancer, Command::Abort).await, Ok(()));
    assert_eq!(start("v3").await, Ok(()));
}

#[tokio::test]
async fn the_next_rollout_waits_until_routes_say_what_the_last_has_done() {
    let world = World::new(&format!("{ONE}\n{RIVALS}")).await;
    let balancer = world.start().await;
    command(&balancer, Command::Start).await.expect("it can start");
    until("it has finished", || status(&balancer).view.phase == "done").await;
    let onward = || {
        let order = Order::Command(RolloutName::new("onward"), Command::Start);
        balancer.control.release(order, "alice")
    };
    let refused = onward().await.expect_err("routes to shop would not follow").to_string();
    assert!(
        refused.contains("v2 has finished, and routes to pool shop go to shop-v2"),
        "{refused}"
    );
    world.write("shop-v2", Some(&world.keys));
    let reload = balancer.control.reload("a test").await;
    assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
    assert_eq!(onward().await, Ok(()));
}
