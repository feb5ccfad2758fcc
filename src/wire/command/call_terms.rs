//! What a plan says of live calls, as it is written.

use std::ops::RangeInclusive;

use serde::Deserialize;

use super::invalid;
use crate::ledger::calls::{CallTerms, OnFailure};
use crate::ledger::rejection::Rejection;
use crate::wire::catalog::Amount;

#[derive(Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub(super) struct WrittenCallTerms {
    slice_s: Option<u32>,
    hold_s: Option<u32>,
    warn_before_s: Option<u32>,
    longest_s: Option<u32>,
    silence_s: Option<u32>,
    overdraft: Option<Amount>,
    on_failure: OnFailure,
    failure_cap: Option<Amount>,
}

impl WrittenCallTerms {
    pub(super) fn check(self) -> Result<CallTerms, Rejection> {
        let usual = CallTerms::default();
        Ok(CallTerms {
            slice_s: seconds("calls.slice_s", self.slice_s, 1..=86_400)?.unwrap_or(usual.slice_s),
            hold_s: seconds("calls.hold_s", self.hold_s, 1..=3_600)?.unwrap_or(usual.hold_s),
            warn_before_s: seconds("calls.warn_before_s", self.warn_before_s, 0..=3_600)?
                .unwrap_or(usual.warn_before_s),
            longest_s: seconds("calls.longest_s", self.longest_s, 60..=604_800)?.unwrap_or(usual.longest_s),
            silence_s: seconds("calls.silence_s", self.silence_s, 10..=86_400)?,
            overdraft: self.overdraft.map(|amount| amount.0),
            on_failure: self.on_failure,
            failure_cap: self.failure_cap.map_or(usual.failure_cap, |amount| amount.0),
        })
    }
}

fn seconds(
    field: &'static str,
    written: Option<u32>,
    range: RangeInclusive<u32>,
) -> Result<Option<u32>, Rejection> {
    match written.filter(|seconds| !range.contains(seconds)) {
        None => Ok(written),
        Some(seconds) => {
            let why = format!("{seconds} s; write {} to {}", range.start(), range.end());
            Err(invalid(field, why))
        }
    }
}
