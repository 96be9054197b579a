//! The table against a list that is obviously right, and at its bounds.

use std::collections::BTreeMap;

use proptest::collection::vec;
use proptest::prelude::*;

use super::*;
use crate::rng::Rng;

const TTL: Duration = Duration::from_secs(10);

fn table(entries: u32) -> Table {
    Table::new(NonZeroU32::new(entries).expect("not zero"), TTL)
}

fn at(seconds: u64) -> Instant {
    Instant::ZERO + Duration::from_secs(seconds)
}

fn put(table: &Table, id: u64, server: u64, seconds: u64) {
    let home = Home { server: ServerTag(server), at: at(seconds) };
    let Ok(()) = table.put(SessionId::from_bits(id), home);
}

fn get(table: &Table, id: u64, seconds: u64) -> Option<u64> {
    let Ok(server) = table.get(SessionId::from_bits(id), at(seconds));
    server.map(|ServerTag(server)| server)
}

fn live(table: &Table, seconds: u64) -> Vec<(u64, u32)> {
    table.sweep(at(seconds)).into_iter().map(|(server, count)| (server.0, count)).collect()
}

#[test]
fn a_session_lives_while_it_is_used() {
    let table = table(8);
    put(&table, 1, 7, 0);
    assert_eq!(get(&table, 1, 9), Some(7));
    assert_eq!(get(&table, 1, 18), Some(7), "its life begins anew with each use");
    assert_eq!(get(&table, 1, 28), None);
    assert_eq!(table.tally(), TableTally { entries: 0, evicted: 0, expired: 1 });
}

#[test]
fn a_look_at_a_session_does_not_use_it() {
    let table = table(8);
    put(&table, 1, 7, 0);
    let peek = |seconds| table.peek(SessionId::from_bits(1), at(seconds));
    assert_eq!((peek(9), peek(18)), (Some(ServerTag(7)), None));
}

#[test]
fn a_session_that_moves_is_counted_where_it_is() {
    let table = table(8);
    put(&table, 1, 7, 0);
    put(&table, 2, 7, 0);
    put(&table, 1, 8, 1);
    assert_eq!(live(&table, 1), [(7, 1), (8, 1)]);
    let Ok(()) = table.remove(SessionId::from_bits(2), at(1));
    assert_eq!(live(&table, 1), [(8, 1)]);
    assert_eq!(live(&table, 11), []);
}

#[test]
fn the_one_used_longest_ago_makes_room() {
    let table = table(2);
    put(&table, 1, 7, 0);
    put(&table, 2, 7, 1);
    assert_eq!(get(&table, 1, 2), Some(7));
    put(&table, 3, 8, 3);
    assert_eq!((get(&table, 2, 3), get(&table, 1, 3), get(&table, 3, 3)), (None, Some(7), Some(8)));
    assert_eq!(table.tally(), TableTally { entries: 2, evicted: 1, expired: 0 });
    put(&table, 4, 8, 20);
    assert_eq!(table.tally().evicted, 1, "those that are over make room first");
}

#[test]
fn a_shorter_life_ends_sessions_that_were_promised_a_longer_one() {
    let table = table(8);
    put(&table, 1, 7, 0);
    table.set_ttl(Duration::from_secs(2));
    assert_eq!(get(&table, 1, 3), None);
}

#[test]
fn another_table_takes_over_the_latest_for_which_it_has_room() {
    let (before, after) = (table(100), table(3));
    (0..10).for_each(|id| put(&before, id, 7, id));
    after.take_over(&before);
    let kept: Vec<u64> = (0..10).filter(|id| get(&after, *id, 9).is_some()).collect();
    assert_eq!(kept, [7, 8, 9]);
    assert_eq!(get(&after, 7, 19), None, "it lives as long as it would have");
}

#[test]
fn a_large_table_is_nearly_full_before_it_evicts_and_never_more_than_full() {
    let table = table(100_000);
    let mut rng = Rng::new(1);
    let mut first = None;
    for placed in 0..120_000 {
        put(&table, rng.draw(), 7, 0);
        if first.is_none() && table.tally().evicted > 0 {
            first = Some(placed);
        }
    }
    let first = first.expect("it was filled");
    assert!(first > 90_000, "evicts from {first} on");
    let tally = table.tally();
    assert!(tally.entries <= 100_000 && tally.entries + tally.evicted == 120_000, "{tally:?}");
}

#[test]
fn an_entry_takes_what_is_said() {
    assert_eq!(size_of::<shard::Entry>(), 48);
}

#[test]
fn all_cores_see_the_same_entry() {
    let table = table(4096);
    std::thread::scope(|scope| {
        for core in 0..4_u64 {
            let table = &table;
            scope.spawn(move || {
                for id in 0..1000 {
                    put(table, id, core, core);
                    assert!(get(table, id, core).is_some(), "one of them has put it");
                }
            });
        }
    });
    assert_eq!(live(&table, 3), [(3, 1000)], "the newest of the puts holds");
}

/// What the table should be: every session with its server, version and last use, in a list that is
/// searched from end to end.
#[derive(Default)]
struct Plain {
    entries: BTreeMap<u64, (u64, u64, u64)>,
    evicted: u64,
}

impl Plain {
    fn age(&mut self, now: u64) {
        self.entries.retain(|_, (_, _, used)| now - *used < TTL.as_secs());
    }

    fn put(&mut self, room: usize, id: u64, server: u64, now: u64) {
        self.age(now);
        if !self.entries.contains_key(&id) && self.entries.len() == room {
            let oldest = self.entries.iter().min_by_key(|(_, (_, _, used))| *used);
            let oldest = oldest.map(|(id, _)| *id).expect("it is full");
            self.entries.remove(&oldest);
            self.evicted += 1;
        }
        self.entries.insert(id, (server, now, now));
    }

    fn get(&mut self, id: u64, now: u64) -> Option<u64> {
        self.age(now);
        let (server, _, used) = self.entries.get_mut(&id)?;
        *used = now;
        Some(*server)
    }
}

#[derive(Clone, Debug)]
enum Step {
    Put(u64, u64),
    Late(u64, u64),
    Get(u64),
    Remove(u64),
    Sweep,
}

fn step() -> impl Strategy<Value = (Step, u64)> {
    let (id, server) = (0..24_u64, 0..4_u64);
    let step = prop_oneof![
        4 => (id.clone(), server.clone()).prop_map(|(id, server)| Step::Put(id, server)),
        1 => (id.clone(), server).prop_map(|(id, server)| Step::Late(id, server)),
        4 => id.clone().prop_map(Step::Get),
        1 => id.prop_map(Step::Remove),
        1 => Just(Step::Sweep),
    ];
    (step, 1..4_u64)
}

proptest! {
    /// Time moves between any two steps, so that no two uses are of one age.
    #[test]
    fn it_remembers_what_a_list_would(room in 1..20_u32, steps in vec(step(), 1..200)) {
        let (table, mut plain, mut now) = (table(room), Plain::default(), 100);
        for (step, passes) in steps {
            now += passes;
            match step {
                Step::Put(id, server) => {
                    put(&table, id, server, now);
                    plain.put(room as usize, id, server, now);
                }
                // Word from long ago changes nothing for a session that is known.
                Step::Late(id, server) if plain.get(id, now).is_some() => {
                    prop_assert!(get(&table, id, now).is_some());
                    put(&table, id, server, 1);
                }
                Step::Late(..) => {}
                Step::Get(id) => prop_assert_eq!(get(&table, id, now), plain.get(id, now)),
                Step::Remove(id) => {
                    plain.entries.remove(&id);
                    let Ok(()) = table.remove(SessionId::from_bits(id), at(now));
                }
                Step::Sweep => {
                    plain.age(now);
                    let mut counts = BTreeMap::new();
                    for (server, _, _) in plain.entries.values() {
                        *counts.entry(*server).or_insert(0) += 1;
                    }
                    prop_assert_eq!(live(&table, now), counts.into_iter().collect::<Vec<_>>());
                }
            }
            prop_assert!(table.tally().entries <= u64::from(room));
        }
        plain.age(now);
        let left: u32 = live(&table, now).iter().map(|(_, count)| count).sum();
        prop_assert_eq!(left as usize, plain.entries.len());
        prop_assert_eq!(table.tally().evicted, plain.evicted);
    }
}
