//! Whether files have changed: those of the configuration, when it asks to be watched, and those
//! that TLS is made of, always.
//!
//! Every second the files are looked at, not read. A change counts once two looks in a row agree:
//! whoever copies a file over another leaves it half written for a moment. The loop is told, and
//! decides whether what the files hold now is whole and valid; what it refuses is not tried again
//! until the files change again.
//!
//! Polling costs a few system calls a second and sees what notification services miss: files on
//! network disks, symbolic links that are swapped far away, directories that are replaced.

use tidegate_core::time::Duration;
use tidegate_net::task;
use tokio::sync::{mpsc, watch};

use super::sources::{Sources, Stamps};
use crate::control::Command;

/// Between two looks.
const INTERVAL: Duration = Duration::from_secs(1);

/// What to watch: what was read last, or `None` when there is nothing to watch.
pub(crate) type Watched = Option<Sources>;

/// What the loop is asked for when files have changed.
type Wish = fn() -> Command;

/// Starts to watch what `Sender` is given, and asks for `wish` when it has changed. Ends when
/// either channel does.
pub(crate) fn start(
    name: &'static str,
    commands: mpsc::WeakSender<Command>,
    wish: Wish,
) -> watch::Sender<Watched> {
    let (watched, watch) = watch::channel(None);
    // Nothing waits for the watcher: it ends with the channels.
    drop(task::spawn(name, run(watch, commands, wish)));
    watched
}

async fn run(
    mut watched: watch::Receiver<Watched>,
    commands: mpsc::WeakSender<Command>,
    wish: Wish,
) {
    loop {
        let Some(sources) = watched.borrow_and_update().clone() else {
            match watched.changed().await {
                Ok(()) => continue,
                Err(_) => return,
            }
        };
        tokio::select! {
            changed = watched.changed() => match changed {
                Ok(()) => continue,
                Err(_) => return,
            },
            () = settled(sources) => {}
        }
        let Some(commands) = commands.upgrade() else { return };
        if commands.send(wish()).await.is_err() {
            return;
        }
        // What is asked for brings the sources to watch from now on.
        if watched.changed().await.is_err() {
            return;
        }
    }
}

/// Waits until the files differ from what was loaded, and have stopped changing.
async fn settled(sources: Sources) {
    let mut settling = Settling::new(sources.stamps().clone());
    loop {
        tokio::time::sleep(INTERVAL).await;
        let sources = sources.clone();
        match tokio::task::spawn_blocking(move || sources.look()).await {
            Ok(seen) => {
                if settling.observe(seen) {
                    return;
                }
            }
            Err(error) => tracing::error!(%error, "cannot look at files"),
        }
    }
}

/// Tells a change that has come to rest.
#[derive(Debug)]
struct Settling {
    loaded: Stamps,
    last: Option<Stamps>,
}

impl Settling {
    const fn new(loaded: Stamps) -> Self {
        Self { loaded, last: None }
    }

    /// Takes what a look saw; whether it differs from what was loaded and not from the look before.
    fn observe(&mut self, seen: Stamps) -> bool {
        if seen == self.loaded {
            self.last = None;
            return false;
        }
        let settled = self.last.as_ref() == Some(&seen);
        self.last = Some(seen);
        settled
    }
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;

    fn files(names: &[&str]) -> Stamps {
        names.iter().map(|name| (PathBuf::from(name), None)).collect()
    }

    #[test]
    fn a_change_counts_once_two_looks_agree() {
        let mut settling = Settling::new(files(&["a"]));
        assert!(!settling.observe(files(&["a"])));
        assert!(!settling.observe(files(&["a", "b"])), "seen once");
        assert!(!settling.observe(files(&["a", "b", "c"])), "still changing");
        assert!(settling.observe(files(&["a", "b", "c"])));
    }

    #[test]
    fn a_change_that_is_taken_back_is_none() {
        let mut settling = Settling::new(files(&["a"]));
        assert!(!settling.observe(files(&["b"])));
        assert!(!settling.observe(files(&["a"])));
        assert!(!settling.observe(files(&["b"])), "a new change begins to settle");
    }
}
