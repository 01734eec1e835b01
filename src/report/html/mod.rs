//! One HTML file for a browser: no script, no request, nothing that the scanned endpoint said unescaped.
//!
//! Every text passes [`t`], which shows unsafe characters as escapes, and then the template's own
//! escaping; the only markup that is not made by a template is the style sheet.

mod drawing;
mod exchanges;
mod findings;
mod lanes;
mod overview;
mod scale;
mod score;
mod target;
mod threads;

pub(in crate::report) use overview::MOST_IN_FULL;

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::Report;
use super::sink::unhashed;
use super::text::short;

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

/// Longest text, in characters.
const LONGEST: usize = 8_000;

/// A text as it may be shown; the template escapes it further. Longer texts than a command of ours are cut:
/// one endpoint's megabyte must not make the page useless.
fn t(text: &str) -> String {
    unhashed(&short(text, LONGEST))
}

/// A text that has no business to be long: a step, a place, a reason.
fn brief(text: &str) -> String {
    unhashed(&short(text, 240))
}

/// How much is told of a target, so that its page stays small whatever the endpoint sent.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Detail {
    /// Everything.
    Full,
    /// Commands and reasons only for what is to be fixed, and no hints at the bars.
    Lean,
    /// The first exchanges, and of each finding what fits a line.
    Bare,
}

impl Detail {
    /// From the most to the least.
    const ALL: [Self; 3] = [Self::Full, Self::Lean, Self::Bare];

    /// A text of a finding.
    fn text(self, text: &str) -> String {
        match self {
            Self::Full => t(text),
            Self::Lean => unhashed(&short(text, 600)),
            Self::Bare => unhashed(&short(text, 120)),
        }
    }

    /// Most exchanges that are drawn and listed.
    const fn exchanges(self) -> usize {
        if matches!(self, Self::Bare) { 80 } else { usize::MAX }
    }
}

/// Our own prose: what stands between backticks is code.
fn prose(text: &str) -> Markup {
    html! {
        @for (index, part) in t(text).split('`').enumerate() {
            @if index % 2 == 1 { code { (part) } } @else { (part) }
        }
    }
}

/// Where on the page a target stands: its number where there are several, and its heading level.
#[derive(Clone, Copy, Debug)]
struct Place<'r> {
    /// Before every id.
    prefix: &'r str,
    /// Level of the target's own heading, 1 or 2.
    level: u8,
    /// What it is called.
    name: &'r str,
    /// How much is told.
    detail: Detail,
    /// Whether its exchanges are known: a merged report has none.
    exchanges: bool,
}

impl Place<'_> {
    fn id(&self, name: &str) -> String {
        format!("{}{name}", self.prefix)
    }

    /// Whether this exchange is drawn and listed.
    fn lists(&self, exchange: u32) -> bool {
        self.exchanges && usize::try_from(exchange).is_ok_and(|exchange| exchange <= self.detail.exchanges())
    }

    /// The heading that names a section as a landmark. Among several targets only the targets are ones.
    fn named_by(&self, name: &str) -> Option<String> {
        (self.level == 1).then(|| self.id(name))
    }

    /// A heading so many levels below that of the target.
    fn heading(&self, below: u8, id: Option<&str>, text: &str) -> Markup {
        let id = id.map(|id| self.id(id));
        match self.level.saturating_add(below) {
            1 => html! { h1 id=[id] { (t(text)) } },
            2 => html! { h2 id=[id] { (t(text)) } },
            3 => html! { h3 id=[id] { (t(text)) } },
            _ => html! { h4 id=[id] { (t(text)) } },
        }
    }
}

#[cfg(test)]
#[allow(clippy::string_slice, reason = "a strict reader that meets the unexpected should fail there")]
pub(super) mod tests;
