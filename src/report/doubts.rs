//! What must be known before anything else of a report is believed. Every format says it.

use super::Report;

/// A reason to read the report with care.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Doubt {
    /// A name that stays the same.
    pub(super) id: &'static str,
    /// Whether the result may be wrong, and not only another's.
    pub(super) grave: bool,
    /// What it is, in one sentence.
    pub(super) text: String,
}

/// The doubts of a report, the gravest first.
pub(super) fn doubts(report: &Report) -> Vec<Doubt> {
    let insecure = report.insecure.then(|| Doubt {
        id: "insecure",
        grave: true,
        text: "Certificate faults were ignored (--insecure): do not trust what was read.".to_owned(),
    });
    let cut = (!report.transcript.complete).then(|| Doubt {
        id: "incomplete",
        grave: true,
        text: "The scan was cut short: what it did not come to is undecided.".to_owned(),
    });
    let proxy = report.proxy.as_ref().map(|proxy| Doubt {
        id: "proxy",
        grave: false,
        text: format!(
            "Scanned through the proxy {proxy}: what it delays or changes is judged with the endpoint."
        ),
    });
    [insecure, cut, proxy].into_iter().flatten().collect()
}
