//! `checks`: the registry as a list.

use serde_json::json;

use super::args::{ChecksArgs, ListFormatArg};
use super::ending::Ending;
use super::output;
use crate::checks::AREAS;
use crate::report::catalogue;
use crate::rubric::Rubric;

pub(super) fn run(args: &ChecksArgs) -> Result<Ending, Ending> {
    let text = match args.format {
        ListFormatArg::Table => output::shown(table()),
        ListFormatArg::Json => json(),
        ListFormatArg::Markdown => catalogue::page(&Rubric::default_rubric()),
    };
    output::stdout(text.as_bytes())?;
    Ok(Ending::silent())
}

fn table() -> String {
    let rubric = Rubric::default_rubric();
    let width = crate::checks::all().map(|check| check.id.len()).max().unwrap_or_default();
    let mut text = String::new();
    for area in AREAS.iter().filter(|area| !area.checks.is_empty()) {
        if !text.is_empty() {
            text.push('\n');
        }
        text.push_str(&format!("{}\n", area.title));
        for check in area.checks {
            let points =
                rubric.points_of(check.id).map_or_else(|| "-".to_owned(), |points| points.to_string());
            text.push_str(&format!(
                "  {:width$}  {} {points:>3}  {}\n",
                check.id, check.dimension, check.title
            ));
        }
    }
    text.push_str(&format!(
        "\n{} checks; the number is the points in rubric {} {}. 'agentgauge explain ID' tells more.\n",
        crate::checks::all().count(),
        rubric.id,
        rubric.version
    ));
    text
}

fn json() -> String {
    let rubric = Rubric::default_rubric();
    let checks: Vec<_> = crate::checks::all()
        .map(|check| {
            json!({
                "check": check.id,
                "title": check.title,
                "area": check.area(),
                "dimension": check.dimension,
                "severity": check.severity,
                "level": check.level,
                "points": rubric.points_of(check.id),
                "rationale": check.rationale,
                "remediation": check.remediation,
                "basis": check.basis.iter().map(|b| json!({"title": b.title, "url": b.url})).collect::<Vec<_>>(),
            })
        })
        .collect();
    // Plain values: nothing in them can fail to be JSON.
    let mut text = serde_json::to_string_pretty(&checks).unwrap_or_default();
    text.push('\n');
    text
}
