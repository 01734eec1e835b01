//! `explain`: everything known about one check, from its metadata alone.

use super::args::ExplainArgs;
use super::ending::Ending;
use super::output;
use super::usage::Usage;
use crate::check::Check;
use crate::checks::{self, AREAS};
use crate::report::catalogue;
use crate::rubric::{Rubric, nearest};

/// Columns of the text: it is for reading.
const WIDTH: usize = 80;

pub(super) fn run(args: &ExplainArgs) -> Result<Ending, Ending> {
    let check = checks::by_id(args.id.trim()).ok_or_else(|| unknown(&args.id))?;
    output::show(text(check, &Rubric::default_rubric()))?;
    Ok(Ending::silent())
}

fn unknown(id: &str) -> Usage {
    let problem = match nearest(id, checks::all().map(|check| check.id)) {
        Some(nearest) => format!("no check has this id; did you mean '{nearest}'?"),
        None => "no check has this id; 'agentgauge checks' lists them".to_owned(),
    };
    Usage::new(format!("'{id}'"), problem)
}

/// A page in five parts: what, why, how it is checked, what to change, where it is written.
fn text(check: &Check, rubric: &Rubric) -> String {
    let mut text = format!("{}\n\n{}\n", check.id, wrapped(check.title, 2));
    let facts = catalogue::facts(check, Some(rubric));
    let column = facts.iter().map(|(name, _)| name.len()).max().unwrap_or_default().saturating_add(4);
    for (name, words) in &facts {
        let words = wrapped(&words.replace('`', ""), column);
        text.push_str(&format!("  {name}{}", words.get(name.len().saturating_add(2)..).unwrap_or_default()));
    }
    text.push_str(&format!("\nWhy it matters\n\n{}", wrapped(check.rationale, 2)));
    text.push_str(&format!("\nHow it is checked\n\n{}\n", wrapped(check.how.sent, 2)));
    for (name, words) in catalogue::verdicts(check) {
        let words = wrapped(words, 10);
        text.push_str(&format!("  {name:<8}{}", words.get(10..).unwrap_or_default()));
    }
    text.push_str(&format!("\nWhat to change\n\n{}", wrapped(check.remediation, 2)));
    for cause in check.causes {
        let words = format!("{}: {}", cause.word, cause.remedy.unwrap_or("as above"));
        text.push_str(&wrapped(&words, 4));
    }
    text.push_str("\nWhere it is written\n\n");
    for basis in check.basis {
        text.push_str(&format!("  {}\n    {}\n", basis.title, basis.url));
    }
    let others: Vec<&str> = AREAS
        .iter()
        .filter(|area| area.name == check.area())
        .flat_map(|area| area.checks.iter().map(|other| other.id))
        .filter(|id| *id != check.id)
        .collect();
    if !others.is_empty() {
        text.push_str(&format!("\nIn the same area\n\n{}", wrapped(&others.join(", "), 2)));
    }
    let page = catalogue::link(check).unwrap_or_else(|| catalogue::anchor(check));
    text.push_str(&format!("\nOn the page of all checks: {page}\n"));
    text
}

/// Words in lines of at most [`WIDTH`] columns, indented.
fn wrapped(body: &str, indent: usize) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in body.split_whitespace() {
        let length = word.chars().count();
        if column > 0 && column + 1 + length > WIDTH {
            text.push('\n');
            column = 0;
        }
        if column == 0 {
            text.push_str(&" ".repeat(indent));
            column = indent;
        } else {
            text.push(' ');
            column += 1;
        }
        text.push_str(word);
        column += length;
    }
    text.push('\n');
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_check_explains_itself_in_80_columns() {
        for check in checks::all() {
            let text = text(check, &Rubric::default_rubric());
            for part in ["Why it matters", "How it is checked", "  Passes  ", "What to change"] {
                assert!(text.contains(part), "{}: {part}", check.id);
            }
            // Names of sources and their addresses are not wrapped.
            let body: Vec<&str> = text.split("Where it is written").collect();
            for line in body[0].lines() {
                assert!(line.chars().count() <= WIDTH || !line.trim().contains(' '), "{}: {line}", check.id);
            }
        }
    }

    #[test]
    fn a_typo_gets_the_nearest_id() {
        assert!(unknown("rpc-id-ecko").problem.contains("'rpc-id-echo'"));
        assert!(unknown("zzzzzz").problem.contains("agentgauge checks"));
    }
}
