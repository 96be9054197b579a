//! The task that follows the event log and has webhooks told.

use std::sync::Arc;

use tidegate_core::model::notify::Topic;
use tidegate_net::task;
use tokio::sync::watch;

use super::courier::Courier;
use super::letter::Sender;
use super::webhook::Webhook;
use crate::events::{Event, Kind};
use crate::shared::Shared;

/// Starts the task, which tells the webhooks that the returned end is given. It ends with that.
pub(crate) fn start(shared: Arc<Shared>) -> watch::Sender<Arc<[Webhook]>> {
    let (wanted, watch) = watch::channel(Arc::default());
    let herald = Herald { shared, sender: Sender::new(), couriers: Vec::new(), told: 0 };
    drop(task::spawn("notify-herald", herald.run(watch)));
    wanted
}

struct Herald {
    shared: Arc<Shared>,
    sender: Sender,
    couriers: Vec<Courier>,
    /// The last event that everybody was told of.
    told: u64,
}

impl Herald {
    async fn run(mut self, mut wanted: watch::Receiver<Arc<[Webhook]>>) {
        let mut news = self.shared.events.follow();
        loop {
            // Before what happens next: it may be what a new webhook waits for.
            let webhooks = Arc::clone(&wanted.borrow_and_update());
            self.adopt(&webhooks);
            self.tell();
            tokio::select! {
                changed = wanted.changed() => if changed.is_err() { return },
                changed = news.changed() => if changed.is_err() { return },
            }
        }
    }

    /// A webhook that stays keeps its courier, and what waits there.
    fn adopt(&mut self, webhooks: &[Webhook]) {
        let mut before = std::mem::take(&mut self.couriers);
        let tallies = &self.shared.notices;
        self.couriers = webhooks
            .iter()
            .map(|webhook| match before.iter().position(|one| one.webhook == *webhook) {
                Some(place) => {
                    let mut courier = before.swap_remove(place);
                    courier.webhook.on.clone_from(&webhook.on);
                    courier
                }
                None => Courier::new(webhook.clone(), tallies.of(&webhook.name)),
            })
            .collect();
        tallies.retain(|name| webhooks.iter().any(|webhook| webhook.name == name));
    }

    fn tell(&mut self) {
        let page = self.shared.events.since(self.told);
        self.told = page.last;
        for courier in &self.couriers {
            courier.miss(page.missed);
        }
        for event in &page.events {
            self.tell_of(event);
        }
    }

    fn tell_of(&self, event: &Event) {
        let Some(topic) = topic(event.kind) else { return };
        let mut wanting = self.couriers.iter().filter(|one| one.webhook.on.contains(&topic));
        let Some(first) = wanting.next() else { return };
        let letter = self.sender.letter(event);
        wanting.for_each(|courier| courier.take(letter.clone()));
        first.take(letter);
    }
}

/// What an event belongs to.
const fn topic(kind: Kind) -> Option<Topic> {
    match kind {
        Kind::Rollout => Some(Topic::Rollout),
        Kind::ScaleLimited => Some(Topic::AutoscaleLimited),
        Kind::PoolDown | Kind::PoolPanic | Kind::PoolUp => Some(Topic::PoolDown),
        Kind::ServerUp | Kind::ServerDown | Kind::ServerEjected | Kind::ServerReturned => {
            Some(Topic::ServerDown)
        }
        Kind::CertificateRenewed | Kind::CertificateRefused => Some(Topic::Certificate),
        Kind::ProviderFailed | Kind::ProviderBack => Some(Topic::ProviderFailed),
        Kind::ConfigApplied | Kind::ConfigRefused => Some(Topic::Config),
        Kind::Started
        | Kind::ServerSpared
        | Kind::ServerDegraded
        | Kind::ServerSteered
        | Kind::Scaled
        | Kind::ScaleSteered
        | Kind::Instance
        | Kind::Stopping => None,
    }
}
