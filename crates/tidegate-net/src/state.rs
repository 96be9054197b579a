//! The state directory: what outlives the process, in files that are whole or not there.
//!
//! The directory is the configured one, or the system's place when this user may write there, or
//! else the user's own. It belongs to its owner alone: one that others can write to is refused, as
//! they could put their own state in. A file is written beside its name, brought to the disk and
//! then renamed, so that a reader, or the next start after a power cut, finds the old content or
//! the new and nothing between.

use std::env;
use std::fs::{self, DirBuilder, File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use crate::entropy;

/// The system's place.
const SYSTEM: &str = "/var/lib/tidegate";

/// The directories that may hold the state of a balancer on this machine, the likeliest first.
#[must_use]
pub fn candidates(configured: Option<&Path>) -> Vec<PathBuf> {
    if let Some(configured) = configured {
        return vec![configured.to_owned()];
    }
    [Some(PathBuf::from(SYSTEM)), of_user()].into_iter().flatten().collect()
}

fn of_user() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME");
    let state = state.or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(state?.join("tidegate"))
}

/// A directory that only its owner may write to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct StateDirectory(PathBuf);

impl StateDirectory {
    /// Opens the configured directory, or the first of the usual ones that can be written; made if
    /// it is not there.
    ///
    /// # Errors
    /// What the last candidate failed with.
    pub fn open(configured: Option<&Path>) -> io::Result<Self> {
        let mut failed = io::Error::new(ErrorKind::NotFound, "there is no place for state");
        for directory in candidates(configured) {
            match Self::at(directory) {
                Ok(directory) => return Ok(directory),
                Err(error) => failed = error,
            }
        }
        Err(failed)
    }

    /// The directory at `path`, made if it is not there.
    ///
    /// # Errors
    /// When it cannot be made or written to, or others may write to it.
    pub fn at(path: PathBuf) -> io::Result<Self> {
        DirBuilder::new().recursive(true).mode(0o700).create(&path)?;
        if fs::metadata(&path)?.mode() & 0o022 != 0 {
            return Err(io::Error::new(ErrorKind::PermissionDenied, "others may write to it"));
        }
        let directory = Self(path);
        // Whether it can be written to shows only by writing.
        let draft = directory.draft("probe");
        create(&draft)?;
        fs::remove_file(draft)?;
        Ok(directory)
    }

    /// A directory within this one, made if it is not there. `name` is one part of a path.
    ///
    /// # Errors
    /// As [`StateDirectory::at`].
    pub fn within(&self, name: &str) -> io::Result<Self> {
        Self::at(self.path(name))
    }

    /// The path of the file with this name.
    #[must_use]
    pub fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// The content of a file; `None`: there is none of that name.
    ///
    /// # Errors
    /// When it is there and cannot be read.
    pub fn read(&self, name: &str) -> io::Result<Option<Vec<u8>>> {
        match fs::read(self.path(name)) {
            Ok(content) => Ok(Some(content)),
            Err(error) if error.kind() == ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Replaces the content of a file, which only its owner may read. When this returns the new
    /// content outlives a power cut.
    ///
    /// # Errors
    /// When it cannot be written; the old content is still there then.
    pub fn write(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let draft = self.draft(name);
        let written = write_whole(&draft, content).and_then(|()| {
            fs::rename(&draft, self.path(name))?;
            // The rename itself is an entry of the directory.
            File::open(&self.0)?.sync_all()
        });
        if written.is_err() {
            // Nothing else can be done about it.
            let _ = fs::remove_file(&draft);
        }
        written
    }

    /// The content of a file, which is this one if there was none. Of several processes that settle
    /// it at once, one does, and all return the same.
    ///
    /// # Errors
    /// When it cannot be written or read.
    pub fn settle(&self, name: &str, content: &[u8]) -> io::Result<Vec<u8>> {
        if let Some(settled) = self.read(name)? {
            return Ok(settled);
        }
        let draft = self.draft(name);
        let written = write_whole(&draft, content).and_then(|()| {
            match fs::hard_link(&draft, self.path(name)) {
                Err(error) if error.kind() != ErrorKind::AlreadyExists => Err(error),
                _ => File::open(&self.0)?.sync_all(),
            }
        });
        // Nothing else can be done about it.
        let _ = fs::remove_file(&draft);
        written.and_then(|()| fs::read(self.path(name)))
    }

    /// Removes a file if it is there.
    ///
    /// # Errors
    /// When it is there and cannot be removed.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        match fs::remove_file(self.path(name)) {
            Err(error) if error.kind() != ErrorKind::NotFound => Err(error),
            _ => Ok(()),
        }
    }

    /// Claims `name` for this process until the claim is dropped or the process ends, however it
    /// ends; `None`: another process has it.
    ///
    /// # Errors
    /// When the file that stands for the claim cannot be opened.
    pub fn claim(&self, name: &str) -> io::Result<Option<Claim>> {
        let mut options = OpenOptions::new();
        let file =
            options.write(true).create(true).truncate(false).mode(0o600).open(self.path(name))?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => Ok(Some(Claim { _file: file })),
            Err(rustix::io::Errno::WOULDBLOCK) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn draft(&self, name: &str) -> PathBuf {
        self.0.join(format!(".{name}.{:016x}", entropy::word()))
    }
}

/// What one process at a time may hold.
#[derive(Debug)]
pub struct Claim {
    _file: File,
}

fn create(path: &Path) -> io::Result<File> {
    OpenOptions::new().write(true).create_new(true).mode(0o600).open(path)
}

fn write_whole(path: &Path, content: &[u8]) -> io::Result<()> {
    let mut file = create(path)?;
    file.write_all(content)?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::PermissionsExt;

    use super::*;

    fn directory() -> StateDirectory {
        let path = env::temp_dir().join(format!("tidegate-state-{:016x}", entropy::word()));
        StateDirectory::at(path).expect("a directory can be made in the temporary one")
    }

    #[test]
    fn a_file_is_replaced_whole_and_nothing_else_is_left() {
        let state = directory();
        assert_eq!(state.read("a").expect("it can be read"), None);
        for content in [&b"one"[..], b"the second is longer", b""] {
            state.write("a", content).expect("it can be written");
            assert_eq!(state.read("a").expect("it can be read").as_deref(), Some(content));
        }
        let mode = fs::metadata(state.path("a")).expect("it is there").mode();
        assert_eq!(mode & 0o777, 0o600, "secrets are kept here");
        let left = fs::read_dir(&state.0).expect("it can be listed").count();
        assert_eq!(left, 1, "no draft is left");
        state.remove("a").and_then(|()| state.remove("a")).expect("gone already is gone");
        fs::remove_dir_all(&state.0).expect("it is ours");
    }

    #[test]
    fn a_file_is_settled_once() {
        let state = directory();
        for content in [&b"one"[..], b"two"] {
            assert_eq!(state.settle("a", content).expect("it can be settled"), b"one");
        }
        let left = fs::read_dir(&state.0).expect("it can be listed").count();
        assert_eq!(left, 1, "no draft is left");
        fs::remove_dir_all(&state.0).expect("it is ours");
    }

    #[test]
    fn a_directory_that_others_may_write_to_is_refused() {
        let state = directory();
        fs::set_permissions(&state.0, fs::Permissions::from_mode(0o777)).expect("it is ours");
        let refused = StateDirectory::at(state.0.clone()).expect_err("others may write to it");
        assert_eq!(refused.kind(), ErrorKind::PermissionDenied);
        fs::remove_dir_all(&state.0).expect("it is ours");
    }

    #[test]
    fn one_at_a_time_holds_a_claim() {
        let state = directory();
        let first = state.claim("shop").expect("it can be claimed");
        assert!(first.is_some());
        assert!(state.claim("shop").expect("it can be asked for").is_none(), "it is taken");
        assert!(state.claim("other").expect("it can be claimed").is_some());
        drop(first);
        assert!(state.claim("shop").expect("it can be claimed").is_some(), "it is free again");
        fs::remove_dir_all(&state.0).expect("it is ours");
    }
}
