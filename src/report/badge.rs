//! A badge: the JSON that badge services read from an address, and a picture of our own. Only our own
//! words and numbers appear in it.

use serde::Serialize;

use super::{Report, sink};
use crate::score::whole;

const LABEL: &str = "agent-ready";

/// What a badge says.
#[derive(Clone, Debug, PartialEq, Eq)]
struct Words {
    message: String,
    /// Name for badge services and the same colour for the picture.
    colour: (&'static str, &'static str),
}

/// The endpoint schema of badge services. Unknown keys are refused there, so there are no others.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
struct Badge<'b> {
    schema_version: u32,
    label: &'b str,
    message: &'b str,
    color: &'b str,
}

/// The endpoint JSON. Of several targets the lowest score is shown, because a badge must not flatter.
#[must_use]
pub fn render(reports: &[Report]) -> String {
    let words = words(reports);
    let badge = Badge { schema_version: 1, label: LABEL, message: &words.message, color: words.colour.0 };
    format!("{}\n", sink::json(&badge, true))
}

/// The picture.
#[must_use]
pub fn render_svg(reports: &[Report]) -> String {
    let Words { message, colour: (_, fill) } = words(reports);
    let (left, right) = (width(LABEL), width(&message));
    let (all, whole_text) = (left.saturating_add(right), sink::xml(&format!("{LABEL}: {message}"), 60));
    let (at_left, at_right) = (left / 2, left.saturating_add(right / 2));
    let shown = sink::xml(&message, 40);
    format!(
        r##"<svg xmlns="http://www.w3.org/2000/svg" width="{all}" height="20" role="img" aria-label="{whole_text}">
<title>{whole_text}</title>
<clipPath id="r"><rect width="{all}" height="20" rx="3"/></clipPath>
<g clip-path="url(#r)"><rect width="{left}" height="20" fill="#444"/><rect x="{left}" width="{right}" height="20" fill="{fill}"/></g>
<g fill="#fff" font-family="Verdana,DejaVu Sans,Geneva,sans-serif" font-size="11" text-anchor="middle"><text x="{at_left}" y="14">{LABEL}</text><text x="{at_right}" y="14">{shown}</text></g>
</svg>
"##
    )
}

/// The score, and that certificate faults were ignored where they were: then it is no one's word for it.
fn words(reports: &[Report]) -> Words {
    let mut words = scored(reports);
    if reports.iter().any(|report| report.insecure) {
        words.message.push_str(", insecure");
    }
    words
}

fn scored(reports: &[Report]) -> Words {
    let lowest = reports
        .iter()
        .filter_map(|report| report.score.value.map(|value| (value, report)))
        .min_by(|(a, _), (b, _)| a.total_cmp(b));
    match lowest {
        Some((value, report)) if reports.iter().all(|report| report.score.value.is_some()) => {
            // White text reads on each of these with a contrast of at least 4.5.
            let colour = match whole(value) {
                95.. => ("brightgreen", "#2a7d0f"),
                85..95 => ("green", "#4b7400"),
                70..85 => ("yellowgreen", "#6b6b00"),
                60..70 => ("yellow", "#856300"),
                40..60 => ("orange", "#a94f00"),
                _ => ("red", "#b3261e"),
            };
            // A grade comes from the operator's rubric.
            let grade = report.score.grade.as_ref().map_or_else(String::new, |grade| {
                let grade: String =
                    grade.chars().filter(|c| c.is_ascii_alphanumeric() || "+-".contains(*c)).collect();
                format!(" {}", grade.get(..grade.len().min(12)).unwrap_or_default()).trim_end().to_owned()
            });
            Words { message: format!("{}{grade}", whole(value)), colour }
        }
        _ => Words { message: "no score".to_owned(), colour: ("lightgrey", "#666") },
    }
}

/// Width of a text of 11 px Verdana with 5 px on each side, from a table of its characters.
fn width(text: &str) -> u32 {
    let tenths: u32 = text
        .chars()
        .map(|c| match c {
            'i' | 'l' | 'j' | ' ' | '.' | ',' | '-' => 38,
            't' | 'f' | 'r' => 46,
            'm' | 'w' | 'M' | 'W' => 106,
            'A'..='Z' | '+' => 80,
            _ => 70,
        })
        .sum();
    tenths.div_ceil(10).saturating_add(10)
}
