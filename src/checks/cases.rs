//! Requests of which one thing is wrong, and how each ought to be refused: the shape of a negative check.

use std::fmt::Display;

use crate::facts::{Facts, Outcome, answered};
use crate::protocol::revision::Era;
use crate::transcript::{Exchange, ProbeId};
use crate::verdict::{Evidence, Judgement, Observations, Status, Undecided, Verdict, inconclusive};

/// How a request ought to be refused, and what any other end counts as. A result always fails.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Refusal {
    /// The status it ought to have.
    pub(crate) status: u16,
    /// The JSON-RPC code; `None`: the status alone says it.
    pub(crate) code: Option<i64>,
    /// What any other refusal counts as.
    pub(crate) otherwise: Status,
    /// What a 5xx counts as.
    pub(crate) crash: Status,
    /// Whether the id of the request must come back.
    pub(crate) echo: bool,
    /// Statuses that elsewhere are a wall in front of the endpoint (401, 403), and an answer here: the
    /// twin was served.
    pub(crate) also: &'static [u16],
}

impl Refusal {
    /// With this status and code; every other refusal warns.
    pub(crate) const fn with(status: u16, code: i64) -> Self {
        Self { code: Some(code), ..Self::status(status) }
    }

    /// With this status, whatever the body says.
    pub(crate) const fn status(status: u16) -> Self {
        Self { status, code: None, otherwise: Status::Warn, crash: Status::Warn, echo: false, also: &[] }
    }

    /// What is asked for, in words.
    fn words(&self) -> String {
        match self.code {
            Some(code) => format!("{} and {code}", self.status),
            None => self.status.to_string(),
        }
    }
}

/// The cases of one check: what was seen of each, and why one was not seen.
pub(crate) struct Cases<'f, 't> {
    facts: &'f Facts<'t>,
    probe: ProbeId,
    era: Era,
    seen: Observations,
    missing: Option<Undecided>,
}

impl<'f, 't> Cases<'f, 't> {
    /// None yet; each is a step of this probe in this era.
    pub(crate) fn of(facts: &'f Facts<'t>, probe: ProbeId, era: Era) -> Self {
        Self { facts, probe, era, seen: Observations::new(), missing: None }
    }

    /// Whether a step was sent at all.
    pub(crate) fn sent(&self, step: &str) -> bool {
        self.facts.step(self.probe, step, Some(self.era)).is_ok()
    }

    /// How many cases came out so.
    pub(crate) fn count(&self, status: Status) -> usize {
        self.seen.count(status)
    }

    /// Adds a step that ought to be refused. `what` is wrong with it, as the subject of a sentence: "a
    /// request without `_meta`".
    #[must_use]
    pub(crate) fn refused(self, step: &str, what: &str, wanted: Refusal) -> Self {
        self.refused_but(step, what, wanted, |_, _| None::<(Status, String)>)
    }

    /// The same, but for outcomes of which `special` says something of its own: the rest of the sentence.
    #[must_use]
    pub(crate) fn refused_but<S: Display>(
        mut self,
        step: &str,
        what: &str,
        wanted: Refusal,
        special: impl FnOnce(&Exchange, &Outcome<'_>) -> Option<(Status, S)>,
    ) -> Self {
        match self.judge(step, what, wanted, special) {
            Ok(verdict) => self.seen.push(verdict),
            Err(reason) => self.missing = self.missing.or(Some(reason)),
        }
        self
    }

    fn judge<S: Display>(
        &self,
        step: &str,
        what: &str,
        wanted: Refusal,
        special: impl FnOnce(&Exchange, &Outcome<'_>) -> Option<(Status, S)>,
    ) -> Judgement {
        let exchange = self.facts.negative(self.probe, step, Some(self.era))?;
        if !exchange.status().is_some_and(|status| wanted.also.contains(&status)) {
            answered(exchange)?;
        }
        let Some(outcome) = Outcome::of(exchange, self.facts.reply(exchange)) else {
            return inconclusive("no complete answer came");
        };
        let (status, message) = match special(exchange, &outcome) {
            Some((status, rest)) => (status, format!("{what} {rest}")),
            None => read(&outcome, exchange.status().unwrap_or_default(), what, wanted)?,
        };
        Ok(Verdict::of(status, vec![Evidence::status(exchange)], message))
    }

    /// The worst of them; a failure stands whatever could not be seen.
    pub(crate) fn verdict(self, sound: &str) -> Judgement {
        self.seen.verdict_despite(self.missing, sound)
    }
}

fn read(
    outcome: &Outcome<'_>,
    status: u16,
    what: &str,
    wanted: Refusal,
) -> Result<(Status, String), Undecided> {
    let right = status == wanted.status && wanted.code.is_none_or(|code| outcome.code() == Some(code));
    let (words, asked) = (outcome.words(), wanted.words());
    Ok(match outcome {
        Outcome::Nothing { .. } => return inconclusive("neither served nor refused"),
        Outcome::Served => (Status::Fail, format!("{what} is served")),
        Outcome::Error { echoed: false, .. } if right && wanted.echo => {
            (Status::Warn, format!("{what} is refused as it should be, but the id is not echoed"))
        }
        _ if right => (Status::Pass, "refused".to_owned()),
        _ if status >= 500 => (wanted.crash, format!("{what} makes the server fail with {words}")),
        _ => (wanted.otherwise, format!("{what} is refused with {words}, instead of {asked}")),
    })
}
