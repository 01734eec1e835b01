//! A baseline: the findings a team knows, so that only new and worse ones fail.
//!
//! Known debt (`[[debt]]`, kept current by `baseline write`) and accepted risk (`[[accepted]]`, kept by
//! hand) are two lists. An entry that no longer has a finding is stale and fails, so that the file can only
//! shrink to the truth; what could not be seen is neither new nor mended.
#![deny(clippy::disallowed_methods, clippy::disallowed_types)]

mod file;
mod hold;
mod update;

pub(crate) use file::BaselineFile;
pub use file::{BaselineError, Entry, Kept, Mark};
pub use hold::{Held, Standing};

use jiff::civil::Date;

use crate::facts::Kind;
use crate::finding::Finding;
use crate::protocol::host;
use crate::verdict::{Severity, Status};

/// Version of the file's shape.
pub const SCHEMA_VERSION: u32 = 1;

/// A baseline, checked.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Baseline {
    /// Name of the file, as given.
    pub name: String,
    /// In the order of the file.
    pub entries: Vec<Entry>,
}

/// Who is judged, and when.
#[derive(Clone, Copy, Debug)]
pub struct Scanned<'r> {
    /// The URL, masked.
    pub url: &'r str,
    /// The name the user gave.
    pub label: Option<&'r str>,
    /// What speaks there.
    pub kind: Kind,
    /// The day of the scan, if its start is a time.
    pub day: Option<Date>,
}

impl<'r> Scanned<'r> {
    /// From what a report says.
    #[must_use]
    pub fn new(url: &'r str, label: Option<&'r str>, kind: Kind, started_at: &str) -> Self {
        Self { url, label, kind, day: day(started_at) }
    }

    /// What an entry calls it: the label, or else the URL without a port of this machine.
    #[must_use]
    pub fn name(&self) -> String {
        self.label.map_or_else(|| host::portless(self.url), str::to_owned)
    }

    /// Whether a name of an entry or an earlier report means it. A name without a port means any of this
    /// machine.
    #[must_use]
    pub fn is(&self, name: &str) -> bool {
        self.label == Some(name) || same_url(self.url, name) || same_url(&host::portless(self.url), name)
    }
}

/// The day of an RFC 3339 time.
#[must_use]
pub fn day(time: &str) -> Option<Date> {
    time.get(..10)?.parse().ok()
}

/// Whether two texts are the same URL. What was masked (`~…~`) in a value of the query is taken for equal;
/// everything else counts.
#[must_use]
pub fn same_url(a: &str, b: &str) -> bool {
    if a == b {
        return true;
    }
    match (host::parse(a), host::parse(b)) {
        (Some((a, zone)), Some((b, other))) => {
            let place = |url: &url::Url| (url.scheme().to_owned(), url.authority().to_owned());
            zone == other
                && place(&a) == place(&b)
                && a.path() == b.path()
                && same_query(a.query(), b.query())
        }
        _ => false,
    }
}

/// Where a URL leads, without its query and last slashes: equal for all that [`same_url`] takes for one. What
/// long lists are sorted by, since that parses both.
#[must_use]
pub fn place(url: &str) -> String {
    let place = host::parse(url).map(|(url, zone)| {
        format!("{}://{}%{}{}", url.scheme(), url.authority(), zone.unwrap_or_default(), url.path())
    });
    place.as_deref().unwrap_or(url).trim_end_matches('/').to_owned()
}

fn same_query(a: Option<&str>, b: Option<&str>) -> bool {
    let (Some(a), Some(b)) = (a, b) else { return a == b };
    let pairs = |query: &str| query.split('&').count();
    let same = |a: &str, b: &str| match (a.split_once('='), b.split_once('=')) {
        (Some((name, a)), Some((other, b))) => name == other && (a == b || hides(a, b) || hides(b, a)),
        _ => a == b,
    };
    pairs(a) == pairs(b) && a.split('&').zip(b.split('&')).all(|(a, b)| same(a, b))
}

/// Whether a masked value may be this one: it begins and ends alike, and only the mask hides the rest.
fn hides(masked: &str, value: &str) -> bool {
    let ends = masked.split_once('~').and_then(|(start, rest)| Some((start, rest.rsplit_once('~')?.1)));
    ends.is_some_and(|(start, end)| value.strip_prefix(start).is_some_and(|rest| rest.ends_with(end)))
}

/// What a baseline reads of a finding.
#[derive(Clone, Debug)]
pub struct Row<'f> {
    /// Id of the check.
    pub check: &'f str,
    /// Its status.
    pub status: Status,
    /// Its harm.
    pub severity: Severity,
    /// Whether a repetition may turn out differently.
    pub unstable: bool,
    /// Everything it says, in which an entry's subject is looked for.
    pub texts: Vec<&'f str>,
}

impl<'f> From<&'f Finding> for Row<'f> {
    fn from(finding: &'f Finding) -> Self {
        let texts = finding.evidence.iter().flat_map(|seen| [seen.pointer.as_str(), seen.excerpt.as_str()]);
        Self {
            check: finding.check.id,
            status: finding.status,
            severity: finding.severity,
            unstable: finding.unstable,
            texts: std::iter::once(finding.message.as_str()).chain(texts).collect(),
        }
    }
}

/// What a status means where findings are compared over time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Seen {
    /// A warning or a failure.
    Found(Mark),
    /// Sound, noted, or not there at all.
    Sound,
    /// It could not be seen.
    Undecided,
}

impl Seen {
    /// Reads a status. Where the endpoint hid itself, "not applicable" only says that nothing was seen.
    #[must_use]
    pub const fn of(status: Status, kind: Kind) -> Self {
        match status {
            Status::Warn => Self::Found(Mark::Warn),
            Status::Fail => Self::Found(Mark::Fail),
            Status::NotApplicable if kind.refuses() || matches!(kind, Kind::None | Kind::Unreachable) => {
                Self::Undecided
            }
            Status::Pass | Status::Info | Status::NotApplicable => Self::Sound,
            Status::Inconclusive | Status::Error | Status::Skipped => Self::Undecided,
        }
    }
}

impl Baseline {
    /// Entries for targets other than these (URL and label).
    pub fn strangers<'b>(
        &'b self,
        targets: &'b [(String, Option<String>)],
    ) -> impl Iterator<Item = &'b Entry> + 'b {
        self.entries.iter().filter(move |entry| {
            !targets.iter().any(|(url, label)| {
                Scanned::new(url, label.as_deref(), Kind::Unreachable, "").is(&entry.target)
            })
        })
    }

    /// The targets of entries that none of these is (URL and label), in words with their lines.
    #[must_use]
    pub fn elsewhere(&self, targets: &[(String, Option<String>)]) -> Option<String> {
        const NAMED: usize = 5;
        let mut named: Vec<&Entry> = Vec::new();
        for entry in self.strangers(targets) {
            if !named.iter().any(|other| other.target == entry.target) {
                named.push(entry);
            }
        }
        let first: Vec<String> = named
            .iter()
            .take(NAMED)
            .map(|entry| format!("{} ({})", entry.target, self.place(entry)))
            .collect();
        let more = match named.len().saturating_sub(NAMED) {
            0 => String::new(),
            more => format!(" and {more} more"),
        };
        (!first.is_empty()).then(|| {
            format!(
                "the baseline has entries of targets that are not judged here: {}{more}",
                first.join(", ")
            )
        })
    }

    /// Where an entry stands, for messages.
    #[must_use]
    pub fn place(&self, entry: &Entry) -> String {
        match entry.line {
            Some(line) => format!("{}:{line}", self.name),
            None => self.name.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_was_masked_is_taken_for_equal() {
        let at = |query: &str| format!("https://h/mcp{query}");
        for (a, b, same) in [
            ("", "", true),
            ("?tenant=alice&api_key=~query-1~", "?tenant=alice&api_key=s3cr3t", true),
            ("?tenant=alice&api_key=~query-1~", "?tenant=alice&api_key=~query-2~", true),
            ("?tenant=alice&api_key=~query-1~", "?tenant=bob&api_key=~query-1~", false),
            ("?tenant=alice&api_key=~query-1~", "?tenant=bob&api_key=s3cr3t", false),
            ("?tenant=alice&api_key=~query-1~", "?tenant=alice&other_key=s3cr3t", false),
            ("?api_key=~query-1~", "?api_key=s3cr3t&tenant=bob", false),
            ("?api_key=~query-1~", "?api_key", false),
            ("?api_key=~query-1~", "", false),
            ("?a=x-~token-1~-y", "?a=x-s3cr3t-y", true),
            ("?a=x-~token-1~-y", "?a=z-s3cr3t-y", false),
            ("?home=~bob", "?home=~amy", false),
            ("?x", "?x", true),
            ("?x", "?y", false),
        ] {
            assert_eq!(same_url(&at(a), &at(b)), same, "{a} and {b}");
            assert_eq!(same_url(&at(b), &at(a)), same, "{b} and {a}");
        }
        assert!(same_url("HTTPS://H:443", "https://h/"));
        assert_eq!(place("HTTPS://H:443?a=1"), place("https://h/"));
        assert_ne!(place("https://h/a"), place("https://h/b"));
        assert_ne!(place("http://[fe80::1%25eth0]/"), place("http://[fe80::1%25eth1]/"));
        assert!(!same_url("https://h/a", "https://h/b"));
        assert!(same_url("http://[fe80::1%25eth0]/", "http://[FE80::1%eth0]:80"));
        assert!(!same_url("http://[fe80::1%25eth0]/", "http://[fe80::1%25eth1]/"));
        assert!(!same_url("http://[fe80::1%25eth0]/", "http://[fe80::1]/"));
        assert!(same_url("http://b\u{fc}cher.example/", "http://xn--bcher-kva.example"));
    }
}
