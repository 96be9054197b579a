//! Files and what is said of them.

use std::path::Path;

use tidegate_core::config::diagnostic::{is_clean, to_json};
use tidegate_core::config::reference::reference;
use tidegate_core::config::schema::schema;

use crate::disk::{Disk, expect, load_text, say};

#[test]
fn each_bad_file_gets_the_diagnostics_beside_it() {
    let mut disk = Disk::data("bad");
    let files = disk.list("toml");
    assert!(files.len() >= 40, "the bad files are found");
    for file in files {
        let loaded = disk.load(&file);
        assert!(!loaded.diagnostics.is_empty(), "{file} has nothing bad");
        assert_eq!(loaded.config.is_some(), is_clean(&loaded.diagnostics), "{file}");
        expect(&disk.0.join(&file).with_extension("txt"), &say(&loaded.diagnostics));
    }
}

#[test]
fn each_good_file_loads_and_resolves_to_the_text_beside_it() {
    let mut disk = Disk::data("good");
    for file in disk.list("toml") {
        let loaded = disk.load(&file);
        assert!(loaded.config.is_some(), "{file}: {}", say(&loaded.diagnostics));
        assert_eq!(say(&loaded.diagnostics), "", "{file} leaves no doubt");
        expect(&disk.0.join(&file).with_extension("resolved"), &loaded.resolved());
    }
}

#[test]
fn a_resolved_file_loads_as_the_same_configuration() {
    let mut disk = Disk::data("good");
    for file in disk.list("toml") {
        let loaded = disk.load(&file);
        let again = load_text(&loaded.resolved());
        assert_eq!(say(&again.diagnostics), "", "{file}");
        let (first, second) = (loaded.config.expect("good"), again.config.expect("as good"));
        assert_eq!(format!("{first:#?}"), format!("{second:#?}"), "{file}");
    }
}

#[test]
fn diagnostics_in_json_have_all_fields() {
    let loaded = load_text("[listener.web]\nadress = \"127.0.0.1:80\"\n");
    let json = to_json(&loaded.diagnostics);
    assert_eq!(json["ok"], false);
    let second = json["diagnostics"][1].as_object().expect("an object");
    let mut keys: Vec<_> = second.keys().map(String::as_str).collect();
    keys.sort_unstable();
    assert_eq!(
        keys,
        ["column", "expected", "file", "key", "line", "message", "nearest", "severity"]
    );
    assert_eq!(second["key"], "listener.web.adress");
    assert_eq!(second["severity"], "error");
    assert_eq!((second["line"].as_u64(), second["column"].as_u64()), (Some(2), Some(1)));
    assert_eq!(second["nearest"], "address");
}

#[test]
fn the_reference_page_is_current() {
    let page = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../docs/config.md");
    expect(&page, &reference());
}

#[test]
fn the_schema_names_every_key_of_the_full_example() {
    let schema = schema();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    let pool = &schema["$defs"]["pool"]["properties"];
    assert_eq!(pool["balance"]["default"], "p2c");
    assert_eq!(pool["health"]["additionalProperties"], false);
    let tokens = &schema["properties"]["admin"]["properties"]["tokens"]["anyOf"][0];
    assert_eq!(tokens["required"], serde_json::json!(["name", "token", "role"]));
    expect(
        &Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/config/schema.json"),
        &(serde_json::to_string_pretty(&schema).expect("JSON") + "\n"),
    );
}
