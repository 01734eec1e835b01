//! Exit codes: what a run says to the shell. The format never changes them.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::facts::Kind;
use crate::gate::GateOutcome;
use crate::score::Score;

/// How a run ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exit {
    /// 0: done, and every gate passed.
    Ok,
    /// 1: a gate failed.
    GateFailed,
    /// 2: usage, configuration or rubric error, or a machine on which a scan cannot begin.
    Usage,
    /// 3: unreachable, or nothing an agent could use: no score exists.
    NothingToJudge,
    /// 4: too little could be judged.
    Inconclusive,
    /// 5: a report could not be written.
    Output,
    /// 101: a bug of ours.
    Bug,
    /// 129: the terminal hung up (SIGHUP); what was finished is kept.
    HungUp,
    /// 130: interrupted (SIGINT); what was finished is kept.
    Interrupted,
    /// 143: terminated (SIGTERM); what was finished is kept.
    Terminated,
}

impl Exit {
    /// The process's exit code.
    #[must_use]
    pub const fn code(self) -> u8 {
        match self {
            Self::Ok => 0,
            Self::GateFailed => 1,
            Self::Usage => 2,
            Self::NothingToJudge => 3,
            Self::Inconclusive => 4,
            Self::Output => 5,
            Self::Bug => 101,
            Self::HungUp => 129,
            Self::Interrupted => 130,
            Self::Terminated => 143,
        }
    }

    /// The name as it appears in reports.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::GateFailed => "gate-failed",
            Self::Usage => "usage",
            Self::NothingToJudge => "nothing-to-judge",
            Self::Inconclusive => "inconclusive",
            Self::Output => "output",
            Self::Bug => "bug",
            Self::HungUp => "hung-up",
            Self::Interrupted => "interrupted",
            Self::Terminated => "terminated",
        }
    }

    /// The outcome of one target. `blind`: the scan was kept from looking, whatever it found
    /// ([`crate::facts::troubles::blind`]); then nothing is green, and no gate has failed either. A failed gate
    /// outranks a withheld number; without gates, one judged dimension is enough to be done, but where the
    /// endpoint answered and let us not in, nothing is.
    #[must_use]
    pub fn of(kind: Kind, score: &Score, gate: &GateOutcome, blind: bool) -> Self {
        if matches!(kind, Kind::None | Kind::Unreachable) {
            Self::NothingToJudge
        } else if blind {
            Self::Inconclusive
        } else if !gate.failed.is_empty() {
            Self::GateFailed
        } else if gate.asked > 0 {
            if gate.withheld.is_empty() { Self::Ok } else { Self::Inconclusive }
        } else if kind.refuses() {
            Self::Inconclusive
        } else if score.dimensions.values().any(|dimension| dimension.value.is_some()) {
            Self::Ok
        } else {
            Self::Inconclusive
        }
    }

    /// The outcome of several targets: 1 before 4 before 3 before 0. 3 and 4 count when any gate is
    /// given, for a single target, or on request (`--fail-on-unreachable`).
    #[must_use]
    pub fn of_several(outcomes: &[Self], any_gate: bool, fail_on_unreachable: bool) -> Self {
        let strict = any_gate || fail_on_unreachable || outcomes.len() == 1;
        [Self::GateFailed, Self::Inconclusive, Self::NothingToJudge]
            .into_iter()
            .filter(|exit| strict || *exit == Self::GateFailed)
            .find(|exit| outcomes.contains(exit))
            .unwrap_or(Self::Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::baseline::Scanned;
    use crate::gate::{Gates, Judged};
    use crate::score::DimensionScore;
    use crate::verdict::Dimension;

    fn judged(values: &[(Dimension, Option<f64>)], value: Option<f64>) -> Score {
        let mut score = Score::none("too little");
        score.value = value;
        for (dimension, value) in values {
            score.dimensions.insert(
                *dimension,
                DimensionScore {
                    value: *value,
                    upper: 100.0,
                    weight: 12,
                    uncapped: *value,
                    ..DimensionScore::default()
                },
            );
        }
        score
    }

    fn exit(kind: Kind, score: &Score, gates: &Gates) -> Exit {
        let who = Scanned::new("http://h/", None, kind, "");
        let judged = Judged { who, score, findings: &[], worst_first: &[] };
        Exit::of(kind, score, &GateOutcome::of(&judged, gates), false)
    }

    #[test]
    fn one_target() {
        let none = Gates::default();
        let d7 = |min| Gates { min: vec![(Dimension::D7, min)], ..Gates::default() };
        let overall = Gates { min_score: Some(80.0), ..Gates::default() };
        let full = judged(&[(Dimension::D7, Some(90.0))], Some(90.0));
        let gated = judged(&[(Dimension::D2, None), (Dimension::D7, Some(90.0))], None);
        let dark = judged(&[(Dimension::D2, None), (Dimension::D7, None)], None);
        assert_eq!(exit(Kind::Modern, &full, &overall), Exit::Ok);
        assert_eq!(exit(Kind::Modern, &full, &d7(91.0)), Exit::GateFailed);
        assert_eq!(exit(Kind::AuthGated, &gated, &none), Exit::Inconclusive, "the gate is not the endpoint");
        assert_eq!(exit(Kind::AuthGated, &gated, &d7(80.0)), Exit::Inconclusive, "D7 of the gate alone");
        assert_eq!(exit(Kind::Modern, &gated, &d7(80.0)), Exit::Inconclusive, "no score is no success");
        assert_eq!(exit(Kind::AuthGated, &gated, &d7(95.0)), Exit::GateFailed);
        assert_eq!(exit(Kind::AuthGated, &gated, &overall), Exit::Inconclusive);
        let both = Gates { min_score: Some(80.0), min: vec![(Dimension::D7, 95.0)], ..Gates::default() };
        assert_eq!(exit(Kind::AuthGated, &gated, &both), Exit::GateFailed, "1 before 4");
        assert_eq!(exit(Kind::Blocked, &dark, &none), Exit::Inconclusive);
        assert_eq!(exit(Kind::Mcp, &full, &none), Exit::Inconclusive);
        assert_eq!(exit(Kind::Other, &full, &none), Exit::Ok);
        let harm = Gates { fail_on: Some(crate::verdict::Severity::High), ..Gates::default() };
        for kind in [Kind::AuthGated, Kind::Blocked, Kind::Mcp] {
            assert_eq!(exit(kind, &full, &harm), Exit::Inconclusive, "{kind:?}: nothing was looked at");
        }
        assert_eq!(exit(Kind::None, &Score::none("no"), &overall), Exit::NothingToJudge);
        assert_eq!(exit(Kind::Unreachable, &Score::none("no"), &none), Exit::NothingToJudge);
        assert_eq!(exit(Kind::Websocket, &Score::none("no"), &none), Exit::Inconclusive);
    }

    #[test]
    fn a_scan_that_was_kept_from_looking_is_neither_green_nor_red() {
        let full = judged(&[(Dimension::D7, Some(90.0))], Some(90.0));
        let failed = GateOutcome { asked: 1, failed: vec!["x".to_owned()], ..GateOutcome::default() };
        for gate in [GateOutcome::default(), GateOutcome { asked: 1, ..GateOutcome::default() }, failed] {
            assert_eq!(Exit::of(Kind::Modern, &full, &gate, true), Exit::Inconclusive);
        }
        assert_eq!(
            Exit::of(Kind::None, &full, &GateOutcome::default(), true),
            Exit::NothingToJudge,
            "where nothing is, nothing was hidden"
        );
    }

    #[test]
    fn several_targets() {
        use Exit::{GateFailed, Inconclusive, NothingToJudge, Ok};
        let of = Exit::of_several;
        assert_eq!(of(&[Ok, NothingToJudge, Inconclusive, GateFailed], true, false), GateFailed);
        assert_eq!(of(&[Ok, NothingToJudge, Inconclusive], true, false), Inconclusive);
        assert_eq!(of(&[Ok, NothingToJudge], true, false), NothingToJudge);
        assert_eq!(of(&[Ok, NothingToJudge, Inconclusive], false, false), Ok);
        assert_eq!(of(&[Ok, NothingToJudge], false, true), NothingToJudge);
        assert_eq!(of(&[NothingToJudge], false, false), NothingToJudge);
        assert_eq!(of(&[Inconclusive], false, false), Inconclusive);
        assert_eq!(of(&[Ok, Ok], true, true), Ok);
    }

    #[test]
    fn names_are_those_of_the_json_report() {
        for exit in [Exit::Ok, Exit::GateFailed, Exit::NothingToJudge, Exit::HungUp, Exit::Terminated] {
            assert_eq!(serde_json::to_value(exit).unwrap(), exit.name());
        }
    }
}
