//! What several test files share. A helper that fails must fail its test: it may unwrap.
#![allow(clippy::unwrap_used, clippy::expect_used, clippy::indexing_slicing, clippy::string_slice)]

pub(crate) mod client;
pub(crate) mod imports;
pub(crate) mod proxy;
pub(crate) mod raw;
pub(crate) mod tls;

use agentgauge::facts::{Classification, Readings};
use agentgauge::observe::{ScanOptions, Silent, Stop};
use agentgauge::scan::scan;
use agentgauge::target::Target;
use agentgauge::transcript::{Exchange, Limits, Profile, Transcript};

/// Scans a URL in `quick` with limits that tests can change.
pub(crate) async fn scan_with(url: &str, change: impl FnOnce(&mut Target)) -> Transcript {
    let mut target = Target::parse(url, Profile::Quick).unwrap();
    change(&mut target);
    scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await
}

/// Limits short enough for tests of time.
pub(crate) fn impatient(limits: &mut Limits) {
    limits.connect_ms = 1_000;
    limits.tls_ms = 700;
    limits.header_ms = 700;
    limits.reply_ms = 900;
    limits.target_ms = 15_000;
}

/// The first exchange of a step.
pub(crate) fn step<'t>(transcript: &'t Transcript, step: &str) -> &'t Exchange {
    transcript
        .exchanges
        .iter()
        .find(|exchange| exchange.step == step)
        .unwrap_or_else(|| panic!("no step {step}"))
}

/// What the transcript classifies as.
pub(crate) fn class(transcript: &Transcript) -> Classification {
    Readings::new(transcript).classification().clone()
}
