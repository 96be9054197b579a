//! What cookies are sealed with: the secrets that the configuration names, or else one of our own
//! that is made in the state directory when it is first needed, and stays there.

use std::path::Path;
use std::sync::Arc;

use tidegate_core::model::node::Keys;
use tidegate_core::model::written::Place;
use tidegate_net::entropy;
use tidegate_net::seal::{Keyring, SECRET_MIN};
use tidegate_net::state::StateDirectory;
use zeroize::Zeroizing;

use super::files::{Content, Files};

/// The file of the secret that is made.
const FILE: &str = "signing.key";

/// The keys of our own.
#[derive(Clone, Debug, Default)]
pub(crate) enum Made {
    /// Nobody has looked: a configuration is only checked, or needs none.
    #[default]
    Nowhere,
    /// They cannot be had: where, and why.
    Unable(Place, String),
    /// They are there.
    There(Arc<Keyring>),
}

impl Made {
    /// Opens them in the configured state directory, or the usual one. Blocks on the disk.
    pub(super) fn open(configured: Option<&Path>) -> Self {
        let state = match StateDirectory::open(configured) {
            Ok(state) => state,
            Err(error) => return Self::Unable(place(Path::new(FILE)), error.to_string()),
        };
        let fresh = Zeroizing::new(entropy::bytes::<SECRET_MIN>());
        let fresh: String = fresh.iter().map(|byte| format!("{byte:02x}")).collect();
        let fresh = Zeroizing::new(fresh + "\n");
        let kept = state.settle(FILE, fresh.as_bytes()).map(Zeroizing::new);
        let keyring = kept.map_err(|error| error.to_string()).and_then(|kept| {
            Keyring::new(&[trimmed(&kept)]).map_err(|(_, error)| error.to_string())
        });
        match keyring {
            Ok(keyring) => Self::There(Arc::new(keyring)),
            Err(why) => Self::Unable(place(&state.path(FILE)), why),
        }
    }
}

/// The keyring of the secrets that are named; `None`: none is.
///
/// # Errors
/// What is wrong with each, and where it is named.
pub(super) fn named<'a>(
    asked: &'a Keys,
    files: &mut Files,
) -> Result<Option<Keyring>, Vec<(&'a Place, String)>> {
    if asked.signing.is_empty() {
        return Ok(None);
    }
    let (mut secrets, mut mistakes) = (Vec::new(), Vec::new());
    for reference in &asked.signing {
        let secret = files.resolve(&reference.value).and_then(|secret| {
            let sound = Keyring::new(&[trimmed(&secret)]).map(drop);
            sound.map_err(|(_, error)| format!("{error}; `openssl rand -hex 32` makes one"))?;
            Ok(secret)
        });
        match secret {
            Ok(secret) => secrets.push(secret),
            Err(why) => mistakes.push((&reference.place, why)),
        }
    }
    if !mistakes.is_empty() {
        return Err(mistakes);
    }
    let secrets: Vec<&[u8]> = secrets.iter().map(|secret: &Content| trimmed(secret)).collect();
    let keyring = Keyring::new(&secrets).expect("each of them makes one");
    Ok(Some(keyring))
}

/// A secret without the end of its line.
fn trimmed(content: &[u8]) -> &[u8] {
    let line = content.strip_suffix(b"\n").unwrap_or(content);
    line.strip_suffix(b"\r").unwrap_or(line)
}

/// No configuration names it: it stands where it is.
fn place(file: &Path) -> Place {
    let file = file.display().to_string().into();
    Place { file, line: 1, column: 1, key: "keys.signing".into() }
}
