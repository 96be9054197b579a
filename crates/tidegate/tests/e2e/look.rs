//! The commands that look at a running balancer, and `explain`.

use crate::world::balancer::Balancer;
use crate::world::config::config;
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::program::{ended, tidegate};

/// Two pools, of which one has nobody behind its only address.
fn started(world: &Directory, origin: &Origin) -> Balancer {
    let more = "[route.api]\npool = \"api\"\nmatch = { path_prefix = \"/api\" }\n\
                [pool.api]\nservers = [{ address = \"127.0.0.1:9\", name = \"gone\" }]\n\
                [pool.api.health]\ntype = \"tcp\"\n";
    let file = world.write("tidegate.toml", &config(world, &[origin.address], more));
    Balancer::run(world.path(), &file)
}

#[test]
fn status_pools_and_events_are_tables_for_people() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let balancer = started(&world, &origin);
    balancer.get("/");
    let address = origin.address.to_string();
    for (command, texts) in [
        ("status", &["is ready", "1 of 2 down, in 2 pools", "requests  1, 0 failed", "web"][..]),
        ("pools", &["app", "round-robin", "api", "gone", "unhealthy", &address]),
        ("events", &["started", "server-down", "gone", "connection refused"]),
    ] {
        let ended = balancer.asked(world.path(), &[command]);
        assert_eq!(ended.code, 0, "{command}: {ended:?}");
        for text in texts {
            assert!(ended.stdout.contains(text), "{command}: {text}: {}", ended.stdout);
        }
        assert!(!ended.stdout.contains('\x1b'), "no colours without a terminal: {command}");
    }
}

#[test]
fn status_pools_and_events_are_json_for_programs() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let balancer = started(&world, &origin);
    let json = |command| {
        let ended = balancer.asked(world.path(), &[command, "--json"]);
        assert_eq!(ended.code, 0, "{command}: {ended:?}");
        ended.json()
    };
    assert_eq!(json("status")["servers"], serde_json::json!({ "total": 2, "down": 1 }));
    let pools = json("pools");
    assert_eq!((&pools[0]["name"], &pools[1]["name"]), (&"api".into(), &"app".into()));
    assert_eq!(pools[0]["members"][0]["availability"], "unhealthy");
    let events = json("events");
    assert!(events["last"].as_u64() >= Some(2), "{events:#}");
}

#[test]
fn the_balancer_meant_can_be_named_in_the_environment() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let balancer = started(&world, &origin);
    let mut command = tidegate(world.path());
    command.arg("status").env("TIDEGATE_ADMIN", balancer.admin_url());
    assert!(command.output().expect("the program starts").status.success());
}

#[test]
fn looking_where_nobody_is_fails_and_says_where() {
    let world = Directory::new();
    for command in ["status", "pools", "events"] {
        let ended = ended(world.path(), &[command, "--admin", "http://127.0.0.1:1"]);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{command}");
        assert!(ended.stderr.contains("http://127.0.0.1:1"), "{command}: {}", ended.stderr);
    }
}

#[test]
fn explain_says_the_same_from_a_file_and_from_a_balancer() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let balancer = started(&world, &origin);
    for (url, route, pool) in [
        ("http://shop.test/api/x", "api", "api"),
        ("http://shop.test/apix", "all", "app"),
        ("/", "all", "app"),
    ] {
        let by_balancer = balancer.asked(world.path(), &["explain", "GET", url]);
        let by_file = ended(world.path(), &["explain", "-c", "tidegate.toml", "GET", url]);
        for told in [by_balancer, by_file] {
            assert_eq!(told.code, 0, "{told:?}");
            let text = format!("route {route} leads to pool {pool}");
            assert!(told.stdout.contains(&text), "{url}: {}", told.stdout);
        }
    }
}

#[test]
fn explain_takes_headers_and_the_client_into_account() {
    let world = Directory::new();
    let more = "[route.gold]\npool = \"app\"\n\
                match = { header = { x-tier = \"gold\" }, client = \"10.0.0.0/8\" }\n";
    let server = ([127, 0, 0, 1], 9).into();
    world.write("tidegate.toml", &config(&world, &[server], more));
    let base = ["explain", "-c", "tidegate.toml", "--json", "GET", "/"];
    for (arguments, route) in [
        (&[][..], "all"),
        (&["-H", "x-tier: gold"], "all"),
        (&["-H", "X-Tier: gold", "--from", "10.1.2.3"], "gold"),
    ] {
        let ended = ended(world.path(), &[&base, arguments].concat());
        assert_eq!(ended.code, 0, "{ended:?}");
        assert_eq!(ended.json()["route"], route, "{arguments:?}");
    }
}

#[test]
fn explain_reads_a_body_and_tells_edits_and_answers_of_the_balancer() {
    let (world, origin) = (Directory::new(), Origin::start("one"));
    let more = "[route.bulk]\npool = \"app\"\nrequest.set_header = { x-bulk = \"{path}\" }\n\
                match = { path = \"/orders\", body_json = { \"/type\" = \"bulk\" } }\n\
                [route.old]\nredirect = { to = \"/new{path}\" }\nmatch.path_prefix = \"/old\"\n";
    let file = world.write("tidegate.toml", &config(&world, &[origin.address], more));
    world.write("bulk.json", "{\"type\": \"bulk\"}\n");
    world.write("other.json", "{\"type\": 1}");
    let balancer = Balancer::run(world.path(), &file);
    for (arguments, text) in [
        (&["POST", "/orders", "--body", "bulk.json"][..], "header x-bulk is set to \"/orders\""),
        (&["POST", "/orders", "--body", "other.json"], "route all leads to pool app"),
        (&["POST", "/orders"], "bulk: does not hold: body \"/type\" = \"bulk\""),
        (&["GET", "/old/a"], "route old answers 308\n  Content-Length: 0\n  location: /new/old/a"),
    ] {
        let by_balancer = balancer.asked(world.path(), &[&["explain"], arguments].concat());
        let with_file = [&["explain", "-c", "tidegate.toml"], arguments].concat();
        for told in [by_balancer, ended(world.path(), &with_file)] {
            assert_eq!(told.code, 0, "{told:?}");
            assert!(told.stdout.contains(text), "{arguments:?}: {}", told.stdout);
        }
    }
}

#[test]
fn what_cannot_be_explained_is_said() {
    let world = Directory::new();
    let server = ([127, 0, 0, 1], 9).into();
    world.write("tidegate.toml", &config(&world, &[server], ""));
    for url in ["ftp://shop.test/", "/%00", "/.."] {
        let ended = ended(world.path(), &["explain", "-c", "tidegate.toml", "GET", url]);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{url}: {ended:?}");
        assert!(ended.stderr.starts_with("tidegate: "), "{url}: {}", ended.stderr);
    }
}
