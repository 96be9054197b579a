//! Reloads: what is applied, what is refused, and what stays either way.

use tidegate_control::control::Reload;
use tidegate_control::observe::config_file::Origin;
use tidegate_core::model::server::Availability;

use crate::support::balancer::{Balancer, config, told, until};
use crate::support::directory::Directory;
use crate::support::server::{Manner, Server, nobody};

const CHECKED: &str = "health = { path = \"/\", interval = \"1h\", interval_changing = \"1h\" }";

#[tokio::test]
async fn a_good_file_is_applied_and_told_of() {
    let directory = Directory::new();
    let servers = [nobody().await, nobody().await];
    let path = directory.write("tidegate.toml", &config(&servers[..1], ""));
    let balancer = Balancer::start(Origin::File(path)).await;
    let before = balancer.control.snapshot();
    directory.write("tidegate.toml", &config(&servers, "slow_start = \"5s\""));
    let reload = balancer.control.reload("a test").await;
    let Reload::Applied(applied) = &reload else { panic!("{:?}", told(&reload)) };
    assert_eq!(applied.revision, 2);
    let changes = told(&reload);
    assert!(changes.iter().any(|change| change.contains("slow_start")), "{changes:?}");
    assert!(changes.iter().any(|change| change.contains(&servers[1].to_string())), "{changes:?}");
    assert_eq!(balancer.notes.generations(), [1, 2]);
    let after = balancer.control.snapshot();
    let first = |snapshot: &tidegate_core::snapshot::Snapshot| {
        std::sync::Arc::clone(&snapshot.pools[0].members[0].state)
    };
    assert_eq!(first(&before).id(), first(&after).id(), "who stays keeps its state");
    assert_eq!(balancer.kinds(), ["started", "config-applied"]);
    assert_eq!(balancer.control.reloads(), (1, 0));
    assert!(balancer.control.resolved().contains("slow_start = \"5s\""));
}

#[tokio::test]
async fn a_bad_file_changes_nothing_and_every_mistake_is_told() {
    let directory = Directory::new();
    let server = nobody().await;
    let good = config(&[server], "");
    let path = directory.write("tidegate.toml", &good);
    let balancer = Balancer::start(Origin::File(path)).await;
    let bad = good.replace("pool = \"shop\"", "pool = \"shoe\"").replace("servers", "server");
    directory.write("tidegate.toml", &bad);
    let mistakes = told(&balancer.control.reload("a test").await);
    assert!(mistakes.len() >= 2, "{mistakes:?}");
    assert!(mistakes.iter().all(|mistake| mistake.contains("tidegate.toml:")), "{mistakes:?}");
    assert_eq!(balancer.notes.generations(), [1]);
    assert_eq!(
        (balancer.control.reloads(), balancer.control.last_reload_applied()),
        ((0, 1), false)
    );
    assert_eq!(balancer.kinds(), ["started", "config-refused"]);
    assert_eq!(balancer.control.status().config.last_mistakes, mistakes);

    directory.write("tidegate.toml", &good);
    let reload = balancer.control.reload("a test").await;
    assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
    assert!(balancer.control.last_reload_applied());
    assert!(balancer.control.status().config.last_mistakes.is_empty());
}

#[tokio::test]
async fn a_file_that_is_gone_changes_nothing() {
    let directory = Directory::new();
    let path = directory.write("tidegate.toml", &config(&[nobody().await], ""));
    let balancer = Balancer::start(Origin::File(path.clone())).await;
    std::fs::remove_file(path).expect("it was there");
    let reload = balancer.control.reload("a test").await;
    assert!(matches!(reload, Reload::Refused(_)), "{:?}", told(&reload));
    assert_eq!(balancer.notes.generations(), [1]);
}

#[tokio::test]
async fn an_address_that_is_taken_refuses_the_whole_reload() {
    let directory = Directory::new();
    let server = nobody().await;
    let path = directory.write("tidegate.toml", &config(&[server], ""));
    let balancer = Balancer::start(Origin::File(path)).await;
    balancer.notes.refuse(Some("address 127.0.0.1:80 is in use"));
    let mistakes = told(&balancer.control.reload("a test").await);
    assert!(mistakes[0].contains("address 127.0.0.1:80 is in use"), "{mistakes:?}");
    balancer.notes.refuse(None);
    let reload = balancer.control.reload("a test").await;
    assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
    assert_eq!(balancer.notes.generations(), [1, 2], "a refused reload uses up no number");
}

#[tokio::test]
async fn included_files_are_part_of_it() {
    let directory = Directory::new();
    let root = "include = [\"conf.d/*.toml\"]\n[listener.web]\naddress = \"127.0.0.1:0\"\n\
                [route.all]\npool = \"shop\"\n";
    let pool = |address| format!("[pool.shop]\nservers = [\"{address}\"]\n");
    let (one, other) = (nobody().await, nobody().await);
    directory.write("conf.d/shop.toml", &pool(one));
    let path = directory.write("tidegate.toml", root);
    let balancer = Balancer::start(Origin::File(path)).await;
    assert_eq!(balancer.servers()[0].address, one.to_string());
    directory.write("conf.d/shop.toml", &pool(other));
    balancer.control.reload("a test").await;
    assert_eq!(balancer.servers()[0].address, other.to_string());
    directory.write("conf.d/zoo.toml", "[pool.zoo]\nservers = \"nowhere\"\n");
    let mistakes = told(&balancer.control.reload("a test").await);
    assert!(mistakes.iter().any(|one| one.contains("conf.d/zoo.toml:2:")), "{mistakes:?}");
}

#[tokio::test]
async fn servers_that_a_reload_brings_are_probed_before_it_serves() {
    let directory = Directory::new();
    let well = Server::start(Manner::status(200)).await;
    let ill = Server::start(Manner::status(500)).await;
    let path = directory.write("tidegate.toml", &config(&[well.address], CHECKED));
    let balancer = Balancer::start(Origin::File(path)).await;
    let other = format!("{CHECKED}\n[pool.new]\nservers = [\"{}\"]\n{CHECKED}", well.address);
    directory.write("tidegate.toml", &config(&[well.address, ill.address], &other));
    let reload = balancer.control.reload("a test").await;
    assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
    let mut states = balancer.notes.last_commit();
    states.sort_by_key(|state| state.as_str());
    assert_eq!(states, [Availability::Healthy, Availability::Healthy, Availability::Unhealthy]);
    assert_eq!(well.connections(), 2, "who is known is not asked again");
}

#[tokio::test]
async fn many_reloads_at_once_are_all_answered() {
    let directory = Directory::new();
    let path = directory.write("tidegate.toml", &config(&[nobody().await], ""));
    let balancer = Balancer::start(Origin::File(path)).await;
    let reloads: Vec<_> = (0..40)
        .map(|_| {
            let control = balancer.control.clone();
            tidegate_net::task::spawn("reload", async move { control.reload("a test").await })
        })
        .collect();
    for reload in reloads {
        assert!(matches!(reload.await.expect("no panic"), Reload::Applied(_)));
    }
    let generations = balancer.notes.generations();
    assert!(generations.is_sorted() && generations.len() <= 41, "{generations:?}");
    assert_eq!(balancer.control.reloads().0, generations.len() as u64 - 1);
}

#[tokio::test]
async fn what_needs_a_restart_is_applied_without_and_told() {
    let directory = Directory::new();
    let good = config(&[nobody().await], "");
    let path = directory.write("tidegate.toml", &good);
    let balancer = Balancer::start(Origin::File(path)).await;
    let other = format!("[runtime]\nworkers = 7\n{good}\nslow_start = \"5s\"\n");
    directory.write("tidegate.toml", &other);
    for _ in 0..2 {
        let reload = balancer.control.reload("a test").await;
        assert!(matches!(reload, Reload::Applied(_)), "{:?}", told(&reload));
        let status = balancer.control.status();
        assert_eq!(status.config.pending_restart, ["runtime.workers"], "until there is one");
    }
}

#[tokio::test]
async fn a_balancer_that_has_stopped_refuses() {
    let directory = Directory::new();
    let path = directory.write("tidegate.toml", &config(&[nobody().await], ""));
    let balancer = Balancer::start(Origin::File(path)).await;
    balancer.control.stop().await;
    until("the loop ends", || balancer.running.is_finished()).await;
    let mistakes = told(&balancer.control.reload("a test").await);
    assert!(mistakes[0].contains("stopping"), "{mistakes:?}");
}
