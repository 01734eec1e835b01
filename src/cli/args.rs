//! What was typed. Nothing is read, looked up or decided here: that is `resolve.rs`.

mod gates;
mod manage;
mod values;

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use crate::report::format::Format;
pub(crate) use gates::{ChoiceArgs, ConfigArgs, GateArgs};
pub(crate) use manage::{
    BaselineArgs, BaselineCommand, ConfigCommand, ConfigShowArgs, DiffArgs, DiffFormatArg, MergeArgs,
    RubricArgs, RubricCommand,
};
pub(crate) use values::{boolean, named_minima, named_profile, names, path, percent, severity};
use values::{duration, named_file};

/// Scans an endpoint for AI agents and scores what agents feel.
///
/// Can an agent rely on it, and what exactly should be fixed? A scan is read-only and bounded; it
/// records what was sent and seen, judges the record against published rules, and scores API quality,
/// security and reliability.
#[derive(Debug, Parser)]
#[command(
    name = "agentgauge",
    version,
    max_term_width = 80,
    disable_help_subcommand = true,
    after_help = "Start with 'agentgauge demo': two built-in endpoints, no network."
)]
pub(crate) struct Cli {
    /// What to do.
    #[command(subcommand)]
    pub(crate) command: Command,
}

/// What to do.
#[derive(Debug, Subcommand)]
pub(crate) enum Command {
    /// Scan endpoints and report
    Scan(Box<ScanArgs>),
    /// Judge saved transcripts again, without any network
    Replay(Box<ReplayArgs>),
    /// List every check
    Checks(ChecksArgs),
    /// Compare two JSON reports: what is fixed, new, worse, better
    Diff(DiffArgs),
    /// Write, prune or check a baseline of known findings
    #[command(subcommand)]
    Baseline(BaselineCommand),
    /// Show or validate a rubric
    #[command(subcommand)]
    Rubric(RubricCommand),
    /// Show the configuration in force
    #[command(subcommand)]
    Config(ConfigCommand),
    /// Explain one check: what, why, how to fix, where it is written
    Explain(ExplainArgs),
    /// Scan two built-in endpoints, a sound and a flawed one (loopback only)
    Demo(DemoArgs),
    /// Join reports of several runs (JSON Lines) into one
    Merge(Box<MergeArgs>),
    /// Print the JSON Schema of a format
    Schema(SchemaArgs),
    /// Print a completion script for a shell
    Completions(CompletionsArgs),
}

const SCAN_EXAMPLES: &str = "\
Examples:
  agentgauge scan https://example.com/mcp
  agentgauge scan --bearer-env TOKEN --min-score 80 https://example.com/mcp
  agentgauge scan --profile quick -f json http://localhost:8000/mcp > r.json

Exit codes: 0 done, gates passed; 1 a gate failed; 2 usage; 3 nothing to judge;
4 inconclusive; 5 a report could not be written; 129/130/143 interrupted.";

const REPLAY_EXAMPLES: &str = "\
Examples:
  agentgauge replay scan.jsonl
  agentgauge replay --rubric mine.toml --min-score 80 scan.jsonl
  agentgauge replay -f json transcripts/*.jsonl";

/// Scan endpoints and report.
#[derive(Debug, Args)]
#[command(after_help = SCAN_EXAMPLES)]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    pub(crate) target: TargetArgs,
    #[command(flatten)]
    pub(crate) credentials: CredentialArgs,
    #[command(flatten)]
    pub(crate) probing: ProbingArgs,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) recording: RecordingArgs,
    #[command(flatten)]
    pub(crate) gates: GateArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// What to scan and how to reach it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// Endpoints: http, https, ws or wss URLs, or labels of targets in
    /// agentgauge.toml; without any, all of its targets
    #[arg(value_name = "URL", value_hint = ValueHint::Url, help_heading = None)]
    pub(crate) urls: Vec<String>,
    /// Scan the URLs of this file, too: one a line, '#' begins a comment. Without
    /// --allow-private no private or local address is connected to
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) targets: Option<PathBuf>,
    /// Connect also to private and local addresses that --targets names
    #[arg(long, requires = "targets")]
    pub(crate) allow_private: bool,
    /// Name for the target in reports (one URL only)
    #[arg(long, value_name = "NAME")]
    pub(crate) label: Option<String>,
    /// Retry the first connection for this long: 30s, 500ms, 30
    #[arg(long, value_name = "DURATION", value_parser = duration, allow_negative_numbers = true)]
    pub(crate) wait: Option<Duration>,
    /// Look at the usual sibling paths too; scan what is there if the URL has nothing
    #[arg(long)]
    pub(crate) discover: bool,
    /// Trust these certificate authorities (PEM) besides the system's
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) cacert: Option<PathBuf>,
    /// Go on in spite of a faulty certificate (it is still reported)
    #[arg(short = 'k', long)]
    pub(crate) insecure: bool,
    /// Reach everything through this HTTP proxy; otherwise HTTPS_PROXY, HTTP_PROXY, ALL_PROXY
    /// and NO_PROXY say so, except for this machine
    #[arg(long, value_name = "URL", value_hint = ValueHint::Url)]
    pub(crate) proxy: Option<String>,
    /// Use no proxy, whatever the environment says
    #[arg(long, conflicts_with = "proxy")]
    pub(crate) no_proxy: bool,
    /// Send this User-Agent; the product that it begins with, name/version, is the
    /// clientInfo of MCP, too
    #[arg(long, value_name = "TEXT")]
    pub(crate) user_agent: Option<String>,
}

/// What is sent besides the probes' own headers. Goes to the URL's origin only.
#[derive(Debug, Args)]
#[command(next_help_heading = "Credentials")]
pub(crate) struct CredentialArgs {
    /// Send this header; @FILE reads 'Name: value' lines. Visible to others
    /// on this machine (ps) unless it is @FILE
    #[arg(short = 'H', long = "header", value_name = "HEADER")]
    pub(crate) headers: Vec<String>,
    /// Send a header whose value is in an environment variable
    #[arg(long = "header-env", value_name = "NAME=VAR")]
    pub(crate) header_env: Vec<String>,
    /// Send 'Authorization: Bearer' with the token in this variable
    #[arg(long, value_name = "VAR", conflicts_with = "bearer_file")]
    pub(crate) bearer_env: Option<String>,
    /// Send 'Authorization: Bearer' with the token in this file
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) bearer_file: Option<PathBuf>,
    /// Keep the value of this header secret, too: of those that -H or --header-env sends, not only the ones
    /// whose names say key, token, secret, auth, session or password (repeatable)
    #[arg(long = "secret-header", value_name = "NAME")]
    pub(crate) secret_headers: Vec<String>,
    /// Send credentials over plain http or ws to another machine
    #[arg(long)]
    pub(crate) allow_plaintext_credentials: bool,
}

/// How much is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Probing")]
pub(crate) struct ProbingArgs {
    /// quick: under a second, no idle watch; standard: watches idle streams for up to 35 s; deep: for up to
    /// 95 s, until two keep-alive gaps were measured [default: standard]
    #[arg(long, value_enum, hide_possible_values = true)]
    pub(crate) profile: Option<ProfileArg>,
    /// Send at most this many requests (lowers the profile's limit)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=10_000))]
    pub(crate) max_requests: Option<u32>,
    /// Requests per second to a public host (otherwise 10)
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..=1_000))]
    pub(crate) rate: Option<u32>,
    /// Print what would be sent, at most, and stop
    #[arg(long, conflicts_with = "show_limits")]
    pub(crate) plan: bool,
    /// Print the limits in force and stop
    #[arg(long)]
    pub(crate) show_limits: bool,
}

/// Where the report goes and what it looks like.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct OutputArgs {
    /// Format of the report: table, json, jsonl, html, sarif, sarif-alerts, junit, markdown, github,
    /// gitlab, badge or badge-svg
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) format: Format,
    /// Write the report here instead of to standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Write it also here in this format (repeatable)
    #[arg(long = "report", value_name = "FORMAT=FILE", value_parser = named_file)]
    pub(crate) reports: Vec<(Format, PathBuf)>,
    /// The file of your repository that names the target: sarif, gitlab and
    /// github show findings there
    #[arg(long, value_name = "FILE[:LINE]")]
    pub(crate) named_in: Option<String>,
    /// Colours: auto, always or never
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) color: ColorArg,
    /// The verdict alone: no findings, no progress, no notes
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// Also what passed, what was not judged and how the score came about; of several targets the findings of
    /// each. -vv: also the exchanges, on standard error; -vvv with their headers, masked
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
}

impl OutputArgs {
    /// Whether a report goes to a file.
    pub(crate) fn files(&self) -> bool {
        self.output.is_some() || !self.reports.is_empty()
    }
}

/// What else a scan writes and shows.
#[derive(Debug, Args)]
#[command(next_help_heading = "Output")]
pub(crate) struct RecordingArgs {
    /// Save the transcript for 'replay' (a folder if there are several URLs)
    #[arg(long, value_name = "FILE", value_hint = ValueHint::AnyPath)]
    pub(crate) save_transcript: Option<PathBuf>,
    /// No progress on the terminal
    #[arg(long)]
    pub(crate) no_progress: bool,
}

/// Judge saved transcripts again.
#[derive(Debug, Args)]
#[command(after_help = REPLAY_EXAMPLES)]
pub(crate) struct ReplayArgs {
    /// Transcripts written by 'scan --save-transcript'; - is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
    #[command(flatten)]
    pub(crate) gates: GateArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}

/// List every check.
#[derive(Debug, Args)]
pub(crate) struct ChecksArgs {
    /// Format of the list: table, json or markdown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) format: ListFormatArg,
}

/// Explain one check.
#[derive(Debug, Args)]
pub(crate) struct ExplainArgs {
    /// Id of the check, as in the report
    #[arg(value_name = "ID")]
    pub(crate) id: String,
}

/// Scan two built-in endpoints.
#[derive(Debug, Args)]
pub(crate) struct DemoArgs {
    /// Format of the report: table, json or html
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) format: FormatArg,
    /// Colours: auto, always or never
    #[arg(
        long,
        value_name = "WHEN",
        value_enum,
        default_value_t,
        hide_possible_values = true,
        hide_default_value = true
    )]
    pub(crate) color: ColorArg,
}

/// Print a JSON Schema.
#[derive(Debug, Args)]
pub(crate) struct SchemaArgs {
    /// Which format
    #[arg(value_enum, value_name = "FORMAT")]
    pub(crate) what: SchemaArg,
}

/// Print a completion script.
#[derive(Debug, Args)]
pub(crate) struct CompletionsArgs {
    /// Which shell
    #[arg(value_enum, value_name = "SHELL")]
    pub(crate) shell: Shell,
}

/// A profile, as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ProfileArg {
    /// Under a second, no idle watch.
    Quick,
    /// Idle streams are watched.
    #[default]
    Standard,
    /// Idle streams are watched for two gaps.
    Deep,
}

/// A format of the report, as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum FormatArg {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For a browser: one file.
    Html,
}

/// A format of the list of checks, as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ListFormatArg {
    /// For people at a terminal.
    #[default]
    Table,
    /// For programs.
    Json,
    /// The documentation page.
    Markdown,
}

/// When to use colours, as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum ColorArg {
    /// Where the output is a terminal, unless the environment says otherwise.
    #[default]
    Auto,
    /// Always.
    Always,
    /// Never.
    Never,
}

/// A format with a published schema, as typed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum SchemaArg {
    /// The JSON report.
    Report,
    /// A rubric file.
    Rubric,
    /// The configuration file.
    Config,
    /// A baseline.
    Baseline,
    /// A comparison of reports.
    Diff,
    /// A line of a transcript.
    Transcript,
}
