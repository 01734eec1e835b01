//! Every place that one run writes to, opened before anything is scanned and written at its end.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::{Path, PathBuf};

use super::ending::Ending;
use super::output::{self, Output, OutputError};
use super::rendering::rendered;
use super::reporting::Reporting;
use super::terminal;
use super::usage::Usage;
use crate::exit::Exit;
use crate::protocol::host::shown;
use crate::report::format::{Format, Run};
use crate::report::{Report, github, markdown};
use crate::transcript::Secrets;

/// What a file of a GitHub step takes of reports, and of the URLs that are missing.
type Text<'t> = dyn Fn(&[Report], &[String]) -> String + 't;

/// The places, open.
#[derive(Debug)]
pub(super) struct Outputs {
    main: Output,
    more: Vec<(Format, Output)>,
    /// Files of a GitHub step, which already hold what other steps wrote: summary and outputs.
    github: [Option<File>; 2],
    /// What must not be read in any of them.
    secrets: Secrets,
    /// What else was saved, in words.
    saved: Vec<String>,
}

impl Outputs {
    /// Standard output alone.
    pub(super) fn stdout() -> Self {
        let (more, github, secrets, saved) = (Vec::new(), [None, None], Secrets::default(), Vec::new());
        Self { main: Output::Stdout, more, github, secrets, saved }
    }

    pub(super) fn open(reporting: &Reporting) -> Result<Self, Ending> {
        if reporting.output.is_none() {
            fit_for(reporting.format)?;
        }
        let main = Output::open(reporting.output.as_deref())?;
        let mut outputs = Self { main, ..Self::stdout() };
        for (format, path) in &reporting.reports {
            let output = Output::open(Some(path))?;
            // Two names may lead to one file.
            if outputs.destinations().any(|other| Some(other) == output.destination()) {
                let problem = format!("{} leads to the same file as another output", path.display());
                return Err(Usage::new("--report", problem).into());
            }
            outputs.more.push((*format, output));
        }
        for (file, path) in outputs.github.iter_mut().zip(&reporting.github) {
            if let Some(path) = path {
                let opened = OpenOptions::new().append(true).create(true).open(path);
                *file = Some(opened.map_err(|error| OutputError::new(path, &error))?);
            }
        }
        Ok(outputs)
    }

    /// The same places, where none of these secrets may be read. A record that is replayed holds none.
    pub(super) fn without(self, secrets: Secrets) -> Self {
        Self { secrets, ..self }
    }

    /// The same places, and people at a terminal are told that this was saved as well.
    pub(super) fn beside(self, saved: Vec<String>) -> Self {
        Self { saved, ..self }
    }

    /// What the names lead to, where they are files.
    pub(super) fn destinations(&self) -> impl Iterator<Item = &Path> {
        let more = self.more.iter().map(|(_, output)| output);
        std::iter::once(&self.main).chain(more).filter_map(Output::destination)
    }

    /// Writes all of them. `missing` are URLs that should be among the targets. One that fails does not keep the others from being written.
    pub(super) fn finish(
        self,
        reports: &[Report],
        missing: &[String],
        exit: Exit,
        reporting: &Reporting,
    ) -> Result<(), OutputError> {
        let taken: Vec<PathBuf> = self.destinations().map(Path::to_owned).collect();
        let secrets = self.secrets.clone();
        let hidden = |format: Format, bytes: Vec<u8>| match String::from_utf8(bytes) {
            Ok(text) if format.is_json() => secrets.shown_json(text).into_bytes(),
            Ok(text) => secrets.shown(text).into_bytes(),
            Err(error) => error.into_bytes(),
        };
        let crashed = |place: &str| {
            let reason = "agentgauge crashed while it rendered it: a bug of ours, please report it";
            OutputError::new(Path::new(place), reason)
        };
        let mut lost: Vec<String> = Vec::new();
        let mut write = |format: Format, output: Output, written: &[String]| {
            let style =
                terminal::table_style(reporting.color, reporting.detail, output.destination().is_some());
            let place = output.destination().map(Path::to_owned);
            // One document, or one that is continued where files can stand beside it.
            let whole = output.regular().is_none();
            let rendered = rendered(reports, missing, |reports, missing| {
                let run = Run { reports, missing, exit, written, style };
                if whole { vec![format.render(&run)] } else { format.parts(&run) }
            });
            let name =
                place.map_or_else(|| "standard output".to_owned(), |place| place.display().to_string());
            let rendered = rendered.ok_or_else(|| crashed(&name))?;
            lost.extend(rendered.lost.iter().map(|url| format!("{} of {}", format.name(), shown(url))));
            let mut parts = rendered.document.into_iter();
            let first = hidden(format, parts.next().unwrap_or_default());
            if let (Format::Table, Output::Stdout) = (format, &output) {
                return output::show(String::from_utf8_lossy(&first));
            }
            let Some(file) = output.regular().map(Path::to_owned) else {
                return output.finish(&first);
            };
            // All of them open before one is written.
            let mut more = Vec::new();
            for (number, part) in (2..).zip(parts) {
                let path = continued(&file, number);
                if taken.contains(&path) {
                    return Err(OutputError::new(&path, "it is another output of this run"));
                }
                more.push((Output::open(Some(&path))?, part));
            }
            output.finish(&first)?;
            for (output, part) in more {
                output.finish(&hidden(format, part))?;
            }
            Ok(())
        };
        let mut results = Vec::new();
        let mut written = self.saved;
        for ((format, output), (_, path)) in self.more.into_iter().zip(&reporting.reports) {
            let result = write(format, output, &[]);
            // Only what is there is named.
            written.extend(result.is_ok().then(|| format!("{} ({})", path.display(), format.name())));
            results.push(result);
        }
        // The first file that a later step can pick up.
        let file = reporting.output.as_deref().or(reporting.reports.first().map(|(_, path)| path.as_path()));
        let summary =
            |reports: &[Report], missing: &[String]| markdown::render(reports, missing, markdown::SUMMARY);
        let outputs = |reports: &[Report], _: &[String]| github::outputs(reports, exit, file);
        let texts: [&Text<'_>; 2] = [&summary, &outputs];
        for ((file, path), text) in self.github.into_iter().zip(&reporting.github).zip(texts) {
            // Rendered only where a step of GitHub takes it.
            if let (Some(mut file), Some(path)) = (file, path) {
                let Some(text) = rendered(reports, missing, text) else {
                    results.push(Err(crashed(&path.display().to_string())));
                    continue;
                };
                let text = secrets.shown(text.document);
                let written = file.write_all(text.as_bytes()).and_then(|()| file.flush());
                results.push(written.map_err(|error| OutputError::new(path, &error)));
            }
        }
        // A file holds the report alone.
        let written = if self.main.destination().is_some() { Vec::new() } else { written };
        results.push(write(reporting.format, self.main, &written));
        if let Some(first) = lost.first() {
            results.push(Err(crashed(first)));
        }
        results.into_iter().collect()
    }
}

/// Where a document goes on: `report.sarif`, `report-2.sarif`.
fn continued(path: &Path, number: usize) -> PathBuf {
    let stem = path.file_stem().unwrap_or_default().to_string_lossy();
    let end = path.extension().map_or_else(String::new, |end| format!(".{}", end.to_string_lossy()));
    path.with_file_name(format!("{stem}-{number}{end}"))
}

/// Whether standard output can take this format.
pub(super) fn fit_for(format: Format) -> Result<(), Usage> {
    refuse_terminal(format, terminal::stdout_terminal())
}

/// What only a browser shows would flood a terminal.
fn refuse_terminal(format: Format, terminal: bool) -> Result<(), Usage> {
    if terminal && format.for_browser() {
        let name = format.name();
        return Err(Usage::new(
            format!("--format {name}"),
            format!("a terminal cannot show it; add '-o FILE', or '--report {name}=FILE' beside the table"),
        ));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_for_browsers_is_refused_on_a_terminal() {
        assert!(refuse_terminal(Format::Html, true).unwrap_err().to_string().contains("html=FILE"));
        assert!(refuse_terminal(Format::BadgeSvg, true).unwrap_err().to_string().contains("-o FILE"));
        assert!(refuse_terminal(Format::BadgeSvg, false).is_ok());
        assert!(refuse_terminal(Format::Table, true).is_ok());
    }
}
