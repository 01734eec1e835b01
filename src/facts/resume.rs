//! Whether a dropped stream resumes: the events of a stream, and what came when it was asked for again.
//!
//! The probe asks the same readers when it can stop waiting.

use crate::transcript::exchange::request_id;
use serde_json::Value;

pub use super::events::{Event, events, first_id, list, names, sendable};
use crate::protocol::revision::Era;
use crate::protocol::sse::Line;
use crate::transcript::{Exchange, FailureKind, ProbeId, Transcript};

/// A stream cut in two by its first id: what a client had when the connection dropped, and what it
/// missed (events without data need not come again).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Dropped {
    /// Up to and with the event whose id is sent.
    pub had: Vec<Event>,
    /// After it, as far as they carry data.
    pub missed: Vec<Event>,
}

impl Dropped {
    /// The stream of these lines, dropped after its first id. `None` without one.
    #[must_use]
    pub fn after_first_id(lines: &[Line]) -> Option<Self> {
        let mut had = events(lines);
        let (index, _) = first_id(&had)?;
        let mut missed = had.split_off(index.saturating_add(1));
        missed.retain(|event| !event.data.is_empty());
        Some(Self { had, missed })
    }

    /// Whether all that was missed has come.
    #[must_use]
    pub fn satisfied(&self, lines: &[Line]) -> bool {
        let came = events(lines);
        !self.missed.is_empty() && self.missed.iter().all(|event| came.iter().any(|one| one.is(event)))
    }
}

/// What came of one resumption.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ResumeOutcome {
    /// All that was missed, once and in order.
    Exact,
    /// 200, and nothing of the stream.
    Silent,
    /// Events, and not exactly those that were missed; in what way.
    Wrong(String),
    /// Refused with this status.
    Declined(u16),
    /// 5xx.
    ServerError(u16),
    /// It could not be seen; why.
    Unseen(String),
}

/// One resumption.
#[derive(Clone, Debug)]
pub struct Try<'t> {
    /// The stream that was, as it were, dropped.
    pub stream: &'t Exchange,
    /// The GET that resumed it.
    pub replay: &'t Exchange,
    /// What was missed.
    pub expected: Vec<Event>,
    /// What came, events of other streams left out.
    pub received: Vec<Event>,
    /// Events of other streams or sessions that came.
    pub foreign: Vec<Event>,
    /// What came of it.
    pub outcome: ResumeOutcome,
}

impl Try<'_> {
    /// Whether what was missed came, and nothing else.
    #[must_use]
    pub fn is_exact(&self) -> bool {
        self.outcome == ResumeOutcome::Exact && self.foreign.is_empty()
    }

    /// Everything that came, in order.
    fn came(&self) -> Vec<Event> {
        let mut came: Vec<Event> = self.received.iter().chain(&self.foreign).cloned().collect();
        came.sort_by_key(|event| event.line);
        came
    }
}

/// Every resumption of a legacy endpoint.
#[derive(Clone, Debug, Default)]
pub struct Series<'t> {
    /// The requests that were answered by a stream.
    pub streams: Vec<&'t Exchange>,
    /// Finished streams, resumed in their own session.
    pub tries: Vec<Try<'t>>,
    /// A stream that was cut, resumed.
    pub cut: Option<Try<'t>>,
    /// An id of one session, sent in another.
    pub other: Option<Try<'t>>,
}

impl<'t> Series<'t> {
    /// Reads the exchanges of [`ProbeId::Resume`] and [`ProbeId::Connections`], whose legacy streams
    /// `quick` resumes. A resumption names its stream as its twin.
    #[must_use]
    pub fn read(exchanges: &[&'t Exchange]) -> Self {
        let step = |name: &str| exchanges.iter().copied().find(|exchange| exchange.step == name);
        let posts: Vec<&Exchange> = exchanges.iter().copied().filter(|exchange| posts(exchange)).collect();
        let own: Vec<&Exchange> =
            posts.iter().copied().filter(|exchange| exchange.probe == ProbeId::Resume).collect();
        let streams: Vec<&Exchange> = if own.is_empty() { posts } else { own }
            .into_iter()
            .filter(|exchange| exchange.lines().is_some())
            .collect();
        let known: Vec<&Exchange> = streams.iter().copied().chain(step("cut")).collect();
        let twin = |replay: &Exchange| known.iter().copied().find(|stream| Some(stream.id) == replay.twin);
        let resumed = |replay: &'t Exchange| {
            let stream = twin(replay)?;
            Some(attempt(stream, replay, Dropped::after_first_id(stream.lines()?)?, &known))
        };
        let number = |exchange: &Exchange| {
            exchange
                .step
                .strip_prefix("resume-")
                .is_some_and(|rest| rest.bytes().all(|byte| byte.is_ascii_digit()))
        };
        let tries =
            exchanges.iter().copied().filter(|exchange| number(exchange)).filter_map(resumed).collect();
        let other = step("resume-other").and_then(|replay| {
            let stream = twin(replay)?;
            Some(elsewhere(stream, replay, Dropped::after_first_id(stream.lines()?)?, &known))
        });
        Self { tries, cut: step("resume-cut").and_then(resumed), other, streams }
    }

    /// Tries that were exact, and tries that say something.
    #[must_use]
    pub fn exact(&self) -> (usize, usize) {
        let told =
            |one: &&Try<'_>| !matches!(one.outcome, ResumeOutcome::ServerError(_) | ResumeOutcome::Unseen(_));
        let exact = self.tries.iter().filter(|one| one.outcome == ResumeOutcome::Exact).count();
        (exact, self.tries.iter().filter(told).count())
    }
}

/// Whether an exchange is a request whose stream may be resumed.
#[must_use]
pub fn posts(exchange: &Exchange) -> bool {
    let ours = exchange.probe == ProbeId::Resume && exchange.step.starts_with("post-");
    let lent = exchange.probe == ProbeId::Connections && exchange.era == Some(Era::Legacy);
    exchange.request.method == "POST" && (ours || lent)
}

fn attempt<'t>(
    stream: &'t Exchange,
    replay: &'t Exchange,
    mut dropped: Dropped,
    known: &[&'t Exchange],
) -> Try<'t> {
    let own: Vec<Event> = events(stream.lines().unwrap_or_default());
    let mut asked: Vec<Value> = own.iter().filter_map(Event::answers).collect();
    asked.extend(request_id(stream));
    let others: Vec<Event> = known
        .iter()
        .filter(|other| other.id != stream.id)
        .flat_map(|other| events(other.lines().unwrap_or_default()))
        .filter(|event| !event.data.is_empty())
        .collect();
    let (mut received, mut foreign) = (Vec::new(), Vec::new());
    for event in events(replay.lines().unwrap_or_default()) {
        let ours = own.iter().any(|one| one.is(&event))
            || event.answers().is_some_and(|id| asked.contains(&id))
            // The answer of a stream that was cut before it came.
            || own.iter().any(|one| one.id.is_some() && one.id == event.id && !event.data.is_empty());
        let elsewhere = event.answers().is_some()
            || others.iter().any(|other| other.id.is_some() && other.id == event.id && other.says(&event));
        if ours {
            received.push(event);
        } else if elsewhere && !event.data.is_empty() {
            foreign.push(event);
        }
        // Anything else is new: a priming event of the new connection, or a message that nobody knows.
    }
    if stream.step == "cut" && dropped.missed.is_empty() {
        // Whatever the server had to say after the cut was missed: at the least, the answer.
        dropped.missed = received.iter().filter(|event| event.answers().is_some()).cloned().collect();
        dropped.missed.truncate(1);
    }
    let outcome = outcome(replay, &dropped, &received);
    Try { stream, replay, expected: dropped.missed, received, foreign, outcome }
}

/// The same id in another session: whatever is known from the first one is foreign.
fn elsewhere<'t>(
    stream: &'t Exchange,
    replay: &'t Exchange,
    dropped: Dropped,
    known: &[&'t Exchange],
) -> Try<'t> {
    let asked: Vec<Value> = known.iter().filter_map(|other| request_id(other)).collect();
    let (foreign, received) = events(replay.lines().unwrap_or_default())
        .into_iter()
        .filter(|event| !event.data.is_empty())
        .partition(|event: &Event| event.answers().is_some_and(|id| asked.contains(&id)));
    let outcome = status(replay).unwrap_or(ResumeOutcome::Silent);
    Try { stream, replay, expected: dropped.missed, received, foreign, outcome }
}

/// What the head alone says of a resumption.
fn status(replay: &Exchange) -> Option<ResumeOutcome> {
    match (replay.status(), &replay.failure) {
        // Some servers hold the head back until there is something to send.
        (None, Some(failure)) if failure.kind == FailureKind::HeaderTimeout => Some(ResumeOutcome::Silent),
        (None, None) => Some(ResumeOutcome::Silent),
        (None, Some(failure)) => Some(ResumeOutcome::Unseen(failure.words())),
        (Some(status @ (401 | 403 | 429)), _) => Some(ResumeOutcome::Unseen(format!("refused ({status})"))),
        (Some(status @ 500..), _) => Some(ResumeOutcome::ServerError(status)),
        (Some(status @ 400..), _) => Some(ResumeOutcome::Declined(status)),
        (Some(204), _) => Some(ResumeOutcome::Silent),
        (Some(200), _) => None,
        (Some(status), _) => Some(ResumeOutcome::Unseen(format!("answered with {status}"))),
    }
}

fn outcome(replay: &Exchange, dropped: &Dropped, received: &[Event]) -> ResumeOutcome {
    if let Some(outcome) = status(replay) {
        return outcome;
    }
    let mut faults = Vec::new();
    let repeated = received.iter().find(|event| dropped.had.iter().any(|had| had.is(event)));
    if let Some(event) = repeated {
        faults.push(format!("{} came again", event.name()));
    }
    let places: Vec<Option<usize>> =
        dropped.missed.iter().map(|event| received.iter().position(|one| one.is(event))).collect();
    for (event, place) in dropped.missed.iter().zip(&places) {
        if place.is_none() {
            let changed = received.iter().any(|one| one.id.is_some() && one.id == event.id);
            faults.push(format!("{} {}", event.name(), if changed { "came changed" } else { "was lost" }));
        } else if received.iter().filter(|one| one.is(event)).count() > 1 {
            faults.push(format!("{} came twice", event.name()));
        }
    }
    let order: Vec<usize> = places.iter().copied().flatten().collect();
    if !order.is_sorted() {
        faults.push("the order changed".to_owned());
    }
    if received.is_empty() {
        ResumeOutcome::Silent
    } else if faults.is_empty() {
        ResumeOutcome::Exact
    } else {
        faults.truncate(3);
        ResumeOutcome::Wrong(faults.join(", "))
    }
}

/// The resumption of a plain feed, from its two exchanges.
#[must_use]
pub fn feed<'t>(first: &'t Exchange, again: &'t Exchange) -> Option<Try<'t>> {
    let mut dropped = Dropped::after_first_id(first.lines()?)?;
    // Events without an id may be anything (a greeting, a clock): only ids tell what was missed.
    dropped.missed.retain(|event| event.id.is_some());
    let received = events(again.lines().unwrap_or_default());
    let outcome = outcome(again, &dropped, &received);
    Some(Try {
        stream: first,
        replay: again,
        expected: dropped.missed,
        received,
        foreign: Vec::new(),
        outcome,
    })
}

/// What the report says about resumption.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Resume {
    /// Resumptions that say something.
    pub tries: usize,
    /// How many of them brought exactly what was missed, and nothing else.
    pub exact: usize,
    /// How many of them brought events of other streams as well.
    pub foreign: usize,
    /// Events that were missed, in the first resumption that was not exact, otherwise in the first.
    pub expected: Vec<String>,
    /// Events that came in it, those of other streams too, in order.
    pub received: Vec<String>,
}

/// Reads the resumptions of a scan; `None` where none was tried.
#[must_use]
pub fn summary(transcript: &Transcript) -> Option<Resume> {
    let of = |probe: ProbeId| -> Vec<&Exchange> {
        transcript.exchanges.iter().filter(|exchange| exchange.probe == probe).collect()
    };
    let feed_exchanges = of(ProbeId::FeedResume);
    let step = |name: &str| feed_exchanges.iter().copied().find(|exchange| exchange.step == name);
    let tries: Vec<Try<'_>> = match step("first").zip(step("again")) {
        Some((first, again)) => feed(first, again).into_iter().collect(),
        None => {
            let mut read = of(ProbeId::Resume);
            read.extend(of(ProbeId::Connections));
            let series = Series::read(&read);
            let silent = series.tries.iter().all(|one| one.outcome == ResumeOutcome::Silent);
            // A stream that was cut counts where finished ones are not replayed.
            series.cut.filter(|_| silent).into_iter().chain(series.tries).collect()
        }
    };
    let shown = tries.iter().find(|one| !one.is_exact()).or(tries.first())?;
    Some(Resume {
        tries: tries.len(),
        exact: tries.iter().filter(|one| one.is_exact()).count(),
        foreign: tries.iter().filter(|one| !one.foreign.is_empty()).count(),
        expected: names(&shown.expected),
        received: names(&shown.came()),
    })
}
