//! A latency, kept exactly in an HDR histogram and shown to Prometheus in fixed buckets.
//!
//! Fixed buckets add up over instances; quantiles do not. The histogram keeps three significant digits.

use std::collections::HashMap;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use hdrhistogram::Histogram;
use parking_lot::Mutex;
use prometheus::core::{Collector, Desc};
use prometheus::proto;

/// The upper bounds of the buckets, in microseconds.
const BUCKETS: [u64; 18] = [
    1, 2, 5, 10, 50, 100, 250, 500, 1_000, 2_500, 5_000, 10_000, 25_000, 100_000, 250_000, 1_000_000,
    10_000_000, 60_000_000,
];

/// The longest span that is told apart, in nanoseconds: an hour.
const LONGEST: u64 = 3_600_000_000_000;

/// A latency. Clones share what they record.
#[derive(Clone)]
pub struct Latency {
    desc: Desc,
    recorded: Arc<Mutex<Recorded>>,
}

struct Recorded {
    spans: Histogram<u64>,
    sum_ns: u128,
}

impl fmt::Debug for Latency {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.desc.fq_name)
    }
}

impl Latency {
    /// A latency of that name, in seconds.
    ///
    /// # Errors
    /// Where the name is not one.
    pub fn new(name: &str, help: &str) -> Result<Self, prometheus::Error> {
        let desc = Desc::new(name.to_owned(), help.to_owned(), Vec::new(), HashMap::new())?;
        let spans =
            Histogram::new_with_bounds(1, LONGEST, 3).map_err(|e| prometheus::Error::Msg(e.to_string()))?;
        Ok(Latency { desc, recorded: Arc::new(Mutex::new(Recorded { spans, sum_ns: 0 })) })
    }

    /// Records one span.
    pub fn record(&self, span: Duration) {
        self.record_all([(u64::try_from(span.as_nanos()).unwrap_or(LONGEST), 1)]);
    }

    /// Records spans in nanoseconds, each so many times, under one lock.
    pub fn record_all(&self, spans: impl IntoIterator<Item = (u64, u64)>) {
        let mut recorded = self.recorded.lock();
        for (ns, times) in spans {
            recorded.spans.saturating_record_n(ns.max(1), times);
            recorded.sum_ns += u128::from(ns) * u128::from(times);
        }
    }

    /// How many spans were recorded.
    #[must_use]
    pub fn count(&self) -> u64 {
        self.recorded.lock().spans.len()
    }
}

impl Collector for Latency {
    fn desc(&self) -> Vec<&Desc> {
        vec![&self.desc]
    }

    #[expect(clippy::cast_precision_loss, reason = "Prometheus counts in floating point")]
    fn collect(&self) -> Vec<proto::MetricFamily> {
        let recorded = self.recorded.lock();
        let mut counts = [0_u64; BUCKETS.len()];
        for step in recorded.spans.iter_recorded() {
            let micros = step.value_iterated_to().div_ceil(1_000);
            let bucket = BUCKETS.partition_point(|bound| *bound < micros);
            if let Some(count) = counts.get_mut(bucket) {
                *count += step.count_since_last_iteration();
            }
        }
        let mut histogram = proto::Histogram::default();
        histogram.set_sample_count(recorded.spans.len());
        histogram.set_sample_sum(recorded.sum_ns as f64 / 1e9);
        drop(recorded);
        let mut below = 0;
        let buckets = BUCKETS.iter().zip(counts).map(|(bound, count)| {
            below += count;
            let mut bucket = proto::Bucket::default();
            bucket.set_cumulative_count(below);
            bucket.set_upper_bound(*bound as f64 / 1e6);
            bucket
        });
        histogram.set_bucket(buckets.collect());
        let mut metric = proto::Metric::default();
        metric.set_histogram(histogram);
        let mut family = proto::MetricFamily::default();
        family.set_name(self.desc.fq_name.clone());
        family.set_help(self.desc.help.clone());
        family.set_field_type(proto::MetricType::HISTOGRAM);
        family.set_metric(vec![metric]);
        vec![family]
    }
}
