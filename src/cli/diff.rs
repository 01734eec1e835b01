//! `diff`: two JSON reports in, what changed out.

use super::args::{DiffArgs, DiffFormatArg};
use super::ending::Ending;
use super::inputs::Remembering;
use super::machine::Machine;
use super::output::{self, Output};
use super::settings::reports;
use super::usage::Usage;
use crate::diff::{ChangeKind, Diff, TargetDiff, markdown, table};
use crate::exit::Exit;
use crate::facts::Kind;
use crate::report::sink;

pub(super) fn run(args: &DiffArgs) -> Result<Ending, Ending> {
    let DiffArgs { old, new, format, output, fail_on_regression } = args;
    let output = output.as_deref().filter(|path| *path != std::path::Path::new("-"));
    let inputs = Remembering::new(&Machine);
    let before = reports("OLD", old, &inputs)?;
    let after = reports("NEW", new, &inputs)?;
    output.map_or(Ok(()), |output| inputs.spare("--output", output))?;
    let (old, new) = (old.display().to_string(), new.display().to_string());
    let diff = Diff::of((&old, &before), (&new, &after))
        .map_err(|error| Usage::new("OLD and NEW", error.to_string()))?;
    let text = match format {
        DiffFormatArg::Table => sink::without_commands(&table::render(&diff)),
        DiffFormatArg::Json => sink::json(&diff, true) + "\n",
        DiffFormatArg::Markdown => markdown::render(&diff),
    };
    match (format, Output::open(output)?) {
        (DiffFormatArg::Table, Output::Stdout) => output::show(text)?,
        (_, output) => output.finish(text.as_bytes())?,
    }
    let dead = |target: &TargetDiff| matches!(target.kind, Kind::None | Kind::Unreachable);
    let gone = diff.targets.iter().any(dead);
    // 1 before 4 before 3, as with several targets of a scan; what is gone is not just too little.
    let too_little = |target: &TargetDiff| target.inconclusive && !dead(target);
    let exit = if !fail_on_regression {
        Exit::Ok
    } else if diff.regressed() {
        Exit::GateFailed
    } else if diff.targets.iter().any(too_little) {
        Exit::Inconclusive
    } else if !diff.only_old.is_empty() || gone {
        Exit::NothingToJudge
    } else {
        Exit::Ok
    };
    let words = match exit {
        Exit::Inconclusive => {
            let doubts = diff.targets.iter().filter(|target| too_little(target));
            let doubts: Vec<&str> = doubts.flat_map(|target| &target.doubts).map(String::as_str).collect();
            format!("whether anything became worse cannot be said: {}", doubts.join("; "))
        }
        Exit::NothingToJudge => "a target of the earlier report could not be judged again".to_owned(),
        _ if diff.is_empty() => "nothing changed".to_owned(),
        _ => ChangeKind::ALL
            .iter()
            .map(|kind| format!("{} {}", diff.count(*kind), kind.title().to_lowercase()))
            .collect::<Vec<_>>()
            .join(", "),
    };
    Ok(Ending { exit, words, quiet: false })
}
