//! Where an instance's output goes: a file of its own, within bounds.
//!
//! The file stays open in the instance, so it cannot be replaced. When it has grown to the bound,
//! its content moves to a second file and it is cut to nothing; as it is written at its end, the
//! instance goes on at the beginning. What is written between the two is lost.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::Path;
use std::process::Stdio;

use rustix::io::dup;
use tidegate_core::scale::fleet::id::InstanceId;

/// The most bytes of one file; an instance has two.
const BYTES_MAX: u64 = 16 * 1024 * 1024;

/// The most files that are kept of instances that are gone.
const FILES_MAX: usize = 200;

/// Standard output and error of a new instance: its file, or our standard error, which outlives us
/// as a pipe to us would not.
pub(super) fn open(directory: Option<&Path>, id: &InstanceId) -> io::Result<(Stdio, Stdio)> {
    let Some(directory) = directory else {
        return Ok((Stdio::from(dup(io::stderr())?), Stdio::inherit()));
    };
    fs::create_dir_all(directory)?;
    prune(directory);
    let name = directory.join(format!("{id}.log"));
    let file = OpenOptions::new().create(true).append(true).open(name)?;
    Ok((Stdio::from(file.try_clone()?), Stdio::from(file)))
}

/// Cuts the file of an instance if it has grown to the bound.
pub(super) fn bound(directory: &Path, id: &InstanceId) {
    let name = directory.join(format!("{id}.log"));
    let Ok(length) = fs::metadata(&name).map(|data| data.len()) else { return };
    if length < BYTES_MAX {
        return;
    }
    let moved = fs::copy(&name, directory.join(format!("{id}.log.1")))
        .and_then(|_| File::options().write(true).open(&name)?.set_len(0));
    if let Err(error) = moved {
        tracing::warn!(%error, instance = %id, "the output of an instance could not be cut");
    }
}

/// Removes the oldest files beyond the bound. One that still belongs to an instance is the newest.
fn prune(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else { return };
    let mut files: Vec<_> = entries
        .filter_map(|entry| {
            let path = entry.ok()?.path();
            let is_log = path.to_str()?.contains(".log");
            let written = fs::metadata(&path).ok()?.modified().ok()?;
            is_log.then_some((written, path))
        })
        .collect();
    files.sort();
    let surplus = files.len().saturating_sub(FILES_MAX);
    for (_, path) in files.into_iter().take(surplus) {
        // One that cannot be removed is tried again with the next launch.
        let _ = fs::remove_file(path);
    }
}
