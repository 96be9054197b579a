//! A balancer that is killed two hundred times while it starts and stops instances.

use std::collections::BTreeSet;
use std::io::{BufRead, BufReader};
use std::process::{Child, Command, Stdio};

use tidegate_control::act::provider::contract::Provider;
use tidegate_core::rng::Rng;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_net::entropy;
use tidegate_net::state::StateDirectory;

use super::driver::{DRIVER, Part};
use crate::support::directory::Directory;

const KILLS: u32 = 200;

/// More than this many lines go by in one life only when there is nothing left to do.
const LINES_MAX: u64 = 24;

#[tokio::test]
async fn two_hundred_kills_leave_no_orphan_and_no_twin() {
    let directory = Directory::new();
    let state = StateDirectory::at(directory.path("state")).expect("room");
    let first_port = 52_000 + u16::try_from(entropy::word() % 200).expect("small") * 40;
    let mut part = Part { state, first_port, aim: 3 };
    let mut chance = Rng::new(entropy::word());
    for kill in 0..KILLS {
        if kill % 3 == 0 {
            part.aim = u32::try_from(chance.below(8)).expect("small");
        }
        let lines = chance.below(LINES_MAX);
        live(&part, |seen, line| seen < lines && line != "settled");
    }
    part.aim = 4;
    live(&part, |_, line| line != "settled");
    let running = running(&part).await;
    assert_eq!(running.len(), 4, "as many run as should");
    let recorded = part.record().expect("there is one").instances;
    let recorded: BTreeSet<InstanceId> = recorded.into_iter().map(|one| one.id).collect();
    assert_eq!(running, recorded, "and they are known");
    part.aim = 0;
    live(&part, |_, line| line != "settled");
    assert_eq!(children(&part), 0, "nobody is left");
}

/// One life of the balancer: it is killed as soon as a line of its does not please.
fn live(part: &Part, goes_on: impl Fn(u64, &str) -> bool) {
    let mut driver = Command::new(std::env::current_exe().expect("it is there"))
        .args(["--exact", "instances::driver::driver", "--nocapture", "--test-threads=1"])
        .env(DRIVER, part.write())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("it starts");
    let lines = BufReader::new(driver.stdout.take().expect("it is piped")).lines();
    let said = lines.map_while(Result::ok);
    let said = said.filter_map(|line| Some(line.strip_prefix("driver ")?.to_owned()));
    let stopped_at = (0..).zip(said).find(|(seen, line)| !goes_on(*seen, line));
    kill(driver);
    assert!(stopped_at.is_some(), "it lives until it is killed");
}

fn kill(mut driver: Child) {
    driver.kill().expect("it runs");
    driver.wait().expect("it is ours");
}

/// What runs, as a provider of the next life finds it. None of it runs twice.
async fn running(part: &Part) -> BTreeSet<InstanceId> {
    let (provider, _ends) = part.provider();
    let listed = provider.list().await.expect("it can be listed");
    let ids: BTreeSet<InstanceId> = listed.iter().map(|one| one.id.clone()).collect();
    assert_eq!(children(part), ids.len(), "one process for each name");
    ids
}

/// Processes that carry the mark of the directory, by another way than the provider's own.
fn children(part: &Part) -> usize {
    let state = part.state.path("notes");
    let mark = format!("TIDEGATE_STATE={}", state.canonicalize().expect("it is there").display());
    let entries = std::fs::read_dir("/proc").expect("it is there");
    let carries = |entry: std::fs::DirEntry| {
        let environment = std::fs::read(entry.path().join("environ")).unwrap_or_default();
        environment.split(|byte| *byte == 0).any(|one| one == mark.as_bytes())
    };
    entries.filter_map(Result::ok).map(carries).filter(|carries| *carries).count()
}
