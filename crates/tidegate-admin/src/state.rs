//! The state directory, and the token that is kept in it.
//!
//! The directory is the configured one, or the system's place when this user may write there, or
//! else the user's own. It belongs to its owner alone: one that others can write to is refused, as
//! they could put their own token in. The token file is written whole, readable by its owner only.

use std::env;
use std::fs::{self, DirBuilder, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use tidegate_net::entropy;

use crate::server::{FreshToken, StartError};

/// The system's place.
const SYSTEM: &str = "/var/lib/tidegate";
/// The name of the token file.
const TOKEN: &str = "admin.token";

/// The directories that may hold the state of a balancer on this machine, the likeliest first.
#[must_use]
pub fn candidates(configured: Option<&Path>) -> Vec<PathBuf> {
    if let Some(configured) = configured {
        return vec![configured.to_owned()];
    }
    [Some(PathBuf::from(SYSTEM)), of_user()].into_iter().flatten().collect()
}

/// The token that a balancer on this machine made up and this user may read.
#[must_use]
pub fn stored_token(configured: Option<&Path>) -> Option<String> {
    let files = candidates(configured).into_iter().map(|directory| directory.join(TOKEN));
    let tokens = files.filter_map(|file| fs::read_to_string(file).ok());
    tokens.map(|token| token.trim_end().to_owned()).find(|token| !token.is_empty())
}

/// Makes up a token and keeps it. Where nothing is configured and there is no place for it, the
/// token is not kept, which is not an error: a read-only system can run a balancer.
pub(crate) fn keep_token(configured: Option<&Path>) -> Result<FreshToken, StartError> {
    let token = fresh();
    for directory in candidates(configured) {
        match keep(&directory, &token) {
            Ok(path) => return Ok(FreshToken { token, path: Some(path) }),
            Err(source) if configured.is_some() => {
                return Err(StartError::State {
                    directory: directory.display().to_string(),
                    source,
                });
            }
            Err(error) => {
                tracing::debug!(%error, directory = %directory.display(), "no place for state");
            }
        }
    }
    tracing::warn!("no state directory can be written: the admin token is not kept");
    Ok(FreshToken { token, path: None })
}

fn of_user() -> Option<PathBuf> {
    let absolute = |name| env::var_os(name).map(PathBuf::from).filter(|path| path.is_absolute());
    let state = absolute("XDG_STATE_HOME");
    let state = state.or_else(|| Some(absolute("HOME")?.join(".local/state")));
    Some(state?.join("tidegate"))
}

/// 256 bits in hexadecimal.
fn fresh() -> String {
    entropy::bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keep(directory: &Path, token: &str) -> io::Result<PathBuf> {
    DirBuilder::new().recursive(true).mode(0o700).create(directory)?;
    if fs::metadata(directory)?.mode() & 0o022 != 0 {
        return Err(io::Error::new(io::ErrorKind::PermissionDenied, "others may write to it"));
    }
    let path = directory.join(TOKEN);
    let draft = directory.join(format!(".{TOKEN}.{:016x}", entropy::word()));
    let mut file = OpenOptions::new().write(true).create_new(true).mode(0o600).open(&draft)?;
    let written = writeln!(file, "{token}").and_then(|()| fs::rename(&draft, &path));
    if written.is_err() {
        // Nothing else can be done about it.
        let _ = fs::remove_file(&draft);
    }
    written.map(|()| path)
}
