//! What was typed. Nothing is read, looked up or decided here: that is `resolve.rs`.

use std::path::PathBuf;
use std::time::Duration;

use clap::{Args, Parser, Subcommand, ValueEnum, ValueHint};
use clap_complete::Shell;

use super::formats::named_file;
use super::merge::MergeArgs;
use crate::finding::Dimension;
use crate::report::format::Format;

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
4 inconclusive; 5 a report could not be written; 130/143 interrupted.";

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
}

/// What to scan and how to reach it.
#[derive(Debug, Args)]
#[command(next_help_heading = "Target")]
pub(crate) struct TargetArgs {
    /// Endpoints: http, https, ws or wss URLs
    #[arg(value_name = "URL", required_unless_present_any = ["show_limits", "plan"], value_hint = ValueHint::Url, help_heading = None)]
    pub(crate) urls: Vec<String>,
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
    /// Send this User-Agent
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
    /// Send credentials over plain http or ws to another machine
    #[arg(long)]
    pub(crate) allow_plaintext_credentials: bool,
}

/// How much is sent.
#[derive(Debug, Args)]
#[command(next_help_heading = "Probing")]
pub(crate) struct ProbingArgs {
    /// quick: under a second, no idle watch; standard: watches idle streams for up to 35 s
    #[arg(long, value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) profile: ProfileArg,
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
    /// No progress, no notes
    #[arg(short, long, conflicts_with = "verbose")]
    pub(crate) quiet: bool,
    /// List the exchanges on standard error; -vv with their headers, masked
    #[arg(short, long, action = clap::ArgAction::Count)]
    pub(crate) verbose: u8,
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

/// What makes a run fail.
#[derive(Debug, Args)]
#[command(next_help_heading = "Gates")]
pub(crate) struct GateArgs {
    /// Fail (exit 1) if the score is below N, 0 to 100
    #[arg(long, value_name = "N", value_parser = percent, allow_negative_numbers = true)]
    pub(crate) min_score: Option<f64>,
    /// Fail (exit 1) if a dimension is below N: D7=80 (repeatable)
    #[arg(long = "min", value_name = "DIM=N", value_parser = minimum)]
    pub(crate) minima: Vec<(Dimension, f64)>,
    /// Score with this rubric instead of the built-in one
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) rubric: Option<PathBuf>,
    /// Exit 0 where a gate failed (changes code 1 only)
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// With several targets and no gate: exit 3 or 4 if one gave no score
    #[arg(long)]
    pub(crate) fail_on_unreachable: bool,
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
    /// A line of a transcript.
    Transcript,
}

/// Longest `--wait`.
const LONGEST_WAIT: Duration = Duration::from_secs(3600);

/// `30s`, `500ms`, or a plain number of seconds.
fn duration(text: &str) -> Result<Duration, String> {
    const HOW: &str = "write it as 30s, 500ms or 30 (seconds), up to 3600s";
    let (number, scale) = match (text.strip_suffix("ms"), text.strip_suffix('s')) {
        (Some(number), _) => (number, 0.001),
        (None, Some(number)) => (number, 1.0),
        (None, None) => (text, 1.0),
    };
    // Only digits and a point: the parser of numbers would also take "inf", "1e9" and signs.
    if number.is_empty() || !number.chars().all(|c| c.is_ascii_digit() || c == '.') {
        return Err(HOW.to_owned());
    }
    let seconds: f64 = number.parse().map_err(|_| HOW.to_owned())?;
    Duration::try_from_secs_f64(seconds * scale)
        .ok()
        .filter(|wait| *wait <= LONGEST_WAIT)
        .ok_or_else(|| HOW.to_owned())
}

/// A score from 0 to 100. NaN would pass every gate, so it is refused here (HOSTILE.md C6).
fn percent(text: &str) -> Result<f64, String> {
    text.trim()
        .parse::<f64>()
        .ok()
        .filter(|score| (0.0..=100.0).contains(score))
        .ok_or_else(|| "a score is a number from 0 to 100".to_owned())
}

/// `D7=80`.
fn minimum(text: &str) -> Result<(Dimension, f64), String> {
    let (name, score) = text.split_once('=').ok_or("write it as DIMENSION=SCORE, for example D7=80")?;
    let dimension = Dimension::ALL
        .into_iter()
        .find(|dimension| dimension.as_str().eq_ignore_ascii_case(name.trim()))
        .ok_or_else(|| {
            let known: Vec<&str> = Dimension::ALL.iter().map(|dimension| dimension.as_str()).collect();
            format!("only {} are scored here", known.join(", "))
        })?;
    Ok((dimension, percent(score)?))
}

#[cfg(test)]
mod tests {
    use clap::CommandFactory;

    use super::*;

    #[test]
    fn the_definition_is_consistent() {
        Cli::command().debug_assert();
    }

    #[test]
    fn durations_have_units_or_are_seconds() {
        assert_eq!(duration("30s"), Ok(Duration::from_secs(30)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        assert_eq!(duration("2"), Ok(Duration::from_secs(2)));
        assert_eq!(duration("0.5"), Ok(Duration::from_millis(500)));
        for bad in ["", "s", "ms", "-1", "1h", "inf", "1e3", "30 s", "3601", "..", "99999999999999999999999"]
        {
            assert!(duration(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn scores_are_numbers_from_0_to_100() {
        assert_eq!(percent("80"), Ok(80.0));
        assert_eq!(percent("99.5"), Ok(99.5));
        for bad in ["", "NaN", "nan", "-1", "101", "1e9", "inf", "eighty", "-0.1", "100.1"] {
            assert!(percent(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn minima_name_a_scored_dimension() {
        assert_eq!(minimum("D7=80"), Ok((Dimension::D7, 80.0)));
        assert_eq!(minimum("d2=0"), Ok((Dimension::D2, 0.0)));
        for bad in ["D9=5", "D3=50", "D7", "D7=", "D7=101", "=5", "D7=NaN", "D7=1=2"] {
            assert!(minimum(bad).is_err(), "{bad}");
        }
    }
}
