//! Who brings letters to one webhook, one after the other.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tidegate_core::delivery::Delivery;
use tidegate_core::rng::Rng;
use tidegate_net::{entropy, task};
use tokio::sync::mpsc;
use tokio::task::JoinHandle;

use super::counts::Tally;
use super::letter::Letter;
use super::post::post;
use super::webhook::Webhook;

/// Letters that wait while one is on its way.
const WAITING_MAX: usize = 64;

/// A courier. It leaves when this is dropped.
#[derive(Debug)]
pub(super) struct Courier {
    pub(super) webhook: Webhook,
    tally: Arc<Tally>,
    letters: mpsc::Sender<Letter>,
    running: JoinHandle<()>,
}

impl Courier {
    pub(super) fn new(webhook: Webhook, tally: Arc<Tally>) -> Self {
        let (letters, queue) = mpsc::channel(WAITING_MAX);
        let rounds = Rounds { webhook: webhook.clone(), tally: Arc::clone(&tally) };
        let running = task::spawn("notify", rounds.run(queue));
        Self { webhook, tally, letters, running }
    }

    /// Has a letter brought, unless too many wait.
    pub(super) fn take(&self, letter: Letter) {
        if self.letters.try_send(letter).is_err() {
            self.miss(1);
        }
    }

    /// So many letters could not be written.
    pub(super) fn miss(&self, letters: u64) {
        self.tally.dropped.fetch_add(letters, Relaxed);
    }
}

impl Drop for Courier {
    fn drop(&mut self) {
        self.running.abort();
    }
}

struct Rounds {
    webhook: Webhook,
    tally: Arc<Tally>,
}

impl Rounds {
    async fn run(self, mut queue: mpsc::Receiver<Letter>) {
        let mut rng = Rng::new(entropy::word());
        while let Some(letter) = queue.recv().await {
            self.bring(&letter, &mut rng).await;
        }
    }

    async fn bring(&self, letter: &Letter, rng: &mut Rng) {
        let mut delivery = Delivery::default();
        while let Err(failed) = post(&self.webhook, letter).await {
            let (webhook, host) = (&self.webhook.name, self.webhook.host());
            let Some(pause) = delivery.handle_failure(failed.failure, rng.draw()) else {
                tracing::warn!(webhook, host, why = failed.why, "a webhook did not take an event");
                self.tally.failed.fetch_add(1, Relaxed);
                return;
            };
            tracing::debug!(webhook, host, why = failed.why, "a webhook is tried again");
            self.tally.retried.fetch_add(1, Relaxed);
            tokio::time::sleep(pause).await;
        }
        self.tally.sent.fetch_add(1, Relaxed);
    }
}
