//! What is known about a check, in words and as Markdown: `rubrics/CHECKS.md`, `explain` and the help of
//! other formats say the same, because all of it comes from here.

use std::fmt::Write;

use super::sink::own_markdown;
use crate::check::{Applies, Check, Gated, Reads};
use crate::checks::AREAS;
use crate::rubric::{CapOn, Rubric};
use crate::transcript::Expectation;
use crate::verdict::{Level, Status};

/// Where the page stands in the repository.
pub const PAGE: &str = "rubrics/CHECKS.md";

/// The repository, where the package names one.
pub const REPOSITORY: Option<&str> = match option_env!("CARGO_PKG_REPOSITORY") {
    Some(url) if !url.is_empty() => Some(url),
    _ => None,
};

/// The page of all checks with this check's anchor, relative to the repository. Ids are anchors as they are.
#[must_use]
pub fn anchor(check: &Check) -> String {
    format!("{PAGE}#{}", check.id)
}

/// The same as a link, where the package names its repository.
#[must_use]
pub fn link(check: &Check) -> Option<String> {
    REPOSITORY.map(|url| format!("{}/blob/HEAD/{}", url.trim_end_matches('/'), anchor(check)))
}

/// Every check on one page.
#[must_use]
pub fn page(rubric: &Rubric) -> String {
    let mut text = format!(
        "# Checks\n\n\
         <!-- Generated from the registry: `UPDATE=1 cargo test --test it checks_page` renews it. -->\n\n\
         Every check of agentgauge: what it asks, why, what is sent, what passes and what \
         does not, what to change, and where that is written. Absent evidence is never a pass or a failure: what could \
         not be seen is undecided and lowers the coverage. Reports link \
         here; `agentgauge explain ID` says the same offline. Points are those of rubric {} {}.\n\n",
        rubric.id, rubric.version
    );
    // Writing to a string cannot fail.
    for area in AREAS.iter().filter(|area| !area.checks.is_empty()) {
        let _ = writeln!(text, "- {}", own_markdown(area.title));
        for check in area.checks {
            let _ = writeln!(text, "  - [`{}`](#{}) {}", check.id, check.id, own_markdown(check.title));
        }
    }
    for area in AREAS.iter().filter(|area| !area.checks.is_empty()) {
        let _ = writeln!(text, "\n## {}", own_markdown(area.title));
        for check in area.checks {
            let _ = writeln!(text, "\n### {}\n\n**{}**\n", check.id, own_markdown(check.title));
            text.push_str(&section_body(check, Some(rubric)));
        }
    }
    text
}

/// A check as Markdown, without its heading; with a rubric also how it counts.
#[must_use]
pub fn section_body(check: &Check, rubric: Option<&Rubric>) -> String {
    let mut text = String::new();
    for (name, words) in facts(check, rubric) {
        let _ = writeln!(text, "- {name}: {}", own_markdown(&words));
    }
    let mut paragraph = |name: &str, words: &str| {
        let words: Vec<&str> = words.split_whitespace().collect();
        let _ = writeln!(text, "\n**{name}.** {}", own_markdown(&words.join(" ")));
    };
    paragraph("Why", check.rationale);
    paragraph("What is sent or read", check.how.sent);
    for (name, words) in verdicts(check) {
        paragraph(name, words);
    }
    paragraph("What to change", check.remediation);
    if !check.causes.is_empty() {
        text.push_str("\n**By cause.**\n\n");
        for cause in check.causes {
            let _ =
                writeln!(text, "- `{}`: {}", cause.word, own_markdown(cause.remedy.unwrap_or("as above")));
        }
    }
    text.push_str("\n**Where it is written.**\n\n");
    for basis in check.basis {
        let _ = writeln!(text, "- [{}]({})", own_markdown(basis.title), basis.url);
    }
    text
}

/// What brings which verdict; a verdict that the check never gives is left out.
pub fn verdicts(check: &Check) -> impl Iterator<Item = (&'static str, &'static str)> {
    let how = check.how;
    let all = [("Passes", how.passes), ("Warns", how.warns), ("Fails", how.fails)];
    all.into_iter().filter(|(_, words)| !words.is_empty())
}

/// A check as plain text, without a rubric.
#[must_use]
pub fn plain(check: &Check) -> String {
    let sources: Vec<String> =
        check.basis.iter().map(|basis| format!("{} ({})", basis.title, basis.url)).collect();
    let how: Vec<String> = verdicts(check).map(|(name, words)| format!("{name}: {words}")).collect();
    format!(
        "{}. {} How it is checked: {} {} To fix: {} Sources: {}",
        check.title,
        check.rationale,
        check.how.sent,
        how.join(" "),
        check.remediation,
        sources.join("; ")
    )
}

/// Names and values of what is known in few words.
#[must_use]
pub fn facts(check: &Check, rubric: Option<&Rubric>) -> Vec<(&'static str, String)> {
    let mut facts = vec![
        ("Dimension", format!("{} {}", check.dimension, check.dimension.title())),
        ("Severity", format!("{} at most; a warning counts one step lower", check.severity.as_str())),
        ("Level", level(check.level).to_owned()),
        ("Applies to", applies(&check.applies)),
        ("Without a credential", gated(check.applies.gated).to_owned()),
        ("Reads", reads(check.reads)),
    ];
    if let Some(rubric) = rubric {
        facts.push(("Counts", counts(check, rubric)));
        for cap in rubric.caps.iter().filter(|cap| cap.check == check.id) {
            let on = match cap.on {
                CapOn::Warn => "a warning or failure",
                CapOn::Fail => "a failure",
            };
            debug_assert!(cap.on.holds(Status::Fail));
            let when = cap.when.as_ref().map_or_else(String::new, |when| format!(" of the cause `{when}`"));
            facts
                .push(("Caps", format!("{on}{when} holds {} at {}: {}", cap.dimension, cap.max, cap.reason)));
        }
    }
    facts
}

fn counts(check: &Check, rubric: &Rubric) -> String {
    match (rubric.points_of(check.id), rubric.unscored.get(check.id)) {
        (Some(points), _) => {
            format!("{points} points in {} (rubric {} {})", check.dimension, rubric.id, rubric.version)
        }
        (None, Some(reason)) => format!("not scored: {reason}"),
        (None, None) => "not scored".to_owned(),
    }
}

const fn level(level: Level) -> &'static str {
    match level {
        Level::Must => "MUST of the source",
        Level::Should => "SHOULD of the source",
        Level::May => "MAY of the source",
        Level::Practice => "practice: no specification rule binds the server",
    }
}

fn applies(applies: &Applies) -> String {
    let over: Vec<&str> = applies.transports.iter().map(|transport| transport.as_str()).collect();
    let over = over.join(", ");
    match (applies.era, applies.mcp, applies.transports.is_empty()) {
        (Some(era), ..) => format!("MCP over {over}, {era} era"),
        (None, true, true) => "MCP over any transport".to_owned(),
        (None, true, false) => format!("MCP over {over}"),
        (None, false, false) => format!("{over}, MCP or not"),
        (None, false, true) => "any endpoint".to_owned(),
    }
}

const fn gated(gated: Gated) -> &'static str {
    match gated {
        Gated::Judged => "judged all the same",
        Gated::Hidden => "not judged where one is needed, which lowers the coverage",
        Gated::Unseen => "does not apply where one is needed, because nothing of it was seen",
    }
}

fn reads(reads: Reads) -> String {
    match reads {
        Reads::All => "every exchange of the scan".to_owned(),
        Reads::Every(Expectation::Plain) => "every correct request of the scan".to_owned(),
        Reads::Every(Expectation::Negative) => "every request that is wrong on purpose".to_owned(),
        Reads::Every(Expectation::Teardown) => "what ends sessions".to_owned(),
        Reads::Of(probes) => {
            let names: Vec<String> = probes
                .iter()
                .filter_map(|probe| serde_json::to_value(probe).ok())
                .filter_map(|name| name.as_str().map(|name| format!("`{name}`")))
                .collect();
            format!("the exchanges of {}, and what told the kind of endpoint", names.join(", "))
        }
    }
}
