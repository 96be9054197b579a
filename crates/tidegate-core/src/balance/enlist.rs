//! Who serves: primaries, backups that step in, and what is left when nobody is well.
//!
//! | state of the pool | serving | in reserve |
//! |---|---|---|
//! | primaries available | they, and as many backups as `backup_when` says | available others |
//! | only backups available | as many of them as `backup_when` says | available others |
//! | nobody, `fail-open` | all primaries, well or not | all backups |
//! | nobody, `refuse` | nobody | nobody |
//!
//! A member of weight 0 takes no request in any of these, not even when all else is down: that is
//! how an operator says "leave it alone". For the same reason it does not count as missing. The
//! same holds for one that is not in rotation: it is not ready yet, or on its way out.

use super::plan::Plan;
use crate::model::ids::ServerIndex;
use crate::model::pool::{BackupWhen, WhenAllDown};
use crate::model::server::{Member, Rotation};

/// Members by what they are there for, each in the order of the pool.
#[derive(Debug, Default)]
pub(super) struct Roster {
    /// Requests go to these.
    pub(super) serving: Vec<ServerIndex>,
    /// And to these, once a request has tried all of the former.
    pub(super) reserve: Vec<ServerIndex>,
}

/// Writes to `roster` who serves.
pub(super) fn enlist(plan: &Plan, members: &[Member], roster: &mut Roster) {
    roster.serving.clear();
    roster.reserve.clear();
    enlist_available(plan.backup_when, members, roster);
    if roster.serving.is_empty() && plan.when_all_down == WhenAllDown::FailOpen {
        enlist_all(members, roster);
    }
    debug_assert!(roster.reserve.iter().all(|one| !roster.serving.contains(one)));
}

fn enlist_available(backup_when: BackupWhen, members: &[Member], roster: &mut Roster) {
    let available = |member: &Member| member.state.availability().is_available();
    roster.serving.extend(weighted(members, false).filter(|(_, one)| available(one)).map(index));
    let missing = weighted(members, false).count() - roster.serving.len();
    let wanted = match backup_when {
        // A pool without any primary to miss would otherwise leave its backups idle for ever.
        BackupWhen::Short if roster.serving.is_empty() && missing == 0 => usize::MAX,
        BackupWhen::Short => missing,
        BackupWhen::Empty if roster.serving.is_empty() => usize::MAX,
        BackupWhen::Empty => 0,
    };
    let mut backups = weighted(members, true).filter(|(_, one)| available(one)).map(index);
    roster.serving.extend(backups.by_ref().take(wanted));
    roster.reserve.extend(backups);
}

/// Health is disbelieved: every primary serves, or every backup where there is no primary.
fn enlist_all(members: &[Member], roster: &mut Roster) {
    roster.serving.extend(weighted(members, false).map(index));
    let backups = weighted(members, true).map(index);
    if roster.serving.is_empty() {
        roster.serving.extend(backups);
    } else {
        roster.reserve.extend(backups);
    }
}

/// The primaries or the backups that take traffic at all.
fn weighted(members: &[Member], backup: bool) -> impl Iterator<Item = (usize, &Member)> {
    members.iter().enumerate().filter(move |(_, Member { server, state })| {
        server.backup == backup && state.weight() > 0 && state.rotation() == Rotation::In
    })
}

fn index((position, _): (usize, &Member)) -> ServerIndex {
    ServerIndex::new(position)
}
