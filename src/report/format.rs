//! The formats of a report, as a list: what is tested for all of them cannot be forgotten for a new one.

use super::sarif::Results;
use super::table::{self, Style};
use super::{Report, badge, github, gitlab, html, json, jsonl, junit, markdown, sarif, sink};
use crate::exit::Exit;

/// A format of the report.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Format {
    /// For people at a terminal.
    #[default]
    Table,
    /// The whole report, one document.
    Json,
    /// The whole report, one target a line.
    Jsonl,
    /// A page for a browser.
    Html,
    /// SARIF 2.1.0.
    Sarif,
    /// SARIF 2.1.0 without what neither failed nor warned.
    SarifAlerts,
    /// JUnit XML.
    Junit,
    /// Markdown for a comment.
    Markdown,
    /// Annotations of GitHub Actions.
    Github,
    /// GitLab Code Quality.
    Gitlab,
    /// Badge endpoint JSON.
    Badge,
    /// Badge picture.
    BadgeSvg,
}

/// What is rendered.
#[derive(Clone, Copy, Debug)]
pub struct Run<'r> {
    /// In order.
    pub reports: &'r [Report],
    /// URLs that should be among them and are not, masked.
    pub missing: &'r [String],
    /// How the run ended.
    pub exit: Exit,
    /// Colours and width of the table.
    pub style: Style,
}

impl Format {
    /// All of them.
    pub const ALL: &'static [Self] = &[
        Self::Table,
        Self::Json,
        Self::Jsonl,
        Self::Html,
        Self::Sarif,
        Self::SarifAlerts,
        Self::Junit,
        Self::Markdown,
        Self::Github,
        Self::Gitlab,
        Self::Badge,
        Self::BadgeSvg,
    ];

    /// The name as typed.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Table => "table",
            Self::Json => "json",
            Self::Jsonl => "jsonl",
            Self::Html => "html",
            Self::Sarif => "sarif",
            Self::SarifAlerts => "sarif-alerts",
            Self::Junit => "junit",
            Self::Markdown => "markdown",
            Self::Github => "github",
            Self::Gitlab => "gitlab",
            Self::Badge => "badge",
            Self::BadgeSvg => "badge-svg",
        }
    }

    /// Whether only a browser shows it: a terminal would be flooded for nothing.
    #[must_use]
    pub const fn for_browser(self) -> bool {
        matches!(self, Self::Html | Self::BadgeSvg)
    }

    /// Whether every part of it is JSON, one document or one a line.
    #[must_use]
    pub const fn is_json(self) -> bool {
        matches!(
            self,
            Self::Json | Self::Jsonl | Self::Sarif | Self::SarifAlerts | Self::Gitlab | Self::Badge
        )
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
        let Run { reports, missing, exit, style } = *run;
        let text = match self {
            Self::Table => sink::without_commands(&table::render_all(reports, missing, &style)),
            Self::Json => match reports {
                [report] if missing.is_empty() => return json::render(report),
                _ => return json::render_many(reports, missing, exit),
            },
            Self::Jsonl => jsonl::render(reports),
            Self::Html => html::render(&reports.iter().collect::<Vec<_>>(), missing) + "\n",
            Self::Sarif => sarif::render(reports, missing, Results::All),
            Self::SarifAlerts => sarif::render(reports, missing, Results::Alerts),
            Self::Junit => junit::render(reports, missing),
            Self::Markdown => markdown::render(reports, missing, markdown::COMMENT),
            Self::Github => github::render(reports, missing),
            Self::Gitlab => gitlab::render(reports, missing),
            Self::Badge => badge::render(reports),
            Self::BadgeSvg => badge::render_svg(reports),
        };
        text.into_bytes()
    }
}
