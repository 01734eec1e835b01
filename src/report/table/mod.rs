//! The report for people at a terminal. What to mend comes first, the verdict last, where the eye is when the prompt
//! comes back; several targets are a table.

pub(super) mod advice;
pub(super) mod arithmetic;
pub(super) mod details;
mod findings;
pub(super) mod gains;
mod layout;
mod list;
mod remedy;
mod streams;
pub(super) mod verdict;
mod words;

pub use layout::{Detail, Style};

use super::Report;
use layout::{Page, Tone};

/// Draws one report, with a line end.
#[must_use]
pub fn render(report: &Report, style: &Style) -> String {
    let mut page = Page::new(*style);
    draw(&mut page, report);
    page.finish()
}

/// What is told of one target, block by block.
fn draw(page: &mut Page, report: &Report) {
    match page.style.detail {
        Detail::Verdict => {}
        Detail::Findings => findings::brief(page, report),
        Detail::Passes | Detail::Everything => {
            findings::full(page, report);
            details::passes(page, report);
            details::undecided(page, report);
            details::clients(page, report);
            arithmetic::draw(page, report);
            streams::draw(page, report);
            details::facts(page, report);
            details::footprint(page, report);
            details::stamps(page, report);
        }
    }
    page.blank();
    verdict::draw(page, report);
}

/// Draws the reports of a run, the URLs that should be among them, and where else it was written.
#[must_use]
pub fn render_all(reports: &[Report], missing: &[String], written: &[String], style: &Style) -> String {
    let mut page = Page::new(*style);
    match reports {
        [report] if missing.is_empty() => draw(&mut page, report),
        _ => list::draw(&mut page, reports, missing, &draw),
    }
    for place in written {
        page.item(0, (Tone::Strong, "Written:"), 9, place);
    }
    page.finish()
}

#[cfg(test)]
mod tests;
