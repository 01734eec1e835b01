//! `rubric show` and `rubric validate`.

use super::args::{RubricArgs, RubricCommand};
use super::ending::Ending;
use super::machine::Machine;
use super::output;
use super::settings::rubric_text;
use super::usage::Usage;
use crate::progress::say;
use crate::report::text::sanitise;
use crate::rubric::Rubric;

pub(super) fn run(command: &RubricCommand) -> Result<Ending, Ending> {
    match command {
        RubricCommand::Show(args) => show(args),
        RubricCommand::Validate(args) => validate(args),
    }
}

fn text(args: &RubricArgs) -> Result<String, Ending> {
    Ok(rubric_text(&args.rubric, &Machine).map_err(|problem| Usage::new("RUBRIC", problem))?)
}

/// The text as it is: a copy of it is a rubric again.
fn show(args: &RubricArgs) -> Result<Ending, Ending> {
    let text = text(args)?;
    Rubric::parse(&text, &args.rubric).map_err(|error| Usage::new("RUBRIC", error.to_string()))?;
    // Every line of a sound TOML file is free of control characters; a comment may still reorder text.
    let shown: String =
        text.lines().map(|line| format!("{}\n", sanitise(&line.replace('\t', "    ")))).collect();
    output::stdout(shown.as_bytes())?;
    Ok(Ending::silent())
}

/// Every fault on a line of its own, not the first few alone.
fn validate(args: &RubricArgs) -> Result<Ending, Ending> {
    let text = text(args)?;
    match Rubric::parse(&text, &args.rubric) {
        Ok(rubric) => {
            let scored = rubric.points.len();
            let all: u32 = rubric.points.values().sum();
            let line = format!(
                "{} {}: sound; {scored} checks with {all} points, {} without, {} caps, SHA-256 {}\n",
                sanitise(&rubric.id),
                sanitise(&rubric.version),
                rubric.unscored.len(),
                rubric.caps.len(),
                rubric.sha256
            );
            output::stdout(line.as_bytes())?;
            Ok(Ending::silent())
        }
        Err(error) => {
            for fault in &error.faults {
                say(&sanitise(&fault.in_file(&error.name)));
            }
            let count = error.faults.len();
            let words = format!("{}: {count} fault{}", error.name, if count == 1 { "" } else { "s" });
            Err(Usage::new("RUBRIC", words).into())
        }
    }
}
