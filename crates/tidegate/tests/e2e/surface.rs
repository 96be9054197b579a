//! The surface that needs no balancer: help, version, schema, completions, and the file that
//! `proxy` stands for.

use std::io::Write;
use std::process::{Command, Stdio};

use serde_json::Value;

use crate::world::directory::Directory;
use crate::world::program::{ended, tidegate};

#[test]
fn help_lists_the_commands_for_people_and_no_other() {
    let world = Directory::new();
    let help = ended(world.path(), &["--help"]);
    assert_eq!(help.code, 0);
    for command in [
        "proxy",
        "run",
        "check",
        "reload",
        "status",
        "pools",
        "events",
        "explain",
        "pass",
        "demo",
        "schema",
        "completions",
    ] {
        assert!(help.stdout.contains(&format!("\n  {command} ")), "{command}: {}", help.stdout);
    }
    assert!(!help.stdout.contains("shop-server"), "{}", help.stdout);
}

#[test]
fn the_version_is_that_of_the_package() {
    let version = ended(Directory::new().path(), &["--version"]);
    let expected = concat!("tidegate ", env!("CARGO_PKG_VERSION"), "\n");
    assert_eq!((version.code, version.stdout.as_str()), (0, expected));
}

#[test]
fn a_wrong_command_line_is_explained_and_ends_with_2() {
    let world = Directory::new();
    for arguments in [
        &["no-such-command"][..],
        &["proxy", "--listen", "127.0.0.1:0"],
        &["check", "--no-such-option"],
        &["demo", "--duration", "19s"],
        &["demo", "--duration", "20"],
        &["status", "--admin", "127.0.0.1:9900"],
        &["explain", "GET", "/", "-H", "no colon"],
    ] {
        let ended = ended(world.path(), arguments);
        assert_eq!(ended.code, 2, "{arguments:?}");
        assert!(ended.stderr.contains("error: "), "{arguments:?}: {}", ended.stderr);
    }
}

#[test]
fn the_schema_is_one_of_objects_that_know_their_keys() {
    let schema = ended(Directory::new().path(), &["schema"]);
    assert_eq!(schema.code, 0);
    let schema = schema.json();
    assert_eq!(schema["$schema"], "https://json-schema.org/draft/2020-12/schema");
    assert_eq!(schema["type"], "object");
    for key in ["version", "runtime", "admin", "log", "listener", "route", "pool"] {
        assert!(schema["properties"][key].is_object(), "{key}: {schema:#}");
    }
    assert_eq!(schema["additionalProperties"], Value::Bool(false));
}

#[test]
fn completions_are_scripts_that_know_the_commands() {
    let world = Directory::new();
    for shell in ["bash", "zsh", "fish", "elvish", "powershell"] {
        let completions = ended(world.path(), &["completions", shell]);
        assert_eq!(completions.code, 0, "{shell}");
        for word in ["tidegate", "check", "reload", "demo"] {
            assert!(completions.stdout.contains(word), "{shell}: {word}");
        }
    }
}

#[test]
fn the_completions_for_bash_are_valid_bash() {
    let completions = ended(Directory::new().path(), &["completions", "bash"]);
    let mut bash = Command::new("bash").arg("-n").stdin(Stdio::piped()).spawn().expect("bash runs");
    let mut input = bash.stdin.take().expect("it is piped");
    input.write_all(completions.stdout.as_bytes()).expect("bash reads");
    drop(input);
    assert!(bash.wait().expect("bash ends").success());
}

#[test]
fn the_file_that_proxy_stands_for_says_what_the_command_line_said() {
    let world = Directory::new();
    let arguments = [
        "proxy",
        "--listen",
        "127.0.0.1:8080",
        "--to",
        "127.0.0.1:9001",
        "--to",
        "127.0.0.1:9002",
        "--balance",
        "least-connections",
        "--health",
        "/healthz",
        "--print-config",
    ];
    let printed = ended(world.path(), &arguments);
    assert_eq!(printed.code, 0, "{printed:?}");
    let file = world.write("printed.toml", &printed.stdout);
    let file = file.to_str().expect("plain ASCII");
    let resolved = ended(world.path(), &["check", "-c", file, "--resolved"]);
    assert_eq!(resolved.code, 0, "{resolved:?}");
    for line in [
        r#"address = ["127.0.0.1:8080"]"#,
        r#"balance = "least-connections""#,
        r#"path = "/healthz""#,
        r#"address = "127.0.0.1:9001""#,
        r#"address = "127.0.0.1:9002""#,
    ] {
        assert!(resolved.stdout.contains(line), "{line}: {}", resolved.stdout);
    }
}

#[test]
fn what_proxy_cannot_mean_is_explained_like_a_mistake_in_a_file() {
    let world = Directory::new();
    let arguments = ["proxy", "--listen", "8080", "--to", "nowhere", "--balance", "p3c"];
    let ended = ended(world.path(), &arguments);
    assert_eq!(ended.code, 1, "{ended:?}");
    for text in ["did you mean `0.0.0.0:8080`?", "\"nowhere\"", "did you mean `p2c`?"] {
        assert!(ended.stderr.contains(text), "{text}: {}", ended.stderr);
    }
    assert_eq!(ended.stderr.lines().count(), 3, "{}", ended.stderr);
}

#[test]
fn a_reader_that_goes_away_ends_a_command_without_a_word_and_a_full_disk_with_one() {
    let world = Directory::new();
    let (reader, writer) = std::io::pipe().expect("there are pipes");
    drop(reader);
    let full = std::fs::File::options().write(true).open("/dev/full").expect("it is there");
    for (output, complains) in [(Stdio::from(writer), false), (Stdio::from(full), true)] {
        let mut schema = tidegate(world.path());
        let schema = schema.arg("schema").stdout(output).stderr(Stdio::piped());
        let ended = schema.spawn().and_then(|schema| schema.wait_with_output());
        let ended = ended.expect("the program starts");
        assert_eq!((ended.status.code(), !ended.stderr.is_empty()), (Some(1), complains));
    }
}
