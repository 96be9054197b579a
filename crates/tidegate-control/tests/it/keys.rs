//! The keys of cookies: made once, named, changed, and bad.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::sync::Arc;

use tidegate_control::observe::config_file::Origin;
use tidegate_net::seal::{Keyring, Purpose};

use crate::support::balancer::{Balancer, config, until};
use crate::support::directory::Directory;

const COOKIES: &str = "session = { mode = \"cookie\" }";
const PURPOSE: Purpose = Purpose::new("test");
const OLD: &str = "5d41402abc4b2a76b9719d911017c592\n";
const NEW: &str = "7d793037a0760186574b0282f2f435e7\n";

fn file(directory: &Directory, before: &str, session: &str) -> Origin {
    let rest = config(&[([127, 0, 0, 1], 9).into()], session);
    Origin::File(directory.write("tidegate.toml", &format!("{before}\n{rest}")))
}

fn sealed(keys: &Keyring) -> String {
    let mut text = String::new();
    keys.seal(&PURPOSE, b"seven", &mut text);
    text
}

fn opens(keys: &Keyring, text: &str) -> bool {
    keys.open(&PURPOSE, text.as_bytes(), &mut [0; 8]).is_some()
}

/// What the data plane was given last.
fn keys(balancer: &Balancer) -> Arc<Keyring> {
    let contexts = balancer.notes.contexts.lock().expect("unharmed").clone();
    Arc::clone(&contexts.expect("something was published").keys)
}

#[tokio::test]
async fn keys_are_made_when_they_are_needed_and_outlive_the_process() {
    let directory = Directory::new();
    let state = directory.path("state");
    let runtime = format!("runtime.state = \"{}\"", state.display());

    let without = Balancer::start(file(&directory, &runtime, "")).await;
    assert!(!state.exists(), "nothing is made that nobody needs");
    let text = sealed(&keys(&without));

    let first = Balancer::start(file(&directory, &runtime, COOKIES)).await;
    let made = fs::metadata(state.join("signing.key")).expect("it was made");
    assert_eq!(made.permissions().mode() & 0o777, 0o600);
    assert!(!opens(&keys(&first), &text), "nobody else has such keys");
    let text = sealed(&keys(&first));
    drop(first);
    let second = Balancer::start(file(&directory, &runtime, COOKIES)).await;
    assert!(opens(&keys(&second), &text));
}

#[tokio::test]
async fn without_a_place_for_keys_sessions_end_with_the_process() {
    let directory = Directory::new();
    directory.write("state", "a file is no directory");
    let runtime = format!("runtime.state = \"{}\"", directory.path("state").display());
    let balancer = Balancer::start(file(&directory, &runtime, COOKIES)).await;
    let warnings = balancer.control.status().warnings;
    assert!(
        warnings.iter().any(|one| one.contains("sessions end with this process")),
        "{warnings:?}"
    );
    assert!(opens(&keys(&balancer), &sealed(&keys(&balancer))));
}

#[tokio::test]
async fn a_changed_key_is_followed_and_a_bad_one_keeps_the_old() {
    let directory = Directory::new();
    directory.write("signing.key", OLD);
    let named = "keys.signing = \"file:signing.key\"";
    let balancer = Balancer::start(file(&directory, named, COOKIES)).await;
    let text = sealed(&keys(&balancer));

    directory.write("signing.key", "too short");
    until("a bad key is refused", || balancer.control.renewals().1 == 1).await;
    let event = balancer.control.events(1).events.remove(0);
    assert_eq!(event.kind.as_str(), "certificate-refused");
    assert!(event.reason.contains("tidegate.toml:1:16: a secret of 9 bytes"), "{}", event.reason);
    assert!(opens(&keys(&balancer), &text));

    directory.write("signing.key", NEW);
    until("a good key is followed", || balancer.control.renewals().0 == 1).await;
    let event = balancer.control.events(2).events.remove(0);
    assert_eq!(event.message, "cookies are sealed with other keys");
    assert!(!opens(&keys(&balancer), &text), "its key is gone");
    let secret = NEW.trim_end();
    let same = Keyring::new(&[secret]).expect("it is long enough");
    assert!(opens(&same, &sealed(&keys(&balancer))), "the end of its line is no part of it");
}

#[test]
fn each_bad_key_is_a_mistake_where_it_is_named() {
    let directory = Directory::new();
    directory.write("short.key", "hunter2");
    directory.write("long.key", &"7".repeat(1025));
    directory.write("good.key", OLD);
    let named = "[keys]\nsigning = [\n  \"file:good.key\",\n  \"file:absent.key\",\n  \
                 \"file:short.key\",\n  \"file:long.key\",\n  \"env:TIDEGATE_ABSENT\",\n]";
    let refused = file(&directory, named, COOKIES).load().expect_err("four are bad");
    let told = refused.diagnostics.iter().map(|one| format!("{one}\n")).collect::<String>();
    let told = told.replace(&format!("{}/", directory.path("").display()).replace("//", "/"), "");
    assert_eq!(
        told,
        "tidegate.toml:4:3: cannot read absent.key: No such file or directory (os error 2)\n\
         tidegate.toml:5:3: a secret of 7 bytes is too short, 32 are the least; `openssl rand -hex \
         32` makes one\n\
         tidegate.toml:6:3: this is no secret: it has more than 1024 bytes; `openssl rand -hex 32` \
         makes one\n\
         tidegate.toml:7:3: the environment has no TIDEGATE_ABSENT\n"
    );
}
