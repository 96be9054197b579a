//! `tidegate check`: all mistakes at once, for people and for programs.

use crate::world::certificate::Pair;
use crate::world::directory::Directory;
use crate::world::program::ended;

const GOOD: &str = r#"
[listener.web]
address = "127.0.0.1:0"
[route.all]
pool = "app"
[pool.app]
servers = ["127.0.0.1:9001"]
"#;

/// Three mistakes: on lines 3, 5 and 8.
const BAD: &str = r#"
[listener.web]
adress = "127.0.0.1:0"
[route.all]
pool = "ap"
[pool.app]
servers = ["127.0.0.1:9001"]
balance = "fastest"
"#;

#[test]
fn a_good_file_is_said_to_be_good() {
    let world = Directory::new();
    world.write("good.toml", GOOD);
    let ended = ended(world.path(), &["check", "-c", "good.toml"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (0, "good.toml: ok\n"), "{ended:?}");
    assert_eq!(ended.stderr, "");
}

#[test]
fn every_mistake_is_listed_with_its_place_and_the_nearest_word() {
    let world = Directory::new();
    world.write("bad.toml", BAD);
    let ended = ended(world.path(), &["check", "-c", "bad.toml"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    let lines: Vec<&str> = ended.stdout.lines().collect();
    assert_eq!(lines.len(), 3, "{}", ended.stdout);
    for (line, (place, nearest)) in lines.iter().zip([
        ("bad.toml:3:1: ", "did you mean `address`?"),
        ("bad.toml:5:", "did you mean `app`?"),
        ("bad.toml:8:", ""),
    ]) {
        assert!(line.starts_with(place) && line.ends_with(nearest), "{line}");
    }
}

#[test]
fn programs_get_the_same_as_json() {
    let world = Directory::new();
    world.write("bad.toml", BAD);
    world.write("good.toml", GOOD);
    let good = ended(world.path(), &["check", "--json", "-c", "good.toml"]);
    assert_eq!(good.code, 0);
    assert_eq!(good.json(), serde_json::json!({ "ok": true, "diagnostics": [] }));

    let bad = ended(world.path(), &["check", "--json", "-c", "bad.toml"]);
    assert_eq!(bad.code, 1);
    let json = bad.json();
    assert_eq!(json["ok"], false);
    let diagnostics = json["diagnostics"].as_array().expect("a list");
    assert_eq!(diagnostics.len(), 3, "{json:#}");
    let first = &diagnostics[0];
    assert_eq!(
        (&first["file"], &first["line"], &first["column"]),
        (&"bad.toml".into(), &3.into(), &1.into())
    );
    assert_eq!((&first["severity"], &first["nearest"]), (&"error".into(), &"address".into()));
    for key in ["file", "line", "column", "severity", "key", "message", "expected", "nearest"] {
        assert!(diagnostics.iter().all(|one| one.get(key).is_some()), "{key}: {json:#}");
    }
}

#[test]
fn the_file_is_looked_for_where_nobody_names_one() {
    let world = Directory::new();
    let none = ended(world.path(), &["check"]);
    assert_eq!(none.code, 1, "{none:?}");
    assert!(none.stdout.contains("/etc/tidegate/tidegate.toml"), "{}", none.stdout);
    let none = ended(world.path(), &["check", "--json"]);
    assert_eq!((none.code, &none.json()["ok"]), (1, &false.into()));

    world.write("tidegate.toml", GOOD);
    let found = ended(world.path(), &["check"]);
    assert_eq!((found.code, found.stdout.as_str()), (0, "tidegate.toml: ok\n"));
}

#[test]
fn a_named_file_that_is_missing_is_a_mistake_though_another_is_there() {
    let world = Directory::new();
    world.write("tidegate.toml", GOOD);
    let ended = ended(world.path(), &["check", "-c", "elsewhere.toml"]);
    assert_eq!(ended.code, 1, "{ended:?}");
    assert!(ended.stdout.starts_with("elsewhere.toml:1:1: "), "{}", ended.stdout);
}

#[test]
fn what_check_resolves_checks_to_the_same() {
    let world = Directory::new();
    world.write("good.toml", GOOD);
    let once = ended(world.path(), &["check", "-c", "good.toml", "--resolved"]);
    assert_eq!(once.code, 0, "{once:?}");
    assert!(once.stdout.contains("shutdown_grace = \"30s\"  # default"), "{}", once.stdout);
    world.write("resolved.toml", &once.stdout);
    let twice = ended(world.path(), &["check", "-c", "resolved.toml", "--resolved"]);
    assert_eq!(twice.code, 0, "{twice:?}");
    assert_eq!(values(&once.stdout), values(&twice.stdout));
}

/// The lines that say something, without where their values come from.
fn values(text: &str) -> Vec<&str> {
    let lines = text.lines().map(|line| line.split("  # ").next().unwrap_or_default());
    lines.filter(|line| !line.is_empty() && !line.starts_with('#')).collect()
}

#[test]
fn mistakes_beside_a_resolved_file_go_to_standard_error() {
    let world = Directory::new();
    world.write("bad.toml", BAD);
    let ended = ended(world.path(), &["check", "-c", "bad.toml", "--resolved"]);
    assert_eq!((ended.code, ended.stdout.as_str()), (1, ""));
    assert_eq!(ended.stderr.lines().count(), 3, "{}", ended.stderr);
}

const ENCRYPTED: &str = r#"
[listener.web]
address = "127.0.0.1:0"
[listener.web.tls.certificates]
certificate = "shop.pem"
key = "shop.key"
[route.all]
pool = "app"
[pool.app]
servers = ["127.0.0.1:9001"]
"#;

#[test]
fn files_that_are_named_are_read_and_what_is_wrong_with_them_is_told() {
    let world = Directory::new();
    world.write("tidegate.toml", ENCRYPTED);
    let (shop, other) = (Pair::new(&["shop.example"]), Pair::new(&["shop.example"]));
    let told = || {
        let check = ended(world.path(), &["check"]);
        let run = ended(world.path(), &["run"]);
        assert_eq!((check.code, run.code), (1, 1), "{check:?} {run:?}");
        assert_eq!(check.stdout, run.stderr, "what is checked is what would run");
        check.stdout
    };
    world.write("shop.pem", &shop.certificate);
    let absent = told();
    assert!(
        absent.starts_with("tidegate.toml:6:7: cannot read shop.key: No such file"),
        "{absent}"
    );
    world.write("shop.key", &other.key);
    let other = told();
    let expected =
        "tidegate.toml:6:7: shop.pem: the private key does not belong to the certificate\n";
    assert_eq!(other, expected);
}

/// G9: neither what is said of a key nor the whole configuration shows any of it.
#[test]
fn a_key_is_shown_nowhere() {
    let world = Directory::new();
    let shop = Pair::new(&["shop.example"]);
    world.write("shop.pem", &shop.certificate);
    world.write("shop.key", &shop.key);
    world.write("tidegate.toml", ENCRYPTED);
    let pasted = ENCRYPTED.replace("\"shop.key\"", &format!("\"\"\"{}\"\"\"", shop.key));
    world.write("pasted.toml", &pasted);
    let secret = shop.key.lines().nth(1).expect("a line of it");
    for (arguments, code) in [
        (&["check", "--resolved"][..], 0),
        (&["check", "-c", "pasted.toml"], 1),
        (&["check", "--json", "-c", "pasted.toml"], 1),
        (&["check", "--resolved", "-c", "pasted.toml"], 1),
        (&["run", "-c", "pasted.toml"], 1),
    ] {
        let ended = ended(world.path(), arguments);
        assert_eq!(ended.code, code, "{ended:?}");
        let said = ended.stdout + &ended.stderr;
        assert!(said.contains("key") && !said.contains(secret), "{said}");
    }
}
