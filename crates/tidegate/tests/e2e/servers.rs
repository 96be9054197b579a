//! The commands that ask something of single servers.

use crate::world::balancer::Balancer;
use crate::world::config::config;
use crate::world::directory::Directory;
use crate::world::origin::Origin;
use crate::world::wait::until;

/// Who answered so many requests.
fn answers(balancer: &Balancer, requests: usize) -> Vec<String> {
    let mut answers: Vec<String> = (0..requests).map(|_| balancer.get("/").body).collect();
    answers.sort();
    answers.dedup();
    answers
}

/// Waits for a request to be answered by each of the two. Every core takes its own turns, and the
/// system spreads connections over cores as it likes.
fn both_answer(balancer: &Balancer) {
    until("both answer", || (answers(balancer, 8).len() == 2).then_some(()));
}

#[test]
fn a_server_that_drains_is_sent_nothing_until_it_is_ready_again() {
    let world = Directory::new();
    let (one, other) = (Origin::start("one"), Origin::start("other"));
    let file = world.write("tidegate.toml", &config(&world, &[one.address, other.address], ""));
    let balancer = Balancer::run(world.path(), &file);
    both_answer(&balancer);
    let server = format!("app/{}", one.address);
    let said = |balancer: &Balancer, command: &[&str]| {
        let ended = balancer.asked(world.path(), command);
        assert_eq!(ended.code, 0, "{command:?}: {ended:?}");
        ended.stdout
    };
    assert!(said(&balancer, &["drain", &server]).contains("drains; 0 requests left"));
    let drains = format!("drains    {server}: 0 requests left");
    assert!(said(&balancer, &["status"]).contains(&drains), "{drains}");
    assert!(said(&balancer, &["pools"]).contains("draining"));
    let left = answers(&balancer, 8);
    assert_eq!(left, ["other"]);
    drop(balancer);
    let balancer = Balancer::run(world.path(), &file);
    assert_eq!(answers(&balancer, 8), left, "it survives a restart");
    let listed = said(&balancer, &["overrides"]);
    assert!(listed.contains("drain") && listed.contains(&one.address.to_string()), "{listed}");
    said(&balancer, &["ready", &server]);
    both_answer(&balancer);
    said(&balancer, &["weight", &server, "0"]);
    assert_eq!(answers(&balancer, 8), left);
    said(&balancer, &["weight", &server, "--configured"]);
    said(&balancer, &["maintenance", &server]);
    assert_eq!(answers(&balancer, 8), left);
    assert!(said(&balancer, &["overrides", "--clear"]).contains("1 were not"));
    both_answer(&balancer);
    let unknown = balancer.asked(world.path(), &["drain", "app/nobody"]);
    assert_eq!(unknown.code, 1, "{unknown:?}");
    assert!(unknown.stderr.contains("no such server"), "{unknown:?}");
}
