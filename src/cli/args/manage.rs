//! The commands that look after reports, baselines, rubrics and the configuration.

use std::path::PathBuf;

use clap::{Args, Subcommand, ValueEnum, ValueHint};

use super::{ChoiceArgs, ConfigArgs, FormatArg, GateArgs, OutputArgs, ProfileArg};

/// A format of a comparison, as typed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub(crate) enum DiffFormatArg {
    /// For people.
    #[default]
    Table,
    /// For programs.
    Json,
    /// For comments on pull requests.
    Markdown,
}

/// Compare two reports.
#[derive(Debug, Args)]
pub(crate) struct DiffArgs {
    /// The earlier JSON report
    #[arg(value_name = "OLD", value_hint = ValueHint::FilePath)]
    pub(crate) old: PathBuf,
    /// The later JSON report
    #[arg(value_name = "NEW", value_hint = ValueHint::FilePath)]
    pub(crate) new: PathBuf,
    /// Format: table, json or markdown
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) format: DiffFormatArg,
    /// Write here instead of to standard output
    #[arg(short, long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) output: Option<PathBuf>,
    /// Exit 1 if a finding is new or worse, 4 if too little was judged to say
    #[arg(long)]
    pub(crate) fail_on_regression: bool,
}

/// What to do with a baseline.
#[derive(Debug, Subcommand)]
pub(crate) enum BaselineCommand {
    /// Make the known debt current from JSON reports; accepted entries stay
    Write(BaselineArgs),
    /// Remove entries that are stale or name no check
    Prune(BaselineArgs),
    /// Check the file, and what JSON reports say about its entries
    Check(BaselineArgs),
}

/// Which baseline, and what is found.
#[derive(Debug, Args)]
pub(crate) struct BaselineArgs {
    /// JSON reports written by 'scan -f json'
    #[arg(value_name = "REPORT", value_hint = ValueHint::FilePath)]
    pub(crate) reports: Vec<PathBuf>,
    /// The baseline
    #[arg(
        short,
        long,
        value_name = "FILE",
        default_value = "agentgauge-baseline.toml",
        value_hint = ValueHint::FilePath
    )]
    pub(crate) baseline: PathBuf,
}

const MERGE_EXAMPLES: &str = "\
Examples:
  agentgauge merge shard-*.jsonl
  agentgauge merge --expect urls.txt --report junit=all.xml shard-*.jsonl
  agentgauge merge -f markdown -o comment.md one.jsonl two.jsonl";

/// Join reports of several runs.
#[derive(Debug, Args)]
#[command(after_help = MERGE_EXAMPLES)]
pub(crate) struct MergeArgs {
    /// Reports written with '-f jsonl' (or json); - is standard input
    #[arg(value_name = "FILE", required = true, value_hint = ValueHint::FilePath)]
    pub(crate) files: Vec<PathBuf>,
    /// URLs that must be there, one a line: exit 4 if one is missing
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) expect: Option<PathBuf>,
    /// Join reports that were scored by different rubrics
    #[arg(long)]
    pub(crate) allow_mixed_rubrics: bool,
    #[command(flatten)]
    pub(crate) output: OutputArgs,
}

/// What to do with a rubric.
#[derive(Debug, Subcommand)]
pub(crate) enum RubricCommand {
    /// Print a rubric as TOML: a start for your own
    Show(RubricArgs),
    /// Check a rubric against the checks of this program
    Validate(RubricArgs),
}

/// Which rubric.
#[derive(Debug, Args)]
pub(crate) struct RubricArgs {
    /// agent-readiness, spec, NAME@MAJOR, or a file
    #[arg(value_name = "RUBRIC", default_value = "agent-readiness", value_hint = ValueHint::FilePath)]
    pub(crate) rubric: String,
}

/// What to do with the configuration.
#[derive(Debug, Subcommand)]
pub(crate) enum ConfigCommand {
    /// Print every setting and where it comes from
    Show(Box<ConfigShowArgs>),
}

/// The settings that could be given.
#[derive(Debug, Args)]
pub(crate) struct ConfigShowArgs {
    /// Format of the list: table or json
    #[arg(short, long, value_enum, default_value_t, hide_possible_values = true)]
    pub(crate) format: FormatArg,
    /// As in 'scan'
    #[arg(long, value_enum, hide_possible_values = true)]
    pub(crate) profile: Option<ProfileArg>,
    #[command(flatten)]
    pub(crate) gates: GateArgs,
    #[command(flatten)]
    pub(crate) choice: ChoiceArgs,
    #[command(flatten)]
    pub(crate) config: ConfigArgs,
}
