//! What the commands print.
//!
//! An inventory is taken whole or not at all: half a list would say that the other half is gone.
//! Fields that we do not know are left alone.

use std::net::SocketAddr;

use serde::Deserialize;
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_core::scale::fleet::provider::{Condition, Launched, Listed};

/// The most instances of one inventory.
const INSTANCES_MAX: usize = 4096;

/// Why an answer is not understood.
#[derive(Debug, thiserror::Error)]
pub enum AnswerError {
    /// It is not the document that it should be.
    #[error("the answer cannot be read: {0}")]
    Malformed(#[from] serde_json::Error),
    /// It names what could be no instance of ours.
    #[error("the answer names {0:?}, which is no name of an instance")]
    Name(String),
    /// It is longer than any inventory.
    #[error("the answer lists {0} instances, more than {INSTANCES_MAX}")]
    TooMany(usize),
}

#[derive(Deserialize)]
struct Inventory {
    instances: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    id: String,
    address: Option<SocketAddr>,
    #[serde(default)]
    state: State,
    template: Option<String>,
}

#[derive(Clone, Copy, Default, Deserialize)]
#[serde(rename_all = "lowercase")]
enum State {
    Starting,
    #[default]
    Running,
    Stopping,
}

/// Reads what `list` printed.
///
/// # Errors
/// When it is not an inventory.
pub fn inventory(text: &[u8]) -> Result<Vec<Listed>, AnswerError> {
    let Inventory { instances } = serde_json::from_slice(text)?;
    if instances.len() > INSTANCES_MAX {
        return Err(AnswerError::TooMany(instances.len()));
    }
    instances.into_iter().map(Entry::listed).collect()
}

/// Reads what `start` printed; nothing is an answer too.
///
/// # Errors
/// When it is anything else.
pub fn launched(text: &[u8]) -> Result<Launched, AnswerError> {
    #[derive(Deserialize)]
    struct Answer {
        address: Option<SocketAddr>,
    }
    if text.trim_ascii().is_empty() {
        return Ok(Launched::default());
    }
    let Answer { address } = serde_json::from_slice(text)?;
    Ok(Launched { address })
}

/// A digest as we give it to commands.
pub(super) fn template(digest: u64) -> String {
    format!("{digest:016x}")
}

impl Entry {
    fn listed(self) -> Result<Listed, AnswerError> {
        let Some(id) = InstanceId::parse(&self.id) else { return Err(AnswerError::Name(self.id)) };
        let condition = match self.state {
            State::Starting | State::Running => Condition::Running,
            State::Stopping => Condition::Stopping,
        };
        // A provider may not keep it, or keep something else.
        let digest = |text: String| u64::from_str_radix(&text, 16).ok();
        let template = self.template.and_then(digest);
        Ok(Listed { id, address: self.address, condition, template })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_inventory_is_read() {
        let text = r#"{"instances": [
            {"id": "shop-1", "address": "10.0.0.1:80", "state": "running",
             "template": "000000000000feed", "zone": "a"},
            {"id": "shop-2", "state": "starting"},
            {"id": "shop-3", "address": "[::1]:80", "state": "stopping", "template": "v7"}
        ]}"#;
        let listed = inventory(text.as_bytes()).expect("it is one");
        let plain = listed
            .iter()
            .map(|one| (one.id.as_str(), one.address.is_some(), one.condition, one.template));
        assert_eq!(
            plain.collect::<Vec<_>>(),
            [
                ("shop-1", true, Condition::Running, Some(0xfeed)),
                ("shop-2", false, Condition::Running, None),
                ("shop-3", true, Condition::Stopping, None),
            ]
        );
    }

    #[test]
    fn anything_else_is_none() {
        let many = r#"{"id":"a"},"#.repeat(INSTANCES_MAX);
        let many = format!(r#"{{"instances":[{many}{{"id":"a"}}]}}"#);
        let cases = [
            ("", "cannot be read"),
            ("[]", "cannot be read"),
            (r#"{"instances":[{"id":"a","address":"here"}]}"#, "cannot be read"),
            (r#"{"instances":[{"id":"a","state":"lost"}]}"#, "cannot be read"),
            (r#"{"instances":[{"id":"a b"}]}"#, "names \"a b\""),
            (many.as_str(), "lists 4097"),
        ];
        for (text, says) in cases {
            let error = inventory(text.as_bytes()).expect_err("it is none").to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    #[test]
    fn a_start_may_say_nothing() {
        assert_eq!(launched(b" \n").expect("nothing").address, None);
        assert_eq!(launched(b"{}").expect("no address").address, None);
        let address = launched(br#"{"address":"10.0.0.1:80"}"#).expect("an address").address;
        assert_eq!(address, Some(([10, 0, 0, 1], 80).into()));
        assert!(launched(b"started").is_err());
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>, id in ".{0,70}", address in ".{0,30}") {
            let _ = (inventory(&bytes), launched(&bytes));
            let entry = serde_json::json!({ "id": id, "address": address, "template": id });
            let text = serde_json::json!({ "instances": [entry] }).to_string();
            let _ = inventory(text.as_bytes());
            let alone = serde_json::json!({ "instances": [{ "id": id }] }).to_string();
            let listed = inventory(alone.as_bytes());
            proptest::prop_assert_eq!(listed.is_ok(), InstanceId::parse(&id).is_some());
        }
    }
}
