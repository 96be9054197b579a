//! `tidegate simulate` on a trace in a file: figures, series, picture, and what is refused.

use std::path::Path;
use std::process::{Command, Output};

use serde_json::Value;

use crate::world::directory::Directory;

/// A day of minutes with a step at noon.
fn trace() -> String {
    let mut text = String::from("minute,requests\n");
    for minute in 0..1440 {
        let count = if minute < 720 { 6000 } else { 24_000 };
        text.push_str(&format!("2026-11-20 {:02}:{:02}:00,{count}\n", minute / 60, minute % 60));
    }
    text
}

fn simulate(folder: &Path, arguments: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(folder).args(["simulate", "--trace", "trace.csv"]).args(arguments);
    command.output().expect("the program runs")
}

#[test]
fn figures_series_and_picture_of_several_policies() {
    let world = Directory::new();
    world.write("trace.csv", &trace());
    let output = simulate(
        world.path(),
        &[
            "--capacity",
            "50",
            "--policy",
            "slo",
            "--policy",
            "fixed:9",
            "--json",
            "out.json",
            "--series",
            "out.csv",
            "--plot",
            "out.svg",
        ],
    );
    let table = String::from_utf8_lossy(&output.stdout).into_owned();
    assert!(output.status.success(), "{output:?}");
    assert!(table.contains("slo") && table.contains("fixed:9"), "{table}");
    let figures: Value = serde_json::from_str(&world.read("out.json")).expect("it is JSON");
    assert_eq!(figures[1]["policy"], "fixed:9");
    assert_eq!(figures[1]["ticks"], 5760);
    assert_eq!(figures[1]["server_hours"], 216.0);
    assert_eq!(figures[1]["violations_percent"], 0.0);
    let series = world.read("out.fixed-9.csv");
    assert!(series.starts_with(
        "seconds,demand_per_second,instances_paid,instances_serving,waiting_seconds\n\
         0,100.000000,9,3,0.000000\n"
    ));
    assert_eq!(series.lines().count(), 5761);
    assert!(world.read("out.slo.svg").starts_with("<svg"));
    let alone = simulate(world.path(), &["--capacity", "50", "--json", "one.json"]);
    assert!(alone.status.success(), "{alone:?}");
    let figures: Value = serde_json::from_str(&world.read("one.json")).expect("it is JSON");
    assert_eq!(figures["policy"], "slo");
}

/// A configuration with a pool that is scaled, by these lines, and one that is not.
fn configured(world: &Directory, autoscale: &str) {
    let text = format!(
        r#"version = 1
[listener.web]
address = "127.0.0.1:0"
[route.all]
pool = "shop"
[pool.fixed]
servers = ["127.0.0.1:9001"]
[pool.shop.autoscale]
provider = "process"
{autoscale}
[pool.shop.autoscale.process]
command = ["shop", "{{port}}"]
ports = "9100-9199"
"#
    );
    world.write("tidegate.toml", &text);
}

/// What a pool of the configuration comes to.
fn figures(world: &Directory, more: &[&str]) -> Value {
    let pool = ["-c", "tidegate.toml", "--pool", "shop", "--json", "out.json"];
    let output = simulate(world.path(), &[&pool, more].concat());
    assert!(output.status.success(), "{output:?}");
    serde_json::from_str(&world.read("out.json")).expect("it is JSON")
}

#[test]
fn a_pool_is_replayed_as_it_is_configured() {
    const TARGET: &str = "min = 2\nmax = 40\npolicy = \"target\"\ncapacity = { requests = 50 }\n";
    let world = Directory::new();
    world.write("trace.csv", &trace());
    let of = |autoscale: &str| {
        configured(&world, autoscale);
        figures(&world, &[])
    };
    let target = of(TARGET);
    assert_eq!(target["policy"], "target");
    assert_eq!(target["peak_instances"], 12, "400 a second at 70 % of 50 each");
    let able = of(&TARGET.replace("50", "100"));
    assert_eq!(able["peak_instances"], 6, "servers that can do twice as much: {able}");
    let bounded = of(&TARGET.replace("max = 40", "max = 7"));
    assert_eq!(bounded["peak_instances"], 7);
    let late = |figures: &Value| figures["violations_percent"].as_f64().expect("a number");
    assert!(late(&bounded) > 60.0 && late(&target) < 5.0, "{bounded} {target}");
    let held = of(&TARGET.replace("min = 2", "min = 20"));
    assert_eq!((&held["server_hours"], late(&held)), (&Value::from(480.0), 0.0));
    let slo = of(&TARGET.replace("target", "slo"));
    assert_eq!(slo["policy"], "slo");
    assert_ne!(slo["server_hours"], target["server_hours"]);
    // What the command line says goes first.
    let said = figures(&world, &["--policy", "fixed:9", "--capacity", "400", "--max", "3"]);
    assert_eq!((&said["policy"], &said["peak_instances"]), (&"fixed:9".into(), &3.into()));
    assert_eq!(said["violations_percent"], 0.0);
}

#[test]
fn what_cannot_be_replayed_of_a_configuration_is_told() {
    let world = Directory::new();
    world.write("trace.csv", &trace());
    configured(&world, "min = 2\nmax = 40\n");
    let config = ["-c", "tidegate.toml", "--pool"];
    for (arguments, code, told) in [
        (vec!["shop2"], 1, "there is no pool \"shop2\""),
        (vec!["fixed"], 1, "pool \"fixed\" has no autoscale"),
        (vec!["shop"], 1, "what can a server do? give --capacity"),
        (vec!["shop", "--min", "50", "--max", "9"], 1, "give --capacity"),
        (vec!["shop", "--capacity", "50", "--min", "50", "--max", "9"], 1, "--min 50 is above"),
        (vec!["shop", "--capacity", "0"], 2, "expected requests per second, above 0"),
    ] {
        let output = simulate(world.path(), &[&config[..], &arguments].concat());
        let said = String::from_utf8_lossy(&output.stderr).into_owned();
        assert!(said.contains(told), "{arguments:?}: {said}");
        assert_eq!(output.status.code(), Some(code), "{arguments:?}: {said}");
    }
    for arguments in [&["-c", "tidegate.toml"][..], &["--pool", "shop"]] {
        assert_eq!(simulate(world.path(), arguments).status.code(), Some(2), "{arguments:?}");
    }
    world.write("tidegate.toml", "version = 1\n[pool.shop]\nserver = []\n");
    let output = simulate(world.path(), &[&config[..], &["shop"]].concat());
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(said.contains("tidegate.toml:3"), "{said}");
}

#[test]
fn mistakes_of_a_trace_are_told_with_their_lines() {
    let world = Directory::new();
    world.write("trace.csv", "requests\n5\nmany\n7\n");
    let output = simulate(world.path(), &["--capacity", "50"]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert_eq!(output.status.code(), Some(1));
    assert_eq!(told, "trace.csv: line 3: \"many\" is not a count of requests\n");
    world.write("trace.csv", &trace());
    let output = simulate(world.path(), &[]);
    let told = String::from_utf8_lossy(&output.stderr).into_owned();
    assert!(told.contains("what can a server do? give --capacity"), "{told}");
}
