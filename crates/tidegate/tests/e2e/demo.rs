//! `tidegate demo`, from its start to its summary.

use std::io::{self, BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Child, Stdio};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::process::{Pid, Signal, kill_process_group};
use serde_json::Value;

use crate::world::directory::Directory;
use crate::world::program::{Ended, tidegate};
use crate::world::wait::until;

/// A demo takes the whole machine: one at a time is on stage.
static STAGE: Mutex<()> = Mutex::new(());

fn on_stage() -> MutexGuard<'static, ()> {
    STAGE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Takes twenty seconds: the shortest demo there is.
#[test]
fn a_shop_grows_and_shrinks_with_its_promotion_and_no_request_fails() {
    let _stage = on_stage();
    let world = Directory::new();
    let temporary = world.path().join("tmp");
    std::fs::create_dir(&temporary).expect("the directory is ours");
    let mut command = tidegate(world.path());
    command.args(["demo", "--headless", "--duration", "20s", "--json", "summary.json"]);
    let output = command.env("TMPDIR", &temporary).output().expect("the program starts");
    let ended = Ended::from(output);
    assert_eq!(ended.code, 0, "{ended:?}");

    let summary: Value = serde_json::from_str(&world.read("summary.json")).expect("it is JSON");
    let count = |key: &str| summary[key].as_u64().unwrap_or_else(|| panic!("{key}: {summary:#}"));
    assert_eq!((count("failed"), count("checkouts_failed")), (0, 0), "{summary:#}");
    assert_eq!(count("orders"), count("checkouts"), "each order counts once: {summary:#}");
    assert_eq!(summary["demand"], serde_json::json!({ "quiet": 100, "rush": 1000 }));
    assert!(count("servers_max") > 6 && count("servers_end") == 6, "{summary:#}");
    assert_eq!(summary["promise"]["held"], true, "{summary:#}");
    let phases = list(&summary["promise"]["phases"]);
    let judged = phases.iter().map(|phase| (text(&phase["name"]), phase["judged"] == true));
    let expected = [("before", true), ("startup", false), ("rush", true), ("after", true)];
    assert_eq!(judged.collect::<Vec<_>>(), expected);
    assert_eq!(phases[1]["from"], summary["startup_window"]["from"]);
    decisions_lead_up_and_back(&summary);
    let kinds: Vec<&str> = events(&summary).map(|(_, kind)| kind).collect();
    for kind in ["server-killed", "server-replaced", "scaled", "instance"] {
        assert!(kinds.contains(&kind), "{kind}: {kinds:?}");
    }
    assert!(events(&summary).is_sorted_by(|(one, _), (next, _)| one <= next), "{summary:#}");

    assert!(ended.stdout.lines().count() >= 20, "a line a second: {}", ended.stdout);
    assert!(ended.stdout.contains("1 s is 60 s of its day"), "{}", ended.stdout);
    let left = std::fs::read_dir(&temporary).expect("the directory is ours").count();
    assert_eq!(left, 0, "the demo clears its things away");
}

/// Each decision begins where the one before ended, and says why.
fn decisions_lead_up_and_back(summary: &Value) {
    let decisions = list(&summary["decisions"]);
    let mut servers = 6;
    let mut most = 0;
    for decision in decisions {
        assert_eq!(decision["from"], servers, "{summary:#}");
        assert!(text(&decision["reason"]).starts_with("want "), "{summary:#}");
        servers = decision["to"].as_u64().expect("a number");
        most = most.max(servers);
    }
    assert!(most > 6 && servers == 6, "{summary:#}");
}

fn list(value: &Value) -> &[Value] {
    value.as_array().expect("a list")
}

fn text(value: &Value) -> &str {
    value.as_str().expect("a text")
}

fn events(summary: &Value) -> impl Iterator<Item = (f64, &str)> {
    list(&summary["events"]).iter().map(|event| {
        assert!(event["message"].as_str().is_some_and(|message| !message.is_empty()));
        (event["at"].as_f64().expect("a number"), event["kind"].as_str().expect("a word"))
    })
}

#[test]
fn the_servers_of_a_demo_die_with_it() {
    let world = Directory::new();
    let mut demo = started(&world);
    let children = children_of(demo.id());
    assert_eq!(children.len(), 6, "{children:?}");
    demo.kill().expect("it is our child");
    demo.wait().expect("it is our child");
    until("the servers are gone", || {
        let gone = |id: &String| !Path::new("/proc").join(id).join("exe").exists();
        children.iter().all(gone).then_some(())
    });
}

#[test]
fn a_demo_that_is_interrupted_sums_up_what_it_served() {
    let world = Directory::new();
    let demo = started(&world);
    // As a terminal does: to all that the demo has started in its group, too.
    kill_process_group(Pid::from_child(&demo), Signal::INT).expect("it is our child");
    let ended = Ended::from(demo.wait_with_output().expect("it is our child"));
    assert_eq!(ended.code, 1, "{ended:?}");
    let summary = ended.json();
    assert_eq!((&summary["interrupted"], &summary["failed"]), (&true.into(), &0.into()));
    assert!(summary["requests"].as_u64() > Some(0), "{summary:#}");
    assert_eq!(std::fs::read_dir(world.path()).expect("the directory is ours").count(), 0);
}

/// A demo that has served for a second.
fn started(world: &Directory) -> Child {
    let mut command = tidegate(world.path());
    command.args(["demo", "--headless", "--json"]).env("TMPDIR", world.path());
    command.process_group(0).stdout(Stdio::piped()).stderr(Stdio::piped());
    let mut demo = command.spawn().expect("the program starts");
    let lines = BufReader::new(demo.stderr.take().expect("it is piped"));
    let serves =
        |line: &io::Result<String>| line.as_ref().is_ok_and(|line| line.contains(" 6 serving "));
    assert!(lines.lines().any(|line| serves(&line)), "it says how it does on standard error");
    demo
}

/// The processes whose parent is `id`, by what the kernel lists of each: its number, its name in
/// brackets, its state, its parent.
fn children_of(id: u32) -> Vec<String> {
    let processes = std::fs::read_dir("/proc").expect("it is mounted").flatten();
    let is_child = |process: &String| {
        let stat = std::fs::read_to_string(format!("/proc/{process}/stat")).unwrap_or_default();
        let after_name = stat.rsplit_once(')').map(|(_, rest)| rest.to_owned());
        let parent = after_name.and_then(|rest| rest.split_whitespace().nth(1)?.parse().ok());
        parent == Some(id)
    };
    processes
        .map(|entry| entry.file_name().to_string_lossy().into_owned())
        .filter(is_child)
        .collect()
}

/// Takes about a minute: steps wait for numbers.
#[test]
fn a_faulty_release_is_caught_and_a_good_one_takes_over() {
    let _stage = on_stage();
    let world = Directory::new();
    let mut command = tidegate(world.path());
    command.args(["demo", "--release", "--headless", "--duration", "20s", "--json", "it.json"]);
    let ended = Ended::from(command.output().expect("the program starts"));
    assert_eq!(ended.code, 0, "{ended:?}");

    let summary: Value = serde_json::from_str(&world.read("it.json")).expect("it is JSON");
    let (faulty, good) = (&summary["faulty"], &summary["good"]);
    let count = |of: &Value, key: &str| of[key].as_u64().unwrap_or_else(|| panic!("{summary:#}"));
    assert_eq!(count(&summary, "failed"), 0, "{summary:#}");
    assert!(count(faulty, "faults") > 0 && text(&faulty["reason"]).contains("fails more"));
    assert!(count(faulty, "last_request_ms") <= 1000, "{summary:#}");
    assert_eq!((count(faulty, "flips"), count(good, "flips")), (0, 0), "{summary:#}");
    assert_eq!(count(good, "users"), 2000, "everybody is on the good one: {summary:#}");
    assert!(
        ended.stdout.contains("rollout shop-v3: the candidate has 100 % of users"),
        "{ended:?}"
    );
}
