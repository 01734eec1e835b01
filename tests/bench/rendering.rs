//! What a report costs to render, in each format, beside judging the transcript it was made of: both on one
//! thread of this process, so that their ratio means something elsewhere.

use std::hint::black_box;
use std::path::Path;
use std::time::{Duration, Instant};

use agentgauge::exit::Exit;
use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::report::Report;
use agentgauge::report::format::{Format, Run};
use agentgauge::report::table::Style;
use agentgauge::rubric::Rubric;
use agentgauge::transcript::{Transcript, codec};

/// Each figure is the median of so many rounds.
const ROUNDS: usize = 41;

fn timed<T>(work: impl Fn() -> T) -> Duration {
    let rounds = (0..ROUNDS).map(|_| {
        let started = Instant::now();
        black_box(work());
        started.elapsed()
    });
    super::median(rounds.collect())
}

/// The largest recorded scans of real servers, and what their reports cost.
pub(super) fn figures() {
    let rubric = Rubric::default_rubric();
    let judged = |transcript: &Transcript| judge(transcript, &rubric, &Gates::default());
    for slug in ["py2-events", "ts-everything-http"] {
        let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures").join(slug).join("transcript.jsonl");
        let transcript = codec::decode(std::fs::read(path).unwrap().as_slice()).unwrap();
        let judging = timed(|| judged(&transcript));
        println!(
            "\nreport of {slug}, {} exchanges: judging it takes {judging:.1?}; rendering (must reach < 20 ms)",
            transcript.exchanges.len()
        );
        let report = [judged(&transcript)];
        Format::ALL.iter().for_each(|format| rendered(*format, &report, judging));
    }
}

fn rendered(format: Format, reports: &[Report], judging: Duration) {
    let run = Run {
        reports,
        missing: &[],
        exit: Exit::Ok,
        written: &[],
        style: Style { colour: true, ..Style::plain(100) },
    };
    let took = timed(|| format.render(&run));
    let ratio = took.as_secs_f64() / judging.as_secs_f64().max(1e-9);
    let size = format.render(&run).len();
    println!("  {:<14} {:>10} {ratio:>8.3} of judging {size:>9} bytes", format.name(), format!("{took:.2?}"));
}
