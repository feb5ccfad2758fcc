//! The arguments by which a range of time is chosen.

/// A range of time.
#[derive(Debug, clap::Args)]
pub(super) struct Range {
    /// this_month, this_quarter, this_year, last_7_days, cycle or all.
    #[arg(short, long)]
    range: Option<String>,
    /// A month of the zone, such as 2026-01, instead of a range.
    #[arg(long, value_name = "YYYY-MM")]
    month: Option<String>,
    /// A billing period by its number, or previous, instead of a range.
    #[arg(long, value_name = "NUMBER|previous")]
    cycle: Option<String>,
    /// From that day or instant on.
    #[arg(long)]
    from: Option<String>,
    /// Up to that day or instant, which is not part of it.
    #[arg(long)]
    to: Option<String>,
    /// The zone whose days these are; that of each organization if not given.
    #[arg(long)]
    zone: Option<String>,
}

impl Range {
    /// What was said of it.
    pub(super) fn pairs(&self) -> impl Iterator<Item = (&'static str, String)> {
        let texts = [
            ("range", &self.range),
            ("month", &self.month),
            ("cycle", &self.cycle),
            ("from", &self.from),
            ("to", &self.to),
            ("zone", &self.zone),
        ];
        texts.into_iter().filter_map(|(name, text)| Some((name, text.clone()?)))
    }
}
