//! The policy `slo`: servers for what arrives, at what one of them can do.

use super::observed::Observed;
use super::target;
use super::wish::{Source, Wish};
use crate::model::autoscale::{Autoscale, Capacity};
use crate::time::Instant;

/// What is remembered.
#[derive(Clone, Debug, Default)]
pub struct Memory {}

/// Servers for what arrives; `None`: nothing can be said.
pub fn wish(
    settings: &Autoscale,
    observed: &Observed,
    memory: &mut Memory,
    _now: Instant,
) -> Option<Wish> {
    let demand = observed.demand?;
    let each = memory.rate_per_server(settings, observed)?;
    let because = format!("{:.1} requests/s at {each:.1} each", demand.arrivals);
    let servers = target::ceil(demand.arrivals / each);
    Some(Wish { servers, warm: 0, source: Source::Slo, because })
}

impl Memory {
    /// Requests a second that one server is to have; `None`: nothing is known of that.
    #[must_use]
    pub fn rate_per_server(&self, settings: &Autoscale, observed: &Observed) -> Option<f64> {
        let mean = observed.demand.and_then(|demand| demand.service).map(|service| service.mean);
        match settings.capacity {
            Capacity::Requests(rate) => Some(rate * target::UTILIZATION),
            Capacity::InFlight(count) => Some(count / mean? * target::UTILIZATION),
            Capacity::Learn => None,
        }
    }
}
