//! `replay`: the same judgement from the file alone.

use std::io::BufReader;
use std::path::Path;

use super::ending::Ending;
use super::outputs::Outputs;
use super::present::Presenter;
use super::reading;
use super::resolve::Replay;
use super::usage::Usage;
use crate::progress::{Progress, Voice};
use crate::transcript::Transcript;
use crate::transcript::codec::{CodecError, Encoded, MAX_BYTES, decode};

pub(super) fn run(plan: &Replay) -> Result<Ending, Ending> {
    let output = Outputs::open(&plan.reporting)?;
    let voice = Voice { animated: false, quiet: plan.reporting.quiet, verbosity: plan.reporting.verbosity };
    let progress = Progress::new(voice, Vec::new());
    let several = plan.files.len() > 1;
    let mut reports = Vec::new();
    for path in &plan.files {
        let shown = path.display().to_string();
        let transcript = read(path).map_err(|error| Usage::new(shown.clone(), error.to_string()))?;
        for exchange in &transcript.exchanges {
            progress.exchange(if several { &shown } else { "" }, exchange);
        }
        if !transcript.complete() {
            progress.note(&format!("{shown} is incomplete: the scan was interrupted or cut off"));
        }
        reports.push(plan.judging.judge(&Encoded::of(transcript)));
    }
    let named = reports.iter().map(|report| (report.url.clone(), report.label.clone()));
    if let Some(elsewhere) = plan.judging.concerns(named)? {
        progress.note(&elsewhere);
    }
    Presenter::new(&plan.reporting, &plan.judging).present(reports, None, output)
}

fn read(path: &Path) -> Result<Transcript, CodecError> {
    if path == Path::new("-") {
        decode(std::io::stdin().lock())
    } else {
        decode(BufReader::new(reading::open(path, MAX_BYTES)?))
    }
}
