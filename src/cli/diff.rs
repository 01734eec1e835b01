//! `diff`: two JSON reports in, what changed out.

use super::args::{DiffArgs, DiffFormatArg};
use super::inputs::Remembering;
use super::output::Output;
use super::resolve::Usage;
use super::settings::reports;
use super::{Ending, Machine};
use crate::diff::{ChangeKind, Diff, markdown, table};
use crate::exit::Exit;
use crate::facts::Kind;

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
        DiffFormatArg::Table => table::render(&diff),
        DiffFormatArg::Json => format!("{}\n", serde_json::to_string_pretty(&diff).unwrap_or_default()),
        DiffFormatArg::Markdown => markdown::render(&diff),
    };
    Output::open(output)?.finish(text.as_bytes())?;
    let gone = diff.targets.iter().any(|target| matches!(target.kind, Kind::None | Kind::Unreachable));
    let exit = match (fail_on_regression, diff.regressed()) {
        (false, _) => Exit::Ok,
        (true, true) => Exit::GateFailed,
        (true, false) if !diff.only_old.is_empty() || gone => Exit::NothingToJudge,
        (true, false) => Exit::Ok,
    };
    let words = match exit {
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
