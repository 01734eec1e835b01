//! agentgauge: can an agent rely on this endpoint, and what exactly should be fixed?
//!
//! ```text
//!         I/O (async)                              pure (no sockets, files, clock or environment)
//!  Target ─► probe/ ─► net/ ─► Transcript ─► Facts ─► checks/ ─► Findings ─► rubric+score ─► Report ─► bytes
//!                               │   ▲
//!                               ▼   │  `scan --save-transcript`, `replay`, fixtures/, every test
//!                           transcript.jsonl
//! ```
//!
//! A scan is *record, then replay*: there is no second path. A module may use only modules before it
//! in this line: `protocol, transcript, verdict, facts, check, finding, checks, rubric, selection, score, clients,
//! baseline, gate, exit, report, diff, config, judge, schema`; and on the side with sockets
//! `target, observe, net, probe, scan, fleet, progress, cli, demo, main` may use all of those.
//! Nothing on the pure side names anything on the other; `tests/it/architecture.rs` and clippy's
//! `disallowed-*` hold it.
//!
//! The library carries no stability promise; the command line, its JSON report and check ids do.

pub mod baseline;
pub mod check;
pub mod checks;
pub mod cli;
pub mod clients;
pub mod config;
pub mod demo;
pub mod diff;
pub mod exit;
pub mod facts;
pub mod finding;
pub mod fleet;
pub mod gate;
pub mod judge;
pub mod net;
pub mod observe;
pub mod probe;
pub mod progress;
pub mod protocol;
pub mod report;
pub mod rubric;
pub mod scan;
pub mod schema;
pub mod score;
pub mod selection;
pub mod target;
pub mod transcript;
pub mod verdict;
