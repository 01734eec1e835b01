//! One HTML file for a browser: no script, no request, nothing that the scanned endpoint said unescaped.
//!
//! Every text passes [`words::t`], which shows unsafe characters as escapes, and then the template's own
//! escaping; the only markup that is not made by a template is the style sheet.

mod drawing;
mod exchanges;
mod findings;
mod frame;
mod lanes;
mod overview;
mod scale;
mod score;
mod target;
mod threads;
mod words;

pub(in crate::report) use overview::MOST_IN_FULL;

use maud::{DOCTYPE, PreEscaped, html};

use super::Report;
use words::t;

/// The style sheet. It must not hold `<`.
const STYLE: &str = include_str!("style.css");

/// Nothing may be loaded, run, sent or framed in; the style sheet is in the file.
const POLICY: &str =
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'";

/// One page for one or several targets, in their order. `missing` are URLs that should be among them.
#[must_use]
pub fn render(reports: &[&Report], missing: &[String]) -> String {
    let title = match reports {
        [report] if missing.is_empty() => format!("{} · agentgauge", report.name()),
        _ => format!("{} endpoints · agentgauge", reports.len()),
    };
    let body = match reports {
        [report] if missing.is_empty() => target::page(report),
        _ => overview::page(reports, missing),
    };
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta http-equiv="Content-Security-Policy" content=(POLICY);
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                meta name="referrer" content="no-referrer";
                // Without it, browsers ask the server for one.
                link rel="icon" href="data:,";
                title { (t(&title)) }
                style { (PreEscaped(STYLE)) }
            }
            body {
                a class="skip" href="#main" { "Skip to the result" }
                (body)
            }
        }
    }
    .into_string()
}

#[cfg(test)]
#[allow(clippy::string_slice, reason = "a strict reader that meets the unexpected should fail there")]
pub(super) mod tests;
