//! What is kept of a fleet over a restart: a small JSON document.
//!
//! It says which names were given out and how far each had come. It is read with suspicion: another
//! version, another pool, a name that could not be ours or comes twice, and it is refused as a
//! whole, because the inventory of the provider is a better source than half a record.

use std::collections::BTreeSet;
use std::net::SocketAddr;

use serde::{Deserialize, Serialize};

use super::id::InstanceId;
use super::startup::Startup;
use crate::model::ids::PoolName;
use crate::time::Duration;

/// What is kept of a fleet.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FleetRecord {
    /// Whose instances they are.
    pub pool: PoolName,
    /// The instances, by name.
    pub instances: Vec<Recorded>,
    /// How long launches took.
    pub startup: Startup,
}

/// What is kept of an instance.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Recorded {
    /// Its name.
    pub id: InstanceId,
    /// How far it had come.
    pub step: Step,
    /// Where it listens.
    pub address: Option<SocketAddr>,
    /// The digest of what it was launched from.
    pub template: Option<u64>,
}

/// How far an instance had come, as far as that matters after a restart.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Step {
    /// It may have been asked for.
    Requested,
    /// It was started and has not answered yet.
    Starting,
    /// It was ready, out of rotation.
    Warm,
    /// It was in rotation.
    Serving,
    /// It was to finish its work.
    Draining,
    /// It was to be stopped.
    Stopping,
}

/// Why a record is not believed.
#[derive(Debug, thiserror::Error)]
pub enum RecordError {
    /// It is no record.
    #[error("the record of instances cannot be read")]
    Malformed(#[source] serde_json::Error),
    /// It was written in another way.
    #[error("the record of instances has version {0}, and this release reads {VERSION}")]
    Version(u32),
    /// It is of another pool.
    #[error("the record of instances belongs to pool {0:?}")]
    Foreign(String),
    /// It names what could be no instance.
    #[error("the record of instances names {0:?}, which is no name of an instance")]
    Name(String),
    /// It names an instance twice.
    #[error("the record of instances names {0} twice")]
    Twice(InstanceId),
}

/// The version that is written and read.
const VERSION: u32 = 1;

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document {
    version: u32,
    pool: String,
    instances: Vec<Line>,
    startup_ms: Vec<u64>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Line {
    id: String,
    step: Step,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    address: Option<SocketAddr>,
    /// In hexadecimal digits: JSON has no 64-bit integers that everyone reads alike.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    template: Option<String>,
}

impl FleetRecord {
    /// The document.
    #[must_use]
    pub fn to_json(&self) -> Vec<u8> {
        let document = Document {
            version: VERSION,
            pool: self.pool.as_str().to_owned(),
            instances: self.instances.iter().map(Recorded::line).collect(),
            startup_ms: self.startup.iter().map(|took| took.as_millis() as u64).collect(),
        };
        serde_json::to_vec_pretty(&document).expect("strings and numbers have a JSON form")
    }

    /// Reads the document of this pool.
    ///
    /// # Errors
    /// When it is anything else.
    pub fn from_json(pool: &PoolName, text: &[u8]) -> Result<Self, RecordError> {
        let document: Document = serde_json::from_slice(text).map_err(RecordError::Malformed)?;
        if document.version != VERSION {
            return Err(RecordError::Version(document.version));
        }
        if document.pool != pool.as_str() {
            return Err(RecordError::Foreign(document.pool));
        }
        let instances = document.instances.into_iter().map(Line::recorded);
        let instances = instances.collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeSet::new();
        if let Some(twice) = instances.iter().find(|one| !seen.insert(&one.id)) {
            return Err(RecordError::Twice(twice.id.clone()));
        }
        let startup = document.startup_ms.into_iter().map(Duration::from_millis);
        Ok(Self { pool: pool.clone(), instances, startup: Startup::new(startup) })
    }
}

impl Recorded {
    fn line(&self) -> Line {
        Line {
            id: self.id.as_str().to_owned(),
            step: self.step,
            address: self.address,
            template: self.template.map(|digest| format!("{digest:016x}")),
        }
    }
}

impl Line {
    fn recorded(self) -> Result<Recorded, RecordError> {
        let Some(id) = InstanceId::parse(&self.id) else { return Err(RecordError::Name(self.id)) };
        let digest =
            |text: String| u64::from_str_radix(&text, 16).map_err(|_| RecordError::Name(text));
        let template = self.template.map(digest).transpose()?;
        Ok(Recorded { id, step: self.step, address: self.address, template })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pool() -> PoolName {
        PoolName::new("shop")
    }

    fn read(text: &str) -> Result<FleetRecord, RecordError> {
        FleetRecord::from_json(&pool(), text.as_bytes())
    }

    #[test]
    fn what_is_written_is_read() {
        let steps = [Step::Requested, Step::Starting, Step::Warm, Step::Serving, Step::Draining];
        let recorded = |(number, step)| Recorded {
            id: InstanceId::new(&pool(), number),
            step,
            address: (number > 0).then(|| ([127, 0, 0, 1], 9100).into()),
            template: (number > 1).then_some(u64::MAX - number),
        };
        let record = FleetRecord {
            pool: pool(),
            instances: (0..).zip(steps).map(recorded).collect(),
            startup: Startup::new([1, 1500].map(Duration::from_millis)),
        };
        let again = FleetRecord::from_json(&pool(), &record.to_json());
        assert_eq!(again.expect("it was written so"), record);
    }

    #[test]
    fn anything_else_is_refused_as_a_whole() {
        let line = r#"{"id":"a","step":"serving"}"#;
        let document = |version, pool, lines: &str| {
            let head = format!(r#"{{"version":{version},"pool":"{pool}","#);
            format!(r#"{head}"instances":[{lines}],"startup_ms":[]}}"#)
        };
        assert!(read(&document(1, "shop", line)).is_ok());
        let cases = [
            (String::new(), "cannot be read"),
            ("[]".to_owned(), "cannot be read"),
            (document(1, "shop", r#"{"id":"a","step":"asleep"}"#), "cannot be read"),
            (document(1, "shop", r#"{"id":"a","step":"serving","x":1}"#), "cannot be read"),
            (document(2, "shop", line), "has version 2"),
            (document(1, "toys", line), "belongs to pool \"toys\""),
            (document(1, "shop", r#"{"id":"../a","step":"serving"}"#), "names \"../a\""),
            (document(1, "shop", &format!("{line},{line}")), "names a twice"),
        ];
        for (text, says) in cases {
            let error = read(&text).expect_err("it is refused").to_string();
            assert!(error.contains(says), "{error}");
        }
    }

    proptest::proptest! {
        #[test]
        fn no_bytes_panic(bytes: Vec<u8>) {
            let _ = FleetRecord::from_json(&pool(), &bytes);
        }
    }
}
