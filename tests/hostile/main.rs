//! A hostile endpoint of our own, byte-exact, and the real program against every behaviour of it.
//!
//! Each row of the tables is a hostile behaviour with the outcome that must come of it. Every row is
//! scanned with a credential that must not show up anywhere, and judged once more in every format.
//!
//! A binary of its own: it takes both processors for a minute, and tests that measure time must not run
//! beside it.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that meets the unexpected should fail there and then"
)]

#[allow(dead_code, reason = "shared with the other tests")]
#[path = "../it/support/forms.rs"]
mod forms;
mod handles;
mod http;
mod mcp;
mod output;
#[path = "../fuzz/plan.rs"]
mod plan;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "../it/program.rs"]
mod program;
mod proxy;
mod run;
mod secret_forms;
mod secrets;
mod sinks;
mod socket;
mod sse;
mod stage;
#[allow(dead_code, reason = "shared with the other tests")]
#[path = "../it/support/tls.rs"]
mod tls;
mod transport;

use std::collections::BTreeSet;
use std::path::Path;

use crate::program::Folder;
use run::{Again, Outcome};
use stage::Serve;

/// How the endpoint is reached.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Via {
    /// `http://127.0.0.1`.
    Http,
    /// `http://localhost`, where `::1` may come first and is dead.
    Localhost,
    /// `https://127.0.0.1`, TLS ended by the stage with this certificate; the CA is given.
    Tls(tls::Certificate),
    /// The same with HTTP/2 only.
    TlsH2,
    /// The same with a client certificate required.
    TlsClient(&'static rustls::SupportedProtocolVersion),
    /// `https://127.0.0.1` on a port where the stage writes raw bytes.
    TlsRaw,
    /// `ws://127.0.0.1`.
    Ws,
    /// `http://127.0.0.1`, with the secret in the query as well.
    Query,
    /// `http://endpoint.invalid`, with the stage as the proxy that the environment names.
    Proxy,
    /// `http://` on a port that is closed.
    Dead,
    /// `http://` on a port whose queue is full, so that SYNs are dropped.
    Full,
    /// A URL of its own; nothing is started.
    Url(&'static str),
}

/// What a report must say.
#[derive(Clone, Copy, Debug)]
enum Sign {
    /// `classification.reason` contains it.
    Reason(&'static str),
    /// `facts.failures` has this kind, or one of these (`a|b`) where the network decides.
    Failure(&'static str),
    /// `facts.limits_hit` has this name.
    Limit(&'static str),
    /// This check has this status.
    Finding(&'static str, &'static str),
    /// The JSON contains it.
    Says(&'static str),
    /// Fewer connections than this arrived.
    Fewer(usize),
    /// The scan took less than so many seconds.
    Within(u64),
}

/// A behaviour and what must come of it.
struct Row {
    /// Unique.
    name: &'static str,
    /// The kinds of behaviour that it stands for: H of HTTP, T of TLS, S of streams, J of JSON-RPC, W of
    /// WebSocket, O of output, K of secrets, C of the command line, E of good manners.
    covers: &'static str,
    via: Via,
    serve: Serve,
    kind: &'static str,
    exit: i32,
    /// Whether so little may be left to judge that 4 is right as well.
    may_be_undecided: bool,
    signs: Vec<Sign>,
    /// Most memory, in kB.
    memory: u64,
    /// Arguments of its own.
    args: &'static [&'static str],
    /// The header that carries the secret, where it is neither a bearer token nor all of `X-Api-Key`.
    sent: Option<fn(&str) -> String>,
    /// Whether the whole profile runs. Where what is found early is enough, less is asked.
    whole: bool,
    /// Whether it is scanned again with `-vvv` and a custom header as the secret.
    again: bool,
}

/// Peak memory on any behaviour, in kB.
const MEMORY: u64 = 180_000;
/// Peak memory on a bomb or a stream without end, in kB.
const LITTLE: u64 = 68_000;

/// A row for a server that is nothing an agent could use.
fn row(name: &'static str, covers: &'static str, serve: Serve) -> Row {
    Row {
        name,
        covers,
        via: Via::Http,
        serve,
        kind: "none",
        exit: 3,
        may_be_undecided: false,
        signs: Vec::new(),
        memory: MEMORY,
        args: &[],
        sent: None,
        whole: false,
        again: false,
    }
}

impl Row {
    fn via(mut self, via: Via) -> Self {
        self.via = via;
        self
    }

    /// The class and the exit code.
    fn is(mut self, kind: &'static str, exit: i32) -> Self {
        (self.kind, self.exit) = (kind, exit);
        self
    }

    fn or_undecided(mut self) -> Self {
        self.may_be_undecided = true;
        self
    }

    fn unreachable(self) -> Self {
        self.is("unreachable", 3)
    }

    fn sign(mut self, sign: Sign) -> Self {
        self.signs.push(sign);
        self
    }

    fn fails(self, kind: &'static str) -> Self {
        self.sign(Sign::Failure(kind))
    }

    fn hits(self, limit: &'static str) -> Self {
        self.sign(Sign::Limit(limit))
    }

    fn because(self, words: &'static str) -> Self {
        self.sign(Sign::Reason(words))
    }

    fn whole(mut self) -> Self {
        self.whole = true;
        self
    }

    fn finds(mut self, check: &'static str, status: &'static str) -> Self {
        self.whole = true;
        self.sign(Sign::Finding(check, status))
    }

    fn says(self, words: &'static str) -> Self {
        self.sign(Sign::Says(words))
    }

    fn little(mut self) -> Self {
        self.memory = LITTLE;
        self
    }

    fn args(mut self, args: &'static [&'static str]) -> Self {
        self.args = args;
        self
    }

    /// The secret travels as a part of this header, in both passes.
    fn sent(mut self, header: fn(&str) -> String) -> Self {
        self.sent = Some(header);
        self
    }

    /// Whether the scan waits for a deadline.
    fn waits(&self) -> bool {
        let late = |kind: &str| kind.ends_with("-timeout");
        let ms = |name: &str| name.ends_with("_ms");
        self.signs.iter().any(|sign| match sign {
            Sign::Failure(kind) => late(kind),
            Sign::Limit(name) => ms(name),
            _ => false,
        }) || self.name.starts_with("slow")
            || (self.name.contains("flood") && !self.signs.iter().any(|sign| matches!(sign, Sign::Within(_))))
    }

    fn again(mut self) -> Self {
        self.again = true;
        self
    }
}

fn rows() -> Vec<Row> {
    [
        transport::rows(),
        proxy::rows(),
        http::rows(),
        sse::rows(),
        mcp::rows(),
        socket::rows(),
        output::rows(),
        secrets::rows(),
        secret_forms::rows(),
        handles::rows(),
    ]
    .into_iter()
    .flatten()
    .collect()
}

#[test]
fn nothing_that_answers_hurts() {
    // `HOSTILE=name` runs the rows whose names contain it, prints what they gave and keeps their files.
    let only = std::env::var("HOSTILE").ok();
    let rows: Vec<Row> =
        rows().into_iter().filter(|row| only.as_ref().is_none_or(|only| row.name.contains(only))).collect();
    let names: BTreeSet<&str> = rows.iter().map(|row| row.name).collect();
    assert_eq!(names.len(), rows.len(), "names are unique");
    assert!(only.is_some() || rows.len() >= 120, "only {} behaviours", rows.len());
    let folder = Folder::new("hostile");
    let mut faults = Vec::new();
    let mut hurt = BTreeSet::new();
    let repeated = rows.iter().filter(|row| row.again).map(|row| (row, Again::Loud));
    let jobs: Vec<(&Row, Again)> = rows.iter().map(|row| (row, Again::No)).chain(repeated).collect();
    let outcomes: Vec<Outcome> = run::all(&jobs, &folder);
    for ((row, _), outcome) in jobs.iter().zip(&outcomes) {
        if only.is_some() {
            println!("{}: {}", row.name, outcome.summary());
        }
        for fault in &outcome.faults {
            hurt.insert(row.name);
            faults.push(format!("{} ({}): {fault}", row.name, row.covers));
        }
    }
    let transcripts: Vec<&Path> = jobs
        .iter()
        .zip(&outcomes)
        .filter(|((row, again), _)| row.again && *again == Again::No)
        .map(|(_, outcome)| outcome.transcript.as_path())
        .collect();
    if !transcripts.is_empty() {
        faults.extend(sinks::faults_of_lists(&transcripts, &folder));
    }
    let leaked = faults.iter().filter(|fault| fault.contains("leak")).count();
    let repeated: Vec<&str> =
        outcomes.iter().filter(|outcome| outcome.repeated).map(|outcome| outcome.name).collect();
    println!("run twice: {}", repeated.join(", "));
    let slowest = outcomes.iter().max_by_key(|outcome| outcome.took).unwrap();
    let fattest = outcomes.iter().max_by_key(|outcome| outcome.peak_kb).unwrap();
    println!("slowest: {}; most memory: {}", slowest.summary(), fattest.summary());
    println!("{} survived, {leaked} leaked", rows.len().saturating_sub(hurt.len()));
    if only.is_some() {
        println!("kept in {}", folder.0.display());
        std::mem::forget(folder);
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}
