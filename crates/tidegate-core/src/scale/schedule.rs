//! Which sales bind at a time.

use crate::model::autoscale::Sale;
use crate::time::{Duration, UnixTime};

/// A sale that binds.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Due<'a> {
    /// The sale.
    pub sale: &'a Sale,
}

/// The sales that bind at `at`, when capacity is to be there `lead` before they begin.
pub fn due(sales: &[Sale], at: UnixTime, lead: Duration) -> impl Iterator<Item = Due<'_>> {
    let lead = u64::try_from(lead.as_millis()).unwrap_or(u64::MAX);
    sales.iter().filter_map(move |sale| {
        let begins = sale.from.as_millis().saturating_sub(lead);
        (begins..sale.to.as_millis()).contains(&at.as_millis()).then_some(Due { sale })
    })
}
