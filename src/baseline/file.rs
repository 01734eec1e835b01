//! The file: TOML in, TOML out.

use jiff::civil::Date;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use thiserror::Error;
use toml::Spanned;
use toml::value::Datetime;

use super::{Baseline, SCHEMA_VERSION};
use crate::rubric::{Fault, line_of, translate};
use crate::verdict::Severity;

/// Most entries in one file: far more than checks times targets anyone writes down.
const MOST: usize = 100_000;

/// An entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Entry {
    /// Line of the entry, from 1, if it was read from a file.
    pub line: Option<usize>,
    /// Which of the two lists.
    pub kept: Kept,
    /// Label or URL of the target.
    pub target: String,
    /// Id of the check.
    pub check: String,
    /// The entry holds only while the finding mentions this.
    pub subject: Option<String>,
    /// The worst status it covers.
    pub status: Mark,
    /// The highest harm it covers; any if absent.
    pub severity: Option<Severity>,
    /// Why it is here.
    pub reason: String,
    /// The last day it holds.
    pub expires: Option<Date>,
    /// Written from a finding that a repetition may not show: never stale.
    pub unstable: bool,
}

/// The list an entry is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kept {
    /// To be mended some day. `baseline write` keeps the list current.
    Debt,
    /// Decided by people to be left as it is. Only `baseline prune` removes it, when it is stale.
    Accepted,
}

impl Kept {
    /// The name of the list.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debt => "debt",
            Self::Accepted => "accepted",
        }
    }
}

impl Entry {
    /// The worst that it covers.
    pub(super) fn reach(&self) -> (Mark, Severity) {
        (self.status, self.severity.unwrap_or(Severity::Critical))
    }

    /// Whether one of the two is too many. Debt comes first in the order of entries, and may go beyond what
    /// was accepted: `baseline write` notes so what became worse.
    fn repeats(&self, earlier: &Self) -> bool {
        (&self.target, &self.check, &self.subject) == (&earlier.target, &earlier.check, &earlier.subject)
            && (self.kept == earlier.kept || self.reach() >= earlier.reach())
    }
}

/// A status that can be in a baseline.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Mark {
    /// A warning.
    Warn,
    /// A failure.
    Fail,
}

impl Mark {
    /// The word.
    #[must_use]
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// The text's own shape.
#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(title = "agentgauge baseline", rename = "Baseline")]
pub(crate) struct BaselineFile {
    /// Version of this shape: 1.
    #[allow(dead_code, reason = "looked at before the rest is read; here it is only demanded")]
    schema_version: u32,
    /// Known debt.
    #[serde(default)]
    #[schemars(with = "Vec<EntryFile>")]
    debt: Vec<Spanned<EntryFile>>,
    /// Accepted risk.
    #[serde(default)]
    #[schemars(with = "Vec<EntryFile>")]
    accepted: Vec<Spanned<EntryFile>>,
}

#[derive(Debug, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
#[schemars(rename = "Entry")]
struct EntryFile {
    /// Label of the target, or its URL.
    target: String,
    /// Id of the check.
    check: String,
    /// The entry holds only while the finding mentions this text, for example the name of a tool.
    subject: Option<String>,
    /// The worst status it covers; `fail` if absent.
    status: Option<Mark>,
    /// The highest harm it covers; any if absent.
    severity: Option<Severity>,
    /// Why it is here.
    reason: String,
    /// The last day it holds: 2027-01-31.
    #[schemars(with = "Option<String>")]
    expires: Option<Day>,
    /// Whether a repetition may not show the finding: then the entry is never stale.
    #[serde(default)]
    unstable: bool,
}

#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Day {
    Date(Datetime),
    Text(String),
    Other(toml::Value),
}

impl Day {
    fn parse(&self) -> Result<Date, String> {
        let text = match self {
            Self::Date(date) => date.to_string(),
            Self::Text(text) => text.clone(),
            Self::Other(other) => other.to_string(),
        };
        let whole = text.len() == 10;
        text.parse()
            .ok()
            .filter(|_| whole)
            .ok_or_else(|| format!("`expires` is {text:?}, which is no date; write it as 2027-01-31"))
    }
}

/// What is wrong with a baseline: every fault, in order of lines. Escape at the sink.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[error("{}", crate::rubric::shown(.name, .faults))]
pub struct BaselineError {
    /// Name of the file, as given.
    pub name: String,
    /// At least one.
    pub faults: Vec<Fault>,
}

impl Baseline {
    /// Reads a baseline. Whether checks and targets exist is asked when it is used.
    ///
    /// # Errors
    /// Every fault, with its line.
    pub fn parse(text: &str, name: &str) -> Result<Self, BaselineError> {
        let error = |faults| BaselineError { name: name.to_owned(), faults };
        if let Some((line, found)) = other_version(text) {
            let message = format!("`schema_version` is {found}; this program reads {SCHEMA_VERSION}");
            return Err(error(vec![Fault { line: Some(line), message }]));
        }
        let file: BaselineFile =
            toml::from_str(text).map_err(|fault| error(vec![translate(text, &fault)]))?;
        let lists = [(Kept::Debt, file.debt), (Kept::Accepted, file.accepted)];
        let mut faults = Vec::new();
        let mut entries: Vec<Entry> = Vec::new();
        for (kept, entry) in
            lists.into_iter().flat_map(|(kept, list)| list.into_iter().map(move |e| (kept, e)))
        {
            let line = line_of(text, entry.span().start);
            let mut add = |message: String| faults.push(Fault { line: Some(line), message });
            let entry = entry.into_inner();
            for (key, value) in [
                ("target", &entry.target),
                ("check", &entry.check),
                ("reason", &entry.reason),
                ("subject", entry.subject.as_ref().unwrap_or(&entry.check)),
            ] {
                if value.trim().is_empty() {
                    add(format!("`{key}` is empty"));
                }
            }
            let expires = match entry.expires.as_ref().map(Day::parse).transpose() {
                Ok(expires) => expires,
                Err(message) => {
                    add(message);
                    None
                }
            };
            let entry = Entry {
                line: Some(line),
                kept,
                target: entry.target,
                check: entry.check,
                subject: entry.subject,
                status: entry.status.unwrap_or(Mark::Fail),
                severity: entry.severity,
                reason: entry.reason,
                expires,
                unstable: entry.unstable,
            };
            if let Some(twin) = entries.iter().find(|earlier| entry.repeats(earlier)) {
                let (first, list) = (twin.line.unwrap_or_default(), twin.kept.as_str());
                add(format!(
                    "`{}` of {} is listed in line {first} already ({list})",
                    entry.check, entry.target
                ));
            }
            entries.push(entry);
            if entries.len() > MOST {
                return Err(error(vec![Fault {
                    line: Some(line),
                    message: format!("more than {MOST} entries"),
                }]));
            }
        }
        if faults.is_empty() {
            Ok(Self { name: name.to_owned(), entries })
        } else {
            faults.sort();
            Err(error(faults))
        }
    }

    /// The file's text, sorted: target, check, subject.
    #[must_use]
    pub fn to_toml(&self) -> String {
        let mut text = format!(
            "# What agentgauge may go on finding here. 'baseline write' keeps [[debt]] current and leaves\n\
             # [[accepted]] alone; 'baseline prune' removes stale entries of both. Comments are not kept:\n\
             # say why in `reason`.\n\
             schema_version = {SCHEMA_VERSION}\n"
        );
        let mut sorted: Vec<&Entry> = self.entries.iter().collect();
        sorted.sort_by_key(|entry| (entry.kept, &entry.target, &entry.check, &entry.subject));
        for entry in sorted {
            text.push_str(match entry.kept {
                Kept::Debt => "\n[[debt]]\n",
                Kept::Accepted => "\n[[accepted]]\n",
            });
            let mut line = |key: &str, value: String| text.push_str(&format!("{key} = {value}\n"));
            line("target", quoted(&entry.target));
            line("check", quoted(&entry.check));
            if let Some(subject) = &entry.subject {
                line("subject", quoted(subject));
            }
            line("status", quoted(entry.status.as_str()));
            if let Some(severity) = entry.severity {
                line("severity", quoted(severity.as_str()));
            }
            if entry.unstable {
                line("unstable", "true".to_owned());
            }
            line("reason", quoted(&entry.reason));
            if let Some(expires) = entry.expires {
                line("expires", expires.to_string());
            }
        }
        text
    }
}

/// A version that is a number and not ours, with its line, before anything else is looked at.
fn other_version(text: &str) -> Option<(usize, i64)> {
    #[derive(Deserialize)]
    struct Version {
        schema_version: Spanned<i64>,
    }
    let version = toml::from_str::<Version>(text).ok()?.schema_version;
    let line = line_of(text, version.span().start);
    Some((line, version.into_inner())).filter(|(_, found)| *found != i64::from(SCHEMA_VERSION))
}

/// A TOML string on one line.
fn quoted(text: &str) -> String {
    let mut quoted = String::from("\"");
    for character in text.chars() {
        match character {
            '"' => quoted.push_str("\\\""),
            '\\' => quoted.push_str("\\\\"),
            ' ' => quoted.push(' '),
            _ if character.is_ascii_graphic() || character.is_alphanumeric() => quoted.push(character),
            _ => quoted.push_str(&format!("\\U{:08X}", u32::from(character))),
        }
    }
    quoted.push('"');
    quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = r#"schema_version = 1

[[debt]]
target = "prod"
check = "origin-rejected"
status = "fail"
severity = "critical"
reason = "known"

[[accepted]]
target = "https://example.com/mcp"
check = "tools-described"
subject = "tool \"x\"\n"
reason = "generated"
expires = 2027-01-31
"#;

    fn error(text: &str) -> String {
        Baseline::parse(text, "b.toml").unwrap_err().to_string()
    }

    #[test]
    fn what_is_written_is_read_again() {
        let read = Baseline::parse(TEXT, "b.toml").unwrap();
        assert_eq!(read.entries[0].line, Some(3));
        assert_eq!(read.entries[1].expires, Some(Date::constant(2027, 1, 31)));
        assert_eq!((read.entries[1].kept, read.entries[1].status), (Kept::Accepted, Mark::Fail));
        let again = Baseline::parse(&read.to_toml(), "b.toml").unwrap();
        let plain = |baseline: &Baseline| {
            baseline.entries.iter().map(|entry| Entry { line: None, ..entry.clone() }).collect::<Vec<_>>()
        };
        assert_eq!(plain(&again), plain(&read));
        assert_eq!(again.to_toml(), read.to_toml());
    }

    #[test]
    fn faults_have_lines() {
        for (from, to, said) in [
            ("expires = 2027-01-31", "expires = 2027-02-31", "b.toml:15: "),
            (
                "expires = 2027-01-31",
                "expires = \"soon\"",
                "b.toml:10: `expires` is \"soon\", which is no date",
            ),
            ("expires = 2027-01-31", "expires = 2027", "which is no date"),
            ("expires = 2027-01-31", "expires = 2027-01-31T00:00:00Z", "which is no date"),
            ("check = \"origin", "chek = \"origin", "b.toml:5: unknown key `chek`; did you mean `check`?"),
            ("status = \"fail\"", "status = \"pass\"", "b.toml:6: "),
            ("severity = \"critical\"", "severity = \"huge\"", "b.toml:7: "),
            ("reason = \"known\"", "reason = \" \"", "b.toml:3: `reason` is empty"),
            ("reason = \"known\"\n", "", "missing field `reason`"),
            (
                "schema_version = 1",
                "schema_version = 9",
                "b.toml:1: `schema_version` is 9; this program reads 1",
            ),
            ("schema_version = 1", "", "schema_version"),
            ("[[debt]]", "[[dept]]", "b.toml:3: unknown key `dept`; did you mean `debt`?"),
        ] {
            let said_now = error(&TEXT.replace(from, to));
            assert!(said_now.contains(said), "{to}: {said_now}");
        }
        let twice =
            format!("{TEXT}\n[[debt]]\ntarget = \"prod\"\ncheck = \"origin-rejected\"\nreason = \"r\"\n");
        assert!(
            error(&twice).contains("b.toml:17: `origin-rejected` of prod is listed in line 3"),
            "{}",
            error(&twice)
        );
    }
}
