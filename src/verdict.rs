//! What a judgement may say: verdicts, evidence, and the two honest ways of not deciding.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

use std::collections::BTreeMap;
use std::fmt;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::protocol::jsonrpc;
use crate::transcript::known_secrets::without_known_secrets;
use crate::transcript::{Exchange, Failure};

/// A scored dimension of the agent readiness score.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Dimension {
    /// API quality.
    D2,
    /// Security.
    D7,
    /// Reliability.
    D8,
}

impl Dimension {
    /// All of them, in order.
    pub const ALL: [Self; 3] = [Self::D2, Self::D7, Self::D8];

    /// Its name in words.
    #[must_use]
    pub const fn title(self) -> &'static str {
        match self {
            Self::D2 => "API quality",
            Self::D7 => "Security",
            Self::D8 => "Reliability",
        }
    }

    /// Its code.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::D2 => "D2",
            Self::D7 => "D7",
            Self::D8 => "D8",
        }
    }
}

impl fmt::Display for Dimension {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// The harm if a check fails.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Severity {
    /// Note only.
    Info,
    /// Little harm.
    Low,
    /// Some clients or situations suffer.
    Medium,
    /// Many clients suffer, or a door is ajar.
    High,
    /// Clients cannot work, or a door is open.
    Critical,
}

impl Severity {
    /// One step lower: a warning counts so.
    #[must_use]
    pub const fn lower(self) -> Self {
        match self {
            Self::Critical => Self::High,
            Self::High => Self::Medium,
            Self::Medium => Self::Low,
            Self::Low | Self::Info => Self::Info,
        }
    }

    /// The name as it appears in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
            Self::Low => "low",
            Self::Medium => "medium",
            Self::High => "high",
            Self::Critical => "critical",
        }
    }
}

/// How strongly the cited source asks for it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
pub enum Level {
    /// MUST or MUST NOT that binds the server.
    #[serde(rename = "MUST")]
    Must,
    /// SHOULD or SHOULD NOT that binds the server.
    #[serde(rename = "SHOULD")]
    Should,
    /// MAY.
    #[serde(rename = "MAY")]
    May,
    /// Best practice; no specification rule binds the server.
    #[serde(rename = "practice")]
    Practice,
}

impl Level {
    /// The name as it appears in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Must => "MUST",
            Self::Should => "SHOULD",
            Self::May => "MAY",
            Self::Practice => "practice",
        }
    }
}

/// A check's result for one target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Status {
    /// Judged and sound.
    Pass,
    /// Judged and short of the mark.
    Warn,
    /// Judged and broken.
    Fail,
    /// Noted, never scored.
    Info,
    /// The endpoint has no such thing.
    NotApplicable,
    /// Could not be seen.
    Inconclusive,
    /// A bug of ours.
    Error,
    /// Left out at the user's wish. Counts as something that could not be seen, never as passed.
    Skipped,
}

impl Status {
    /// Whether nothing is known: it could not be seen, or was left out. Never read as passed, failed or
    /// mended; lowers the coverage.
    #[must_use]
    pub const fn undecided(self) -> bool {
        matches!(self, Self::Inconclusive | Self::Error | Self::Skipped)
    }

    /// The word as it appears in reports.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Warn => "warn",
            Self::Fail => "fail",
            Self::Info => "info",
            Self::NotApplicable => "not_applicable",
            Self::Inconclusive => "inconclusive",
            Self::Error => "error",
            Self::Skipped => "skipped",
        }
    }
}

/// Longest excerpt kept, in characters. Masking happened long before the cut.
const EXCERPT: usize = 160;

/// Points at the exchange, and the part of it, that shows something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Id of the exchange.
    pub exchange: u32,
    /// Where in it: `status`, `header content-type`, `body /error/code`, `line 3`, `frame 2`, `time`,
    /// `certificate`, `failure`.
    pub pointer: String,
    /// What is there, cut to 160 characters. Remote text: escape at the sink.
    pub excerpt: String,
}

impl Evidence {
    /// Evidence with a pointer of its own.
    #[must_use]
    pub fn new(exchange: &Exchange, pointer: impl Into<String>, excerpt: impl AsRef<str>) -> Self {
        // A pointer goes through names that the peer chose.
        let pointer = pointer.into();
        let pointer = without_known_secrets(&pointer).unwrap_or(pointer);
        Self { exchange: exchange.id, pointer, excerpt: cut(excerpt.as_ref()) }
    }

    /// The status, with the JSON-RPC error if the body is one; or what answers a message on a WebSocket;
    /// or the failure.
    #[must_use]
    pub fn status(exchange: &Exchange) -> Self {
        let Some(head) = &exchange.head else {
            return Self::frame(exchange).unwrap_or_else(|| Self::failure(exchange));
        };
        let excerpt = exchange.text().and_then(answer_in).map_or_else(
            || format!("HTTP {}, {}", head.status, head.header("content-type").unwrap_or("no content type")),
            |answer| format!("HTTP {}, {answer}", head.status),
        );
        Self::new(exchange, "status", excerpt)
    }

    /// What answers a message on a WebSocket. A text that is too long to be read again stands for itself.
    fn frame(exchange: &Exchange) -> Option<Self> {
        (1_usize..).zip(exchange.frames()).filter(|(_, frame)| frame.is_message()).find_map(
            |(number, frame)| {
                let long = || (frame.text.len() > READ_AGAIN).then(|| frame.text.clone());
                let excerpt = answer_in(&frame.text).or_else(long)?;
                Some(Self::new(exchange, format!("frame {number}"), excerpt))
            },
        )
    }

    /// A reply header, or its absence.
    #[must_use]
    pub fn header(exchange: &Exchange, name: &str) -> Self {
        let value = exchange.header(name).unwrap_or("(absent)");
        Self::new(exchange, format!("header {name}"), format!("{name}: {value}"))
    }

    /// A part of a JSON body, by JSON pointer.
    #[must_use]
    pub fn body(exchange: &Exchange, pointer: &str, value: &serde_json::Value) -> Self {
        Self::new(exchange, format!("body {pointer}"), value.to_string())
    }

    /// A member of a JSON-RPC result, or its absence.
    #[must_use]
    pub fn member(exchange: &Exchange, result: &serde_json::Value, name: &str) -> Self {
        let pointer = format!("/result/{name}");
        match result.get(name) {
            Some(value) => Self::body(exchange, &pointer, value),
            None => Self::new(exchange, format!("body {pointer}"), "(absent)"),
        }
    }

    /// The start of a text body.
    #[must_use]
    pub fn text(exchange: &Exchange) -> Self {
        Self::new(exchange, "body", exchange.text().unwrap_or("(no text)"))
    }

    /// A line of an event stream, by index from 0; shown from 1.
    #[must_use]
    pub fn line(exchange: &Exchange, index: usize) -> Self {
        let text = exchange.lines().and_then(|lines| lines.get(index)).map_or("", |line| &line.text);
        Self::new(exchange, format!("line {}", index.saturating_add(1)), text)
    }

    /// How long the head took.
    #[must_use]
    pub fn time(exchange: &Exchange) -> Self {
        let text = exchange
            .head_us()
            .map_or_else(|| "no head".to_owned(), |us| format!("head after {}", milliseconds(us)));
        Self::new(exchange, "time", text)
    }

    /// The transport failure.
    #[must_use]
    pub fn failure(exchange: &Exchange) -> Self {
        let text = exchange.failure.as_ref().map_or_else(|| "no answer".to_owned(), Failure::words);
        Self::new(exchange, "failure", text)
    }
}

/// What a text answers in JSON-RPC, in a few words; `None` where it is no answer, or long: evidence is made often.
fn answer_in(text: &str) -> Option<String> {
    let message = jsonrpc::parse(Some(text).filter(|text| text.len() <= READ_AGAIN)?).ok()?;
    Some(match jsonrpc::answer(&message)? {
        jsonrpc::Answer::Error(error) => format!(
            "JSON-RPC error {}: {}",
            error.code.map_or_else(|| "without a code".to_owned(), |code| code.to_string()),
            error.message.unwrap_or_default()
        ),
        jsonrpc::Answer::Result(_) => "JSON-RPC result".to_owned(),
    })
}

/// Microseconds as `12.3 ms` or `1.50 s`.
#[must_use]
pub fn milliseconds(us: u64) -> String {
    if us < 1_000_000 {
        format!("{}.{} ms", us / 1_000, us % 1_000 / 100)
    } else {
        format!("{}.{:02} s", us / 1_000_000, us % 1_000_000 / 10_000)
    }
}

/// Longest body that evidence reads again for its status, in bytes.
const READ_AGAIN: usize = 16 * 1024;

/// How much of a text is searched for secrets before it is cut, in bytes: more than an excerpt and a long key.
const SEARCHED: usize = 12 * 1024;

/// Cuts text to the excerpt length at a character boundary. Keys that are known by their form are hidden first:
/// what a server gives away in its own texts is said, and shown by no check.
#[must_use]
pub fn cut(text: &str) -> String {
    let mut end = text.len().min(SEARCHED);
    while !text.is_char_boundary(end) {
        end = end.saturating_sub(1);
    }
    let hidden = without_known_secrets(text.get(..end).unwrap_or_default());
    let text = hidden.as_deref().unwrap_or(text);
    match text.char_indices().nth(EXCERPT) {
        Some((index, _)) => format!("{}…", text.get(..index).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// A decision, with what shows it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    /// `Pass`, `Warn`, `Fail` or `Info`.
    pub status: Status,
    /// One sentence in our own words; remote text only as short quotes.
    pub message: String,
    /// At least one piece.
    pub evidence: Vec<Evidence>,
    /// The harm, where it is less than the check's severity.
    pub severity: Option<Severity>,
    /// Whether a repetition may turn out differently.
    pub unstable: bool,
    /// Words of the causes that were met, of those that the check declares. The finding has the first of
    /// them in the order of the declaration: the worst.
    pub causes: Vec<&'static str>,
}

/// Why a check can warn or fail, where that makes a difference: the word chooses the remedy, and a rubric may
/// cap by it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Cause {
    /// Stable kebab-case word, unique in its check. Public contract: rubrics and reports name it.
    pub word: &'static str,
    /// What to change, where it is not what the check says of itself.
    pub remedy: Option<&'static str>,
}

/// Why nothing was decided.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Undecided {
    /// The endpoint has no such thing; the reason.
    NotApplicable(String),
    /// It could not be seen; the reason.
    Inconclusive(String),
    /// The defect that was met here is charged to another check, so that it counts once.
    Charged {
        /// Id of that check, which warns or fails in the same report.
        to: &'static str,
        /// What was met.
        reason: String,
    },
}

impl Undecided {
    /// The same, with a remark at the end of its reason.
    #[must_use]
    pub fn noting(mut self, remark: &str) -> Self {
        let (Self::NotApplicable(reason) | Self::Inconclusive(reason) | Self::Charged { reason, .. }) =
            &mut self;
        reason.push_str(remark);
        self
    }
}

/// The outcome of a check: absent evidence cannot be read as pass or fail by accident.
pub type Judgement = Result<Verdict, Undecided>;

/// A pass. Evidence is required: no vacuous passes.
///
/// # Errors
/// Never; the type lets it end a `judge` function.
pub fn pass(evidence: Evidence, message: impl Into<String>) -> Judgement {
    Ok(Verdict::of(Status::Pass, vec![evidence], message.into()))
}

/// A warning.
///
/// # Errors
/// Never; see [`pass`].
pub fn warn(evidence: Evidence, message: impl Into<String>) -> Judgement {
    Ok(Verdict::of(Status::Warn, vec![evidence], message.into()))
}

/// A failure.
///
/// # Errors
/// Never; see [`pass`].
pub fn fail(evidence: Evidence, message: impl Into<String>) -> Judgement {
    Ok(Verdict::of(Status::Fail, vec![evidence], message.into()))
}

/// A note.
///
/// # Errors
/// Never; see [`pass`].
pub fn info(evidence: Evidence, message: impl Into<String>) -> Judgement {
    Ok(Verdict::of(Status::Info, vec![evidence], message.into()))
}

/// Not applicable.
///
/// # Errors
/// Always: it ends a judge function early.
pub fn not_applicable<T>(reason: impl Into<String>) -> Result<T, Undecided> {
    Err(Undecided::NotApplicable(reason.into()))
}

/// Inconclusive.
///
/// # Errors
/// Always: it ends a judge function early.
pub fn inconclusive<T>(reason: impl Into<String>) -> Result<T, Undecided> {
    Err(Undecided::Inconclusive(reason.into()))
}

/// The defect is charged to another check: not applicable here.
///
/// # Errors
/// Always: it ends a judge function early.
pub fn charged_to<T>(to: &'static str, reason: impl Into<String>) -> Result<T, Undecided> {
    Err(Undecided::Charged { to, reason: reason.into() })
}

impl Verdict {
    /// A verdict of any status.
    #[must_use]
    pub fn of(status: Status, evidence: Vec<Evidence>, message: String) -> Self {
        Self { status, message, evidence, severity: None, unstable: false, causes: Vec::new() }
    }

    /// The same with a cause that the check declares.
    #[must_use]
    pub fn because(mut self, word: &'static str) -> Self {
        self.causes.push(word);
        self
    }

    /// The same with less harm than the check's severity.
    #[must_use]
    pub fn with_severity(mut self, severity: Severity) -> Self {
        self.severity = Some(severity);
        self
    }
}

/// Several observations in one row: fail before warn before pass; info is the status only if nothing
/// else was seen, otherwise a remark in the message.
#[derive(Debug, Default)]
pub struct Observations {
    seen: Vec<Verdict>,
    /// Why the first item that said nothing did.
    unseen: Option<Undecided>,
    /// Pieces of evidence, by status.
    pieces: BTreeMap<Status, usize>,
}

impl Observations {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What `judge` says of each item, for rules that each exchange of some kind must obey. `None`: the rule
    /// does not speak of it.
    pub fn each<T>(items: impl IntoIterator<Item = T>, judge: impl FnMut(T) -> Option<Judgement>) -> Self {
        let mut all = Self::new();
        for judgement in items.into_iter().filter_map(judge) {
            match judgement {
                Ok(verdict) => all.push(verdict),
                Err(reason) => all.unseen = all.unseen.or(Some(reason)),
            }
        }
        all
    }

    /// Adds one.
    pub fn add(&mut self, status: Status, evidence: Evidence, message: impl Into<String>) {
        self.push(Verdict::of(status, vec![evidence], message.into()));
    }

    /// The same, for what is seen many times: evidence is made only where the finding may keep it, while
    /// nothing worse was seen and its status has less than is shown.
    pub fn add_with(
        &mut self,
        status: Status,
        evidence: impl FnOnce() -> Evidence,
        message: impl Into<String>,
    ) {
        let worse = self.pieces.keys().any(|seen| rank(*seen) > rank(status));
        let enough = self.pieces.get(&status).is_some_and(|pieces| *pieces >= MOST_EVIDENCE);
        let evidence = if worse || enough { Vec::new() } else { vec![evidence()] };
        self.push(Verdict::of(status, evidence, message.into()));
    }

    /// Adds a verdict that was made elsewhere.
    pub fn push(&mut self, verdict: Verdict) {
        let pieces = self.pieces.entry(verdict.status).or_default();
        *pieces = pieces.saturating_add(verdict.evidence.len());
        self.seen.push(verdict);
    }

    /// Whether nothing was observed.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// How many have this status.
    #[must_use]
    pub fn count(&self, status: Status) -> usize {
        self.seen.iter().filter(|verdict| verdict.status == status).count()
    }

    /// Each message of each status once, with the evidence of its first.
    #[must_use]
    pub fn distinct(mut self) -> Self {
        let mut known: Vec<(Status, String)> = Vec::new();
        self.seen.retain(|verdict| {
            let new =
                !known.iter().any(|(status, text)| *status == verdict.status && *text == verdict.message);
            if new {
                known.push((verdict.status, verdict.message.clone()));
            }
            new
        });
        self
    }

    /// The worst of them. `sound` is the message where all passed. Messages of the worst status are
    /// joined (at most four, each once), info remarks follow.
    ///
    /// # Errors
    /// Where nothing was observed: why the first item of [`Self::each`] was undecided, or inconclusive with
    /// `nothing`.
    pub fn verdict(self, sound: impl Into<String>, nothing: &str) -> Judgement {
        let Some(worst) = self.seen.iter().map(|verdict| verdict.status).max_by_key(|status| rank(*status))
        else {
            return self.unseen.map_or_else(|| inconclusive(nothing), Err);
        };
        let mut messages: Vec<String> = Vec::new();
        let mut evidence = Vec::new();
        let (mut severity, mut unstable) = (None, false);
        let mut causes = Vec::new();
        for verdict in self.seen.iter().filter(|verdict| verdict.status == worst) {
            if !messages.contains(&verdict.message) {
                messages.push(verdict.message.clone());
            }
            evidence.extend(verdict.evidence.iter().cloned());
            severity = severity.max(verdict.severity);
            unstable |= verdict.unstable;
            causes.extend(verdict.causes.iter().copied());
        }
        let more = messages.len().saturating_sub(4);
        messages.truncate(4);
        let mut message = if worst == Status::Pass { sound.into() } else { messages.join("; ") };
        if more > 0 && worst != Status::Pass {
            message.push_str(&format!("; and {more} more"));
        }
        if worst != Status::Info {
            for remark in self.seen.iter().filter(|verdict| verdict.status == Status::Info) {
                message.push_str(&format!(" (note: {})", remark.message));
            }
        }
        evidence.truncate(MOST_EVIDENCE);
        Ok(Verdict { status: worst, message, evidence, severity, unstable, causes })
    }
}

impl Observations {
    /// As [`Self::verdict_despite`], of what [`Self::each`] could not see.
    ///
    /// # Errors
    /// What could not be seen, unless something failed.
    pub fn verdict_of_all(mut self, sound: impl Into<String>) -> Judgement {
        let missing = self.unseen.take();
        self.verdict_despite(missing, sound)
    }

    /// As [`Self::verdict`], for a row with several cases of which one could not be seen: a failure
    /// stands whatever the missing case would have shown, anything milder does not.
    ///
    /// # Errors
    /// `missing`, unless something failed.
    pub fn verdict_despite(self, missing: Option<Undecided>, sound: impl Into<String>) -> Judgement {
        match missing {
            Some(reason) if self.count(Status::Fail) == 0 => Err(reason),
            _ => self.verdict(sound, "nothing was observed"),
        }
    }
}

/// How bad a status is beside others in one row.
pub(crate) const fn rank(status: Status) -> u8 {
    match status {
        Status::Fail => 3,
        Status::Warn => 2,
        Status::Pass => 1,
        _ => 0,
    }
}

/// Most pieces of evidence in one finding.
const MOST_EVIDENCE: usize = 6;
