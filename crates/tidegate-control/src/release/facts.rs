//! What has happened and a configuration may not contradict: rollouts under way, and those that
//! have finished, as they are kept in the state directory.
//!
//! A rollout that has finished is a fact: requests for its old pool go to the new one, whatever
//! the configuration said when it began. So a configuration that names the old pool, and does not
//! define the rollout any more, would take all users back without a word; it is refused, with the
//! change that makes it say what is. Whoever means it says so ([`Word::OfFile`]).

use std::fs;
use std::path::PathBuf;

use tidegate_core::config::diagnostic::{Diagnostic, Severity};
use tidegate_core::config::load::Loaded;
use tidegate_core::model::ids::RolloutName;
use tidegate_core::model::node::Config;
use tidegate_core::rollout::phase::Phase;
use tidegate_core::rollout::record::Record;
use tidegate_core::rollout::terms::Contradiction;
use tidegate_net::state::{self, StateDirectory};

use super::hands;

/// The directory of what is kept, within the state directory.
pub(super) const DIRECTORY: &str = "release";

/// Whose word counts where a configuration contradicts what has happened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Word {
    /// What has happened: the configuration is refused.
    #[default]
    OfFacts,
    /// The configuration: what has happened is forgotten.
    OfFile,
}

/// What is kept of a rollout.
#[derive(Debug)]
pub(super) struct Fact {
    pub(super) name: RolloutName,
    /// The record, or why it cannot be believed.
    pub(super) record: Result<Record, String>,
}

/// Whether anything is kept of any rollout.
pub(super) fn are_kept(config: &Config) -> bool {
    read(config).is_some_and(|facts| !facts.is_empty())
}

/// What is kept, by name; `None`: there is no place where anything would be. Blocks on the disk,
/// and makes nothing.
pub(super) fn read(config: &Config) -> Option<Vec<Fact>> {
    let places = state::candidates(config.runtime.state.as_deref());
    let directory = places.into_iter().map(|place| place.join(DIRECTORY)).find(|it| it.is_dir())?;
    let entries = fs::read_dir(&directory).ok()?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|entry| Some(entry.ok()?.path())).collect();
    paths.sort_unstable();
    let fact = |path: &PathBuf| {
        let name = path.file_name()?.to_str()?.strip_suffix(".json")?;
        let name = RolloutName::new(Some(name).filter(|name| !name.starts_with('.'))?);
        let text = fs::read(path).map_err(|error| error.to_string());
        let record = text.and_then(|text| believe(&name, &text));
        Some(Fact { name, record })
    };
    Some(paths.iter().filter_map(fact).collect())
}

/// What is kept of one rollout.
pub(super) fn read_one(
    directory: &StateDirectory,
    name: &RolloutName,
) -> Result<Option<Record>, String> {
    let text = directory.read(&hands::file(name)).map_err(|error| error.to_string())?;
    text.map(|text| believe(name, &text)).transpose()
}

fn believe(name: &RolloutName, text: &[u8]) -> Result<Record, String> {
    Record::from_json(name, text).map_err(|error| error.to_string())
}

/// What of a configuration contradicts what has happened: a mistake each, at the line to change.
pub(crate) fn contradictions(config: &Config, loaded: &Loaded) -> Vec<Diagnostic> {
    let facts = read(config).unwrap_or_default();
    let mistakes = facts.iter().flat_map(|fact| match &fact.record {
        Ok(record) => against(record, config, loaded),
        Err(why) => vec![unbelievable(&fact.name, why, loaded)],
    });
    mistakes.collect()
}

fn against(record: &Record, config: &Config, loaded: &Loaded) -> Vec<Diagnostic> {
    let name = &record.rollout;
    let definition = config.rollouts.iter().find(|rollout| rollout.name == *name);
    let mistake = |keys: &[&str], why: String, expected: String| Diagnostic {
        expected: Some(format!("{expected}; `--accept` takes the file's word")),
        ..Diagnostic::new(&loaded.place(keys), Severity::Error, why)
    };
    let refused = definition.map(|definition| record.admits(definition));
    match (record.phase, refused) {
        (_, Some(Err(Contradiction::UnderWay { key, was }))) => {
            let why = format!("rollout {name} is under way ({}): {key} was {was:?}", record.phase);
            vec![mistake(&["rollout", name.as_str(), key], why, format!("`{key} = {was:?}`"))]
        }
        (_, Some(Err(Contradiction::Finished { pool, candidate }))) => {
            let why = format!("rollout {name} has finished: pool {pool} is now {candidate}");
            let expected = format!("`pool = \"{candidate}\"`");
            vec![mistake(&["rollout", name.as_str(), "pool"], why, expected)]
        }
        (phase, None) if phase.is_under_way() => {
            let why = format!("rollout {name} is under way ({phase}), and is not defined");
            vec![mistake(&["rollout"], why, format!("[rollout.{name}], until it is over"))]
        }
        (Phase::Done, _) => {
            let (pool, new) = (&record.terms.pool, &record.terms.candidate);
            // The same definition still divides: all of it is the candidate's.
            if definition.is_some_and(|it| it.pool == *pool && it.candidate == *new) {
                return Vec::new();
            }
            let behind = config.routes.iter().filter(|route| route.pool() == Some(pool));
            let behind = behind.map(|route| {
                let why = format!("rollout {name} has finished: pool {pool} is now {new}");
                let keys = ["route", route.name.as_str(), "pool"];
                mistake(&keys, why, format!("`pool = \"{new}\"`"))
            });
            behind.collect()
        }
        _ => Vec::new(),
    }
}

/// Users would change sides if it was guessed.
fn unbelievable(name: &RolloutName, why: &str, loaded: &Loaded) -> Diagnostic {
    let place = loaded.place(&["rollout", name.as_str()]);
    let message = format!("what is kept of rollout {name} cannot be believed: {why}");
    let expected = "a record of this release; `--accept` forgets what has happened";
    Diagnostic {
        expected: Some(expected.to_owned()),
        ..Diagnostic::new(&place, Severity::Error, message)
    }
}
