//! The wire structs of `schema_version` 1. Fields may be added, never renamed or removed.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::baseline::Standing;
use crate::exit::Exit;
use crate::facts::classification::{Protocol, Refusal};
use crate::facts::{Confidence, Kind};
use crate::protocol::revision::{Era, Revision};
use crate::protocol::transport::Transport;
use crate::transcript::{CertificateFault, FailureKind, Phase, Profile};
use crate::verdict::{Dimension, Level, Severity, Status};

/// Several targets.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonReports {
    /// Version of this shape: 1.
    pub schema_version: u32,
    /// The run in numbers.
    pub summary: JsonSummary,
    /// One report for each target, in input order.
    pub reports: Vec<JsonReport>,
}

/// A run over several targets in numbers.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonSummary {
    /// Targets.
    pub targets: usize,
    /// Targets with an overall score.
    pub scored: usize,
    /// Targets whose overall score is withheld.
    pub withheld: usize,
    /// Targets that could not be reached or had nothing to judge.
    pub nothing_to_judge: usize,
    /// Whether every gate of every target passed.
    pub gates_passed: bool,
    /// How the run ended.
    pub exit: JsonExit,
    /// URLs that were expected and have no report, secrets masked: `merge --expect`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub missing: Vec<String>,
}

/// One target.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(title = "agentgauge report", rename = "Report")]
pub struct JsonReport {
    /// Version of this shape: 1.
    pub schema_version: u32,
    /// The program that judged.
    pub tool: JsonTool,
    /// The rubric that weighed.
    pub rubric: JsonRubric,
    /// The transcript that was judged.
    pub transcript: JsonTranscript,
    /// Which probes ran.
    pub profile: Profile,
    /// When the scan began, RFC 3339 UTC.
    pub started_at: String,
    /// Length of the scan, milliseconds.
    pub duration_ms: u64,
    /// What was scanned.
    pub target: JsonTarget,
    /// What speaks there.
    pub classification: JsonClassification,
    /// The score.
    pub score: JsonScore,
    /// Checks that apply, were judged, and what no scan asks.
    #[serde(default)]
    pub rows: JsonRows,
    /// Who can use it, by family of clients; told from the findings alone, and no part of the score.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<JsonClient>,
    /// The gates.
    pub gate: JsonGate,
    /// How the run ended for this target.
    pub exit: JsonExit,
    /// Every check of the registry, in registry order.
    pub findings: Vec<JsonFinding>,
    /// What to mend first.
    #[serde(default)]
    pub fixes: JsonFixes,
    /// Readings beside the findings.
    pub facts: JsonFacts,
    /// What the scan cost the target.
    pub exchanges: JsonExchanges,
}

/// Name and version of a program.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonTool {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
}

/// Which rubric.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonRubric {
    /// Name.
    pub id: String,
    /// Version.
    pub version: String,
    /// SHA-256 of its text, hex.
    pub sha256: String,
    /// Its policy, by which the numbers can be checked.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub policy: Option<JsonPolicy>,
}

/// Credit and coverage of a rubric.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonPolicy {
    /// Share of its points that a warning earns, 0 to 1.
    pub warn_credit: f64,
    /// Judged points / applicable points, 0 to 1, below which a dimension has no value.
    pub min_coverage: f64,
    /// Judged points over all dimensions below which there is no overall value.
    pub min_points: u32,
}

/// Which transcript.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonTranscript {
    /// SHA-256 of its encoded form, hex.
    pub sha256: String,
    /// Whether the scan came to its end uninterrupted.
    pub complete: bool,
}

/// What was scanned.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonTarget {
    /// The URL the user typed, secrets masked. Its host is as it travels: a name in ASCII; an IPv6 address with its
    /// zone, where it has one, as RFC 6874 writes it (`%25eth0`).
    pub url: String,
    /// A name the user gave it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub label: Option<String>,
    /// Whether certificate faults were ignored.
    pub insecure: bool,
    /// The proxy that every connection went through, `http://host:port`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
    /// The line of a repository file that names the target, where the user said so.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub named_at: Option<JsonNamedAt>,
}

/// A line of a file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonNamedAt {
    /// Path relative to the repository.
    pub file: String,
    /// Line, from 1.
    pub line: u32,
}

/// What speaks there.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonClassification {
    /// The class.
    pub kind: Kind,
    /// The protocol, for the kind `other`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub protocol: Option<Protocol>,
    /// Transports seen on the URL, the naming one first.
    pub transports: Vec<Transport>,
    /// Published revisions seen or listed, oldest first.
    pub revisions: Vec<Revision>,
    /// How sure the class is.
    pub confidence: Confidence,
    /// Behind authentication: what era may be there, where hints say something. Nothing is judged by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub era_guess: Option<JsonEraGuess>,
    /// Why this class, one sentence.
    pub reason: String,
    /// The refusal that the class rests on, in the words of whoever refused. Remote text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub refusal: Option<Refusal>,
    /// The URL that was judged: the typed one, or where its redirect led.
    pub endpoint: String,
    /// What was found beside the URL.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub found_at: Vec<JsonFound>,
    /// What was sent to find out what speaks there, and what came back.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tried: Vec<JsonTried>,
    /// Whether a credential was given and refused.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub credential_refused: bool,
    /// What the server calls itself. Remote text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub server: Option<JsonTool>,
}

/// What era may be behind authentication.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonEraGuess {
    /// How sure: `guess`.
    pub confidence: Confidence,
    /// Eras that the hints name, newest first; empty where they leave it open.
    pub eras: Vec<Era>,
    /// Revisions that agree with every hint, oldest first: at least one of them may be spoken.
    pub revisions: Vec<Revision>,
    /// The guess in words.
    pub words: String,
    /// What it rests on.
    pub hints: Vec<JsonHint>,
}

/// Something seen before the gate.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonHint {
    /// Id of the exchange in the transcript.
    pub exchange: u32,
    /// What it shows.
    pub what: String,
}

/// Something found beside the URL.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonFound {
    /// Its URL. May be remote text.
    pub url: String,
    /// What it is.
    pub what: String,
}

/// A request and its outcome.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonTried {
    /// Id of the exchange in the transcript.
    pub exchange: u32,
    /// What was sent.
    pub what: String,
    /// What came back. Remote text.
    pub outcome: String,
}

/// The score. Values are percent, floored to one decimal.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonScore {
    /// The value; null where it is withheld.
    pub value: Option<f64>,
    /// The value if everything undecided had failed.
    pub lower: f64,
    /// The value if everything undecided had passed.
    pub upper: f64,
    /// Judged points / applicable points, 0 to 1.
    pub coverage: f64,
    /// Grade of the value, of these dimensions only.
    pub grade: Option<String>,
    /// The value as points out of `points_possible`.
    pub points: Option<f64>,
    /// Weight of the dimensions in which anything applies: 40 where all do.
    pub points_possible: u32,
    /// Why there is no value.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub withheld: Option<String>,
    /// Dimensions in which anything applies.
    pub dimensions: BTreeMap<Dimension, JsonDimension>,
    /// Caps that hold a value down.
    pub caps: Vec<JsonCap>,
    /// What clients feel: D2 and D8 together, by their weights, held by the caps of their checks alone.
    #[serde(default)]
    pub usable: JsonUsable,
    /// The values of the areas of the catalogue, without caps.
    #[serde(default)]
    pub areas: BTreeMap<String, JsonArea>,
    /// What keeps the grade below that of the number.
    #[serde(default)]
    pub held: Vec<JsonHeld>,
    /// What the endpoint itself made unjudgeable: grade and gates read the lower bounds then.
    #[serde(default)]
    pub lower_because: Vec<String>,
}

/// What clients feel. Percent, floored to one decimal.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonUsable {
    /// The value; null where one of D2 and D8 has none.
    pub value: Option<f64>,
    /// The value if everything undecided had failed.
    pub lower: f64,
    /// The value if everything undecided had passed.
    pub upper: f64,
}

/// The score of the checks of one area.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonArea {
    /// The value, percent, floored to one decimal; null where nothing was judged.
    pub value: Option<f64>,
    /// Rubric points of the judged and the undecided checks.
    pub points: u32,
    /// Rubric points of the judged checks.
    pub judged: u32,
}

/// What keeps a grade back that the number alone would earn.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonHeld {
    /// The grade that is not given.
    pub grade: String,
    /// What holds it: a dimension, an area, or `tools`.
    pub by: String,
    /// Its value, percent; null where it has none.
    pub value: Option<f64>,
    /// The value that the grade needs.
    pub needs: Option<f64>,
    /// The same in words.
    pub words: String,
}

/// Checks in numbers.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonRows {
    /// Checks that apply to the endpoint, as far as it was seen.
    pub apply: usize,
    /// Those of them that were judged.
    pub judged: usize,
    /// What no scan asks, whatever its profile.
    pub never_asked: Vec<String>,
}

/// A family of clients.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonClient {
    /// Its name: `modern`, `legacy` or `dual` (clients of Streamable HTTP that know only the modern era, only the
    /// legacy era, or both), `http-sse`, `websocket`, `event-source`.
    pub family: String,
    /// Whether it can use the endpoint; null where that was not seen.
    pub can: Option<bool>,
    /// Why not, or why it is not known; how, where only one of its ways is open.
    pub why: Vec<String>,
}

/// The score of one dimension.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonDimension {
    /// The value; null where too little was judged.
    pub value: Option<f64>,
    /// The value if everything undecided had failed.
    pub lower: f64,
    /// The value if everything undecided had passed.
    pub upper: f64,
    /// Judged points / applicable points, 0 to 1.
    pub coverage: f64,
    /// Weight among the dimensions.
    pub weight: u32,
    /// Rubric points of the judged checks.
    pub points_judged: u32,
    /// Rubric points of the judged and the undecided checks.
    pub points_applicable: u32,
    /// How many checks with points were judged.
    #[serde(default)]
    pub rows_judged: usize,
    /// How many checks with points apply.
    #[serde(default)]
    pub rows_apply: usize,
}

/// A cap that holds a value down.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonCap {
    /// The check that triggers it.
    pub check: String,
    /// What it holds: a dimension, or `overall`.
    pub dimension: String,
    /// The highest value left: of a dimension; the overall score is below that by half of what the dimensions
    /// lost before caps.
    pub cap: u32,
    /// The cause of the finding that triggers it, where the check tells one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The value without any cap on the same thing.
    pub before: f64,
    /// The value that this cap alone leaves.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after: Option<f64>,
    /// Why.
    pub reason: String,
}

/// The gates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonGate {
    /// Whether every gate was judged and passed; true where none was asked for.
    pub passed: bool,
    /// Why not.
    pub reasons: Vec<String>,
    /// What else the baseline has to say.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub notes: Vec<String>,
    /// How many were asked for.
    #[serde(default)]
    pub asked: usize,
}

/// What to mend first.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonFixes {
    /// Ids of at most three checks, the one that gains most first.
    pub checks: Vec<String>,
    /// What passes of all of them together would add to the overall value.
    pub gain: f64,
}

/// How the run ended.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonExit {
    /// Exit code.
    pub code: u8,
    /// Its name.
    pub name: Exit,
}

/// A check's result.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct JsonFinding {
    /// Id of the check.
    pub check: String,
    /// A statement that is true when it passes.
    pub title: String,
    /// Area of the catalogue.
    pub area: String,
    /// The dimension it counts in.
    pub dimension: Dimension,
    /// Its status.
    pub status: Status,
    /// The harm: the check's own for a finding that is no warn or fail.
    pub severity: Severity,
    /// How strongly the source asks for it.
    pub level: Level,
    /// What was seen, or why nothing was decided. May quote remote text.
    pub message: String,
    /// What shows it.
    pub evidence: Vec<JsonEvidence>,
    /// Where the rule is written.
    pub basis: Vec<JsonBasis>,
    /// What to change: what its cause asks for, where the check tells one.
    pub remediation: String,
    /// Points in the rubric; null if unscored.
    pub points: Option<u32>,
    /// What a pass of this one alone would add to the overall value; 0 where that is withheld and for
    /// what is neither warn nor fail.
    pub gain: f64,
    /// Whether a repetition may turn out differently.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub unstable: bool,
    /// Why it warns or fails, in a word that the check declares; a rubric may cap by it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<String>,
    /// The check that the defect is charged to, which warns or fails in this report: this one does not count.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charged_to: Option<String>,
    /// How a warning or failure stands to the baseline, if there is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub baseline: Option<Standing>,
}

/// Points at the exchange, and the part of it, that shows something.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonEvidence {
    /// Id of the exchange in the transcript.
    pub exchange: u32,
    /// Where in it.
    pub pointer: String,
    /// What is there. Remote text.
    pub excerpt: String,
    /// One command that sends the request again; secrets are placeholders (`~name~`).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reproduce: Option<String>,
}

/// A source of a rule.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonBasis {
    /// Document, revision and section.
    pub title: String,
    /// Where to read it.
    pub url: String,
}

/// Readings beside the findings.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonFacts {
    /// Keep-alives of the idle stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keepalive: Option<JsonKeepAlive>,
    /// How dropped streams resumed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub resume: Option<JsonResume>,
    /// How streams were delivered.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delivery: Option<JsonDelivery>,
    /// Latency of calls.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub latency: Option<JsonLatency>,
    /// The TLS handshake.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tls: Option<JsonTls>,
    /// Limits of the scanner that the scan hit, by name.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub limits_hit: Vec<JsonLimitHit>,
    /// Failures below the application, by phase and kind.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub failures: Vec<JsonFailure>,
}

/// A limit of the scanner that was hit.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonLimitHit {
    /// Its name, as `scan --show-limits` prints it.
    pub name: String,
    /// Its value.
    pub value: u64,
    /// How often.
    pub times: usize,
    /// The first exchange that hit it; none where it kept requests from being sent.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exchange: Option<u32>,
}

/// Failures of one kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonFailure {
    /// Where in an exchange.
    pub phase: Phase,
    /// What.
    pub kind: FailureKind,
    /// How often.
    pub times: usize,
    /// The first exchange that ended so.
    pub exchange: u32,
    /// That one in words. May quote a few bytes of remote text.
    pub words: String,
}

/// What was seen on an idle stream.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonKeepAlive {
    /// The exchange that held the stream.
    pub exchange: u32,
    /// How long it was watched, milliseconds.
    pub watched_ms: u64,
    /// The silence before the first arrival, milliseconds; null if nothing came.
    pub first_gap_ms: Option<u64>,
    /// Median gap, milliseconds, once two were measured.
    pub interval_ms: Option<u64>,
    /// Longest silence, milliseconds.
    pub longest_gap_ms: u64,
    /// How many arrivals came.
    pub arrivals: usize,
    /// What arrived after the first silence: `comment`, `event`, `blank`, `field` or `none`.
    pub kind: String,
}

/// How dropped streams resumed.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonResume {
    /// Resumptions that were tried.
    pub tries: usize,
    /// How many of them brought exactly what was missed, and nothing else.
    pub exact: usize,
    /// How many of them brought events of other streams as well.
    #[serde(default)]
    pub foreign: usize,
    /// Ids of the events that were missed, in the first try that was not exact, otherwise in the first.
    /// Remote text.
    pub expected: Vec<String>,
    /// Ids of the events that came in that try, those of other streams too. Remote text.
    pub received: Vec<String>,
}

/// How a stream was delivered. Times are milliseconds from sending the request.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonDelivery {
    /// The exchange that read it.
    pub exchange: u32,
    /// Which stream, in words.
    pub stream: String,
    /// Time to the head; null if none came.
    pub head_ms: Option<u64>,
    /// Time to the first byte of the body; null if none came.
    pub first_byte_ms: Option<u64>,
    /// Time to the first event with data; null if none came.
    pub first_event_ms: Option<u64>,
    /// Time between the first and the last arrival.
    pub spread_ms: u64,
    /// Content-Encoding, if the stream was compressed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub encoding: Option<String>,
    /// How long something held the head or the first byte back, if it did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub held_back_ms: Option<u64>,
    /// The proxy that replies name, where something was held back or compressed. Remote text.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub proxy: Option<String>,
}

/// Latency of the calls that `ops-latency` judges, milliseconds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonLatency {
    /// How many were measured.
    pub samples: usize,
    /// Median time to the answer; on an event stream, to its event.
    pub p50_ms: u64,
    /// 95th percentile.
    pub p95_ms: u64,
    /// Median time for TCP and TLS.
    pub connect_ms: u64,
    /// The first call of the scan: a cold start shows here.
    pub first_ms: u64,
}

/// The TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonTls {
    /// `TLSv1.2` or `TLSv1.3`.
    pub version: Option<String>,
    /// Cipher suite.
    pub cipher: Option<String>,
    /// Application protocol agreed on.
    pub alpn: Option<String>,
    /// Subject of the leaf certificate. Remote text.
    pub subject: Option<String>,
    /// Issuer of the leaf certificate. Remote text.
    pub issuer: Option<String>,
    /// End of its validity, RFC 3339.
    pub not_after: Option<String>,
    /// What is wrong with it; empty when it verifies.
    pub faults: Vec<CertificateFault>,
}

/// What the scan cost the target.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct JsonExchanges {
    /// Requests sent.
    pub count: usize,
    /// Bytes of request headers and bodies sent.
    pub bytes_sent: u64,
    /// Bytes of reply bodies and streams received.
    pub bytes_received: u64,
    /// Sessions opened.
    pub sessions_opened: usize,
    /// Sessions that could not be ended.
    pub sessions_left: usize,
}
