//! `scan`: targets in, one report out.

use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, Ordering};

use super::ending::Ending;
use super::output::{self, Beside, OutputError};
use super::outputs::Outputs;
use super::present::{self, Presenter};
use super::recording::Recording;
use super::resolve::Scan;
use super::signals::Signals;
use super::usage::Usage;
use super::{preview, runtime, terminal};
use crate::exit::Exit;
use crate::fleet;
use crate::observe::{Observer, ScanEvent, Stop};
use crate::progress::{Progress, Voice, keep_secret};
use crate::protocol::host::shown;
use crate::report::Report;
use crate::target::Target;
use crate::transcript::Secrets;
use crate::transcript::codec::{Encoded, Entry};

pub(super) fn run(mut plan: Scan) -> Result<Ending, Ending> {
    if let Some(instead) = &plan.instead {
        output::stdout(preview::text(instead, plan.reporting.format).as_bytes())?;
        return Ok(Ending::silent());
    }
    let runtime = runtime::start()?;
    // From here on a signal leaves nothing half done behind.
    let mut signals = {
        let _inside = runtime.enter();
        Signals::listen().map_err(|error| runtime::unable(&error))?
    };
    // Every output is opened before the first request goes out.
    let secrets = Secrets::default();
    for target in &plan.targets {
        secrets.join(&target.secrets());
    }
    keep_secret(secrets.clone());
    let save = plan.save.take();
    let folder = save.as_ref().map(|path| {
        let what = if plan.targets.len() == 1 { "transcript" } else { "transcripts" };
        format!("{} ({what})", path.display())
    });
    let (output, saving) = signals.or_end(&runtime, || {
        let output = Outputs::open(&plan.reporting)?.without(secrets);
        let saving = Saving::open(save, &plan.targets, &output)?;
        Ok((output, saving))
    })?;
    let voice = Voice {
        animated: !plan.no_progress && terminal::stderr_animated(),
        quiet: plan.reporting.quiet,
        verbosity: plan.reporting.verbosity,
    };
    let progress = Progress::new(voice, plan.targets.iter().map(present::short_name).collect());
    for note in &plan.notes {
        progress.note(note);
    }
    let ran = runtime.block_on(scan_all(&plan, saving, &progress, &mut signals));
    progress.clear();
    let interrupted = ran.as_ref().is_ok_and(|(_, interrupted)| interrupted.is_some());
    signals.end_while_writing(runtime, interrupted);
    let (results, interrupted) = ran?;
    let (reports, saved): (Vec<Report>, Vec<Saved>) = results.into_iter().unzip();
    let saved_all = saved.iter().all(Result::is_ok);
    let output = output.beside(folder.filter(|_| saved_all).into_iter().collect());
    let ending = Presenter::new(&plan.reporting, &plan.judging).present(reports, interrupted, output)?;
    for saved in saved {
        if let Some((place, bytes)) = saved? {
            place.finish(&bytes)?;
        }
    }
    Ok(ending)
}

/// What became of a transcript; with the bytes and their place where that is no file. Nobody may read there, which
/// must not hold up the other scans and the reports.
type Saved = Result<Option<(Beside, Vec<u8>)>, OutputError>;
type Judged = (Report, Saved);

/// Runs the scans until they end or a second signal comes. The first signal is given back.
async fn scan_all(
    plan: &Scan,
    saving: Saving,
    progress: &Progress,
    signals: &mut Signals,
) -> Result<(Vec<Judged>, Option<Exit>), Ending> {
    let stop = Stop::default();
    let several = plan.targets.len() > 1;
    let saving = std::sync::Mutex::new(saving);
    let begin = |index: usize, target: &Target| Watcher {
        progress,
        index,
        name: if several { present::short_name(target) } else { String::new() },
        recording: saving.lock().unwrap_or_else(std::sync::PoisonError::into_inner).recording(index, target),
        begun: AtomicBool::new(false),
    };
    let end = |index: usize, recorded: Encoded, watcher: Watcher<'_>| {
        progress.done(index);
        let report = plan.judging.judge(&recorded);
        let saved = watcher
            .recording
            .and_then(|recording| recording.map_or(Ok(None), |file| file.finish(&recorded.bytes)));
        (report, saved)
    };
    let work = fleet::run(&plan.targets, plan.options, &stop, begin, end);
    let mut work = std::pin::pin!(work);
    let mut interrupted = None;
    loop {
        tokio::select! {
            biased;
            signal = signals.next() => {
                if interrupted.is_some() {
                    progress.clear();
                    return Err(Ending { exit: signal, words: "ended at once; no report".to_owned(), quiet: false });
                }
                interrupted = Some(signal);
                stop.stop();
                progress.note("stopping; what was recorded will be judged. Once more ends at once");
            }
            results = &mut work => return Ok((results, interrupted)),
        }
    }
}

/// Listens to one target's scan: progress, exchanges for `-v`, lines for the transcript.
struct Watcher<'p> {
    progress: &'p Progress,
    index: usize,
    name: String,
    recording: Result<Option<Recording>, OutputError>,
    /// Whether a scan has begun: a second one is `--discover` going on beside the URL.
    begun: AtomicBool,
}

impl Observer for Watcher<'_> {
    fn entry(&self, entry: &Entry) {
        if let Ok(Some(recording)) = &self.recording {
            recording.add(entry);
        }
        match entry {
            Entry::Exchange(exchange) => self.progress.exchange(&self.name, exchange),
            Entry::Header(header) if self.begun.swap(true, Ordering::Relaxed) => {
                self.progress.note(&format!(
                    "nothing at the URL itself; scanning {} beside it",
                    shown(&header.typed(&header.url))
                ));
            }
            _ => {}
        }
    }

    fn event(&self, event: ScanEvent) {
        self.progress.event(self.index, event);
    }
}

/// Where transcripts go.
enum Saving {
    /// Nowhere.
    No,
    /// One file, open already; taken when its scan begins.
    File(Option<Box<Recording>>),
    /// A folder that takes files; each is opened when its scan begins, not to hold them all.
    Folder(PathBuf),
}

impl Saving {
    fn open(path: Option<PathBuf>, targets: &[Target], outputs: &Outputs) -> Result<Self, Ending> {
        let Some(path) = path else { return Ok(Self::No) };
        if targets.len() == 1 {
            let recording = Recording::open(&path)?;
            if outputs.destinations().any(|place| recording.writes(Some(place))) {
                recording.abandon();
                return Err(same_file(&path).into());
            }
            return Ok(Self::File(Some(Box::new(recording))));
        }
        output::folder(&path)?;
        let real = path.canonicalize().unwrap_or_else(|_| path.clone());
        for (index, target) in targets.iter().enumerate() {
            let place = real.join(output::transcript_name(index, target));
            if outputs.destinations().any(|other| other == place) {
                return Err(same_file(&path).into());
            }
        }
        Ok(Self::Folder(path))
    }

    fn recording(&mut self, index: usize, target: &Target) -> Result<Option<Recording>, OutputError> {
        match self {
            Self::No => Ok(None),
            Self::File(recording) => Ok(recording.take().map(|recording| *recording)),
            Self::Folder(path) => {
                Recording::open(&path.join(output::transcript_name(index, target))).map(Some)
            }
        }
    }
}

fn same_file(path: &std::path::Path) -> Usage {
    Usage::new(
        "--save-transcript",
        format!("{} leads to the same file as --output or --report", path.display()),
    )
}
