//! The report for people at a terminal: the first screen says what is there, how good it is and what to
//! mend first; the rest shows how that came about.

pub(super) mod advice;
pub(super) mod arithmetic;
pub(super) mod details;
pub(super) mod first_screen;
pub(super) mod gains;
mod layout;
mod streams;

pub use layout::Style;

use super::Report;
use layout::{Page, Tone};

/// Draws one report, with a line end.
#[must_use]
pub fn render(report: &Report, style: &Style) -> String {
    let mut page = Page::new(*style);
    first_screen::draw(&mut page, report);
    details::clients(&mut page, report);
    details::checks(&mut page, report);
    details::undecided(&mut page, report);
    arithmetic::draw(&mut page, report);
    streams::draw(&mut page, report);
    details::facts(&mut page, report);
    details::footprint(&mut page, report);
    details::stamps(&mut page, report);
    page.finish()
}

/// Draws several reports, one after the other, and the URLs that should be among them.
#[must_use]
pub fn render_all(reports: &[Report], missing: &[String], style: &Style) -> String {
    let mut drawn: Vec<String> = reports.iter().map(|report| render(report, style)).collect();
    if let [_, _, ..] = drawn.as_slice() {
        let mut page = Page::new(*style);
        page.text(Tone::Quiet, &"─".repeat(page.style.width));
        let rule = page.finish();
        for text in drawn.iter_mut().skip(1) {
            text.insert_str(0, &format!("\n{rule}\n"));
        }
    }
    if !missing.is_empty() {
        let mut page = Page::new(*style);
        page.text(Tone::Strong, &format!("Missing ({}): expected, and there is no report", missing.len()));
        for url in missing {
            page.text(Tone::Fair, &crate::protocol::host::shown(url));
        }
        drawn.push(format!("\n{}", page.finish()));
    }
    drawn.concat()
}

#[cfg(test)]
mod tests;
