//! The keys of sealed cookies, as far as whoever explains has them: a running balancer does, and so
//! does a file that names them.

use tidegate_core::model::node::Config;
use tidegate_net::seal::{Keyring, Purpose};

use crate::tls::parts::Tls;

/// The keys.
#[derive(Clone, Copy)]
pub(super) struct Keys<'a>(Option<&'a Keyring>);

impl<'a> Keys<'a> {
    pub(super) fn of(config: &Config, tls: &'a Tls) -> Self {
        Self(tls.knows_keys(config).then_some(&tls.contexts.keys))
    }

    pub(super) const fn are_known(self) -> bool {
        self.0.is_some()
    }

    /// What was sealed, if it was by us, for this purpose and of this length.
    pub(super) fn open<const N: usize>(self, purpose: &Purpose, text: &[u8]) -> Option<[u8; N]> {
        let mut plain = [0; N];
        let length = self.0?.open(purpose, text, &mut plain)?;
        (length == N).then_some(plain)
    }
}
