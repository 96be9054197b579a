//! Cells of one kind by name, made when first asked for, for one writer.
//!
//! Cells outlive a reload because they are kept by name. A name that is configured no more gives up
//! its row: its cells retire, and what they counted goes on in the row `other`, so that sums never
//! fall. A retired cell that a request in flight still holds is read until it is let go, then
//! folded into a plain total. Beyond [`LABELS_MAX`] names all share the cells of `other`, which
//! bounds both memory and what a scrape returns.

use std::collections::BTreeMap;
use std::sync::Arc;

/// Names of one kind that have cells of their own, per writer.
pub(super) const LABELS_MAX: usize = 10_000;

/// Cells that can be read as plain numbers.
pub(super) trait Cells: Default {
    /// The plain numbers.
    type Totals: Totals;

    /// What was counted so far.
    fn totals(&self) -> Self::Totals;
}

/// Plain numbers that add up.
pub(super) trait Totals: Clone + Default {
    /// Adds other numbers to these.
    fn add(&mut self, other: &Self);
}

/// The cells of one kind.
#[derive(Debug)]
pub(super) struct Family<K, C: Cells> {
    by_name: BTreeMap<K, Arc<C>>,
    overflow: Option<Arc<C>>,
    retired: Vec<Arc<C>>,
    folded: C::Totals,
    folds: u64,
}

impl<K, C: Cells> Default for Family<K, C> {
    fn default() -> Self {
        Self {
            by_name: BTreeMap::new(),
            overflow: None,
            retired: Vec::new(),
            folded: C::Totals::default(),
            folds: 0,
        }
    }
}

impl<K: Clone + Ord, C: Cells> Family<K, C> {
    /// The cells of `name`, made if there are none yet.
    pub(super) fn cells(&mut self, name: &K) -> Arc<C> {
        if let Some(cells) = self.by_name.get(name) {
            return Arc::clone(cells);
        }
        if self.by_name.len() >= LABELS_MAX {
            self.folds += 1;
            return Arc::clone(self.overflow.get_or_insert_default());
        }
        Arc::clone(self.by_name.entry(name.clone()).or_default())
    }

    /// Retires the cells of names that `keep` does not know.
    pub(super) fn retain(&mut self, keep: impl Fn(&K) -> bool) {
        let gone: Vec<K> = self.by_name.keys().filter(|name| !keep(name)).cloned().collect();
        self.folds += gone.len() as u64;
        self.retired.extend(gone.iter().filter_map(|name| self.by_name.remove(name)));
        self.fold();
    }

    /// Adds all rows to `rows`, and what has no row of its own to the row of `other`.
    pub(super) fn add_to(&mut self, rows: &mut BTreeMap<K, C::Totals>, other: &K) {
        self.fold();
        for (name, cells) in &self.by_name {
            let totals = cells.totals();
            match rows.get_mut(name) {
                Some(row) => row.add(&totals),
                None => {
                    rows.insert(name.clone(), totals);
                }
            }
        }
        if self.folds > 0 {
            let row = rows.entry(other.clone()).or_default();
            row.add(&self.folded);
            self.retired.iter().chain(&self.overflow).for_each(|cells| row.add(&cells.totals()));
        }
    }

    /// What was counted under `name`, which has cells of its own.
    pub(super) fn totals(&self, name: &K) -> Option<C::Totals> {
        self.by_name.get(name).map(|cells| cells.totals())
    }

    /// How often a name went to the row `other`.
    pub(super) const fn folds(&self) -> u64 {
        self.folds
    }

    /// Turns retired cells that nobody writes any more into plain numbers.
    fn fold(&mut self) {
        let folded = &mut self.folded;
        self.retired.retain_mut(|cells| match Arc::get_mut(cells) {
            Some(cells) => {
                folded.add(&cells.totals());
                false
            }
            None => true,
        });
    }
}

#[cfg(test)]
mod tests {
    use super::super::cell::Counter;
    use super::*;

    #[derive(Default)]
    struct Hits(Counter);

    impl Cells for Hits {
        type Totals = u64;

        fn totals(&self) -> u64 {
            self.0.value()
        }
    }

    impl Totals for u64 {
        fn add(&mut self, other: &Self) {
            *self += other;
        }
    }

    fn rows(family: &mut Family<String, Hits>) -> Vec<(String, u64)> {
        let mut rows = BTreeMap::new();
        family.add_to(&mut rows, &"other".to_owned());
        rows.into_iter().collect()
    }

    fn row(name: &str, hits: u64) -> (String, u64) {
        (name.to_owned(), hits)
    }

    #[test]
    fn a_name_keeps_its_cells() {
        let mut family: Family<String, Hits> = Family::default();
        family.cells(&"a".to_owned()).0.add(2);
        family.cells(&"a".to_owned()).0.add(3);
        assert_eq!(rows(&mut family), [row("a", 5)]);
    }

    #[test]
    fn what_a_retired_name_counted_goes_on_in_other() {
        let mut family: Family<String, Hits> = Family::default();
        let held = family.cells(&"gone".to_owned());
        held.0.add(2);
        family.cells(&"stays".to_owned()).0.add(1);
        family.retain(|name| name == "stays");
        assert_eq!(rows(&mut family), [row("other", 2), row("stays", 1)]);
        held.0.add(5);
        assert_eq!(rows(&mut family), [row("other", 7), row("stays", 1)]);
        drop(held);
        assert_eq!(rows(&mut family), [row("other", 7), row("stays", 1)]);
        assert!(family.retired.is_empty(), "nobody holds it: folded");
        assert_eq!(family.folds(), 1);
    }

    #[test]
    fn names_beyond_the_bound_share_one_row() {
        let mut family: Family<String, Hits> = Family::default();
        for number in 0..LABELS_MAX + 7 {
            family.cells(&number.to_string()).0.increment();
        }
        let rows = rows(&mut family);
        assert_eq!(rows.len(), LABELS_MAX + 1);
        assert_eq!(rows.iter().find(|(name, _)| name == "other"), Some(&row("other", 7)));
        assert_eq!(family.folds(), 7);
    }

    #[test]
    fn a_name_that_is_the_word_other_shares_its_row() {
        let mut family: Family<String, Hits> = Family::default();
        family.cells(&"other".to_owned()).0.add(1);
        family.cells(&"gone".to_owned()).0.add(2);
        family.retain(|name| name == "other");
        assert_eq!(rows(&mut family), [row("other", 3)]);
    }
}
