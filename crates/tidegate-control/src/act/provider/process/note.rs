//! A file for each instance that says which process it is.
//!
//! Marks find an instance from its first instruction on; a note finds one that has written over its
//! marks since. It is believed only if that very process, by number and start, is still there.

use serde::{Deserialize, Serialize};
use tidegate_core::scale::fleet::id::InstanceId;
use tidegate_net::state::StateDirectory;

use super::mark::Mark;
use super::table::{self, ProcessId};

#[derive(Serialize, Deserialize)]
struct Note {
    process: i32,
    start: u64,
    port: u16,
    template: u64,
}

fn name(id: &InstanceId) -> String {
    format!("{id}.json")
}

/// Writes it. Without it the marks still do.
pub(super) fn write(directory: &StateDirectory, mark: &Mark, leader: ProcessId) {
    let Mark { id, template, port } = mark;
    let note =
        Note { process: leader.number, start: leader.start, port: *port, template: *template };
    let text = serde_json::to_vec(&note).expect("numbers have a JSON form");
    if let Err(error) = directory.write(&name(id), &text) {
        tracing::warn!(%error, instance = %id, "the note of an instance was not written");
    }
}

/// Removes it; one that stays names a process that is not there.
pub(super) fn remove(directory: &StateDirectory, id: &InstanceId) {
    if let Err(error) = directory.remove(&name(id)) {
        tracing::warn!(%error, instance = %id, "the note of an instance was not removed");
    }
}

/// All instances with a note whose process is there. The notes of others are removed.
pub(super) fn read_all(directory: &StateDirectory) -> Vec<(Mark, ProcessId)> {
    let Ok(entries) = std::fs::read_dir(directory.path("")) else { return Vec::new() };
    let names = entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok());
    let ids = names.filter_map(|name| InstanceId::parse(name.strip_suffix(".json")?));
    ids.filter_map(|id| read(directory, &id)).collect()
}

fn read(directory: &StateDirectory, id: &InstanceId) -> Option<(Mark, ProcessId)> {
    let note: Note = serde_json::from_slice(&directory.read(&name(id)).ok()??).ok()?;
    let leader = ProcessId { start: note.start, number: note.process };
    // When we cannot look, the note stays for the next time.
    if table::process(leader.number).ok()?.is_none_or(|found| found.id != leader) {
        remove(directory, id);
        return None;
    }
    let mark = Mark { id: id.clone(), template: note.template, port: note.port };
    Some((mark, leader))
}
