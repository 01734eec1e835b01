//! The formats of a report, as a table: what is tested for all of them cannot be forgotten for a new one.
//!
//! # Add a format: the places, in order
//!
//! 1. `src/report/<name>.rs`: the renderer. It has no clock and no files; what a server said goes through
//!    [`sink`](super::sink).
//! 2. `src/report/mod.rs`: `pub mod x;`.
//! 3. A row below.
//! 4. `src/cli/args.rs`: its name in the help of `--format`. The README's copy of the help is renewed by its test.
//! 5. `README.md`: a row of the table under "Reports".
//! 6. Where the compiler asks, since no list of tests has a rest: a strict reader in `src/report/strict.rs` for
//!    `src/report/tests.rs`, what it says of a missing target in `tests/it/formats.rs`, its sink in
//!    `tests/hostile/sinks.rs`.

use super::sarif::Results;
use super::table::{self, Style};
use super::{Report, badge, github, gitlab, html, json, jsonl, junit, markdown, sarif, sink};
use crate::exit::Exit;

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Run<'r> {
    /// In order.
    pub reports: &'r [Report],
    /// URLs that should be among them and are not, masked.
    pub missing: &'r [String],
    /// How the run ended.
    pub exit: Exit,
    /// Where else it is written, in words. Only people at a terminal are told.
    pub written: &'r [String],
    /// Colours, width and detail of the table.
    pub style: Style,
}

/// Who reads a document.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// People and programs, as text.
    Text,
    /// Programs: every part of it is JSON, one document or one a line.
    Json,
    /// Only a browser: a terminal would be flooded for nothing.
    Browser,
}

/// What is known of a format.
struct Row {
    name: &'static str,
    kind: Kind,
    render: fn(&Run<'_>) -> Vec<u8>,
}

/// Makes the enum, the list and the table: a row has a sentence, the name as typed, who reads it, and how it is
/// rendered.
macro_rules! formats {
    ($($(#[$about:meta])* $format:ident $name:literal $kind:ident $render:expr;)+) => {
        /// A format of the report.
        #[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
        pub enum Format {
            $($(#[$about])* $format,)+
        }

        impl Format {
            /// All of them.
            pub const ALL: &'static [Self] = &[$(Self::$format),+];

            const fn row(self) -> &'static Row {
                match self {
                    $(Self::$format => {
                        const ROW: Row = Row { name: $name, kind: Kind::$kind, render: $render };
                        &ROW
                    })+
                }
            }
        }
    };
}

formats! {
    /// For people at a terminal.
    #[default]
    Table "table" Text |run| {
        sink::without_commands(&table::render_all(run.reports, run.missing, run.written, &run.style)).into_bytes()
    };
    /// The whole report, one document.
    Json "json" Json |run| match run.reports {
        [report] if run.missing.is_empty() => json::render(report),
        reports => json::render_many(reports, run.missing, run.exit),
    };
    /// The whole report, one target a line.
    Jsonl "jsonl" Json |run| jsonl::render(run.reports).into_bytes();
    /// A page for a browser.
    Html "html" Browser |run| {
        (html::render(&run.reports.iter().collect::<Vec<_>>(), run.missing) + "\n").into_bytes()
    };
    /// SARIF 2.1.0.
    Sarif "sarif" Json |run| sarif::render(run.reports, run.missing, Results::All).into_bytes();
    /// SARIF 2.1.0 without what neither failed nor warned.
    SarifAlerts "sarif-alerts" Json |run| {
        sarif::render(run.reports, run.missing, Results::Alerts).into_bytes()
    };
    /// JUnit XML.
    Junit "junit" Text |run| junit::render(run.reports, run.missing).into_bytes();
    /// Markdown for a comment.
    Markdown "markdown" Text |run| {
        markdown::render(run.reports, run.missing, markdown::COMMENT).into_bytes()
    };
    /// Annotations of GitHub Actions.
    Github "github" Text |run| github::render(run.reports, run.missing).into_bytes();
    /// GitLab Code Quality.
    Gitlab "gitlab" Json |run| gitlab::render(run.reports, run.missing).into_bytes();
    /// Badge endpoint JSON.
    Badge "badge" Json |run| badge::render(run.reports).into_bytes();
    /// Badge picture.
    BadgeSvg "badge-svg" Browser |run| badge::render_svg(run.reports).into_bytes();
}

impl Format {
    /// The name as typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        self.row().name
    }

    /// Whether only a browser shows it: a terminal would be flooded for nothing.
    #[must_use]
    pub const fn for_browser(self) -> bool {
        matches!(self.row().kind, Kind::Browser)
    }

    /// Whether every part of it is JSON, one document or one a line.
    #[must_use]
    pub const fn is_json(self) -> bool {
        matches!(self.row().kind, Kind::Json)
    }

    /// What the people should know who pass a document of so many targets on.
    #[must_use]
    pub const fn remark(self, targets: usize) -> Option<&'static str> {
        match self {
            Self::Sarif | Self::SarifAlerts if targets > sarif::MOST_RUNS => Some(
                "code scanning takes 20 targets in one SARIF file: a file is continued in NAME-2 and so on, standard \
                 output holds them all",
            ),
            Self::Html if targets > html::MOST_IN_FULL => Some(
                "the page lists its targets only: with more than 25, details are left to the JSON report",
            ),
            _ => None,
        }
    }

    /// The bytes of the files that the document is spread over, in order: more than one where its readers
    /// take no more of it in one file.
    #[must_use]
    pub fn parts(self, run: &Run<'_>) -> Vec<Vec<u8>> {
        let logs = match self {
            Self::Sarif => sarif::parts(run.reports, run.missing, Results::All),
            Self::SarifAlerts => sarif::parts(run.reports, run.missing, Results::Alerts),
            _ => return vec![self.render(run)],
        };
        logs.into_iter().map(String::into_bytes).collect()
    }

    /// The bytes of the document.
    #[must_use]
    pub fn render(self, run: &Run<'_>) -> Vec<u8> {
        (self.row().render)(run)
    }
}
