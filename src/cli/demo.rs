//! `demo`: a sound and a flawed endpoint on loopback, both scanned. No network.

use super::args::DemoArgs;
use super::ending::Ending;
use super::judging::Judging;
use super::outputs::{self, Outputs};
use super::present::Presenter;
use super::reporting::Reporting;
use super::{runtime, terminal};
use crate::cli::args::FormatArg;
use crate::cli::output;
use crate::demo::{self, Behaviour, Endpoint};
use crate::fleet;
use crate::gate::Gates;
use crate::judge::judge;
use crate::observe::{Observer, ScanEvent, ScanOptions, Stop};
use crate::progress::{Progress, Voice};
use crate::report::Report;
use crate::report::table::Detail;
use crate::rubric::Rubric;
use crate::selection::Selection;
use crate::target::Target;
use crate::transcript::Profile;
use crate::transcript::codec::Encoded;

/// Idle streams are watched this long, in milliseconds: the sound endpoint keeps alive every second.
const IDLE_WATCH_MS: u64 = 3_000;

const BEFORE: &str = "\
Two built-in endpoints on this machine's loopback are scanned with the standard
profile, except that idle streams are watched for 3 s instead of 35 s. The first
is sound. The second has mistakes that real servers make.
";

const AFTER: &str = "\
Next: 'agentgauge scan URL' for an endpoint of yours, 'agentgauge explain ID' for
any check above, 'agentgauge checks' for the whole list.
";

pub(super) fn run(args: &DemoArgs) -> Result<Ending, Ending> {
    let DemoArgs { format, color } = *args;
    outputs::fit_for(format.into())?;
    let voice = Voice { animated: terminal::stderr_animated(), quiet: false, verbosity: 0 };
    let progress = Progress::new(voice, ["sound", "flawed"].map(str::to_owned).to_vec());
    let runtime = runtime::start()?;
    let reports = runtime.block_on(scan_both(&progress));
    runtime.shutdown_background();
    progress.clear();
    // The findings of both: what a scan of one endpoint prints.
    let reporting = Reporting { detail: Detail::Passes, ..Reporting::plain(format.into(), color.into()) };
    let judging = Judging {
        rubric: Rubric::default_rubric(),
        gates: Gates::default(),
        selection: Selection::all(),
        exit_zero: false,
        fail_on_unreachable: true,
    };
    let text = format == FormatArg::Table;
    if text {
        output::show(format!("{BEFORE}\n"))?;
    }
    let ending = Presenter::new(&reporting, &judging).present(reports?, None, Outputs::stdout())?;
    if text {
        output::show(format!("\n{AFTER}"))?;
    }
    Ok(ending)
}

async fn scan_both(progress: &Progress) -> Result<Vec<Report>, Ending> {
    let (sound, flawed) = (start(demo::sound())?, start(demo::flawed())?);
    let targets = [target(&sound, "sound")?, target(&flawed, "flawed")?];
    let rubric = Rubric::default_rubric();
    let gates = Gates::default();
    let begin = |index: usize, _: &Target| Watcher { progress, index };
    let end = |index: usize, recorded: Encoded, _: Watcher<'_>| {
        progress.done(index);
        judge(&recorded.transcript, &rubric, &gates)
    };
    Ok(fleet::run(&targets, ScanOptions::default(), &Stop::default(), begin, end).await)
}

fn start(behaviour: Behaviour) -> Result<Endpoint, Ending> {
    Endpoint::start_on_thread(behaviour).map_err(|error| runtime::unable(&error))
}

fn target(endpoint: &Endpoint, label: &str) -> Result<Target, Ending> {
    let mut target = Target::parse(&endpoint.url(), Profile::Standard)
        .map_err(|error| Ending::bug(format!("the built-in endpoint's URL {error}")))?;
    target.label = Some(label.to_owned());
    target.limits.idle_watch_ms = IDLE_WATCH_MS;
    Ok(target)
}

struct Watcher<'p> {
    progress: &'p Progress,
    index: usize,
}

impl Observer for Watcher<'_> {
    fn event(&self, event: ScanEvent) {
        self.progress.event(self.index, event);
    }
}
