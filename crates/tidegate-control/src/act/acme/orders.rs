//! The task that has certificates issued: one at a time, when the core says that it is due.
//!
//! It is told what is wanted whenever that changes, keeps what comes, and has the loop read it. A
//! dead authority holds up the others only as long as one order may take. The process that holds
//! the claim of the state directory places orders; the others look again later, and find what came.

use std::collections::BTreeMap;
use std::sync::Arc;

use tidegate_core::model::acme::CertificateName;
use tidegate_core::renewal::{Output, Renewal};
use tidegate_core::time::{Duration, UnixTime};
use tidegate_net::state::Claim;
use tidegate_net::tls::identity::Identity;
use tidegate_net::{clock, task};
use tokio::sync::{mpsc, watch};
use zeroize::Zeroizing;

use super::failed::Failed;
use super::order;
use super::standing::Standing;
use super::wanted::{Want, Wanted, validity};
use crate::control::Command;
use crate::events::{Kind, Report};
use crate::shared::Shared;
use crate::tls::kept::{Shelf, is_for};

/// For one order in all.
const ORDER_TIMEOUT: Duration = Duration::from_secs(300);
/// The wall clock may be set: how long to sleep by the other one.
const LOOK: Duration = Duration::from_secs(600);

/// Starts the task, which does what `Sender` is given. It ends when either channel does.
pub(crate) fn start(
    shared: Arc<Shared>,
    commands: mpsc::WeakSender<Command>,
) -> watch::Sender<Wanted> {
    let (wanted, watch) = watch::channel(Wanted::default());
    let orders = Orders { shared, commands, renewals: BTreeMap::new() };
    // Nothing waits for it: what it is at when the process ends is begun anew by the next.
    drop(task::spawn("acme", orders.run(watch)));
    wanted
}

struct Orders {
    shared: Arc<Shared>,
    commands: mpsc::WeakSender<Command>,
    renewals: BTreeMap<CertificateName, Renewal>,
}

/// What came of what was due.
enum Outcome {
    /// A certificate was issued, and is kept.
    Issued(Identity),
    /// Another process had it issued.
    Found(Identity),
    /// Another process is at it.
    Taken,
}

impl Orders {
    async fn run(mut self, mut watch: watch::Receiver<Wanted>) {
        loop {
            let wanted = watch.borrow_and_update().clone();
            self.adopt(&wanted);
            if let (Some(shelf), Some((name, want))) = (&wanted.shelf, self.due(&wanted)) {
                let mut gone = watch.clone();
                tokio::select! {
                    () = self.attend(&name, &want, shelf, &wanted) => {}
                    () = ended(&mut gone) => return,
                }
                continue;
            }
            tokio::select! {
                changed = watch.changed() => if changed.is_err() { return },
                () = tokio::time::sleep(self.pause(&wanted)) => {}
            }
        }
    }

    /// Takes over what is wanted, and what is there of it.
    fn adopt(&mut self, wanted: &Wanted) {
        self.renewals.retain(|name, _| wanted.certificates.contains_key(name));
        self.shared.standings.retain(|name| wanted.certificates.contains_key(name));
        for (name, want) in &wanted.certificates {
            let new = || Renewal::new(name.seed());
            let renewal = self.renewals.entry(name.clone()).or_insert_with(new);
            let before = renewal.clone();
            if let Some(held) = want.held {
                renewal.handle_held(held);
            }
            if *renewal != before || want.held.is_none() {
                self.tell(name, None);
            }
        }
    }

    /// The first that is due.
    fn due(&mut self, wanted: &Wanted) -> Option<(CertificateName, Want)> {
        let now = clock::unix_time();
        self.renewals.iter_mut().find_map(|(name, renewal)| {
            let Output::Order = renewal.handle_timeout(now)?;
            Some((name.clone(), wanted.certificates.get(name)?.clone()))
        })
    }

    /// Until something is due, or may be.
    fn pause(&self, wanted: &Wanted) -> Duration {
        // Without a place to keep them, none are asked for: each start would ask again.
        let due = self.renewals.values().filter_map(Renewal::poll_timeout).min();
        let Some(due) = due.filter(|_| wanted.shelf.is_some()) else { return LOOK };
        let left = due.as_millis().saturating_sub(clock::unix_time().as_millis());
        Duration::from_millis(left).min(LOOK)
    }

    /// Does what is due for a certificate.
    async fn attend(
        &mut self,
        name: &CertificateName,
        want: &Want,
        shelf: &Shelf,
        wanted: &Wanted,
    ) {
        self.tell(name, None);
        let done = obtain(name, want, shelf, wanted);
        let done = match tokio::time::timeout(ORDER_TIMEOUT, done).await {
            Ok(done) => done,
            Err(_) => Err(Failed::unreached("it took too long")),
        };
        let now = clock::unix_time();
        let Some(renewal) = self.renewals.get_mut(name) else { return };
        match done {
            Ok(Outcome::Issued(identity)) => {
                renewal.handle_held(validity(&identity));
                self.shared.standings.count_issued();
                self.have_it_read().await;
                self.tell(name, None);
            }
            Ok(Outcome::Found(identity)) => {
                renewal.handle_held(validity(&identity));
                self.have_it_read().await;
                self.tell(name, None);
            }
            Ok(Outcome::Taken) => {
                renewal.handle_taken(now);
                self.tell(name, None);
            }
            Err(failed) => {
                renewal.handle_failure(failed.failure, failed.away, now);
                self.shared.standings.count_failed(failed.failure);
                let next = renewal.poll_timeout();
                self.say_failed(want, &failed, now, next);
                self.tell(name, Some(failed.why));
            }
        }
    }

    /// The watcher would see the file as well, a few seconds later.
    async fn have_it_read(&self) {
        if let Some(commands) = self.commands.upgrade() {
            // A loop that has ended shows nothing to anybody.
            let _ = commands.send(Command::Renew).await;
        }
    }

    fn say_failed(&self, want: &Want, failed: &Failed, now: UnixTime, next: Option<UnixTime>) {
        let message = format!("no certificate for {}", want.acme.domains.join(", "));
        let left = next.map_or(0, |next| next.as_secs().saturating_sub(now.as_secs()));
        let why = format!("{failed}; the next try is in {left} s");
        self.shared.events.emit(Report::node(Kind::CertificateRefused, message, why));
    }

    fn tell(&self, name: &CertificateName, failure: Option<String>) {
        let next = self.renewals.get(name).and_then(Renewal::poll_timeout);
        let failure = failure.or_else(|| self.shared.standings.of(name).failure);
        let failures = self.renewals.get(name).map_or(0, Renewal::failures);
        let failure = failure.filter(|_| failures > 0);
        self.shared.standings.set(name, Standing { next, failure });
    }
}

/// Has a certificate issued and keeps it, unless another process does, or has just done so.
async fn obtain(
    name: &CertificateName,
    want: &Want,
    shelf: &Shelf,
    wanted: &Wanted,
) -> Result<Outcome, Failed> {
    let Some(_claim): Option<Claim> = shelf.claim().map_err(Failed::unreached)? else {
        return Ok(Outcome::Taken);
    };
    if let Some(identity) = newer(name, want, shelf).await {
        return Ok(Outcome::Found(identity));
    }
    let content = order::place(want, shelf, &wanted.challenges).await?;
    let identity = Identity::from_pem(&content, &content, None).map_err(Failed::refused)?;
    let kept = shelf.write_certificate(name, Zeroizing::new(content.to_vec())).await;
    kept.map_err(|error| Failed::unreached(format!("it cannot be kept: {error}")))?;
    Ok(Outcome::Issued(identity))
}

/// What another process had issued since we looked.
async fn newer(name: &CertificateName, want: &Want, shelf: &Shelf) -> Option<Identity> {
    let content = shelf.read_certificate(name).await.ok()??;
    let identity = Identity::from_pem(&content, &content, None).ok()?;
    let is_newer = want.held.is_none_or(|held| held.not_after < identity.not_after());
    let holds = identity.not_after() > clock::unix_time();
    (is_newer && holds && is_for(&identity, &want.acme.domains)).then_some(identity)
}

/// Waits until nobody wants anything any more.
async fn ended(watch: &mut watch::Receiver<Wanted>) {
    while watch.changed().await.is_ok() {}
}
