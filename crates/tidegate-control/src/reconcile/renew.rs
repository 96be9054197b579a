//! Certificates that change while the configuration stays: read again, and published alone.

use std::sync::Arc;
use std::sync::atomic::Ordering::Relaxed;

use tidegate_core::time::Instant;
use tokio::task::JoinError;

use super::Loop;
use super::step::Step;
use crate::events::{Kind, Report};
use crate::publish::DataPlane;
use crate::tls::refresh::{Refreshed, refresh};

impl<P: DataPlane> Loop<P> {
    /// Reads the files of the configuration that serves again.
    pub(super) fn begin_renewal(&mut self) {
        let served = self.shared.accepted.load_full();
        let renewing = tokio::task::spawn_blocking(move || refresh(&served.config, &served.tls));
        self.step = Step::Renewing(renewing);
    }

    /// Publishes what they hold now. What cannot be used has been replaced by what was there
    /// before.
    pub(super) fn take_renewed(&mut self, renewed: Result<Refreshed, JoinError>, now: Instant) {
        self.step = Step::Idle;
        let Refreshed { tls, changes, mistakes } = match renewed {
            Ok(renewed) => renewed,
            Err(error) => {
                let report = Report::node(Kind::CertificateRefused, BROKEN, error);
                return self.shared.events.emit(report);
            }
        };
        for mistake in &mistakes {
            self.shared.events.emit(Report::node(Kind::CertificateRefused, REFUSED, mistake));
        }
        for (what, why) in &changes {
            self.shared.events.emit(Report::node(Kind::CertificateRenewed, what, why));
        }
        let renewals = &self.shared.renewals;
        renewals.refused.fetch_add(mistakes.len() as u64, Relaxed);
        renewals.applied.fetch_add(changes.len() as u64, Relaxed);
        let tls = Arc::new(tls);
        if !changes.is_empty() {
            self.plane.renew(Arc::clone(&tls.contexts));
            self.keeper.settle(&self.shared.snapshot.load(), &tls.contexts, now);
        }
        let served = self.shared.accepted.load_full();
        self.follow(&served.config, &tls);
        self.shared.accepted.store(Arc::new(served.renewed(tls)));
    }
}

const REFUSED: &str = "a changed file cannot be used; what it held before goes on";
const BROKEN: &str = "reading changed files broke off; what they held before goes on";
