//! Pools that grow and shrink: the real program, and shop servers as its children.

use std::fs;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::Relaxed};
use std::thread::{self, JoinHandle};

use rustix::process::{Pid, Signal, kill_process};
use serde_json::Value;

use crate::world::balancer::Balancer;
use crate::world::client::get;
use crate::world::directory::Directory;
use crate::world::program::ended;
use crate::world::wait::until;

/// A shop whose servers are launched: its files, and the processes that they tell apart.
struct Shop {
    world: Directory,
    ports: u16,
}

impl Shop {
    /// `ports` sets tests that run at the same time apart.
    fn new(ports: u16) -> Self {
        let world = Directory::new();
        fs::create_dir(world.path().join("book")).expect("the directory is ours");
        Self { world, ports }
    }

    /// Runs the balancer; `autoscale` and `more` are lines of the pool's tables.
    fn run(&self, autoscale: &str, more: &str) -> Balancer {
        let (path, ports) = (self.world.path().display(), self.ports);
        let text = format!(
            r#"
[runtime]
state = "{path}/state"
[admin]
address = "127.0.0.1:0"
[listener.web]
address = "127.0.0.1:0"
[route.all]
pool = "shop"
[pool.shop]
slow_start = "1s"
[pool.shop.health]
path = "/healthz"
interval = "1s"
[pool.shop.autoscale]
provider = "process"
startup = "1s"
{autoscale}
[pool.shop.autoscale.process]
command = ["{program}", "shop-server", "--port", "{{port}}", "--book", "{path}/book"]
ports = "{ports}-{last}"
{more}"#,
            program = env!("CARGO_BIN_EXE_tidegate"),
            last = ports + 19,
        );
        let file = self.world.write("tidegate.toml", &text);
        Balancer::run(self.world.path(), &file)
    }

    /// The processes that serve this shop.
    fn processes(&self) -> Vec<i32> {
        let book = format!("{}/book", self.world.path().display());
        let entries = fs::read_dir("/proc").expect("there is a proc").flatten();
        let numbers = entries.filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        let serves = |number: &i32| {
            let line = fs::read(format!("/proc/{number}/cmdline")).unwrap_or_default();
            let words: Vec<&[u8]> = line.split(|byte| *byte == 0).collect();
            words.contains(&&b"shop-server"[..]) && words.contains(&book.as_bytes())
        };
        let mut processes: Vec<i32> = numbers.filter(serves).collect();
        processes.sort_unstable();
        processes
    }
}

impl Drop for Shop {
    fn drop(&mut self) {
        for number in self.processes().into_iter().filter_map(Pid::from_raw) {
            let _ = kill_process(number, Signal::KILL);
        }
    }
}

/// What the autoscaler of the shop says of itself.
fn autoscale(balancer: &Balancer) -> Value {
    let answer = get(balancer.admin(), "/api/v1/pools/shop/autoscale").expect("it answers");
    serde_json::from_str(&answer.body).expect("it is JSON")
}

/// Instances in rotation.
fn serving(balancer: &Balancer) -> u64 {
    let states = autoscale(balancer)["states"].as_array().cloned().unwrap_or_default();
    let in_rotation = |state: &&Value| state["state"] == "serving" || state["state"] == "warming";
    states.iter().filter(in_rotation).filter_map(|state| state["instances"].as_u64()).sum()
}

#[track_caller]
fn await_serving(balancer: &Balancer, count: u64) {
    until(&format!("{count} instances serve"), || (serving(balancer) == count).then_some(()));
}

/// Customers who ask again as soon as they have been answered, until dropped.
struct Customers {
    leave: Arc<AtomicBool>,
    failed: Arc<AtomicU64>,
    threads: Vec<JoinHandle<()>>,
}

impl Customers {
    fn come(shop: SocketAddr, count: usize) -> Self {
        let (leave, failed) = (Arc::<AtomicBool>::default(), Arc::<AtomicU64>::default());
        let customer = |_| {
            let (leave, failed) = (Arc::clone(&leave), Arc::clone(&failed));
            thread::spawn(move || {
                while !leave.load(Relaxed) {
                    let served = get(shop, "/").is_ok_and(|response| response.status == 200);
                    failed.fetch_add(u64::from(!served), Relaxed);
                }
            })
        };
        let threads = (0..count).map(customer).collect();
        Self { leave, failed, threads }
    }

    /// Lets them go; how many requests failed.
    fn leave(self) -> u64 {
        self.leave.store(true, Relaxed);
        for customer in self.threads {
            customer.join().expect("a customer only asks");
        }
        self.failed.load(Relaxed)
    }
}

const BY_RATE: &str = "capacity = { requests = 400 }\ntargets = { requests_per_server = 40 }\n";
const QUICK: &str = "guard = { down_cooldown = \"1s\", down_every = \"500ms\" }\n";

#[test]
fn capacity_comes_with_demand_and_goes_by_hand_and_no_request_fails() {
    let shop = Shop::new(23_100);
    let lines = format!("min = 1\nmax = 4\n{BY_RATE}{QUICK}");
    let balancer = shop.run(&lines, "");
    await_serving(&balancer, 1);
    let customers = Customers::come(balancer.listeners[0], 6);
    await_serving(&balancer, 4);
    assert_eq!(shop.processes().len(), 4);
    let events = get(balancer.admin(), "/api/v1/events").expect("it answers").body;
    assert!(events.contains("requests/s at 40"), "the reason has its figures: {events}");
    let metrics = get(balancer.admin(), "/metrics").expect("it answers").body;
    for line in [
        "tidegate_autoscale_desired{pool=\"shop\"} 4",
        "tidegate_autoscale_limited{pool=\"shop\",by=\"max\"} 1",
    ] {
        assert!(metrics.contains(line), "{line}: {metrics}");
    }
    assert_eq!(customers.leave(), 0, "requests failed");
    // A small pool waits half an hour for the crowd to come back; a person need not.
    assert_eq!(balancer.asked(shop.world.path(), &["scale", "shop", "1"]).code, 0);
    await_serving(&balancer, 1);
    until("the others are gone", || (shop.processes().len() == 1).then_some(()));
}

#[test]
fn what_runs_is_adopted_after_kill_9_and_nothing_is_launched_twice() {
    let shop = Shop::new(23_120);
    let lines = "min = 3\nmax = 5\n";
    let mut balancer = shop.run(lines, "");
    await_serving(&balancer, 3);
    let processes = shop.processes();
    assert_eq!(processes.len(), 3);
    for _ in 0..2 {
        balancer.signal(Signal::KILL);
        balancer.end();
        balancer = shop.run(lines, "");
        assert_eq!(balancer.get("/").status, 200, "it serves as soon as it listens");
        await_serving(&balancer, 3);
        assert_eq!(shop.processes(), processes);
    }
    kill_process(Pid::from_raw(processes[0]).expect("a process"), Signal::KILL).expect("it runs");
    until("another takes the place of the one that died", || {
        let now = shop.processes();
        (now.len() == 3 && !now.contains(&processes[0])).then_some(())
    });
    await_serving(&balancer, 3);
}

#[test]
fn children_stop_with_the_balancer_where_that_is_asked_for() {
    let shop = Shop::new(23_140);
    let mut balancer = shop.run("min = 2\nmax = 2\n", "on_exit = \"stop\"\n");
    await_serving(&balancer, 2);
    balancer.signal(Signal::TERM);
    assert!(balancer.end().success());
    assert_eq!(shop.processes(), [0; 0]);
}

#[test]
fn people_steer_and_what_they_say_outlives_a_restart() {
    let shop = Shop::new(23_160);
    let lines = "min = 1\nmax = 5\n";
    let mut balancer = shop.run(lines, "");
    await_serving(&balancer, 1);
    let directory = shop.world.path();
    let scaled = balancer.asked(directory, &["scale", "shop", "3", "--for", "2h"]);
    assert_eq!((scaled.code, scaled.stdout.as_str()), (0, "pool shop has 3 servers for 2h\n"));
    await_serving(&balancer, 3);
    balancer.signal(Signal::KILL);
    balancer.end();
    balancer = shop.run(lines, "");
    await_serving(&balancer, 3);
    let pools = balancer.asked(directory, &["pools"]).stdout;
    assert!(pools.contains("pool shop (slo, 1 to 5): 3 servers; want 3 (by hand: "), "{pools}");

    let frozen = balancer.asked(directory, &["freeze", "autoscale"]);
    assert_eq!((frozen.code, frozen.stdout.as_str()), (0, "no pool is scaled for 1h\n"));
    assert_eq!(balancer.asked(directory, &["scale", "shop", "5"]).code, 0);
    until("the freeze binds", || {
        let reason = autoscale(&balancer)["reason"].as_str()?.to_owned();
        (reason.contains("want 5 (by hand") && reason.ends_with("held at 3 by freeze"))
            .then_some(())
    });
    assert_eq!(balancer.asked(directory, &["thaw"]).code, 0);
    await_serving(&balancer, 5);

    let unknown = balancer.asked(directory, &["scale", "toys", "3"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.stderr.contains("there is no such pool"), "{unknown:?}");
}

#[test]
fn a_dry_run_decides_and_changes_nothing() {
    let shop = Shop::new(23_180);
    let balancer = shop.run("min = 2\nmax = 4\ndry_run = true\n", "");
    until("it has decided", || (autoscale(&balancer)["desired"] == 2).then_some(()));
    assert_eq!(autoscale(&balancer)["history"][0]["to"], 2);
    assert_eq!(shop.processes(), [0; 0]);
}

#[test]
fn a_reload_that_takes_scaling_away_takes_its_instances_away() {
    let shop = Shop::new(23_200);
    let balancer = shop.run("min = 2\nmax = 2\n", "");
    await_serving(&balancer, 2);
    let text = shop.world.read("tidegate.toml");
    let (before, _) = text.split_once("[pool.shop.autoscale]").expect("it is there");
    let text = before.replace("slow_start", "servers = \"127.0.0.1:1\"\nslow_start");
    shop.world.write("tidegate.toml", &text);
    let reload = balancer.asked(shop.world.path(), &["reload"]);
    assert_eq!(reload.code, 0, "{reload:?}");
    until("its children are gone", || shop.processes().is_empty().then_some(()));
}

#[test]
fn two_balancers_do_not_scale_with_one_state_directory() {
    let shop = Shop::new(23_220);
    let balancer = shop.run("min = 1\nmax = 1\n", "");
    await_serving(&balancer, 1);
    let file = shop.world.path().join("tidegate.toml");
    let file = file.to_str().expect("plain ASCII");
    let second = ended(shop.world.path(), &["run", "-c", file]);
    assert_eq!(second.code, 1, "{second:?}");
    let why = "another balancer scales with this state directory";
    assert!(second.stderr.contains(why), "{second:?}");
    assert_eq!(shop.processes().len(), 1);
}
