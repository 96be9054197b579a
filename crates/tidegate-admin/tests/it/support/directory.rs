//! A directory of its own for a test, gone when the test is.

use std::fs;
use std::path::PathBuf;

use tidegate_net::entropy;

pub(crate) struct Directory(PathBuf);

impl Directory {
    pub(crate) fn new() -> Self {
        let name = format!("tidegate-admin-{:016x}", entropy::word());
        let path = std::env::temp_dir().join(name);
        fs::create_dir(&path).expect("the name is new");
        Self(path)
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.0.join(name)
    }

    /// Puts a file there in one step, as careful editors do.
    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let (draft, path) = (self.path(&format!(".{}", name.replace('/', "-"))), self.path(name));
        fs::create_dir_all(path.parent().expect("inside")).expect("room");
        fs::write(&draft, text).expect("room");
        fs::rename(&draft, &path).expect("the same disk");
        path
    }
}

impl Drop for Directory {
    fn drop(&mut self) {
        // What cannot be removed stays in the system's place for such things.
        let _ = fs::remove_dir_all(&self.0);
    }
}
