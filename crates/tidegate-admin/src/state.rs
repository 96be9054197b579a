//! The token that is kept in the state directory, for commands on the same machine to find.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

use tidegate_net::entropy;
use tidegate_net::state::{StateDirectory, candidates};

use crate::server::{FreshToken, StartError};

/// The name of the token file.
const TOKEN: &str = "admin.token";

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
    match (keep(configured, &token), configured) {
        (Ok(path), _) => Ok(FreshToken { token, path: Some(path) }),
        (Err(source), Some(directory)) => {
            Err(StartError::State { directory: directory.display().to_string(), source })
        }
        (Err(error), None) => {
            tracing::warn!(%error, "no place for state: the admin token is not kept");
            Ok(FreshToken { token, path: None })
        }
    }
}

/// 256 bits in hexadecimal.
fn fresh() -> String {
    entropy::bytes::<32>().iter().map(|byte| format!("{byte:02x}")).collect()
}

fn keep(configured: Option<&Path>, token: &str) -> io::Result<PathBuf> {
    let state = StateDirectory::open(configured)?;
    state.write(TOKEN, format!("{token}\n").as_bytes())?;
    Ok(state.path(TOKEN))
}
