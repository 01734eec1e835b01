//! `explain`: everything known about one check, from its metadata alone.

use super::args::ExplainArgs;
use super::resolve::Usage;
use super::{Ending, output};
use crate::check::Check;
use crate::checks;
use crate::rubric::{Rubric, nearest};

/// Columns of the text: it is for reading.
const WIDTH: usize = 80;

pub(super) fn run(args: &ExplainArgs) -> Result<Ending, Ending> {
    let check = checks::by_id(args.id.trim()).ok_or_else(|| unknown(&args.id))?;
    output::stdout(text(check, &Rubric::default_rubric()).as_bytes())?;
    Ok(Ending::silent())
}

fn unknown(id: &str) -> Usage {
    let problem = match nearest(id, checks::all().map(|check| check.id)) {
        Some(nearest) => format!("no check has this id; did you mean '{nearest}'?"),
        None => "no check has this id; 'agentgauge checks' lists them".to_owned(),
    };
    Usage::new(format!("'{id}'"), problem)
}

fn text(check: &Check, rubric: &Rubric) -> String {
    let points = match (rubric.points_of(check.id), rubric.unscored.get(check.id)) {
        (Some(points), _) => format!("{points} points in {}", check.dimension),
        (None, Some(reason)) => format!("not scored: {reason}"),
        (None, None) => "not scored".to_owned(),
    };
    let mut text = format!(
        "{}\n{}\n\nArea       {}\nDimension  {} {}\nSeverity   {} at most\nLevel      {}\nRubric     {} {}: {points}\n",
        check.id,
        check.title,
        check.area(),
        check.dimension,
        check.dimension.title(),
        check.severity.as_str(),
        check.level.as_str(),
        rubric.id,
        rubric.version,
    );
    for cap in rubric.caps.iter().filter(|cap| cap.check == check.id) {
        text.push_str(&format!("Cap        {} at most {}: {}\n", cap.dimension, cap.max, cap.reason));
    }
    for (heading, body) in [("Why", check.rationale), ("What to change", check.remediation)] {
        text.push_str(&format!("\n{heading}\n{}", wrapped(body)));
    }
    text.push_str("\nWhere it is written\n");
    for basis in check.basis {
        text.push_str(&format!("  {}\n    {}\n", basis.title, basis.url));
    }
    text
}

/// Words in lines of at most [`WIDTH`] columns, indented by two.
fn wrapped(body: &str) -> String {
    let mut text = String::new();
    let mut column = 0;
    for word in body.split_whitespace() {
        let length = word.chars().count();
        if column == 0 {
            text.push_str("  ");
            column = 2;
        } else if column + 1 + length > WIDTH {
            text.push_str("\n  ");
            column = 2;
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
            assert!(text.contains("What to change"), "{}", check.id);
            // Names of sources and their addresses are not wrapped.
            let body: Vec<&str> = text.split("Where it is written").collect();
            for line in body[0].lines().skip(2).filter(|line| !line.starts_with("Rubric")) {
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
