//! TLS through the program, with curl as the client: names, and certificates that are renewed while
//! connections go on.

use std::fs;
use std::process::Stdio;

use crate::world::balancer::Balancer;
use crate::world::certificate::Pair;
use crate::world::client::get;
use crate::world::config::config;
use crate::world::curl::{answer, curl, is_installed};
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::program::ended;
use crate::world::wait::until;

fn encrypted(world: &Directory, origin: &Origin) -> String {
    let files = |name: &str| {
        let table = "[[listener.web.tls.certificates]]";
        format!("{table}\ncertificate = \"{name}.pem\"\nkey = \"{name}.key\"\n")
    };
    let tls = files("a") + &files("b");
    config(world, &[origin.address], &tls)
}

/// Writes `NAME.pem` and `NAME.key` in one step each, and a copy of the certificate to trust.
fn put(world: &Directory, name: &str, pair: &Pair, trusted: &str) {
    for (file, text) in [("pem", &pair.certificate), ("key", &pair.key)] {
        let draft = world.write(&format!("draft.{file}"), text);
        fs::rename(draft, world.path().join(format!("{name}.{file}"))).expect("the same disk");
    }
    world.write(trusted, &pair.certificate);
}

#[test]
fn each_name_is_shown_its_certificate_and_a_renewed_one_comes_at_once() {
    if !is_installed("curl") {
        return;
    }
    let (world, origin) = (Directory::new(), Origin::start("one"));
    put(&world, "a", &Pair::new(&["a.example"]), "a-first.pem");
    put(&world, "b", &Pair::new(&["b.example"]), "b-first.pem");
    let file = world.write("tidegate.toml", &encrypted(&world, &origin));
    let balancer = Balancer::run(world.path(), &file);
    let address = balancer.listeners[0];
    let ask = |name: &str, trusted: &str| {
        let mut curl = curl(address, name, "/", &world.path().join(trusted));
        curl.stderr(Stdio::piped()).output().expect("it starts")
    };
    assert_eq!(answer(&ask("a.example", "a-first.pem")), "one");
    assert_eq!(answer(&ask("b.example", "b-first.pem")), "one");
    assert!(!ask("a.example", "b-first.pem").status.success(), "of two names one is shown");

    let held = curl(address, "a.example", "/held", &world.path().join("a-first.pem")).spawn();
    let (child, request) = (held.expect("it starts"), origin.held());
    put(&world, "a", &Pair::new(&["a.example"]), "a-second.pem");
    until("the new certificate is shown", || {
        ask("a.example", "a-second.pem").status.success().then_some(())
    });
    assert!(!ask("a.example", "a-first.pem").status.success(), "the old one is shown no more");
    assert_eq!(answer(&ask("b.example", "b-first.pem")), "one");
    drop(request);
    assert_eq!(answer(&child.wait_with_output().expect("it ends")), "one", "it was not dropped");

    let events = balancer.asked(world.path(), &["events"]).stdout;
    assert!(events.contains("listener web shows another certificate for a.example"), "{events}");
    let metrics = get(balancer.admin(), "/metrics").expect("it answers").body;
    for row in [
        "expiry_timestamp_seconds{listener=\"web\",name=\"a.example\",kind=\"ecdsa\"} ",
        "tidegate_config_certificate_renewals_total{result=\"applied\"} 1\n",
        "tidegate_config_certificate_renewals_total{result=\"refused\"} 0\n",
    ] {
        assert!(metrics.contains(row), "{row} in {metrics}");
    }
}

#[test]
fn a_command_line_can_speak_tls() {
    if !is_installed("curl") {
        return;
    }
    let (world, origin) = (Directory::new(), Origin::start("one"));
    put(&world, "shop", &Pair::new(&["shop.example"]), "trusted.pem");
    let to = origin.address.to_string();
    let arguments = ["proxy", "--listen", "127.0.0.1:0", "--to", &to, "--print-config"];
    let files = ["--certificate", "shop.pem", "--key", "shop.key"];
    let printed = ended(world.path(), &[&arguments[..], &files[..]].concat());
    // Another test may be at the address that the admin API has by default.
    let text = printed.stdout + "[admin]\naddress = \"127.0.0.1:0\"\n";
    let balancer = Balancer::run(world.path(), &world.write("tidegate.toml", &text));
    let trusted = world.path().join("trusted.pem");
    let mut curl = curl(balancer.listeners[0], "shop.example", "/", &trusted);
    assert_eq!(answer(&curl.output().expect("it starts")), "one");
}
