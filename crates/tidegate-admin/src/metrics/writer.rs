//! The three kinds of metrics, each as one call with all of its rows.

use std::fmt;

use prometheus_client::encoding::{DescriptorEncoder, NoLabelSet};
use prometheus_client::metrics::MetricType;
use prometheus_client::metrics::exemplar::Exemplar;
use prometheus_client::registry::Unit;
use tidegate_core::telemetry::histogram::{BOUNDS, HistogramTotals};

/// Writes metrics. A row without labels is written without braces.
#[derive(Debug)]
pub(super) struct Writer<'a>(DescriptorEncoder<'a>);

/// The labels of a row.
pub(super) type Labels<'a, const N: usize> = [(&'static str, &'a str); N];

const NO_EXEMPLAR: Option<&Exemplar<NoLabelSet, u64>> = None;

impl<'a> Writer<'a> {
    pub(super) const fn new(encoder: DescriptorEncoder<'a>) -> Self {
        Self(encoder)
    }

    /// A number that only grows; `_total` is added to the name.
    pub(super) fn counter<'r, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'r, N>, u64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Counter)?;
        for (labels, value) in rows {
            if N == 0 {
                metric.encode_counter(&value, NO_EXEMPLAR)?;
            } else {
                metric.encode_family(&labels)?.encode_counter(&value, NO_EXEMPLAR)?;
            }
        }
        Ok(())
    }

    /// A number that comes and goes.
    pub(super) fn gauge<'r, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'r, N>, i64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            if N == 0 {
                metric.encode_gauge(&value)?;
            } else {
                metric.encode_family(&labels)?.encode_gauge(&value)?;
            }
        }
        Ok(())
    }

    /// A number with a fraction that comes and goes.
    pub(super) fn number<'r, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'r, N>, f64)>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Gauge)?;
        for (labels, value) in rows {
            metric.encode_family(&labels)?.encode_gauge(&value)?;
        }
        Ok(())
    }

    /// Durations; `_seconds` is added to the name.
    pub(super) fn histogram<'r, const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        rows: impl IntoIterator<Item = (Labels<'r, N>, HistogramTotals)>,
    ) -> fmt::Result {
        let unit = Unit::Seconds;
        let mut metric =
            self.0.encode_descriptor(name, help, Some(&unit), MetricType::Histogram)?;
        let bounds = BOUNDS.iter().map(|bound| bound.as_secs_f64()).chain([f64::INFINITY]);
        let bounds: Vec<f64> = bounds.collect();
        for (labels, totals) in rows {
            let buckets: Vec<(f64, u64)> = bounds.iter().copied().zip(totals.buckets).collect();
            let (sum, count) = (totals.sum_seconds(), totals.count());
            let mut row = metric.encode_family(&labels)?;
            row.encode_histogram::<NoLabelSet>(sum, count, &buckets, None)?;
        }
        Ok(())
    }

    /// A row of words.
    pub(super) fn info<const N: usize>(
        &mut self,
        name: &str,
        help: &str,
        labels: Labels<'_, N>,
    ) -> fmt::Result {
        let mut metric = self.0.encode_descriptor(name, help, None, MetricType::Info)?;
        metric.encode_info(&labels)
    }
}

/// A number as gauges take it.
pub(super) fn whole(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}
