//! Tokens: the secrets that callers show, and what each may do.
//!
//! A token is compared in time that does not depend on where it differs, and with all of them, so
//! that an answer tells nothing of how close a guess was. A reload that changes the configured
//! tokens takes effect at the next request; one of them that cannot be read leaves the ones before
//! in place.

use std::env;
use std::fs;
use std::hint::black_box;
use std::sync::{Mutex, PoisonError};

use tidegate_core::model::node::{Role, Token};
use tidegate_core::model::secret::SecretReference;

use crate::server::{FreshToken, StartError};

/// What the token that was made up is called in events.
const FRESH: &str = "local token";

/// A token and its owner.
#[derive(Clone)]
pub(crate) struct Entry {
    caller: Caller,
    secret: String,
}

/// Who calls, and what they may do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Caller {
    /// The name that events show.
    pub(crate) name: String,
    /// What they may do.
    pub(crate) role: Role,
}

/// The tokens that are valid now.
pub(crate) struct Keyring {
    keys: Mutex<Keys>,
    fresh: Option<Entry>,
}

struct Keys {
    configured: Vec<Token>,
    resolved: Vec<Entry>,
}

/// Reads the tokens.
///
/// # Errors
/// [`StartError::Token`] for the first that is not there or is empty.
pub(crate) fn resolve(tokens: &[Token]) -> Result<Vec<Entry>, StartError> {
    tokens.iter().map(Entry::resolve).collect()
}

impl Keyring {
    /// The configured tokens, resolved, and the one that was made up for want of any.
    pub(crate) fn new(
        configured: Vec<Token>,
        resolved: Vec<Entry>,
        fresh: Option<&FreshToken>,
    ) -> Self {
        let fresh = fresh.map(|fresh| Entry {
            caller: Caller { name: FRESH.to_owned(), role: Role::Admin },
            secret: fresh.token.clone(),
        });
        Self { keys: Mutex::new(Keys { configured, resolved }), fresh }
    }

    /// Who shows `token`, if it is valid by the tokens that are `configured` now.
    pub(crate) fn caller(&self, token: &str, configured: &[Token]) -> Option<Caller> {
        let mut keys = self.keys.lock().unwrap_or_else(PoisonError::into_inner);
        keys.follow(configured);
        // The token that was made up counts only while there is no other.
        let fresh = self.fresh.iter().filter(|_| keys.resolved.is_empty());
        let matching = |entry: &&Entry| equal(token.as_bytes(), entry.secret.as_bytes());
        let found: Vec<&Entry> = keys.resolved.iter().chain(fresh).filter(matching).collect();
        found.first().map(|entry| entry.caller.clone())
    }
}

impl Keys {
    fn follow(&mut self, configured: &[Token]) {
        if self.configured == configured {
            return;
        }
        self.configured = configured.to_vec();
        match resolve(configured) {
            Ok(resolved) => self.resolved = resolved,
            Err(error) => tracing::error!(%error, "the admin tokens stay as they were"),
        }
    }
}

impl Entry {
    fn resolve(token: &Token) -> Result<Self, StartError> {
        let problem = |problem: String| StartError::Token { name: token.name.clone(), problem };
        let secret = match &token.token {
            SecretReference::Environment(name) => {
                env::var(name).map_err(|error| problem(format!("{name}: {error}")))?
            }
            SecretReference::File(path) => fs::read_to_string(path)
                .map_err(|error| problem(format!("{}: {error}", path.display())))?,
        };
        let secret = secret.trim_end_matches(['\r', '\n']).to_owned();
        if secret.is_empty() {
            return Err(problem("it is empty".to_owned()));
        }
        let caller = Caller { name: token.name.clone(), role: token.role };
        Ok(Self { caller, secret })
    }
}

/// Whether two secrets are the same. Takes as long for any two of the same lengths.
fn equal(shown: &[u8], known: &[u8]) -> bool {
    let mut differs = u8::from(shown.len() != known.len());
    for (place, byte) in shown.iter().enumerate() {
        // A known secret is never empty; beyond its end the comparison goes round, and has failed.
        differs = black_box(differs | (byte ^ known[place % known.len()]));
    }
    differs == 0
}

#[cfg(test)]
mod tests {
    use super::*;

    fn keyring(configured: &[Token], fresh: &str) -> Keyring {
        let resolved = resolve(configured).expect("all can be read");
        let fresh = FreshToken { token: fresh.to_owned(), path: None };
        Keyring::new(configured.to_vec(), resolved, Some(&fresh))
    }

    fn token(name: &str, variable: &str) -> Token {
        let token = SecretReference::Environment(variable.to_owned());
        Token { name: name.to_owned(), token, role: Role::Operate }
    }

    #[test]
    fn only_the_whole_secret_is_equal() {
        for (shown, expected) in [
            ("secret", true),
            ("", false),
            ("secre", false),
            ("secretsecret", false),
            ("Secret", false),
        ] {
            assert_eq!(equal(shown.as_bytes(), b"secret"), expected, "{shown:?}");
        }
    }

    #[test]
    fn tokens_follow_the_configuration() {
        // PATH is set wherever tests run.
        let (path, configured) = (env::var("PATH").expect("set"), [token("alice", "PATH")]);
        let ring = keyring(&[], "fresh");
        assert_eq!(ring.caller("fresh", &[]).map(|caller| caller.role), Some(Role::Admin));
        assert_eq!(ring.caller("guess", &[]), None);
        let alice = Caller { name: "alice".to_owned(), role: Role::Operate };
        assert_eq!(ring.caller(&path, &configured), Some(alice.clone()));
        assert_eq!(ring.caller("fresh", &configured), None, "configured tokens end the other");
        let unreadable = [token("bob", "TIDEGATE_NO_SUCH_VARIABLE")];
        assert_eq!(ring.caller(&path, &unreadable), Some(alice), "the ones before stay");
    }

    #[test]
    fn a_token_that_cannot_be_read_is_an_error_that_names_it() {
        let error = resolve(&[token("bob", "TIDEGATE_NO_SUCH_VARIABLE")]).err().expect("not set");
        assert!(error.to_string().contains("bob"), "{error}");
    }
}
