//! The program, run to its end.

use std::path::Path;
use std::process::{Command, Output, Stdio};

/// What a command came to.
#[derive(Debug)]
pub(crate) struct Ended {
    pub(crate) code: i32,
    pub(crate) stdout: String,
    pub(crate) stderr: String,
}

impl Ended {
    /// Standard output as JSON.
    #[track_caller]
    pub(crate) fn json(&self) -> serde_json::Value {
        let parsed = serde_json::from_str(&self.stdout);
        parsed.unwrap_or_else(|error| panic!("{error}: {self:?}"))
    }
}

/// The program, ready to be given arguments, in a world without settings of the machine it runs on.
pub(crate) fn tidegate(directory: &Path) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_tidegate"));
    command.current_dir(directory).stdin(Stdio::null());
    for name in ["TIDEGATE_ADMIN", "NOTIFY_SOCKET", "NO_COLOR"] {
        command.env_remove(name);
    }
    // Where state is kept when nothing says otherwise.
    command.env("XDG_STATE_HOME", directory.join("state")).env("HOME", directory);
    command
}

/// Runs the program to its end.
pub(crate) fn ended(directory: &Path, arguments: &[&str]) -> Ended {
    let output = tidegate(directory).args(arguments).output().expect("the program starts");
    Ended::from(output)
}

impl From<Output> for Ended {
    fn from(output: Output) -> Self {
        Self {
            code: output.status.code().unwrap_or(-1),
            stdout: String::from_utf8_lossy(&output.stdout).into_owned(),
            stderr: String::from_utf8_lossy(&output.stderr).into_owned(),
        }
    }
}
