//! A check's result, and running a check.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::check::{Check, Gated};
use crate::facts::{Facts, Kind, Readings, Scope};
use crate::verdict::{Evidence, Severity, Status, Undecided, Verdict};

/// A check's result, complete.
#[derive(Clone, Debug)]
pub struct Finding {
    /// The check.
    pub check: &'static Check,
    /// Its status.
    pub status: Status,
    /// What it says, or why it was not decided.
    pub message: String,
    /// The harm: the check's own, or what the verdict lowered it to; one step lower on warn.
    pub severity: Severity,
    /// What shows it.
    pub evidence: Vec<Evidence>,
    /// Whether a repetition may turn out differently.
    pub unstable: bool,
    /// The word of its cause, of those that the check declares.
    pub cause: Option<&'static str>,
    /// The check that the defect is charged to, where this one is not applicable because of that.
    pub charged_to: Option<&'static str>,
}

impl Finding {
    /// What to change: what the cause asks for, or else what the check says of itself.
    #[must_use]
    pub fn remediation(&self) -> &'static str {
        let cause = self.check.causes.iter().find(|cause| Some(cause.word) == self.cause);
        cause.and_then(|cause| cause.remedy).unwrap_or(self.check.remediation)
    }
}

impl Check {
    /// Runs the check on one transcript. Tests `applies` first, so that no check repeats it; a panic
    /// in `judge` is [`Status::Error`] for this check alone.
    #[must_use]
    pub fn run(&'static self, readings: &Readings<'_>) -> Finding {
        let judgement = match self.excluded(readings) {
            Some(undecided) => Ok(Err(undecided)),
            None => {
                let facts = Facts::scoped(readings, Scope::from(self.reads));
                catch_unwind(AssertUnwindSafe(|| (self.judge)(&facts)))
            }
        };
        let undecided = |status: Status, message: String| Finding {
            check: self,
            status,
            message,
            severity: self.severity,
            evidence: Vec::new(),
            unstable: false,
            cause: None,
            charged_to: None,
        };
        match judgement {
            // A cause that was never declared can have no remedy and no cap: a bug of ours.
            Ok(Ok(verdict)) if verdict.causes.iter().all(|word| self.declares(word)) => self.found(verdict),
            Ok(Err(Undecided::NotApplicable(reason))) => undecided(Status::NotApplicable, reason),
            Ok(Err(Undecided::Inconclusive(reason))) => undecided(Status::Inconclusive, reason),
            Ok(Err(Undecided::Charged { to, reason })) => {
                let reason = format!("{reason} (charged to {to})");
                Finding { charged_to: Some(to), ..undecided(Status::NotApplicable, reason) }
            }
            Ok(Ok(_)) | Err(_) => undecided(
                Status::Error,
                "this check crashed: a bug of agentgauge, please report it with the transcript".to_owned(),
            ),
        }
    }

    fn found(&'static self, verdict: Verdict) -> Finding {
        let highest = verdict.severity.unwrap_or(self.severity).min(self.severity);
        let severity = match verdict.status {
            Status::Warn if verdict.severity.is_none() => highest.lower(),
            Status::Info => Severity::Info,
            _ => highest,
        };
        let worst = self.causes.iter().find(|cause| verdict.causes.contains(&cause.word));
        Finding {
            check: self,
            status: verdict.status,
            message: verdict.message,
            severity,
            evidence: verdict.evidence,
            unstable: verdict.unstable,
            cause: worst.map(|cause| cause.word),
            charged_to: None,
        }
    }

    fn excluded(&self, readings: &Readings<'_>) -> Option<Undecided> {
        let class = readings.classification();
        let not_applicable = |reason: String| Some(Undecided::NotApplicable(reason));
        let inconclusive = |reason: String| Some(Undecided::Inconclusive(reason));
        match class.kind {
            // Only what the connection itself showed can still be judged.
            Kind::Unreachable | Kind::Blocked if self.applies.transports.is_empty() => None,
            Kind::Unreachable => inconclusive(format!("the endpoint could not be reached: {}", class.reason)),
            Kind::Blocked => inconclusive(format!("our requests are refused: {}", class.reason)),
            Kind::Mcp if self.applies.transports.is_empty() => None,
            Kind::Mcp => inconclusive(format!("nothing was served: {}", class.reason)),
            Kind::None if self.applies.transports.is_empty() => None,
            Kind::None => not_applicable("nothing an agent could use was found here".to_owned()),
            Kind::AuthGated => match self.applies.gated {
                Gated::Judged => None,
                Gated::Hidden if class.credential_refused => {
                    inconclusive("behind authentication, and the credential was refused".to_owned())
                }
                Gated::Hidden => {
                    inconclusive("behind authentication, and no credential was given".to_owned())
                }
                Gated::Unseen => not_applicable("not seen: the endpoint is behind authentication".to_owned()),
            },
            _ => {
                let transports = self.applies.transports;
                if class.kind == Kind::Other && self.applies.mcp {
                    return not_applicable(format!("only for MCP endpoints: this is {}", class.words()));
                }
                if !transports.is_empty() && !class.transports.iter().any(|found| transports.contains(found))
                {
                    let names: Vec<&str> = transports.iter().map(|transport| transport.as_str()).collect();
                    return not_applicable(format!("only for {}", names.join(", ")));
                }
                if self.applies.mcp && matches!(class.kind, Kind::EventStream | Kind::Websocket | Kind::Other)
                {
                    return not_applicable("only for MCP endpoints".to_owned());
                }
                match self.applies.era {
                    Some(era) if !class.eras.contains(&era) => {
                        not_applicable(format!("only for the {era} era, which this endpoint does not speak"))
                    }
                    _ => None,
                }
            }
        }
    }
}
