//! Instances beside listed servers: who is a member, and what outlives a change.

use std::sync::Arc;

use tidegate_core::model::ids::{PoolName, ServerName};
use tidegate_core::model::ratio::Weight;
use tidegate_core::model::server::{Availability, Rotation, Server};
use tidegate_core::snapshot::{Circumstances, Instances, ServerIds, Snapshot};
use tidegate_core::time::{Duration, Instant};

use crate::disk::config;

const TEXT: &str = "
[listener.web]
address = \"127.0.0.1:8080\"
[route.all]
pool = \"shop\"
[pool.shop]
servers = [\"127.0.0.1:9001\"]
";

fn instances(ports: &[u16]) -> Circumstances {
    let server = |port: &u16| Server {
        name: ServerName::new(&format!("shop-{port}")),
        address: ([127, 0, 0, 1], *port).into(),
        weight: Weight::ONE,
        backup: false,
        zone: None,
    };
    let shop = (PoolName::new("shop"), ports.iter().map(server).collect());
    Circumstances { instances: Instances::from([shop]), ..Circumstances::default() }
}

fn names(snapshot: &Snapshot) -> Vec<&str> {
    snapshot.pools[0].members.iter().map(|member| member.server.name.as_str()).collect()
}

#[test]
fn instances_join_warm_and_keep_what_is_known_of_them() {
    let (config, mut ids) = (Arc::new(config(TEXT)), ServerIds::default());
    let none = Circumstances::default();
    let first = Snapshot::build(Arc::clone(&config), &none, None, &mut ids, Instant::ZERO);
    let mut build = |circumstances: &Circumstances, before: &Snapshot| {
        let later = Instant::ZERO + Duration::from_secs(1);
        Snapshot::build(Arc::clone(&config), circumstances, Some(before), &mut ids, later)
    };
    let two = build(&instances(&[9101, 9102]), &first);
    assert_eq!(names(&two), ["127.0.0.1:9001", "shop-9101", "shop-9102"]);
    assert!(Arc::ptr_eq(&two.table, &first.table), "the same configuration routes alike");
    let [listed, one, other] = &two.pools[0].members[..] else { panic!("three members") };
    assert_eq!(listed.state.rotation(), Rotation::In);
    assert_eq!((one.state.rotation(), other.state.rotation()), (Rotation::Warm, Rotation::Warm));
    one.state.set_rotation(Rotation::In);
    one.state.set_availability(Availability::Unhealthy);

    let changed = build(&instances(&[9101, 9103]), &two);
    assert_eq!(names(&changed), ["127.0.0.1:9001", "shop-9101", "shop-9103"]);
    let kept = &changed.pools[0].members[1];
    assert_eq!(kept.state.id(), one.state.id());
    assert_eq!(kept.state.rotation(), Rotation::In);
    assert_eq!(kept.state.availability(), Availability::Unhealthy);

    let same = build(&instances(&[9101, 9103]), &changed);
    assert!(Arc::ptr_eq(&same.pools[0], &changed.pools[0]), "nothing changed");
}
