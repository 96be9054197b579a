//! Three versions of the shop, each a pool of its own that the balancer sizes, and two rollouts.

use std::fmt::Write;
use std::net::SocketAddr;
use std::ops::RangeInclusive;

use anyhow::{Context, Result, anyhow};
use serde_json::json;
use tidegate_control::observe::config_file::Origin;
use tidegate_core::model::ids::RolloutName;

use super::pace::{HASTE, Pace, SLOW_START, START};
use crate::compose::Node;
use crate::demo::stage::{Directory, PROGRAM, free_ports};

/// Servers of the version that serves when the demo begins.
pub(super) const SERVERS_MIN: u32 = 3;
/// The most of any version.
const SERVERS_MAX: u32 = 8;
/// What a server works on at once, and for how many milliseconds each.
const PLACES: u32 = 8;
const SERVICE_MILLIS: u32 = 40;
/// Requests a second that a server can do.
const RATE_EACH: u32 = PLACES * 1000 / SERVICE_MILLIS;
/// The part of its requests that the faulty version fails.
pub(super) const FAULTS: f64 = 0.1;

/// A version of the shop.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    /// The one that serves.
    First,
    /// The one that fails some of its requests.
    Faulty,
    /// The one that is as it should be.
    Good,
}

impl Version {
    /// All of them.
    pub(super) const ALL: [Self; 3] = [Self::First, Self::Faulty, Self::Good];

    /// Its pool, and the rollout to it.
    pub(super) const fn as_str(self) -> &'static str {
        match self {
            Self::First => "shop",
            Self::Faulty => "shop-v2",
            Self::Good => "shop-v3",
        }
    }

    /// The rollout that leads to it.
    pub(super) fn rollout(self) -> RolloutName {
        RolloutName::new(self.as_str())
    }

    const fn servers_min(self) -> u32 {
        match self {
            Self::First => SERVERS_MIN,
            Self::Faulty | Self::Good => 1,
        }
    }

    const fn faults(self) -> f64 {
        match self {
            Self::Faulty => FAULTS,
            Self::First | Self::Good => 0.0,
        }
    }
}

/// The shop and its balancer.
pub(super) struct Stage {
    pub(super) node: Node,
    _directory: Directory,
}

impl Stage {
    /// Builds it. The first servers are only about to start.
    pub(super) async fn build(listen: SocketAddr, admin: &str, pace: Pace) -> Result<Self> {
        let directory = Directory::new().context("cannot make a directory for the demo")?;
        let text = configuration(listen, admin, &directory, pace)?;
        let origin = Origin::Text { name: "demo".to_owned(), text };
        let accepted = origin.load().map_err(|refused| {
            let mistakes = refused.diagnostics.iter().map(ToString::to_string);
            anyhow!(mistakes.collect::<Vec<_>>().join("\n"))
        })?;
        let node = Node::start(origin, accepted, HASTE).await?;
        Ok(Self { node, _directory: directory })
    }

    /// Where the shop is open.
    pub(super) fn address(&self) -> Result<SocketAddr> {
        let addresses = self.node.control.addresses();
        addresses.first().map(|(_, address)| *address).context("the balancer listens nowhere")
    }

    /// Servers of a version that serve.
    pub(super) fn serving(&self, version: Version) -> usize {
        let snapshot = self.node.control.snapshot();
        let pools = snapshot.pools.iter();
        let of_version = pools.filter(|entry| entry.pool.name.as_str() == version.as_str());
        let members = of_version.flat_map(|entry| &entry.members);
        members.filter(|member| member.is_serving()).count()
    }
}

fn configuration(
    listen: SocketAddr,
    admin: &str,
    directory: &Directory,
    pace: Pace,
) -> Result<String> {
    let mut text = String::new();
    // What JSON quotes, TOML reads as it was.
    write!(
        text,
        "version = 1\n\
         runtime = {{ state = {state} }}\n\
         admin = {{ address = {admin} }}\n\
         log = {{ level = \"error\", format = \"text\" }}\n\
         [listener.shop]\naddress = \"{listen}\"\n\
         [route.shop]\npool = \"shop\"\n",
        state = json!(directory.part("state").display().to_string()),
        admin = json!(admin),
    )?;
    let ports: [_; Version::ALL.len()] = free_ports().context("no range of ports is free")?;
    for (version, ports) in Version::ALL.into_iter().zip(ports) {
        pool(&mut text, version, directory, ports)?;
    }
    for version in [Version::Faulty, Version::Good] {
        write!(
            text,
            "[rollout.{name}]\npool = \"shop\"\ncandidate = \"{name}\"\n\
             strategy = \"canary\"\n\
             user = [\"cookie:uid\"]\nhold = \"{hold}ms\"\nbake = \"{bake}ms\"\n\
             keep_old = \"{bake}ms\"\nkeep_size = 1\nsmoke = {{ path = \"/healthz\" }}\n\
             [rollout.{name}.analysis]\nmin_requests = 20\n",
            name = version.as_str(),
            hold = pace.hold.as_millis(),
            bake = pace.bake.as_millis(),
        )?;
    }
    Ok(text)
}

/// The pool of a version, whose servers are this same program.
fn pool(
    text: &mut String,
    version: Version,
    directory: &Directory,
    ports: RangeInclusive<u16>,
) -> Result<()> {
    let name = version.as_str();
    let mut command = vec![PROGRAM.to_owned(), "shop-server".to_owned()];
    for (option, value) in [
        ("--port", "{port}".to_owned()),
        ("--capacity", PLACES.to_string()),
        ("--service-time", format!("{SERVICE_MILLIS}ms")),
        ("--start", format!("{}ms", START.as_millis())),
        ("--book", directory.part("book").display().to_string()),
        ("--release", name.to_owned()),
        ("--faults", version.faults().to_string()),
        ("--parent", std::process::id().to_string()),
    ] {
        command.extend([option.to_owned(), value]);
    }
    write!(
        text,
        "[pool.{name}]\nslow_start = \"{slow_start}ms\"\n\
         [pool.{name}.health]\npath = \"/healthz\"\ninterval = \"500ms\"\n\
         interval_changing = \"100ms\"\ntimeout = \"1s\"\n\
         [pool.{name}.autoscale]\nprovider = \"process\"\nmin = {min}\nmax = {SERVERS_MAX}\n\
         capacity = {{ requests = {RATE_EACH} }}\n\
         [pool.{name}.autoscale.process]\ncommand = {command}\nports = \"{from}-{to}\"\n\
         stop_timeout = \"2s\"\non_exit = \"stop\"\n",
        slow_start = SLOW_START.as_millis(),
        min = version.servers_min(),
        command = json!(command),
        from = ports.start(),
        to = ports.end(),
    )?;
    Ok(())
}
