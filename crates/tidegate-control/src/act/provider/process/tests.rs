//! What the unit tests of this provider share.

use std::collections::BTreeMap;
use std::time::Duration;

use tidegate_core::model::provider::{OnExit, Process};

pub(super) fn settings(command: &[&str]) -> Process {
    Process {
        command: command.iter().map(|word| (*word).to_owned()).collect(),
        ports: (20_000, 20_999),
        env: BTreeMap::new(),
        directory: None,
        logs: None,
        cpus: None,
        memory: None,
        stop_timeout: Duration::from_secs(5),
        on_exit: OnExit::Keep,
    }
}
