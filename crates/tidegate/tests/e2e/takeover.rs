//! What users notice when all of them change versions at once: nothing.
//!
//! Users on kept connections, on HTTP/2 and on WebSockets never pause while pools change places,
//! and back. `--nocapture` shows how long the version that was left still got requests.

use std::io::{self, Write};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::world::balancer::Balancer;
use crate::world::crowd::{Crowd, Talk};
use crate::world::curl::is_installed;
use crate::world::directory::Directory;
use crate::world::shop::{Quality, Shop};
use crate::world::wait::until;

/// Two versions and a balancer before them.
struct World {
    directory: Directory,
    balancer: Balancer,
    old: Shop,
    new: Shop,
}

impl World {
    /// A balancer with a rollout of these keys from the old version to one of this quality.
    fn new(quality: Quality, keys: &str) -> Self {
        let directory = Directory::new();
        let (old, new) = (Shop::start("old", Quality::Good), Shop::start("new", quality));
        let text = format!(
            "[runtime]\nstate = \"{state}\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
             [listener.web]\naddress = \"127.0.0.1:0\"\n[route.all]\npool = \"app\"\n\
             [default.pool.health]\npath = \"/healthz\"\n\
             [pool.app]\nservers = [\"{}\"]\n[pool.app-v2]\nservers = [\"{}\"]\n\
             [rollout.v2]\npool = \"app\"\ncandidate = \"app-v2\"\n{keys}\n",
            old.address,
            new.address,
            state = directory.path().join("state").display(),
        );
        let file = directory.write("tidegate.toml", &text);
        let balancer = Balancer::run(directory.path(), &file);
        Self { directory, balancer, old, new }
    }

    #[track_caller]
    fn rollout(&self, words: &[&str]) {
        let asked = self.balancer.asked(self.directory.path(), &[&["rollout"], words].concat());
        assert_eq!(asked.code, 0, "{asked:?}");
    }

    fn events(&self) -> Value {
        self.balancer.asked(self.directory.path(), &["events", "--json"]).json()
    }

    fn crowd(&self) -> Crowd {
        let crowd = Crowd::start(self.balancer.listeners[0], 8);
        until("users are there", || (self.old.answered() > 100).then_some(()));
        crowd
    }

    fn talk(&self) -> Talk {
        Talk::start(self.balancer.listeners[0])
    }
}

/// Past the harness, which shows what a test prints only when it fails.
fn tell(what: &str, since: SystemTime, shop: &Shop) {
    let last = shop.last().and_then(|last| last.duration_since(since).ok()).unwrap_or_default();
    let _ = writeln!(io::stdout(), "{what}: the last request {} ms later", last.as_millis());
}

#[test]
fn nobody_notices_a_switch_and_a_rollback() {
    if !is_installed("h2load") {
        return;
    }
    let world = World::new(Quality::Good, "strategy = \"blue-green\"\nanalysis = \"off\"");
    let mut before = world.talk();
    assert_eq!(before.partner(), "old");
    let crowd = world.crowd();

    world.rollout(&["start", "v2"]);
    until("users meet the new version", || (world.new.answered() > 500).then_some(()));
    let mut between = world.talk();
    assert_eq!((before.partner().as_str(), between.partner().as_str()), ("old", "new"));
    let left = until("all have gone over", || {
        let (left, met) = (world.old.answered(), world.new.answered());
        until("many more do", || (world.new.answered() > met + 1000).then_some(()));
        (world.old.answered() == left).then_some(left)
    });

    let asked = now();
    world.rollout(&["rollback", "v2", "--now"]);
    until("users are back", || (world.old.answered() > left + 2000).then_some(()));
    let mut after = world.talk();
    let met = crowd.leave();
    tell("rollback", asked, &world.new);
    assert_eq!((met.errors, met.lost), (0, 0), "{met:?}");
    assert_eq!(world.old.answered() + world.new.answered(), met.good, "each once");
    let partners = [before.partner(), between.partner(), after.partner()];
    assert_eq!(partners, ["old", "new", "old"], "each conversation is where it began");
}

#[test]
fn a_verdict_takes_all_users_back_and_the_fault_alone_is_felt() {
    if !is_installed("h2load") {
        return;
    }
    let keys = "strategy = \"canary\"\nuser = [\"header:x-user\"]\nsteps = [50, 100]\n\
                analysis = { max_error_rate = 0.02, min_requests = 50 }";
    let world = World::new(Quality::Broken, keys);
    let mut talks: Vec<Talk> = (0..8).map(|_| world.talk()).collect();
    let crowd = world.crowd();

    world.rollout(&["start", "v2"]);
    until("somebody meets it", || (world.new.answered() > 0).then_some(()));
    let verdict = until("the fault is found", || aborted(&world.events()));
    let back = world.old.answered();
    until("users are back", || (world.old.answered() > back + 1000).then_some(()));
    let met = crowd.leave();
    tell("verdict", verdict, &world.new);
    assert_eq!((met.errors, met.lost), (world.new.answered(), 0), "{met:?}");
    for talk in &mut talks {
        assert_eq!(talk.partner(), "old");
    }
}

/// When the event of an abort happened.
fn aborted(events: &Value) -> Option<SystemTime> {
    let events = events["events"].as_array()?;
    let abort = |event: &&Value| event["message"].as_str().is_some_and(|m| m.contains(": aborted"));
    let millis = events.iter().find(abort)?["at"].as_u64()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_millis(millis))
}

#[expect(clippy::disallowed_methods, reason = "the clock of the tests")]
fn now() -> SystemTime {
    SystemTime::now()
}
