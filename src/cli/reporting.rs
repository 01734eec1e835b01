//! The report: its form, its place, and what else is said.

use std::path::{Path, PathBuf};

use super::args::OutputArgs;
use super::formats::{self, NamedIn};
use super::inputs::{Remembering, distinct_files};
use super::machine::Surroundings;
use super::terminal::ColorWish;
use super::usage::Usage;
use crate::report::format::Format;
use crate::report::table::Detail;

/// The report: its form, its place, and what else is said.
#[derive(Debug)]
pub(crate) struct Reporting {
    pub(crate) format: Format,
    /// `None` is standard output.
    pub(crate) output: Option<PathBuf>,
    /// The same report in other formats.
    pub(crate) reports: Vec<(Format, PathBuf)>,
    /// The repository's files that name the targets: the first that names one counts.
    pub(crate) named_in: Vec<NamedIn>,
    /// Files of a GitHub step, where the format is asked for: the summary and the outputs.
    pub(crate) github: [Option<PathBuf>; 2],
    pub(crate) color: ColorWish,
    pub(crate) quiet: bool,
    /// How much people at a terminal are told.
    pub(crate) detail: Detail,
    /// How much is said of single exchanges.
    pub(crate) verbosity: u8,
}

impl Reporting {
    /// One report to standard output.
    pub(crate) fn plain(format: Format, color: ColorWish) -> Self {
        let (output, reports, named_in, github) = (None, Vec::new(), Vec::new(), [None, None]);
        Self {
            format,
            output,
            reports,
            named_in,
            github,
            color,
            quiet: false,
            detail: Detail::Findings,
            verbosity: 0,
        }
    }

    /// Every file that is written, with the option that names it.
    pub(super) fn files(&self) -> impl Iterator<Item = (&'static str, &Path)> {
        let output = self.output.iter().map(|path| ("--output", path.as_path()));
        output.chain(self.reports.iter().map(|(_, path)| ("--report", path.as_path())))
    }

    /// None of them may be a file that is read.
    pub(super) fn spare(&self, inputs: &Remembering<'_>) -> Result<(), Usage> {
        self.files().try_for_each(|(option, file)| inputs.spare(option, file))
    }
}

/// Format, place and company of the report.
pub(super) fn reporting(args: OutputArgs, around: &dyn Surroundings) -> Result<Reporting, Usage> {
    let OutputArgs { format, output, reports, named_in, color, quiet, verbose } = args;
    let github = std::iter::once(&format).chain(reports.iter().map(|(format, _)| format));
    let github = if github.clone().any(|format| *format == Format::Github) {
        ["GITHUB_STEP_SUMMARY", "GITHUB_OUTPUT"]
            .map(|name| around.variable(name).filter(|value| !value.is_empty()).map(PathBuf::from))
    } else {
        [None, None]
    };
    let output = output.filter(|path| path != Path::new("-"));
    let named_in = named_in.map(|text| formats::named_in(&text, around)).transpose()?.into_iter().collect();
    let reporting = Reporting {
        format,
        output,
        reports,
        named_in,
        github,
        color: color.into(),
        quiet,
        detail: match verbose {
            0 if quiet => Detail::Verdict,
            0 => Detail::Findings,
            1 => Detail::Passes,
            _ => Detail::Everything,
        },
        // The first -v is for the report.
        verbosity: verbose.saturating_sub(1),
    };
    let files: Vec<(&str, &Path)> = reporting.files().collect();
    for (index, (option, file)) in files.iter().enumerate() {
        for (other, earlier) in files.iter().take(index) {
            distinct_files(option, file, other, earlier)?;
        }
    }
    Ok(reporting)
}
