//! The provider `exec`, with the example's commands.

use std::time::Duration;

use tidegate_control::act::provider::contract::{Order, Provider};
use tidegate_control::act::provider::exec::ExecProvider;
use tidegate_core::model::ids::PoolName;
use tidegate_core::model::provider::Exec;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::ProviderFailure;
use tidegate_net::entropy;

use crate::support::directory::Directory;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../../examples/exec-provider/local.sh");

/// The example, over a directory of its own.
fn provider(directory: &Directory, script: &str) -> ExecProvider {
    let port = 30_000 + entropy::word() % 20_000;
    let command = |word: &str| {
        let state = format!("LOCAL_DIR={}", directory.path("local").display());
        let port = format!("LOCAL_PORT={port}");
        let runs = "LOCAL_COMMAND=sleep 1000".to_owned();
        ["env".into(), state, port, runs, script.into(), word.into()].to_vec()
    };
    let (list, start, stop) = (command("list"), command("start"), command("stop"));
    let exec = Exec { list, start, stop, timeout: Duration::from_secs(20) };
    ExecProvider::new(&PoolName::new("shop"), exec)
}

fn order() -> Order {
    Order { id: InstanceId::new(&PoolName::new("shop"), entropy::word()), template: 0xfeed }
}

#[tokio::test]
async fn the_example_keeps_the_contract() {
    let directory = Directory::new();
    let provider = provider(&directory, SCRIPT);
    assert_eq!(provider.list().await, Ok(Vec::new()));
    let (first, second) = (order(), order());
    let address = provider.start(&first).await.expect("it starts").address;
    assert!(address.is_some());
    assert_eq!(provider.start(&first).await.expect("it is there").address, address);
    let other = provider.start(&second).await.expect("it starts").address;
    assert_ne!(other, address, "each has a port of its own");
    let mut listed = provider.list().await.expect("it can be listed");
    listed.sort_by_key(|one| one.id != first.id);
    assert_eq!((listed.len(), &listed[0].id, &listed[1].id), (2, &first.id, &second.id));
    assert_eq!((listed[0].address, listed[0].template), (address, Some(0xfeed)));
    for order in [&first, &second, &first] {
        assert_eq!(provider.stop(&order.id).await, Ok(()), "twice is as good as once");
    }
    assert_eq!(provider.list().await, Ok(Vec::new()));
}

#[tokio::test]
async fn a_command_that_is_used_wrongly_refuses() {
    let directory = Directory::new();
    let mut wrong = provider(&directory, SCRIPT);
    assert_eq!(wrong.list().await, Ok(Vec::new()));
    wrong = provider(&directory, "examples/nobody.sh");
    let refused = wrong.start(&order()).await;
    // 127, says env: that is not one of the codes that promise that nothing was started.
    assert!(matches!(refused, Err(ProviderFailure::Broken(why)) if why.contains("nobody.sh")));
}
