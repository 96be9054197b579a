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
