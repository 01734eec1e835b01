//! Every test that sees the program from outside, in one binary: it links once.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::print_stdout,
    reason = "a test that meets the unexpected should fail there and then"
)]

mod accuracy;
mod architecture;
mod asked;
mod auth;
mod barriers;
mod certificates;
mod check_laws;
mod checks_page;
mod cli;
mod cli_live;
mod commands;
mod consequences;
mod contributing;
mod demo;
mod documented;
mod drift;
mod encoding;
mod era_change;
mod formats;
#[allow(dead_code, reason = "shared with the hostile table, which names single forms")]
#[path = "support/forms.rs"]
mod forms;
mod gate_laws;
mod gating;
mod hosts;
mod html;
mod identity;
mod inputs;
mod laws;
mod machine;
mod official_schemas;
mod operations_sse;
mod other_transports;
mod program;
mod proxied;
mod reader_laws;
mod readme;
mod replay;
mod rmcp_server;
mod same_verdicts;
mod schemas;
mod score_laws;
mod scores;
mod secret_forms;
mod secrets;
mod slow_hosts;
mod streams;
mod support;
mod terminal;
mod wire;
