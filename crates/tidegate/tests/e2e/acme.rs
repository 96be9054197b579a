//! Certificates that an authority issues, with Pebble as the authority: it validates every host
//! over real connections to the balancer.

use std::fs;
use std::net::SocketAddr;
use std::path::Path;
use std::process::Stdio;

use serde_json::Value;
use tidegate_net::state::StateDirectory;

use crate::world::balancer::Balancer;
use crate::world::certificate::Pair;
use crate::world::client::get;
use crate::world::config::config;
use crate::world::curl::{answer, curl, is_installed};
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::pebble::{Pebble, Ports};
use crate::world::wait::until;

/// How long certificates are for, in seconds: long enough for no test to see a renewal.
const LONG: u64 = 90 * 86_400;

/// A balancer that asks an authority for what its one listener shows.
struct Site {
    world: Directory,
    origin: Origin,
    ports: Ports,
}

impl Site {
    /// `None`: what it needs is not installed.
    fn new() -> Option<Self> {
        if !is_installed("curl") || !is_installed("pebble") {
            return None;
        }
        let site =
            Self { world: Directory::new(), origin: Origin::start("one"), ports: Ports::free() };
        Pebble::introduce(&site.world);
        Some(site)
    }

    fn run(&self, acme: &str) -> Balancer {
        let text = config(&self.world, &[self.origin.address], acme);
        let text = text.replacen(
            "127.0.0.1:0\" # listener",
            &format!("{}\" # listener", self.address()),
            1,
        );
        Balancer::run(self.world.path(), &self.world.write("tidegate.toml", &text))
    }

    fn address(&self) -> SocketAddr {
        self.ports.tls_address()
    }

    /// What the listener answers to who trusts `root`, if it does.
    fn ask(&self, name: &str, root: &Path) -> Option<String> {
        let mut curl = curl(self.address(), name, "/", root);
        let output = curl.stderr(Stdio::null()).output().expect("it starts");
        output.status.success().then(|| answer(&output))
    }

    /// What the state directory keeps whose names begin so.
    fn kept(&self, beginning: &str) -> Vec<String> {
        let directory = fs::read_dir(self.world.path().join("state/acme"));
        let files = directory.into_iter().flatten().flatten();
        let ours = |file: &fs::DirEntry| file.file_name().to_string_lossy().starts_with(beginning);
        files.filter(ours).map(|file| fs::read_to_string(file.path()).expect("text")).collect()
    }
}

/// What the balancer says of what it asks the authority for.
fn standing(balancer: &Balancer) -> Value {
    let body = get(balancer.admin(), "/api/v1/listeners").expect("it answers").body;
    let listeners: Value = serde_json::from_str(&body).expect("it is JSON");
    let web = listeners.as_array().expect("a list").iter().find(|one| one["name"] == "web");
    web.expect("there is one")["tls"]["acme"].clone()
}

fn metric(balancer: &Balancer, row: &str) -> bool {
    get(balancer.admin(), "/metrics").expect("it answers").body.contains(row)
}

#[test]
fn a_certificate_is_issued_by_a_handshake_and_outlives_the_process_and_the_authority() {
    let Some(site) = Site::new() else { return };
    let pebble = Pebble::start(&site.world, site.ports, LONG);
    let root = pebble.root(&site.world);
    let asked =
        site.ports.acme(&["shop.example", "www.shop.example"], "email = \"ops@shop.example\"");
    let mut balancer = site.run(&asked);
    let body = until("a certificate is issued", || site.ask("shop.example", &root));
    assert_eq!(body, "one");
    assert_eq!(site.ask("www.shop.example", &root).as_deref(), Some("one"));

    let standing =
        until("it is told", || Some(standing(&balancer)).filter(|one| one["state"] == "valid"));
    assert_eq!(standing["failure"], Value::Null, "{standing}");
    assert!(standing["next_order"].as_u64() < standing["valid_until"].as_u64(), "{standing}");
    assert!(metric(&balancer, "tidegate_acme_orders_total{result=\"issued\"} 1\n"));
    assert!(metric(&balancer, "expiry_timestamp_seconds{listener=\"web\",name=\"shop.example\""));
    let events = balancer.asked(site.world.path(), &["events"]).stdout;
    assert!(events.contains("listener web shows a certificate for shop.example"), "{events}");
    assert_eq!((site.kept("account-").len(), site.kept("shop.example-").len()), (1, 1));

    drop(pebble);
    balancer.signal(rustix::process::Signal::TERM);
    balancer.end();
    let balancer = site.run(&asked);
    assert_eq!(site.ask("shop.example", &root).as_deref(), Some("one"), "at once, without network");
    assert!(metric(&balancer, "tidegate_acme_orders_total{result=\"unreached\"} 0\n"));
}

#[test]
fn a_certificate_is_issued_by_a_text_over_plain_http() {
    let Some(site) = Site::new() else { return };
    let pebble = Pebble::start(&site.world, site.ports, LONG);
    let plain = format!(
        "[listener.plain]\naddress = \"127.0.0.1:{}\"\nredirect = \"https\"\n",
        site.ports.http
    );
    let balancer =
        site.run(&(site.ports.acme(&["shop.example"], "challenge = \"http-01\"") + &plain));
    let root = pebble.root(&site.world);
    until("a certificate is issued", || site.ask("shop.example", &root));
    let plain = SocketAddr::from(([127, 0, 0, 1], site.ports.http));
    for path in ["/", "/.well-known/acme-challenge/", "/.well-known/acme-challenge/nobodys"] {
        let answer = get(plain, path).expect("it answers");
        assert_eq!(answer.status, 308, "{path} is redirected as ever");
    }
    assert!(metric(&balancer, "tidegate_acme_orders_total{result=\"refused\"} 0\n"));
}

#[test]
fn a_certificate_is_renewed_in_time_and_no_connection_is_dropped() {
    let Some(site) = Site::new() else { return };
    let pebble = Pebble::start(&site.world, site.ports, 15);
    let balancer = site.run(&site.ports.acme(&["shop.example"], ""));
    let root = pebble.root(&site.world);
    until("a certificate is issued", || site.ask("shop.example", &root));
    let (account, first) = (site.kept("account-"), site.kept("shop.example-"));
    let held = curl(site.address(), "shop.example", "/held", &root).spawn();
    let (child, request) = (held.expect("it starts"), site.origin.held());
    until("it is renewed", || {
        metric(&balancer, "orders_total{result=\"issued\"} 2\n").then_some(())
    });
    until("it is shown", || {
        metric(&balancer, "renewals_total{result=\"applied\"} 2\n").then_some(())
    });
    assert_eq!(site.ask("shop.example", &root).as_deref(), Some("one"));
    drop(request);
    assert_eq!(answer(&child.wait_with_output().expect("it ends")), "one", "it was not dropped");
    assert_ne!(site.kept("shop.example-"), first, "it is another certificate");
    assert_eq!(site.kept("account-"), account, "it is the same account");
    let events = balancer.asked(site.world.path(), &["events"]).stdout;
    assert!(events.contains("listener web shows another certificate for shop.example"), "{events}");
}

#[test]
fn an_authority_that_is_down_holds_up_no_start_and_is_asked_again() {
    let Some(site) = Site::new() else { return };
    let pair = Pair::new(&["other.example"]);
    let own = site.world.write("own.pem", &pair.certificate);
    site.world.write("own.key", &pair.key);
    let acme = site.ports.acme(&["shop.example"], "");
    let files =
        "[listener.web.tls]\ncertificates = { certificate = \"own.pem\", key = \"own.key\" }\n";
    let balancer = site.run(&(files.to_owned() + &acme));
    assert_eq!(site.ask("other.example", &own).as_deref(), Some("one"), "others are served");
    let failed =
        until("it is told", || Some(standing(&balancer)).filter(|one| one["state"] == "failed"));
    let why = failed["failure"].as_str().expect("there is a reason");
    assert!(why.contains("cannot connect"), "{why}");
    let warnings = balancer.asked(site.world.path(), &["status"]).stdout;
    assert!(warnings.contains("no new certificate for shop.example"), "{warnings}");

    let pebble = Pebble::start(&site.world, site.ports, LONG);
    let root = pebble.root(&site.world);
    until("a certificate is issued", || site.ask("shop.example", &root));
    assert_eq!(site.ask("other.example", &own).as_deref(), Some("one"), "others are served on");
}

#[test]
fn without_a_certificate_clients_are_refused_and_what_is_wrong_is_told() {
    let Some(site) = Site::new() else { return };
    let elsewhere = Ports { tls: Ports::free().tls, ..site.ports };
    let pebble = Pebble::start(&site.world, elsewhere, LONG);
    let root = pebble.root(&site.world);
    let balancer = site.run(&site.ports.acme(&["shop.example"], ""));
    let failed =
        until("it is told", || Some(standing(&balancer)).filter(|one| one["state"] == "failed"));
    let why = failed["failure"].as_str().expect("there is a reason");
    assert!(why.contains("shop.example: "), "what the authority found: {why}");
    assert_eq!(site.ask("shop.example", &root), None, "there is nothing to show");
    until("it is counted", || metric(&balancer, "end=\"no_certificate\"} 1\n").then_some(()));
    assert!(metric(&balancer, "tidegate_acme_orders_total{result=\"refused\"} 1\n"));
}

#[test]
fn other_hosts_are_another_certificate_and_until_it_is_there_the_old_one_is_shown() {
    let Some(site) = Site::new() else { return };
    let pebble = Pebble::start(&site.world, site.ports, LONG);
    let root = pebble.root(&site.world);
    let balancer = site.run(&site.ports.acme(&["shop.example"], ""));
    until("a certificate is issued", || site.ask("shop.example", &root));
    drop(pebble);
    let file = site.world.read("tidegate.toml");
    let file = file.replace("[\"shop.example\"]", "[\"shop.example\", \"new.example\"]");
    site.world.write("tidegate.toml", &file);
    balancer.signal(rustix::process::Signal::HUP);
    let failed = |one: &Value| one["state"] == "failed";
    until("it is asked for", || Some(standing(&balancer)).filter(failed));
    assert_eq!(site.ask("shop.example", &root).as_deref(), Some("one"), "the old one is shown");
    let pebble = Pebble::start(&site.world, site.ports, LONG);
    let root = pebble.root(&site.world);
    // It has forgotten our account as well, so that a new one is made.
    until("both are issued", || site.ask("new.example", &root));
    assert_eq!(site.ask("shop.example", &root).as_deref(), Some("one"));
}

#[test]
fn one_process_at_a_time_has_certificates_issued() {
    let Some(site) = Site::new() else { return };
    let pebble = Pebble::start(&site.world, site.ports, LONG);
    let state = StateDirectory::at(site.world.path().join("state/acme")).expect("it is ours");
    let claim = state.claim("orders.lock").expect("it can be claimed").expect("nobody has it");
    let balancer = site.run(&site.ports.acme(&["shop.example"], ""));
    until("it looks again later", || {
        standing(&balancer)["next_order"].as_u64().filter(|at| *at > 0)
    });
    assert_eq!(standing(&balancer)["state"], "pending");
    assert!(site.kept("account-").is_empty(), "another process is at it");
    drop(claim);
    let root = pebble.root(&site.world);
    until("a certificate is issued", || site.ask("shop.example", &root));
}
