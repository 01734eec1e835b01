//! Times in which the scanning machine stood still, so that they are not blamed on the endpoint.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// A time in which the scan was ready to run and did not: other work had the processors.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Stall {
    /// When it began, microseconds since the scan began.
    pub at_us: u64,
    /// How long it lasted, microseconds.
    pub for_us: u64,
}

/// A share of a measured time (one in so many) that stalls must reach to make it worthless. A starved
/// machine starves its own endpoints, too, and what they lose is not seen here: so a small share.
const SHARE: u64 = 5;

/// Whether a time measured from `from_us` to `to_us` says little about the endpoint.
#[must_use]
pub fn disturbed(stalls: &[Stall], from_us: u64, to_us: u64) -> bool {
    let lost: u64 = stalls
        .iter()
        .map(|stall| {
            stall.at_us.saturating_add(stall.for_us).min(to_us).saturating_sub(stall.at_us.max(from_us))
        })
        .fold(0, u64::saturating_add);
    lost > 0 && lost.saturating_mul(SHARE) >= to_us.saturating_sub(from_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_fifth_of_a_time_makes_it_worthless() {
        let stalls = [Stall { at_us: 1_000, for_us: 60 }, Stall { at_us: 1_500, for_us: 100 }];
        assert!(disturbed(&stalls, 1_000, 1_800));
        assert!(disturbed(&stalls, 1_010, 1_570), "the parts inside count: 50 and 70 of 560");
        assert!(!disturbed(&stalls, 1_000, 2_000));
        assert!(!disturbed(&stalls, 0, 1_000), "before them");
        assert!(!disturbed(&stalls, 1_600, 1_600), "after them");
        assert!(!disturbed(&[], 0, 0));
    }
}
