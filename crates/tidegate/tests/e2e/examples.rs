//! Every file in the directory `examples` is checked, and started with addresses that are free.

use std::fs;
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::world::balancer::Balancer;
use crate::world::certificate::Pair;
use crate::world::client::get;
use crate::world::directory::Directory;
use crate::world::program::ended;

const COUNTRIES: &[u8] = include_bytes!("../../../tidegate-net/tests/data/country.mmdb");

fn examples() -> Vec<PathBuf> {
    let directory = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../examples");
    let files = fs::read_dir(directory).expect("it is part of the project").flatten();
    let files = files
        .map(|entry| entry.path())
        .filter(|path| path.extension().is_some_and(|e| e == "toml"));
    let mut files: Vec<PathBuf> = files.collect();
    files.sort();
    assert!(files.len() >= 3, "{files:?}");
    files
}

#[test]
fn every_example_is_without_mistake_or_doubt() {
    for example in examples() {
        let (world, text) = (Directory::new(), fs::read_to_string(&example).expect("it is text"));
        world.write("example.toml", &text);
        furnish(&world, &toml_value(&text));
        let checked = ended(world.path(), &["check", "--json", "-c", "example.toml"]);
        assert_eq!(checked.code, 0, "{checked:?}");
        let clean = serde_json::json!({ "ok": true, "diagnostics": [] });
        assert_eq!(checked.json(), clean, "{example:?}");
    }
}

/// Makes the certificates, keys, secrets, authorities and databases that a configuration names.
fn furnish(world: &Directory, value: &Value) {
    let Value::Object(table) = value else {
        return value.as_array().into_iter().flatten().for_each(|item| furnish(world, item));
    };
    let named = |key: &str| table.get(key).and_then(Value::as_str);
    if let (Some(certificate), Some(key)) = (named("certificate"), named("key")) {
        let host = certificate.replace(['/', '.'], "-");
        let pair = Pair::new(&[&format!("{host}.example.com")]);
        world.write(certificate, &pair.certificate);
        world.write(key, &pair.key);
    }
    for authority in [named("ca"), named("client_ca")].into_iter().flatten() {
        world.write(authority, &Pair::new(&["authority"]).certificate);
    }
    for secret in table.get("signing").and_then(Value::as_array).into_iter().flatten() {
        let file = secret.as_str().and_then(|reference| reference.strip_prefix("file:"));
        world.write(file.expect("a file"), &"7d".repeat(32));
    }
    if let Some(database) = named("database") {
        fs::write(world.path().join(database), COUNTRIES).expect("room");
    }
    table.values().for_each(|inner| furnish(world, inner));
}

#[test]
fn every_example_starts_and_answers() {
    for example in examples() {
        let (world, text) = (Directory::new(), fs::read_to_string(&example).expect("it is text"));
        let file = world.write("example.toml", &movable(&text, &world));
        furnish(&world, &toml_value(&text));
        let balancer = Balancer::run(world.path(), &file);
        let encrypted = encrypted(&balancer);
        for address in &balancer.listeners {
            if encrypted.contains(address) {
                // What it says to clients that speak TLS is told by tests of its own.
                TcpStream::connect(address).expect("it takes connections");
                continue;
            }
            let response = get(*address, "/").expect("it answers");
            // Nobody serves behind it: what counts is that the balancer speaks for itself.
            assert!([308, 404, 502, 503].contains(&response.status), "{example:?}: {response:?}");
        }
        assert_eq!(get(balancer.admin(), "/readyz").expect("it answers").status, 200);
    }
}

/// Where listeners with TLS listen.
fn encrypted(balancer: &Balancer) -> Vec<SocketAddr> {
    let listeners = get(balancer.admin(), "/api/v1/listeners").expect("it answers").body;
    let listeners: Vec<Value> = serde_json::from_str(&listeners).expect("it is JSON");
    let encrypted = listeners.iter().filter(|listener| !listener["tls"].is_null());
    let open = encrypted.flat_map(|listener| listener["open"].as_array().expect("a list"));
    open.map(|address| address.as_str().expect("a text").parse().expect("an address")).collect()
}

/// The example with every address that it opens given to the system to pick, and its files in our
/// directory.
fn movable(text: &str, world: &Directory) -> String {
    let mut section = String::new();
    let mut moved = Vec::new();
    for line in text.lines() {
        if line.starts_with('[') {
            section = line.trim_matches(['[', ']']).to_owned();
        }
        let opens = section.starts_with("listener.") || section == "metrics" || section == "admin";
        match line.split_once('=') {
            Some((key, _)) if opens && key.trim() == "address" => {
                moved.push("address = \"127.0.0.1:0\"".to_owned());
            }
            Some((key, _)) if section == "log" && key.trim() == "access" => {
                moved.push(format!("access = \"{}\"", world.path().join("access.log").display()));
            }
            _ => moved.push(line.to_owned()),
        }
    }
    // Servers are on this machine, so that the checks of a test ask no stranger.
    let whole = moved.join("\n").replace("\"10.", "\"127.");
    let state = format!("state = \"{}\"\n", world.path().join("state").display());
    let whole = match whole.contains("[runtime]\n") {
        true => whole.replace("[runtime]\n", &format!("[runtime]\n{state}")),
        false => format!("{whole}\n[runtime]\n{state}"),
    };
    match whole.contains("[admin]\n") {
        true => whole,
        false => format!("{whole}\n[admin]\naddress = \"127.0.0.1:0\"\n"),
    }
}

#[test]
fn the_schema_accepts_every_example_and_not_a_misspelling() {
    let world = Directory::new();
    let schema = ended(world.path(), &["schema"]).json();
    for example in examples() {
        let text = fs::read_to_string(&example).expect("it is text");
        let value = toml_value(&text);
        assert_eq!(accepts(&schema, &schema, &value), Ok(()), "{example:?}");
        let misspelled = text.replacen("address =", "adress =", 1);
        assert!(accepts(&schema, &schema, &toml_value(&misspelled)).is_err(), "{example:?}");
    }
}

fn toml_value(text: &str) -> Value {
    let table: toml::Table = text.parse().expect("it is TOML");
    serde_json::to_value(table).expect("what TOML holds, JSON can")
}

/// Holds a value against those parts of a JSON Schema that say what keys and kinds are known.
fn accepts(root: &Value, schema: &Value, value: &Value) -> Result<(), String> {
    if let Some(reference) = schema["$ref"].as_str() {
        let target = root.pointer(reference.trim_start_matches('#'));
        return accepts(root, target.ok_or_else(|| format!("no {reference}"))?, value);
    }
    if let Some(choices) = schema["anyOf"].as_array() {
        let tried: Vec<_> = choices.iter().map(|choice| accepts(root, choice, value)).collect();
        return match tried.iter().any(Result::is_ok) {
            true => Ok(()),
            false => Err(format!("{value}: none of {tried:?}")),
        };
    }
    if let Some(words) = schema["enum"].as_array() {
        return words.contains(value).then_some(()).ok_or_else(|| format!("{value} in {words:?}"));
    }
    match (schema["type"].as_str(), value) {
        (Some("object"), Value::Object(object)) => object.iter().try_for_each(|(key, value)| {
            let known = schema["properties"].get(key);
            match known.or_else(|| schema.get("additionalProperties")) {
                Some(Value::Bool(false)) => Err(format!("unknown key {key}")),
                Some(next) => accepts(root, next, value).map_err(|why| format!("{key}: {why}")),
                None => Ok(()),
            }
        }),
        (Some("array"), Value::Array(items)) => {
            items.iter().try_for_each(|item| accepts(root, &schema["items"], item))
        }
        (Some("string"), Value::String(_))
        | (Some("boolean"), Value::Bool(_))
        | (Some("integer" | "number"), Value::Number(_))
        | (None, _) => Ok(()),
        (Some(kind), value) => Err(format!("{value} is no {kind}")),
    }
}
