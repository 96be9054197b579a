//! What remembering a session costs a request, alone and while another core does the same.
//!
//! `cargo bench -p tidegate-core --bench session`. The figures are in
//! `docs/decisions/012-the-session-table-takes-a-lock.md`.

#![allow(missing_docs, reason = "criterion's macros make undocumented items")]

use std::hint::black_box;
use std::num::NonZeroU32;
use std::sync::atomic::{AtomicBool, Ordering::Relaxed};

use criterion::{Criterion, criterion_group, criterion_main};
use tidegate_core::rng::Rng;
use tidegate_core::session::id::{IdSecret, SessionId};
use tidegate_core::session::seen::Seen;
use tidegate_core::session::store::{Home, Store};
use tidegate_core::session::table::Table;
use tidegate_core::session::tag::ServerTag;
use tidegate_core::time::{Duration, Instant};

const SESSIONS: u64 = 100_000;

fn sessions(criterion: &mut Criterion) {
    let secret = IdSecret::new([1, 2]);
    criterion.bench_function("hash a name of 32 bytes", |bencher| {
        bencher.iter(|| secret.id(black_box(b"5F2B8C1D9E5F2B8C1D9E5F2B8C1D9E5F")));
    });
    let table = full();
    let mut user = User(Rng::new(1));
    criterion.bench_function("get", |bencher| bencher.iter(|| user.get(&table)));
    criterion.bench_function("put a new one", |bencher| {
        let mut fresh = Rng::new(2);
        bencher.iter(|| put(&table, fresh.draw()));
    });
    let table = full();
    let is_over = AtomicBool::new(false);
    std::thread::scope(|scope| {
        scope.spawn(|| {
            let mut other = User(Rng::new(3));
            while !is_over.load(Relaxed) {
                black_box(other.get(&table));
            }
        });
        let what = "get while another core does nothing but get";
        criterion.bench_function(what, |bencher| bencher.iter(|| user.get(&table)));
        is_over.store(true, Relaxed);
    });
    let (seen, mut users) = (Seen::new(Instant::ZERO), Rng::new(4));
    criterion.bench_function("mark", |bencher| {
        bencher.iter(|| seen.mark(black_box(users.below(SESSIONS))));
    });
    criterion.bench_function("estimate", |bencher| bencher.iter(|| seen.estimate()));
}

/// A table that is full, with sessions of some hundred servers.
fn full() -> Table {
    let entries = NonZeroU32::new(SESSIONS as u32).expect("some");
    let table = Table::new(entries, Duration::from_secs(3600));
    (0..SESSIONS).for_each(|user| put(&table, id(user)));
    table
}

/// Users whose requests come in no order.
struct User(Rng);

impl User {
    fn get(&mut self, table: &Table) -> Option<ServerTag> {
        let id = SessionId::from_bits(id(self.0.below(SESSIONS)));
        let Ok(server) = table.get(black_box(id), Instant::from_nanos(2));
        server
    }
}

fn put(table: &Table, id: u64) {
    let home = Home { server: ServerTag(id % 100), at: Instant::from_nanos(1) };
    let Ok(()) = table.put(SessionId::from_bits(black_box(id)), home);
}

fn id(user: u64) -> u64 {
    tidegate_core::rng::mix(user + 1)
}

criterion_group!(benches, sessions);
criterion_main!(benches);
