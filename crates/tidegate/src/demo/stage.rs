//! Everything the demo needs, made from nothing and cleared away at the end: a directory, and a
//! balancer that starts and stops the servers of the shop as its instances.
//!
//! The servers are this same program under another command. The balancer stops them at its end;
//! should the demo end in any other way, each of them sees that and ends itself.

use std::fmt::Write;
use std::fs::{self, DirBuilder};
use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::ops::RangeInclusive;
use std::os::unix::fs::DirBuilderExt;
use std::path::PathBuf;

use anyhow::{Context, Result, anyhow};
use rustix::process::{Pid, Signal, kill_process};
use serde_json::json;
use tidegate_control::observe::config_file::Origin;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::server::Rotation;

use super::script::Script;
use super::tally::PROMISE;
use crate::compose::Node;

/// Servers of the shop on a quiet day: the least there are.
pub(super) const SERVERS_MIN: usize = 6;
/// The most that may be started.
pub(super) const SERVERS_MAX: usize = 30;
/// What a server of the shop works on at once, and for how many milliseconds each.
const PLACES: u32 = 4;
const SERVICE_MILLIS: u32 = 50;
/// Requests a second that a server can do.
pub(super) const RATE_EACH: u32 = PLACES * 1000 / SERVICE_MILLIS;

/// This program, even if its file has been replaced since it started.
pub(super) const PROGRAM: &str = "/proc/self/exe";
/// Ports that are set aside for servers: of those that run, and of those that came before them.
const PORTS: u16 = 100;
/// Where such a range may begin: below the ports that connections are given.
const PORTS_FROM: RangeInclusive<u16> = 10_000..=32_000;
/// Ranges that are tried.
const PORT_RANGES_MAX: usize = 64;

/// The shop and its balancer.
pub(super) struct Stage {
    pub(super) node: Node,
    pub(super) pool: PoolName,
    directory: Directory,
}

/// The servers of the shop, by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Crew {
    /// In rotation and well.
    pub(super) serving: usize,
    /// On their way there.
    pub(super) starting: usize,
    /// On their way out.
    pub(super) draining: usize,
    /// In rotation and not well.
    pub(super) down: usize,
}

impl Crew {
    /// All that run.
    pub(super) const fn all(self) -> usize {
        self.serving + self.starting + self.draining + self.down
    }
}

impl Stage {
    /// Builds it. The first servers are only about to start.
    pub(super) async fn build(listen: SocketAddr, admin: &str, script: &Script) -> Result<Self> {
        let directory = Directory::new().context("cannot make a directory for the demo")?;
        let [ports] = free_ports().context("no range of ports is free")?;
        let text = configuration(listen, admin, &directory, ports, script);
        let origin = Origin::Text { name: "demo".to_owned(), text };
        let accepted = origin.load().map_err(|refused| {
            let mistakes = refused.diagnostics.iter().map(ToString::to_string);
            anyhow!(mistakes.collect::<Vec<_>>().join("\n"))
        })?;
        let node = Node::start(origin, accepted, script.haste()).await?;
        Ok(Self { node, pool: PoolName::new("shop"), directory })
    }

    /// Where the shop is open.
    pub(super) fn address(&self) -> Result<SocketAddr> {
        let addresses = self.node.control.addresses();
        addresses.first().map(|(_, address)| *address).context("the balancer listens nowhere")
    }

    /// Where orders are written down.
    pub(super) fn book(&self) -> PathBuf {
        self.directory.part("book")
    }

    /// The servers that there are now.
    pub(super) fn crew(&self) -> Crew {
        let snapshot = self.node.control.snapshot();
        let mut crew = Crew::default();
        for member in snapshot.pool(&self.pool).into_iter().flat_map(|entry| &entry.members) {
            let is_available = member.state.availability().is_available();
            let count = match member.state.rotation() {
                Rotation::In if is_available => &mut crew.serving,
                Rotation::In => &mut crew.down,
                Rotation::Draining | Rotation::Leaving => &mut crew.draining,
                Rotation::Warm => &mut crew.starting,
            };
            *count += 1;
        }
        crew
    }

    /// Kills a server that serves with SIGKILL; its name and its process id. `None`: none serves.
    pub(super) fn kill_one(&self) -> Result<Option<(String, i32)>> {
        let status = self.node.control.autoscale(&self.pool);
        let instances = status.iter().flat_map(|status| &status.instances);
        let Some(victim) = instances.into_iter().find(|one| one.state == "serving") else {
            return Ok(None);
        };
        let file = self.directory.part("pids").join(&victim.id);
        let text = fs::read_to_string(file).context("a server has not left its process id")?;
        let number = text.trim().parse().context("a server has left a strange process id")?;
        let process = Pid::from_raw(number).context("a server has left a strange process id")?;
        kill_process(process, Signal::KILL)
            .with_context(|| format!("cannot kill process {number}"))?;
        Ok(Some((victim.id.clone(), number)))
    }
}

/// The configuration of the balancer. What the planner does by its own time, which passes faster,
/// has its defaults; a dead server is to be noticed at once, as a demo is short.
fn configuration(
    listen: SocketAddr,
    admin: &str,
    directory: &Directory,
    ports: RangeInclusive<u16>,
    script: &Script,
) -> String {
    let mut command = vec![PROGRAM.to_owned(), "shop-server".to_owned()];
    let path = |part: &str| directory.part(part).display().to_string();
    for (option, value) in [
        ("--port", "{port}".to_owned()),
        ("--capacity", PLACES.to_string()),
        ("--service-time", format!("{SERVICE_MILLIS}ms")),
        ("--start", format!("{}ms", script.start().as_millis())),
        ("--book", path("book")),
        ("--pid-file", format!("{}/{{name}}", path("pids"))),
        ("--parent", std::process::id().to_string()),
    ] {
        command.extend([option.to_owned(), value]);
    }
    let mut text = String::new();
    // What JSON quotes, TOML reads as it was.
    let written = write!(
        text,
        "version = 1\n\
         runtime = {{ state = {state} }}\n\
         admin = {{ address = {admin} }}\n\
         log = {{ level = \"error\", format = \"text\" }}\n\
         [listener.shop]\naddress = \"{listen}\"\n\
         [route.shop]\npool = \"shop\"\n\
         [pool.shop]\nslow_start = \"{slow_start}ms\"\n\
         [pool.shop.health]\npath = \"/healthz\"\ninterval = \"500ms\"\n\
         interval_changing = \"100ms\"\ntimeout = \"1s\"\n\
         [pool.shop.passive]\neject_for = \"2s\"\n\
         [pool.shop.autoscale]\nprovider = \"process\"\n\
         min = {SERVERS_MIN}\nmax = {SERVERS_MAX}\n\
         slo = {{ latency = \"{latency}ms\", ratio = {ratio} }}\n\
         capacity = {{ requests = {RATE_EACH} }}\n\
         [pool.shop.autoscale.process]\ncommand = {command}\nports = \"{from}-{to}\"\n\
         stop_timeout = \"2s\"\non_exit = \"stop\"\n",
        state = json!(path("state")),
        admin = json!(admin),
        slow_start = script.slow_start().as_millis(),
        latency = PROMISE.latency.as_millis(),
        ratio = PROMISE.ratio,
        command = json!(command),
        from = ports.start(),
        to = ports.end(),
    );
    written.expect("a text takes what is written");
    text
}

/// A range of ports for each of so many pools, side by side, at which nobody listens.
pub(super) fn free_ports<const POOLS: usize>() -> Option<[RangeInclusive<u16>; POOLS]> {
    let is_free = |port| TcpListener::bind((Ipv4Addr::LOCALHOST, port)).is_ok();
    let places = u64::from(PORTS_FROM.end() - PORTS_FROM.start());
    let pools = u16::try_from(POOLS).ok()?;
    let stretches = std::iter::repeat_with(|| {
        let place = u16::try_from(tidegate_net::entropy::word() % places).unwrap_or_default();
        let from = PORTS_FROM.start() + place;
        from..from + PORTS * pools
    });
    let free = stretches.take(PORT_RANGES_MAX).find(|stretch| stretch.clone().all(is_free))?;
    let mut next = free.start;
    Some([(); POOLS].map(|()| {
        let from = next;
        next += PORTS;
        from..=next - 1
    }))
}

/// A directory of the demo's own, for its owner alone; removed when dropped.
#[derive(Debug)]
pub(super) struct Directory(PathBuf);

impl Directory {
    /// What it holds: orders, process ids of servers, and what the balancer keeps.
    const PARTS: [&str; 3] = ["book", "pids", "state"];

    pub(super) fn new() -> std::io::Result<Self> {
        let name = format!("tidegate-demo-{:016x}", tidegate_net::entropy::word());
        let directory = Self(std::env::temp_dir().join(name));
        let mut builder = DirBuilder::new();
        builder.mode(0o700).create(&directory.0)?;
        Self::PARTS.iter().try_for_each(|part| builder.create(directory.part(part)))?;
        Ok(directory)
    }

    pub(super) fn part(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "cannot clear away the demo");
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pools_have_ports_of_their_own() {
        for _ in 0..20 {
            let [one, two, three] = free_ports().expect("there are free ports");
            assert_eq!([one.len(), two.len(), three.len()], [usize::from(PORTS); 3]);
            assert!(one.end() < two.start() && two.end() < three.start(), "{one:?} {two:?}");
        }
    }
}
