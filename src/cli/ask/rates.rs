//! How fast a daemon's counters go, from what Prometheus scrapes.

use std::collections::BTreeMap;
use std::time::Duration;

/// The counters and gauges of a daemon at one time; those of one name and several labels are added up.
#[derive(Debug, Default, PartialEq)]
pub(super) struct Sample(BTreeMap<String, f64>);

impl Sample {
    /// Reads the text format of Prometheus.
    pub(super) fn read(text: &str) -> Sample {
        let mut sums: BTreeMap<String, f64> = BTreeMap::new();
        for line in text.lines().filter(|line| !line.starts_with('#')) {
            let Some((series, value)) = line.rsplit_once(' ') else { continue };
            let name = series.split('{').next().unwrap_or(series);
            if let Ok(value) = value.parse::<f64>() {
                *sums.entry(name.to_owned()).or_default() += value;
            }
        }
        Sample(sums)
    }

    /// A gauge, or what a counter has come to.
    pub(super) fn value(&self, name: &str) -> f64 {
        self.0.get(name).copied().unwrap_or_default()
    }

    /// How much a counter went on a second since another time.
    pub(super) fn rate(&self, before: &Sample, name: &str, passed: Duration) -> f64 {
        let more = (self.value(name) - before.value(name)).max(0.0);
        if passed.is_zero() { 0.0 } else { more / passed.as_secs_f64() }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counters_of_one_name_are_added_up_and_go_so_much_a_second() {
        let first = Sample::read("# HELP a x\na_total{r=\"1\"} 10\na_total{r=\"2\"} 5\ng 7\n");
        let later = Sample::read("a_total{r=\"1\"} 30\na_total{r=\"2\"} 5\ng 6\n");
        assert!((later.rate(&first, "a_total", Duration::from_secs(4)) - 5.0).abs() < 1e-9);
        assert!((later.value("g") - 6.0).abs() < 1e-9);
        // A daemon that was started anew counts from nothing.
        assert!(first.rate(&later, "a_total", Duration::from_secs(4)).abs() < 1e-9);
    }
}
