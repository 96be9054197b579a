//! `tidegate pass`: signed cookies of audiences.

use tidegate_core::release::pass::Pass;
use tidegate_net::clock;
use tidegate_net::seal::{Keyring, Purpose};

use crate::world::directory::Directory;
use crate::world::program::ended;

const SECRET: &str = "7d793037a0760186574b0282f2f435e7";

const CONFIG: &str = r#"
[keys]
signing = "file:signing.key"
[listener.web]
address = "127.0.0.1:0"
[route.all]
pool = "app"
[pool.app]
servers = ["127.0.0.1:9001"]
[pool.next]
servers = ["127.0.0.1:9002"]
[audience.staff]
any = { signed_cookie = "staff" }
[rollout.next]
pool = "app"
candidate = "next"
strategy = "canary"
always = "staff"
"#;

fn world() -> Directory {
    let world = Directory::new();
    world.write("tidegate.toml", CONFIG);
    world.write("signing.key", SECRET);
    world
}

#[test]
fn a_pass_is_sealed_by_the_keys_of_the_configuration_for_its_time() {
    let before = clock::unix_time().as_secs();
    let printed = ended(world().path(), &["pass", "staff", "--for", "1h"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    let value = printed.stdout.trim_end().strip_prefix("staff=").expect("as a cookie");
    let keys = Keyring::new(&[SECRET]).expect("it is long enough");
    let mut plain = [0; Pass::BYTES];
    let opened = keys.open(&Purpose::of(Pass::KIND, "staff"), value.as_bytes(), &mut plain);
    assert_eq!(opened, Some(plain.len()));
    let until = Pass::from_bytes(plain).until.as_secs();
    assert!((before + 3600..=clock::unix_time().as_secs() + 3600).contains(&until), "{until}");
}

#[test]
fn a_pass_is_made_with_the_keys_of_the_state_directory_when_none_are_named() {
    let world = world();
    let state = world.path().join("state");
    let own =
        CONFIG.replace("[keys]\nsigning = \"file:signing.key\"", "[runtime]\nstate = \"state\"");
    world.write("own.toml", &own);
    let printed = ended(world.path(), &["pass", "staff", "-c", "own.toml"]);
    assert_eq!(printed.code, 0, "{printed:?}");
    let secret = std::fs::read_to_string(state.join("signing.key")).expect("it was made");
    let keys = Keyring::new(&[secret.trim_end()]).expect("it is long enough");
    let value = printed.stdout.trim_end().strip_prefix("staff=").expect("as a cookie");
    let purpose = Purpose::of(Pass::KIND, "staff");
    assert!(keys.open(&purpose, value.as_bytes(), &mut [0; Pass::BYTES]).is_some());
}

#[test]
fn there_is_no_pass_that_nobody_looks_at_or_can_open() {
    let world = world();
    let said = |arguments: &[&str]| {
        let ended = ended(world.path(), arguments);
        assert_eq!((ended.code, ended.stdout.as_str()), (1, ""), "{ended:?}");
        ended.stderr
    };
    assert_eq!(
        said(&["pass", "stuff"]),
        "no audience asks for a signed cookie \"stuff\", but for staff\n"
    );
    world.write("state", "a file is no directory");
    let own =
        CONFIG.replace("[keys]\nsigning = \"file:signing.key\"", "[runtime]\nstate = \"state\"");
    world.write("own.toml", &own);
    let told = said(&["pass", "staff", "-c", "own.toml"]);
    assert!(told.starts_with("there are no keys to sign with: "), "{told}");
    world.write("bad.toml", &CONFIG.replace("always", "allways"));
    let told = said(&["pass", "staff", "-c", "bad.toml"]);
    assert!(told.contains("did you mean `always`?"), "{told}");
}
