//! Everything the demo needs, made from nothing and cleared away at the end: a directory, the
//! servers of the shop, and the balancer in front of them.

use std::fs::{self, DirBuilder};
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, anyhow};
use tidegate_control::observe::config_file::Origin;
use tidegate_core::model::ids::PoolName;

use super::fleet::Fleet;
use crate::compose::Node;

/// Servers of the shop.
const SERVERS: usize = 6;

/// The shop and its balancer.
pub(super) struct Stage {
    pub(super) fleet: Fleet,
    pub(super) node: Node,
    pub(super) pool: PoolName,
    directory: Directory,
}

impl Stage {
    /// Builds it. To be called on the main thread, as [`Fleet::start`].
    pub(super) async fn build(listen: SocketAddr, admin: &str) -> Result<Self> {
        let directory = Directory::new().context("cannot make a directory for the demo")?;
        let fleet = Fleet::start(SERVERS, &directory.book())?;
        let text = configuration(listen, admin, &directory.state(), &fleet.addresses());
        let origin = Origin::Text { name: "demo".to_owned(), text };
        let accepted = origin.load().map_err(|refused| {
            let mistakes = refused.diagnostics.iter().map(ToString::to_string);
            anyhow!(mistakes.collect::<Vec<_>>().join("\n"))
        })?;
        let node = Node::start(origin, accepted).await?;
        Ok(Self { fleet, node, pool: PoolName::new("shop"), directory })
    }

    /// Where the shop is open.
    pub(super) fn address(&self) -> Result<SocketAddr> {
        let addresses = self.node.control.addresses();
        addresses.first().map(|(_, address)| *address).context("the balancer listens nowhere")
    }

    /// Where orders are written down.
    pub(super) fn book(&self) -> PathBuf {
        self.directory.book()
    }
}

/// The configuration of the balancer. A dead server is to be noticed within seconds, as a demo is
/// short.
fn configuration(listen: SocketAddr, admin: &str, state: &Path, servers: &[SocketAddr]) -> String {
    let member = |(place, address): (usize, &SocketAddr)| {
        let number = place + 1;
        format!("  {{ name = \"shop-{number}\", address = \"{address}\" }},\n")
    };
    let servers: String = servers.iter().enumerate().map(member).collect();
    // What JSON quotes, TOML reads as it was.
    let (admin, state) = (serde_json::json!(admin), serde_json::json!(state));
    format!(
        "version = 1\n\
         runtime = {{ state = {state} }}\n\
         admin = {{ address = {admin} }}\n\
         log = {{ level = \"error\", format = \"text\" }}\n\
         [listener.shop]\naddress = \"{listen}\"\n\
         [route.shop]\npool = \"shop\"\n\
         [pool.shop]\nslow_start = \"3s\"\nservers = [\n{servers}]\n\
         [pool.shop.health]\npath = \"/healthz\"\ninterval = \"1s\"\ntimeout = \"1s\"\n\
         [pool.shop.passive]\neject_for = \"2s\"\n"
    )
}

/// A directory of the demo's own, for its owner alone; removed when dropped.
#[derive(Debug)]
struct Directory(PathBuf);

impl Directory {
    fn new() -> std::io::Result<Self> {
        let name = format!("tidegate-demo-{:016x}", tidegate_net::entropy::word());
        let directory = Self(std::env::temp_dir().join(name));
        let mut builder = DirBuilder::new();
        builder.mode(0o700).create(&directory.0)?;
        builder.create(directory.book())?;
        builder.create(directory.state())?;
        Ok(directory)
    }

    fn book(&self) -> PathBuf {
        self.0.join("book")
    }

    fn state(&self) -> PathBuf {
        self.0.join("state")
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        if let Err(error) = fs::remove_dir_all(&self.0) {
            tracing::warn!(%error, path = %self.0.display(), "cannot clear away the demo");
        }
    }
}
