//! The provider `process`, with real children.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use tidegate_control::act::provider::contract::{Order, Provider};
use tidegate_control::act::provider::process::ProcessProvider;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::provider::{OnExit, Process};
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::{Condition, ProviderFailure};
use tidegate_net::entropy;
use tidegate_net::state::StateDirectory;
use tokio::io::AsyncReadExt;
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc;

use crate::support::directory::Directory;

/// A server in a few lines, which prints what it was given.
const SERVER: &str = r#"
import os, socket, sys
listener = socket.create_server(("127.0.0.1", int(sys.argv[1])))
print(sys.argv[2], os.environ["MODE"], os.getcwd(), flush=True)
while True:
    listener.accept()[0].sendall(b"here")
"#;

/// Tests run side by side; each takes ports of its own.
fn ports() -> (u16, u16) {
    let first = 21_000 + 20 * u16::try_from(entropy::word() % 1500).expect("small");
    (first, first + 19)
}

fn settings(command: &[&str]) -> Process {
    Process {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        ports: ports(),
        env: BTreeMap::new(),
        directory: None,
        logs: None,
        cpus: None,
        memory: None,
        stop_timeout: Duration::from_secs(20),
        on_exit: OnExit::Keep,
    }
}

struct Stage {
    directory: Directory,
    provider: ProcessProvider,
    ends: mpsc::Receiver<InstanceId>,
}

fn stage(settings: Process) -> Stage {
    let directory = Directory::new();
    let (provider, ends) = provider(&directory, settings);
    Stage { directory, provider, ends }
}

/// The provider as the next start of the balancer makes it.
fn provider(
    directory: &Directory,
    settings: Process,
) -> (ProcessProvider, mpsc::Receiver<InstanceId>) {
    let notes = StateDirectory::at(directory.path("notes")).expect("room");
    let (sender, ends) = mpsc::channel(16);
    (ProcessProvider::new(&PoolName::new("shop"), settings, notes, sender), ends)
}

fn order() -> Order {
    Order { id: InstanceId::new(&PoolName::new("shop"), entropy::word()), template: 0xfeed }
}

#[tokio::test]
async fn a_child_is_started_listed_and_stopped() {
    let logs = Directory::new();
    let mut settings = settings(&["python3", "-c", SERVER, "{port}", "{name}"]);
    settings.env = BTreeMap::from([("MODE".into(), "on-{port}".into())]);
    settings.directory = Some(PathBuf::from("/"));
    settings.logs = Some(logs.path("out"));
    let stage = stage(settings);
    let order = order();
    let address = stage.provider.start(&order).await.expect("it starts").address;
    let address = address.expect("it is known at once");
    assert_eq!(stage.provider.start(&order).await.expect("it is there").address, Some(address));
    let mut answer = String::new();
    // It takes a moment to listen; its file says when.
    let said = wait_for_line(&logs.path(&format!("out/{}.log", order.id))).await;
    assert_eq!(said, format!("{} on-{} /", order.id, address.port()));
    let mut stream = TcpStream::connect(address).await.expect("it listens");
    stream.read_to_string(&mut answer).await.expect("it closes");
    assert_eq!(answer, "here");
    let listed = stage.provider.list().await.expect("it can be listed");
    assert_eq!(listed.len(), 1);
    assert_eq!((&listed[0].id, listed[0].address), (&order.id, Some(address)));
    assert_eq!((listed[0].condition, listed[0].template), (Condition::Running, Some(0xfeed)));
    stage.provider.stop(&order.id).await.expect("it stops");
    assert!(stage.provider.list().await.expect("it can be listed").is_empty());
    assert!(TcpStream::connect(address).await.is_err(), "nobody listens");
    stage.provider.stop(&order.id).await.expect("what is not there is stopped");
}

/// The first line of a file that is being written.
async fn wait_for_line(path: &std::path::Path) -> String {
    let mut text = String::new();
    while !text.contains('\n') {
        text = std::fs::read_to_string(path).unwrap_or_default();
        tokio::task::yield_now().await;
    }
    text.lines().next().unwrap_or_default().to_owned()
}

#[tokio::test]
async fn an_end_is_told_at_once_and_leaves_nothing_behind() {
    // The child leaves a process behind, in a session of its own.
    let mut stage = stage(settings(&["sh", "-c", "setsid sleep 1000 & sleep 1000 & exit 3"]));
    let order = order();
    stage.provider.start(&order).await.expect("it starts");
    assert_eq!(stage.ends.recv().await, Some(order.id));
    assert!(stage.provider.list().await.expect("it can be listed").is_empty());
}

#[tokio::test]
async fn whoever_does_not_stop_is_killed_with_all_that_it_started() {
    let script = "trap '' TERM; setsid sh -c \"trap '' TERM; sleep 1000; sleep 1000\" & \
                  while true; do sleep 1000; done";
    let mut settings = settings(&["sh", "-c", script]);
    settings.stop_timeout = Duration::from_millis(200);
    let mut stage = stage(settings.clone());
    let order = order();
    stage.provider.start(&order).await.expect("it starts");
    stage.provider.stop(&order.id).await.expect("it stops");
    assert!(stage.ends.try_recv().is_err(), "an end that was asked for is not told");
    let (next, _ends) = provider(&stage.directory, settings);
    assert!(next.list().await.expect("it can be listed").is_empty(), "no process is left");
}

#[tokio::test]
async fn the_next_start_finds_what_runs_and_hears_of_its_end() {
    let settings = settings(&["sleep", "1000"]);
    let stage = stage(settings.clone());
    let order = order();
    let address = stage.provider.start(&order).await.expect("it starts").address;
    // One life knows by its note as well as by its marks; the other by its marks alone.
    for loses_notes in [false, true] {
        if loses_notes {
            std::fs::remove_file(stage.directory.path(&format!("notes/{}.json", order.id)))
                .expect("it is there");
        }
        let (next, _ends) = provider(&stage.directory, settings.clone());
        let listed = next.list().await.expect("it can be listed");
        assert_eq!(listed.len(), 1);
        assert_eq!((listed[0].address, listed[0].template), (address, Some(0xfeed)));
    }
    let (next, mut ends) = provider(&stage.directory, settings);
    assert_eq!(next.start(&order).await.expect("it is there").address, address);
    let numbers = std::process::Command::new("pgrep").args(["-f", "^sleep 1000$"]).output();
    let numbers = String::from_utf8(numbers.expect("it runs").stdout).expect("numbers");
    let own = numbers.lines().find(|number| {
        let environment = std::fs::read(format!("/proc/{number}/environ")).unwrap_or_default();
        String::from_utf8_lossy(&environment).contains(order.id.as_str())
    });
    let killed = std::process::Command::new("kill").args(["-9", own.expect("it runs")]).status();
    assert!(killed.expect("it runs").success());
    assert_eq!(ends.recv().await, Some(order.id));
}

#[tokio::test]
async fn another_balancers_children_are_not_ours() {
    let settings = settings(&["sleep", "1000"]);
    let stage = stage(settings.clone());
    let order = order();
    stage.provider.start(&order).await.expect("it starts");
    let (other, _ends) = provider(&Directory::new(), settings);
    assert!(other.list().await.expect("it can be listed").is_empty());
    other.stop(&order.id).await.expect("there is nothing to stop");
    assert_eq!(stage.provider.list().await.expect("it can be listed").len(), 1);
    stage.provider.stop(&order.id).await.expect("it stops");
}

#[tokio::test]
async fn ports_run_out_and_programs_may_not_be_there() {
    let listener = TcpListener::bind("127.0.0.1:0").await.expect("a port is free");
    let port = listener.local_addr().expect("it is bound").port();
    let taken = Process { ports: (port, port), ..settings(&["sleep", "1000"]) };
    let failed = stage(taken).provider.start(&order()).await;
    assert!(matches!(failed, Err(ProviderFailure::Quota(why)) if why.contains("no port")));
    let failed = stage(settings(&["/nobody/there"])).provider.start(&order()).await;
    assert!(matches!(failed, Err(ProviderFailure::Refused(_))));
}

#[tokio::test]
async fn how_busy_a_child_is_shows() {
    let stage = stage(Process {
        cpus: Some(1.0),
        ..settings(&["sh", "-c", "sh -c 'while :; do :; done'; true"])
    });
    let order = order();
    stage.provider.start(&order).await.expect("it starts");
    let busy = async {
        loop {
            let usage = stage.provider.usage().await;
            if usage.get(&order.id).is_some_and(|usage| usage.cpu > 0.05 && usage.memory > 0.0) {
                break;
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(30), busy).await.expect("its grandchild is busy");
    stage.provider.stop(&order.id).await.expect("it stops");
}

#[tokio::test]
async fn who_is_not_to_be_kept_is_stopped_at_the_end() {
    let settings = settings(&["sleep", "1000"]);
    let stage = stage(Process { on_exit: OnExit::Stop, ..settings.clone() });
    stage.provider.start(&order()).await.expect("it starts");
    stage.provider.close().await;
    let (next, _ends) = provider(&stage.directory, settings);
    assert!(next.list().await.expect("it can be listed").is_empty());
}
