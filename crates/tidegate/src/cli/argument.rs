//! Values on the command line that are written as in the configuration, and arguments that several
//! commands share.

use clap::Args;
use tidegate_control::release::facts::Word;
use tidegate_core::config::text::duration;
use tidegate_core::time::Duration;

/// A duration, such as `500ms` or `60s`.
pub(super) fn duration(text: &str) -> Result<Duration, String> {
    let expected = "expected a number and a unit, such as \"500ms\", \"60s\", \"5m\" or \"1h\"";
    duration::parse(text).ok_or_else(|| expected.to_owned())
}

/// Whose word counts.
#[derive(Clone, Copy, Debug, Args)]
pub(super) struct Accept {
    /// Take the file's word where it contradicts a rollout that runs or has finished
    #[arg(long)]
    pub(super) accept: bool,
}

impl Accept {
    pub(super) const fn word(self) -> Word {
        if self.accept { Word::OfFile } else { Word::OfFacts }
    }
}
