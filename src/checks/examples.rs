//! Examples of a check as a table: one record a row, and what the check must say of it.
//!
//! `hold(&CHECK, [pass("…", scan), fail("…", scan), undecided("…", scan)])`. What holds for every check,
//! such as that another era is none of its business, is a law in `laws.rs` and no row.

use std::collections::BTreeSet;

pub(crate) use serde_json::{Value, json};

use crate::check::Check;
pub(crate) use crate::checks::synthetic::{Made, Scan, discover, get, initialize, post, request};
use crate::finding::Finding;
use crate::protocol::names;
pub(crate) use crate::protocol::revision::Era;
pub(crate) use crate::transcript::{Content, FailureKind, Phase, ProbeId, Profile, SkipReason};
pub(crate) use crate::verdict::{Severity, Status};

/// One record and what a check must say of it.
pub(crate) struct Example {
    when: String,
    scan: Scan,
    expected: Status,
    naming: Vec<&'static str>,
    severity: Option<Severity>,
    unstable: Option<bool>,
    at: Option<&'static str>,
    showing: &'static str,
}

impl Example {
    /// What the message must name.
    pub(crate) fn naming(mut self, words: &'static str) -> Self {
        self.naming.push(words);
        self
    }

    /// The harm it must have.
    pub(crate) fn severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }

    /// The place that its first piece of evidence points at.
    pub(crate) fn at(mut self, pointer: &'static str) -> Self {
        self.at = Some(pointer);
        self
    }

    /// What its first piece of evidence must show.
    pub(crate) fn showing(mut self, words: &'static str) -> Self {
        self.showing = words;
        self
    }

    /// It must say that another scan may come out differently.
    pub(crate) fn unstable(mut self) -> Self {
        self.unstable = Some(true);
        self
    }

    /// Everything in which the finding is not what the row says.
    fn faults(&self, found: &Finding) -> Vec<String> {
        let mut faults = Vec::new();
        let mut must = |holds: bool, fault: String| {
            if !holds {
                faults.push(fault);
            }
        };
        must(found.status == self.expected, format!("{:?} instead of {:?}", found.status, self.expected));
        for words in &self.naming {
            must(found.message.contains(words), format!("the message does not name `{words}`"));
        }
        let harm = self.severity.unwrap_or(found.severity);
        must(found.severity == harm, format!("{:?} instead of {harm:?}", found.severity));
        let unstable = self.unstable.unwrap_or(found.unstable);
        must(found.unstable == unstable, format!("unstable: {}", found.unstable));
        let (pointer, excerpt) =
            found.evidence.first().map_or(("", ""), |first| (first.pointer.as_str(), first.excerpt.as_str()));
        must(self.at.is_none_or(|at| at == pointer), format!("it points at {pointer}"));
        must(excerpt.contains(self.showing), format!("it shows {excerpt}"));
        let exists = |id: u32| self.scan.transcript.exchange(id).is_some();
        let shown = found.evidence.iter().all(|evidence| exists(evidence.exchange));
        must(shown, "its evidence is not in the record".to_owned());
        faults
    }
}

macro_rules! kinds {
    ($($name:ident $status:ident $doc:literal)+) => {$(
        #[doc = $doc]
        pub(crate) fn $name(when: impl Into<String>, scan: Scan) -> Example {
            let (when, expected) = (when.into(), Status::$status);
            Example { when, scan, expected, naming: Vec::new(), severity: None, unstable: None, at: None, showing: "" }
        }
    )+};
}

kinds! {
    pass Pass "It must pass."
    warn Warn "It must warn."
    fail Fail "It must fail."
    undecided Inconclusive "It must not be decided."
    not_applicable NotApplicable "It must not apply."
    noted Info "It must be noted."
}

/// A negative `server/discover` of the modern era, unanswered.
pub(crate) fn negative(probe: ProbeId, step: &str) -> Made {
    let body = json!({"jsonrpc":"2.0","id":step,"method":names::DISCOVER,"params":{}});
    post(probe, step, Era::Modern, body).negative()
}

/// Every example must come out as it says; a pass, a fault and an undecided one must be among them.
pub(crate) fn hold(check: &'static Check, examples: impl IntoIterator<Item = Example>) {
    let faults = faults(check, examples);
    assert!(faults.is_empty(), "{}: {} rows do not hold\n{}", check.id, faults.len(), faults.join("\n"));
}

/// Every row that does not hold, and every kind that is missing.
fn faults(check: &'static Check, examples: impl IntoIterator<Item = Example>) -> Vec<String> {
    let (mut faults, mut names, mut kinds) = (Vec::new(), BTreeSet::new(), BTreeSet::new());
    for example in examples {
        let found = example.scan.judge(check);
        let wrong = example.faults(&found);
        if !wrong.is_empty() {
            faults.push(format!("- {}: {} ({})", example.when, wrong.join(", "), found.message));
        }
        if !names.insert(example.when.clone()) {
            faults.push(format!("- {}: two rows have this name", example.when));
        }
        kinds.insert(match example.expected {
            Status::Pass => "passes",
            Status::Warn | Status::Fail => "warns or fails",
            Status::Inconclusive => "is undecided",
            _ => "says something else",
        });
    }
    let wanted = ["passes", "warns or fails", "is undecided"].into_iter();
    let missing = wanted.filter(|kind| !kinds.contains(kind));
    faults.extend(missing.map(|kind| format!("- add an example that {kind}")));
    faults
}

#[test]
fn every_row_that_does_not_hold_and_every_missing_kind_is_reported() {
    let check = crate::checks::by_id("modern-discover").unwrap();
    let found = faults(
        check,
        [
            pass("sound", Scan::modern()),
            fail("no fault", Scan::modern()).naming("a word that is not there"),
            warn("another era", Scan::legacy(false)),
            pass("sound", Scan::modern()).severity(Severity::Low).unstable(),
        ],
    );
    let wanted = [
        "- no fault: Pass instead of Fail, the message does not name",
        "- another era: NotApplicable instead of Warn",
        "- sound: High instead of Low, unstable: false",
        "- sound: two rows have this name",
        "- add an example that is undecided",
    ];
    assert_eq!(found.len(), wanted.len(), "{found:#?}");
    for (found, wanted) in found.iter().zip(wanted) {
        assert!(found.starts_with(wanted), "{found}");
    }
    let sound = [pass("sound", Scan::modern())];
    assert_eq!(
        faults(check, sound),
        ["- add an example that warns or fails", "- add an example that is undecided"]
    );
}
