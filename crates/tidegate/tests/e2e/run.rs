//! `tidegate run` and `tidegate proxy`: what starts, what does not, and what is said.

use std::net::TcpListener;
use std::os::unix::fs::PermissionsExt;
use std::os::unix::net::UnixDatagram;
use std::process::Command;

use rustix::process::Signal;

use crate::world::balancer::Balancer;
use crate::world::client::get;
use crate::world::config::config;
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::program::{ended, tidegate};
use crate::world::wait::until;

#[test]
fn a_file_is_served_and_the_start_says_where() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[origin.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    assert_eq!(balancer.get("/").body, "one");
    let token = world.path().join("state/admin.token");
    let mode = token.metadata().expect("the fresh token is kept").permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

#[test]
fn a_balancer_needs_no_file() {
    // The command line has no word for the admin address, so this is the one test that needs the
    // default.
    let default = "127.0.0.1:9900";
    if let Err(error) = TcpListener::bind(default) {
        println!("skipped: {default}: {error}");
        return;
    }
    let (world, one, two) = (Directory::new(), Origin::start("one"), Origin::start("two"));
    let mut command = tidegate(world.path());
    command.args(["proxy", "--listen", "127.0.0.1:0", "--balance", "round-robin"]);
    command.args(["--to", &one.address.to_string(), "--to", &two.address.to_string()]);
    let balancer = Balancer::start(command);
    // Every core takes its own turns, and the system spreads connections over cores as it likes.
    for name in ["one", "two"] {
        until(name, || (balancer.get("/").body == name).then_some(()));
    }
}

#[test]
fn a_bad_file_is_listed_whole_and_nothing_is_started() {
    let world = Directory::new();
    let text = config(&world, &[], "[listener.other]\nadress = 1\n[route.all.retry]\non = \"x\"\n");
    let file = world.write("bad.toml", &text);
    let ended = ended(world.path(), &["run", "-c", file.to_str().expect("plain ASCII")]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stderr.lines().count() >= 3, "{}", ended.stderr);
    let placed = |line: &str| line.contains("/bad.toml:");
    assert!(ended.stderr.lines().all(placed), "{}", ended.stderr);
    assert!(!world.path().join("state").exists(), "not even a token is made");
}

#[test]
fn a_missing_file_starts_nothing() {
    let world = Directory::new();
    for arguments in [&["run"][..], &["run", "-c", "none.toml"]] {
        let ended = ended(world.path(), arguments);
        assert_eq!(ended.code, 1, "{ended:?}");
        assert!(ended.stderr.contains(".toml:1:1: "), "{}", ended.stderr);
    }
}

#[test]
fn an_address_in_use_is_an_error_that_names_it() {
    let world = Directory::new();
    let taken = TcpListener::bind("127.0.0.1:0").expect("a port is free");
    let address = taken.local_addr().expect("it is bound").to_string();
    let free = config(&world, &[([127, 0, 0, 1], 9).into()], "");
    for key in ["listener", "admin"] {
        let line = format!("{key}_address");
        let text = free.replace(&format!("\"127.0.0.1:0\" # {line}"), &format!("\"{address}\""));
        assert_ne!(text, free, "{key}");
        let file = world.write("taken.toml", &text);
        let ended = ended(world.path(), &["run", "-c", file.to_str().expect("plain ASCII")]);
        assert_eq!(ended.code, 1, "{key}: {ended:?}");
        let line = ended.stderr.lines().find(|line| line.starts_with("tidegate: "));
        let line = line.unwrap_or_else(|| panic!("{key}: {}", ended.stderr));
        assert!(line.contains(&address) && line.contains("in use"), "{line}");
        assert_eq!(line.matches("in use").count(), 1, "the cause is told once: {line}");
    }
}

#[test]
fn the_access_log_has_a_line_a_request_and_begins_anew_when_it_is_moved() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let access = world.path().join("access.log");
    let log = format!("[log]\naccess = \"{}\"\n", access.display());
    let file = world.write("tidegate.toml", &config(&world, &[origin.address], &log));
    let balancer = Balancer::run(world.path(), &file);
    balancer.get("/first");
    until("the first line", || world.read("access.log").contains("/first").then_some(()));
    std::fs::rename(&access, world.path().join("moved.log")).expect("a plain rename");
    balancer.signal(Signal::USR1);
    until("a new file", || access.exists().then_some(()));
    balancer.get("/second");
    until("the second line", || world.read("access.log").contains("/second").then_some(()));
    assert!(!world.read("moved.log").contains("/second"));
    for line in world.read("moved.log").lines().chain(world.read("access.log").lines()) {
        let line: serde_json::Value = serde_json::from_str(line).expect("each line is JSON");
        assert_eq!((&line["status"], &line["pool"]), (&200.into(), &"app".into()));
    }
}

#[test]
fn the_service_manager_is_told() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let path = world.path().join("notify");
    let manager = UnixDatagram::bind(&path).expect("the directory is ours");
    let file = world.write("tidegate.toml", &config(&world, &[origin.address], ""));
    let mut command = tidegate(world.path());
    command.arg("run").arg("-c").arg(file).env("NOTIFY_SOCKET", &path);
    let mut balancer = Balancer::start(command);
    let said = || {
        let mut buffer = [0; 64];
        let length = manager.recv(&mut buffer).expect("a datagram");
        String::from_utf8_lossy(&buffer[..length]).into_owned()
    };
    assert_eq!(said(), "READY=1");
    balancer.signal(Signal::TERM);
    assert_eq!(said(), "STOPPING=1");
    assert!(balancer.end().success());
}

#[test]
fn as_many_files_may_be_open_as_the_system_allows() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[origin.address], ""));
    let mut command = Command::new("sh");
    command.current_dir(world.path()).env("HOME", world.path());
    command.arg("-c").arg("ulimit -Sn 256; exec \"$0\" run -c \"$1\"");
    command.arg(env!("CARGO_BIN_EXE_tidegate")).arg(file);
    let balancer = Balancer::start(command);
    let limits = balancer.limits();
    let line = limits.lines().find(|line| line.starts_with("Max open files"));
    let words: Vec<&str> = line.expect("it is listed").split_whitespace().collect();
    assert_eq!(words[3], words[4], "soft and hard: {words:?}");
}

#[test]
fn a_terminal_gets_text() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let file = world.write("tidegate.toml", &config(&world, &[origin.address], ""));
    let mut command = tidegate(world.path());
    command.arg("run").arg("-c").arg(file);
    let balancer = Balancer::on_terminal(command);
    let typed = balancer.said().join("\n");
    assert!(typed.contains(" INFO "), "{typed}");
    assert!(!typed.contains('{'), "no JSON for people: {typed}");
}

#[test]
fn the_admin_api_can_be_a_socket_file_that_commands_find() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let socket = format!("unix:{}", world.path().join("admin.sock").display());
    let text = config(&world, &[origin.address], "");
    let text = text.replace("\"127.0.0.1:0\" # admin_address", &format!("\"{socket}\""));
    let file = world.write("tidegate.toml", &text);
    let balancer = Balancer::run(world.path(), &file);
    assert_eq!(balancer.admin_url(), socket);
    let status = ended(world.path(), &["status", "--json", "--admin", &socket]);
    assert_eq!((status.code, &status.json()["state"]), (0, &"ready".into()), "{status:?}");
    let reload = ended(world.path(), &["reload", "--admin", &socket]);
    assert_eq!(reload.code, 0, "{reload:?}");
}

#[test]
fn metrics_can_have_an_address_of_their_own() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let text = config(&world, &[origin.address], "[metrics]\naddress = \"127.0.0.1:0\"\n");
    let file = world.write("tidegate.toml", &text);
    let balancer = Balancer::run(world.path(), &file);
    balancer.get("/");
    let line = balancer.said().iter().find_map(|line| line.strip_prefix("metrics on http://"));
    let address = line.and_then(|line| line.strip_suffix("/metrics")).expect("it is said");
    let address = address.parse().expect("an address");
    let metrics = get(address, "/metrics").expect("it answers").body;
    for name in ["tidegate_route_requests_total", "tidegate_build_info"] {
        assert!(metrics.contains(name), "{name}: {metrics}");
    }
    assert_eq!(get(address, "/api/v1/status").expect("it answers").status, 404);
}
