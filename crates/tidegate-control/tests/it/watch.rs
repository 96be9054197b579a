//! A changed file is a reload, where the configuration says so.

use tidegate_control::observe::config_file::Origin;

use crate::support::balancer::{Balancer, config, until};
use crate::support::directory::Directory;
use crate::support::server::nobody;

fn watching(text: &str) -> String {
    format!("include = [\"conf.d/*.toml\"]\n[runtime]\nwatch = true\n{text}")
}

#[tokio::test]
async fn changes_are_followed_and_bad_ones_told_once() {
    let directory = Directory::new();
    let server = nobody().await;
    let path = directory.write("tidegate.toml", &watching(&config(&[server], "")));
    let balancer = Balancer::start(Origin::File(path)).await;

    let pool = format!("[pool.new]\nservers = [\"{server}\"]\n");
    directory.write("conf.d/new.toml", &pool);
    until("a new file is followed", || balancer.control.pools().len() == 2).await;

    directory.write("conf.d/new.toml", &format!("{pool}nonsense = 1\n"));
    until("a bad file is refused", || balancer.control.reloads().1 == 1).await;
    assert_eq!(balancer.control.pools().len(), 2);

    directory.write("conf.d/new.toml", &format!("{pool}slow_start = \"5s\"\n"));
    until("a good file is followed", || balancer.control.reloads().0 == 2).await;
    assert_eq!(balancer.control.reloads(), (2, 1), "a bad file is not tried again");
    let reasons = balancer.control.events(1).events;
    assert!(reasons.iter().all(|event| event.reason.starts_with("a changed file")), "{reasons:?}");
}

#[tokio::test]
async fn watching_ends_and_begins_with_a_reload() {
    let directory = Directory::new();
    let server = nobody().await;
    let quiet = config(&[server], "");
    let path = directory.write("tidegate.toml", &watching(&quiet));
    let balancer = Balancer::start(Origin::File(path)).await;
    directory.write("tidegate.toml", &quiet);
    until("the change is followed", || balancer.control.reloads().0 == 1).await;
    assert!(!balancer.control.status().config.watch);
    directory.write("tidegate.toml", &watching(&quiet));
    balancer.control.reload("a test").await;
    assert!(balancer.control.status().config.watch);
    directory.write("tidegate.toml", &watching(&config(&[server], "slow_start = \"5s\"")));
    until("the change is followed", || balancer.control.reloads().0 == 3).await;
}
