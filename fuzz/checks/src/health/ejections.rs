//! Passive ejection against a plain reading of its rules: who may be out, for how long, and how
//! many at once.

use arbitrary::Arbitrary;
use tidegate_core::health::outlier::{Backup, Outlier, Output};
use tidegate_core::health::verdict::Verdict;
use tidegate_core::model::pool::{Failures, PassiveHealth};
use tidegate_core::model::ratio::Ratio;
use tidegate_core::model::server::{Availability, ServerId};
use tidegate_core::time::{Duration, Instant};

use super::OPS_MAX;

/// Servers that can be members: one bit each.
const SERVERS: u64 = 8;

#[derive(Arbitrary, Debug)]
pub(super) struct Case {
    passive: Limits,
    members: u8,
    ops: Vec<Op>,
}

/// What a configuration can say; the ratio in parts of 255.
#[derive(Arbitrary, Clone, Copy, Debug)]
struct Limits {
    consecutive_failures: u8,
    eject_for_ms: u32,
    max_ejected: u8,
}

#[derive(Arbitrary, Debug)]
enum Op {
    Wait(u32),
    WaitUntilDue,
    Failed { server: u8, run: u8, backup: bool },
    Expire,
    Retain(u8),
    Update(Limits),
}

/// The machine, and what is known of it from outside.
struct Watch {
    outlier: Outlier,
    passive: PassiveHealth,
    members: Vec<ServerId>,
    now: Instant,
}

pub(super) fn run(case: &Case) {
    let (passive, members) = (case.passive.rules(), members(case.members));
    let outlier = Outlier::new(&passive, &members);
    let mut watch = Watch { outlier, passive, members, now: Instant::ZERO };
    for op in case.ops.iter().take(OPS_MAX) {
        watch.perform(op);
        watch.look();
    }
}

impl Watch {
    fn perform(&mut self, op: &Op) {
        match op {
            Op::Wait(millis) => self.now = self.now + Duration::from_millis((*millis).into()),
            Op::WaitUntilDue => {
                self.now = self.now.max(self.outlier.poll_timeout().unwrap_or(self.now));
            }
            Op::Failed { server, run, backup } => {
                let backup = if *backup { Backup::Available } else { Backup::Missing };
                self.fail(ServerId(u64::from(*server) % SERVERS), (*run).into(), backup);
            }
            Op::Expire => self.expire(),
            Op::Retain(bits) => self.retain(members(*bits)),
            Op::Update(limits) => {
                let until = self.outlier.poll_timeout();
                self.passive = limits.rules();
                self.outlier.update(&self.passive);
                assert_eq!(self.outlier.poll_timeout(), until, "standing ejections stay");
            }
        }
    }

    fn fail(&mut self, server: ServerId, run: u32, backup: Backup) {
        let before = self.outlier.ejected();
        let threshold = self.passive.consecutive_failures;
        let deserved = self.members.contains(&server)
            && self.outlier.ejection(server).is_none()
            && threshold > 0
            && run >= threshold;
        let share = (before + 1) as f64 / self.members.len().max(1) as f64;
        let allowed = share <= self.passive.max_ejected.value() + 1e-6;
        match self.outlier.failed_run(server, run, backup, self.now) {
            None => assert!(!deserved, "a full run has a consequence"),
            Some(Output::Eject { server: out, ejection }) => {
                assert!(deserved && out == server);
                assert!(allowed || backup == Backup::Available, "the cap is kept");
                assert_eq!(self.outlier.ejection(server), Some(ejection));
                assert_eq!(self.outlier.ejected(), before + 1);
                assert_eq!((ejection.run, ejection.until), (run, self.now + ejection.lasts));
                let (least, most) = (self.passive.eject_for, PassiveHealth::EJECT_FOR_MAX);
                assert!((least..=most.max(least)).contains(&ejection.lasts), "a length in bounds");
                assert!(ejection.nth > 0 && !ejection.to_string().is_empty());
            }
            Some(Output::Spare { server: spared, spared: why }) => {
                assert!(deserved && spared == server && backup == Backup::Missing);
                assert!(share > self.passive.max_ejected.value() - 1e-6, "spared for a reason");
                assert_eq!((why.run, why.ejected, why.members), (run, before, self.members.len()));
                assert_eq!(self.outlier.ejected(), before);
            }
            Some(Output::Return { .. }) => panic!("a failure puts nobody back"),
        }
    }

    fn expire(&mut self) {
        while let Some(output) = self.outlier.handle_timeout(self.now) {
            let Output::Return { server } = output else { panic!("time ejects nobody") };
            assert!(self.outlier.ejection(server).is_none(), "who returns is in");
            assert!(self.members.contains(&server));
        }
        let next = self.outlier.poll_timeout();
        assert!(next.is_none_or(|next| next > self.now), "whoever is due has returned");
    }

    fn retain(&mut self, members: Vec<ServerId>) {
        let stay = |id: &&ServerId| self.members.contains(id);
        let before: Vec<_> = members.iter().map(|id| self.outlier.ejection(*id)).collect();
        let out = members.iter().filter(stay).filter(|id| self.outlier.ejection(**id).is_some());
        let out = out.count();
        self.outlier.retain(&members);
        let after: Vec<_> = members.iter().map(|id| self.outlier.ejection(*id)).collect();
        assert_eq!(before, after, "who stays keeps an ejection, who comes is in");
        assert_eq!(self.outlier.ejected(), out);
        self.members = members;
    }

    fn look(&self) {
        let ejections = self.members.iter().filter_map(|id| self.outlier.ejection(*id));
        assert_eq!(self.outlier.poll_timeout(), ejections.clone().map(|e| e.until).min());
        assert_eq!(self.outlier.ejected(), ejections.clone().count());
        for ejection in ejections {
            let verdict = Verdict::new(None, Some(ejection));
            assert_eq!(verdict.availability, Availability::Ejected);
        }
    }
}

impl Limits {
    fn rules(self) -> PassiveHealth {
        let share = f64::from(self.max_ejected) / 255.0;
        PassiveHealth {
            consecutive_failures: self.consecutive_failures.into(),
            eject_for: Duration::from_millis(u64::from(self.eject_for_ms).max(1)),
            max_ejected: Ratio::new(share).expect("a share"),
            failures: Failures { connect: true, reset: true, timeout: true, status: Vec::new() },
        }
    }
}

/// The servers whose bit is set.
fn members(bits: u8) -> Vec<ServerId> {
    (0..SERVERS).filter(|id| bits >> id & 1 == 1).map(ServerId).collect()
}
