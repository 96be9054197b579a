//! Rollouts with the real program: users who stay on their side, a kill in the middle, and what has
//! finished.

use std::collections::BTreeMap;
use std::io::Write;
use std::net::TcpStream;

use rustix::process::Signal;
use serde_json::{Value, json};

use crate::world::balancer::Balancer;
use crate::world::client::{Response, receive};
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::program::{Ended, ended};
use crate::world::wait::until;

/// Two versions of an application, and the way from one to the other.
struct World {
    directory: Directory,
    servers: [Origin; 2],
}

impl World {
    fn new() -> Self {
        Self::of([Origin::start("old"), Origin::start("new")])
    }

    fn of(servers: [Origin; 2]) -> Self {
        Self { directory: Directory::new(), servers }
    }

    /// The file: where its route leads, and the definition of the rollout if it has one.
    fn write(&self, route: &str, definition: Option<&str>) {
        let definition = definition.map_or_else(String::new, |keys| {
            format!(
                "[rollout.v2]\npool = \"app\"\ncandidate = \"app-v2\"\nstrategy = \"canary\"\n\
                 user = [\"header:x-user\"]\nanalysis = \"off\"\n{keys}\n"
            )
        });
        let [old, new] = &self.servers;
        let text = format!(
            "[runtime]\nstate = \"{state}\"\n[admin]\naddress = \"127.0.0.1:0\"\n\
             [listener.web]\naddress = \"127.0.0.1:0\"\n[route.all]\npool = \"{route}\"\n\
             [pool.app]\nservers = [\"{}\"]\n[pool.app-v2]\nservers = [\"{}\"]\n{definition}",
            old.address,
            new.address,
            state = self.directory.path().join("state").display(),
        );
        self.directory.write("tidegate.toml", &text);
    }

    fn run(&self) -> Balancer {
        let path = self.directory.path();
        Balancer::run(path, &path.join("tidegate.toml"))
    }

    fn asked(&self, balancer: &Balancer, arguments: &[&str]) -> Ended {
        balancer.asked(self.directory.path(), arguments)
    }

    /// Asks for something that is taken.
    #[track_caller]
    fn rollout(&self, balancer: &Balancer, word: &str) {
        let asked = self.asked(balancer, &["rollout", word, "v2"]);
        assert_eq!(asked.code, 0, "{asked:?}");
    }

    fn status(&self, balancer: &Balancer) -> Value {
        self.asked(balancer, &["rollout", "status", "v2", "--json"]).json()
    }

    fn reaches(&self, balancer: &Balancer, key: &str, value: &Value) {
        until("the rollout gets there", || (self.status(balancer)[key] == *value).then_some(()));
    }
}

/// Which version each of many users meets.
fn users(balancer: &Balancer) -> BTreeMap<u32, String> {
    (0..400).map(|user| (user, version(balancer, user))).collect()
}

fn version(balancer: &Balancer, user: u32) -> String {
    let response = ask(balancer, "/", user);
    assert_eq!(response.status, 200, "{response:?}");
    response.body
}

fn ask(balancer: &Balancer, path: &str, user: u32) -> Response {
    let mut stream = TcpStream::connect(balancer.listeners[0]).expect("it listens");
    let head = format!("GET {path} HTTP/1.1\r\nHost: app\r\nConnection: close\r\n");
    write!(stream, "{head}X-User: {user}\r\n\r\n").expect("it reads");
    receive(&mut stream).expect("it answers")
}

fn count(users: &BTreeMap<u32, String>) -> usize {
    users.values().filter(|version| *version == "new").count()
}

#[test]
fn users_keep_their_side_over_steps_and_a_kill() {
    let world = World::new();
    world.write("app", Some("steps = [20, 60, 100]\nhold = \"1h\""));
    let mut balancer = world.run();
    assert_eq!(count(&users(&balancer)), 0);
    world.rollout(&balancer, "start");
    world.reaches(&balancer, "percent", &20.0.into());
    let first = users(&balancer);
    assert!((40..140).contains(&count(&first)), "{}", count(&first));
    balancer.signal(Signal::KILL);
    balancer.end();
    let balancer = world.run();
    assert_eq!(users(&balancer), first, "the same users from the first request on");
    world.rollout(&balancer, "promote");
    world.reaches(&balancer, "percent", &60.0.into());
    let second = users(&balancer);
    let stayed = first.iter().filter(|(_, version)| *version == "new");
    assert!(stayed.clone().all(|(user, _)| second[user] == "new"), "nobody goes back");
    assert!(count(&second) > count(&first));
    let overview = world.asked(&balancer, &["rollout", "status"]);
    assert!(overview.stdout.contains("stepping"), "{overview:?}");
    assert!(world.asked(&balancer, &["status"]).stdout.contains("rollout   v2: app -> app-v2"));
    world.rollout(&balancer, "abort");
    assert_eq!(count(&users(&balancer)), 0, "all are back when the command returns");
    let again = world.asked(&balancer, &["rollout", "promote", "v2"]);
    assert_eq!(again.code, 1, "{again:?}");
    assert!(again.stderr.contains("no run is under way"), "{again:?}");
}

#[test]
fn what_has_finished_binds_the_file_until_it_says_so() {
    let world = World::new();
    world.write("app", Some("steps = [100]\nbake = \"0s\"\nkeep_old = \"0s\""));
    let balancer = world.run();
    world.rollout(&balancer, "start");
    world.reaches(&balancer, "phase", &"done".into());
    assert_eq!(version(&balancer, 1), "new");
    world.write("app", None);
    let path = world.directory.path();
    let check = |more: &[&str]| ended(path, &[&["check"], more].concat());
    let refused = check(&[]);
    assert_eq!(refused.code, 1, "{refused:?}");
    let line = "rollout v2 has finished: pool app is now app-v2; expected `pool = \"app-v2\"`";
    assert!(refused.stdout.contains(line), "{refused:?}");
    assert_eq!(check(&["--accept"]).code, 0);
    let reload = world.asked(&balancer, &["reload"]);
    assert_eq!(reload.code, 1, "{reload:?}");
    assert_eq!(version(&balancer, 1), "new", "nothing has changed");
    world.write("app-v2", None);
    assert_eq!(world.asked(&balancer, &["reload"]).code, 0);
    assert_eq!(version(&balancer, 1), "new", "the file says the same");
}

#[test]
fn the_files_word_is_taken_on_demand() {
    let world = World::new();
    world.write("app", Some("steps = [100]\nbake = \"0s\"\nkeep_old = \"0s\""));
    let balancer = world.run();
    world.rollout(&balancer, "start");
    world.reaches(&balancer, "phase", &"done".into());
    world.write("app", None);
    let reload = world.asked(&balancer, &["reload", "--accept"]);
    assert_eq!(reload.code, 0, "{reload:?}");
    assert_eq!(version(&balancer, 1), "old");
    let events = world.asked(&balancer, &["events", "--json"]).json();
    assert!(events.to_string().contains("rollout v2 is forgotten"), "{events}");
}

#[test]
fn two_pools_take_turns() {
    let world = World::new();
    let both = "steps = [100]\nbake = \"0s\"\n[rollout.back]\npool = \"app-v2\"\n\
                candidate = \"app\"\nstrategy = \"blue-green\"\nanalysis = \"off\"\n\
                bake = \"0s\"\nkeep_old = \"0s\"";
    world.write("app", Some(both));
    let balancer = world.run();
    let start = |name: &str| world.asked(&balancer, &["rollout", "start", name]);
    let nobody = start("back");
    assert!(nobody.stderr.contains("no route of it leads to pool app-v2"), "{nobody:?}");
    for turn in ["first", "second"] {
        world.rollout(&balancer, "start");
        world.reaches(&balancer, "phase", &"keeping".into());
        let early = start("back");
        assert!(early.stderr.contains("under way (keeping)"), "{turn}: {early:?}");
        let done = world.asked(&balancer, &["rollout", "promote", "v2", "--full"]);
        assert_eq!(done.code, 0, "{turn}: {done:?}");
        world.reaches(&balancer, "phase", &"done".into());
        let unsaid = start("back");
        assert!(unsaid.stderr.contains("let them name that one first"), "{turn}: {unsaid:?}");
        world.write("app-v2", Some(both));
        assert_eq!(world.asked(&balancer, &["reload"]).code, 0);
        world.reaches(&balancer, "phase", &"idle".into());
        assert_eq!(version(&balancer, 1), "new", "{turn}: nobody notices");
        assert_eq!(start("back").code, 0, "{turn}");
        until("it is done", || {
            let status = world.asked(&balancer, &["rollout", "status", "back", "--json"]).json();
            (status["phase"] == "done").then_some(())
        });
        assert_eq!(version(&balancer, 1), "old", "{turn}");
        world.write("app", Some(both));
        assert_eq!(world.asked(&balancer, &["reload"]).code, 0);
    }
}

#[test]
fn a_freeze_holds_rollouts_until_a_thaw() {
    let world = World::new();
    world.write("app", Some("steps = [50, 100]\nhold = \"1h\""));
    let balancer = world.run();
    let frozen = world.asked(&balancer, &["freeze", "rollouts", "--for", "1h"]);
    assert_eq!(frozen.code, 0, "{frozen:?}");
    world.rollout(&balancer, "start");
    until("it waits", || {
        let waits = world.status(&balancer)["waits"].to_string();
        waits.contains("rollouts are frozen").then_some(())
    });
    assert_eq!(world.asked(&balancer, &["thaw"]).code, 0);
    world.reaches(&balancer, "percent", &50.0.into());
}

#[test]
fn what_the_candidate_would_have_answered_is_reported() {
    let world = World::of([Origin::start("old"), Origin::answering(503, "new")]);
    let keys = "steps = [1, 100]\nhold = \"1h\"\nmirror = { share = 1.0 }";
    world.write("app", Some(keys));
    let balancer = world.run();
    world.rollout(&balancer, "start");
    world.reaches(&balancer, "percent", &1.0.into());
    let stays = (0..).find(|user| ask(&balancer, "/", *user).status == 200).expect("99 % do");
    for _ in 0..20 {
        assert_eq!(ask(&balancer, "/cart?token=secret", stays).body, "old");
    }
    let report = until("all copies are answered, and all differ", || {
        let report = world.status(&balancer)["mirror"].clone();
        let [copies, answered, differing] =
            ["copies", "answered", "differing"].map(|key| report[key].as_u64());
        let all = copies >= Some(20) && copies == answered && answered == differing;
        (all && report["recent"] != json!([])).then_some(report)
    });
    assert_eq!(report["failed"], 0, "{report}");
    assert_eq!(report["differing_percent"], 100.0, "{report}");
    let recent = report["recent"].as_array().expect("a list");
    for one in recent {
        assert_eq!(
            (&one["stable"]["status"], &one["candidate"]["status"]),
            (&200.into(), &503.into())
        );
        assert_eq!(one["method"], "GET");
    }
    let told = world.asked(&balancer, &["rollout", "status", "v2"]).stdout;
    assert!(told.contains("differ in status, 100.00 % of the answered"), "{told}");
    assert!(told.contains("200 after ") && told.contains(", 503 after "), "{told}");
    assert!(!told.contains("secret") && !report.to_string().contains("secret"), "{told}");
}
