//! What makes a run fail, what is judged, and where settings come from.

use std::path::PathBuf;

use clap::{Args, ValueHint};

use super::values::{minimum, percent, severity};
use crate::verdict::{Dimension, Severity};

/// What makes a run fail.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Gates")]
pub(crate) struct GateArgs {
    /// Fail (exit 1) if the score is below N, 0 to 100
    #[arg(long, value_name = "N", value_parser = percent, allow_negative_numbers = true)]
    pub(crate) min_score: Option<f64>,
    /// Fail (exit 1) if a dimension is below N: D7=80 (repeatable)
    #[arg(long = "min", value_name = "DIM=N", value_parser = minimum)]
    pub(crate) minima: Vec<(Dimension, f64)>,
    /// Fail if the coverage is below N percent
    #[arg(long, value_name = "N", value_parser = percent, allow_negative_numbers = true)]
    pub(crate) min_coverage: Option<f64>,
    /// Fail if a finding is this bad or worse: critical, high, medium, low
    #[arg(long, value_name = "SEVERITY", value_parser = severity)]
    pub(crate) fail_on: Option<Severity>,
    /// Fail if this check does not pass (repeatable)
    #[arg(long, value_name = "CHECK", value_delimiter = ',')]
    pub(crate) require: Vec<String>,
    /// Fail if the score fell by more than N since --against
    #[arg(long, value_name = "N", value_parser = percent, allow_negative_numbers = true)]
    pub(crate) max_drop: Option<f64>,
    /// An earlier JSON report of the same targets
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) against: Option<PathBuf>,
    /// Fail on findings that are new or worse than in this file only
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath)]
    pub(crate) baseline: Option<PathBuf>,
    /// Exit 0 where a gate failed (changes code 1 only)
    #[arg(long)]
    pub(crate) exit_zero: bool,
    /// With several targets and no gate: exit 3 or 4 if one gave no score
    #[arg(long)]
    pub(crate) fail_on_unreachable: bool,
}

/// What is judged, and by which rubric.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Checks")]
pub(crate) struct ChoiceArgs {
    /// Judge only these: ids, areas, dimensions, patterns such as 'tls-*'.
    /// The others are shown as skipped
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) only: Vec<String>,
    /// Do not judge these
    #[arg(long, value_name = "NAME", value_delimiter = ',')]
    pub(crate) skip: Vec<String>,
    /// Score with this rubric: agent-readiness, spec, or a file; NAME@MAJOR
    /// pins the major version
    #[arg(long, value_name = "RUBRIC", value_hint = ValueHint::FilePath)]
    pub(crate) rubric: Option<String>,
}

/// Where settings come from.
#[derive(Debug, Default, Args)]
#[command(next_help_heading = "Configuration")]
pub(crate) struct ConfigArgs {
    /// Read this instead of agentgauge.toml here or in the repository above
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with = "no_config")]
    pub(crate) config: Option<PathBuf>,
    /// Read no configuration file
    #[arg(long)]
    pub(crate) no_config: bool,
}
