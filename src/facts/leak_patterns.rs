//! The patterns of what a text may give away. All are linear-time; one is compiled and tried only where a
//! literal that each of its matches has stands in the text.

use std::sync::{LazyLock, OnceLock};

use aho_corasick::AhoCorasick;
use regex::bytes::{Regex, RegexBuilder};

/// What a pattern shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Family {
    Stack,
    Path,
    Database,
    DebugPage,
    InternalHost,
    /// Any address; only private ones count.
    Address,
    Credential,
    /// A user and password inside a URL; the password is group 1.
    UrlPassword,
    /// A named secret with a value; the value is group 1.
    Assigned,
}

/// A pattern, compiled once its literals occur.
#[derive(Debug)]
struct Pattern {
    family: Family,
    /// Whatever matches has one of these in it, upper or lower case: most texts have none, and cost no more
    /// than looking for them.
    literals: &'static [&'static str],
    source: &'static str,
    regex: OnceLock<Option<Regex>>,
}

const fn of(family: Family, literals: &'static [&'static str], source: &'static str) -> Pattern {
    Pattern { family, literals, source, regex: OnceLock::new() }
}

/// What stands before a path, and how it goes on.
macro_rules! path {
    ($middle:literal) => {
        concat!(r#"(?m)(?:^|[\s"'`(\[<=,:]|file://)("#, $middle, r#"[^\s"'`<>(),;]*)"#)
    };
}

static PATTERNS: [Pattern; 49] = [
    // JavaScript: `at parse (/app/node_modules/x/json.js:93:21)`.
    of(
        Family::Stack,
        &[".js:", ".mjs:", ".cjs:", ".jsx:", ".ts:", ".mts:", ".cts:", ".tsx:"],
        r"\bat [^\n]{0,160}?[^\s():]+\.(?:js|mjs|cjs|jsx|ts|mts|cts|tsx):\d+:\d+",
    ),
    // Python.
    of(Family::Stack, &["traceback (most recent call last)"], r"Traceback \(most recent call last\)"),
    of(Family::Stack, &["file \""], r#"File "[^"\n]+", line \d+, in "#),
    // Java and its kin.
    of(
        Family::Stack,
        &[".java:", ".kt:", ".scala:", ".groovy:"],
        r"\bat [\w.$<>/]+\([\w$]+\.(?:java|kt|scala|groovy):\d+\)",
    ),
    // .NET.
    of(Family::Stack, &[":line "], r"\bat [^\n]{1,200}\) in [^\n]{1,200}:line \d+"),
    // Go.
    of(Family::Stack, &["goroutine "], r"goroutine \d+ \[[a-z ]+"),
    // Rust.
    of(Family::Stack, &["panicked at "], r"panicked at [^\n]{0,160}?\.rs:\d+"),
    of(Family::Stack, &[".rs:"], r"\bat (?:\.|/)[^\s]{1,160}\.rs:\d+"),
    // Ruby and PHP.
    of(Family::Stack, &[".rb:"], r"[^\s:]+\.rb:\d+:in [`']"),
    of(Family::Stack, &[".php on line "], r"[^\s:]+\.php on line \d+"),
    of(Family::Stack, &[".php("], r"#\d+ [^\s(]+\.php\(\d+\)"),
    of(Family::Path, &["/home/", "/users/"], path!(r"/(?:home|Users)/[\w.-]+/[\w.-]+")),
    of(
        Family::Path,
        &["/root/", "/srv/", "/nix/store/", "/proc/", "/etc/"],
        path!(r"/(?:root|srv|nix/store|proc|etc)/[\w.-]+"),
    ),
    of(Family::Path, &["/usr/"], path!(r"/usr/(?:local/|src/|lib/|bin/|share/)[\w.-]+")),
    of(Family::Path, &["/var/"], path!(r"/var/(?:www|lib|task|runtime|folders|log|app|run)/[\w.-]+")),
    of(Family::Path, &["/opt/"], path!(r"/opt/[\w.-]+/[\w.-]+")),
    // Roots that a URL path may have, too: only with the name of a source or data file.
    of(
        Family::Path,
        &["/app/", "/src/", "/code/", "/workspace/", "/build/", "/tmp/", "/mnt/", "/data/", "/usr/"],
        concat!(
            r#"(?m)(?:^|[\s"'`(\[<=,:]|file://)(/(?:app|src|code|workspace|build|tmp|mnt|data|usr)/[\w./@-]*"#,
            r"\.(?:js|mjs|cjs|ts|py|rb|go|rs|java|php|cs|db|sqlite3?|env|sock|toml|conf|log)\b)"
        ),
    ),
    of(Family::Path, &[":\\"], r#"\b[A-Za-z]:\\(?:[^\\\s"'<>:|?*]+\\)+[^\\\s"'<>:|?*]*"#),
    of(
        Family::Path,
        &["node_modules/", "site-packages/", "dist-packages/"],
        r"[\w.$/@-]*\b(?:node_modules|site-packages|dist-packages)/[\w./@-]+",
    ),
    of(Family::Database, &["sqlstate["], r"SQLSTATE\["),
    of(Family::Database, &["syntax error at or near "], r"(?i)syntax error at or near "),
    of(Family::Database, &["error in your sql syntax"], r"(?i)error in your SQL syntax"),
    of(Family::Database, &["ora-"], r"\bORA-\d{5}\b"),
    of(Family::Database, &["sqlite_"], r"\bSQLITE_(?:ERROR|CONSTRAINT|BUSY|CANTOPEN)\b"),
    of(
        Family::Database,
        &["sqlite3.", "psycopg", "sqlalchemy.", "pymysql."],
        r"\b(?:sqlite3|psycopg2?|sqlalchemy|pymysql)\.[\w.]*(?:Error|exc)\b",
    ),
    of(Family::Database, &["select"], r"(?is)\bselect\s[^;]{1,200}?\sfrom\s[\w.`]+\s+where\s[^;]{0,80}="),
    of(Family::Database, &["relation \""], r#"(?i)\brelation "[^"]+" does not exist"#),
    of(Family::DebugPage, &["werkzeug debugger"], r"Werkzeug Debugger"),
    of(Family::DebugPage, &["debug = true"], r"DEBUG = True"),
    of(
        Family::DebugPage,
        &["whoops, looks like something went wrong"],
        r"Whoops, looks like something went wrong",
    ),
    of(Family::DebugPage, &["symfony exception"], r"Symfony Exception"),
    of(Family::DebugPage, &["action controller: exception caught"], r"Action Controller: Exception caught"),
    of(Family::DebugPage, &["server error in '/"], r"Server Error in '/[^']*' Application"),
    of(Family::InternalHost, &[".svc.cluster.local"], r"\b[a-z0-9.-]+\.svc\.cluster\.local\b"),
    of(Family::InternalHost, &["ip-"], r"\bip-\d+-\d+-\d+-\d+\.[a-z0-9.-]*internal\b"),
    of(Family::InternalHost, &[".internal"], r"\b[a-z0-9.-]+\.(?:compute|ec2|c\.[a-z0-9-]+)\.internal\b"),
    of(Family::InternalHost, &["host.docker.internal"], r"\bhost\.docker\.internal\b"),
    of(Family::Address, &["10.", "172.", "192.", "169.", "100."], r"\b(?:\d{1,3}\.){3}\d{1,3}\b"),
    of(Family::Credential, &["private key-----"], r"-----BEGIN [A-Z ]*PRIVATE KEY-----"),
    of(Family::Credential, &["akia", "asia"], r"\b(?:AKIA|ASIA)[0-9A-Z]{16}\b"),
    of(Family::Credential, &["ghp_", "gho_", "ghu_", "ghs_", "ghr_"], r"\bgh[pousr]_[A-Za-z0-9]{30,}"),
    of(Family::Credential, &["github_pat_"], r"\bgithub_pat_\w{22,}"),
    of(Family::Credential, &["glpat-"], r"\bglpat-[\w-]{20,}"),
    of(Family::Credential, &["sk-"], r"\bsk-[A-Za-z0-9_-]{20,}"),
    of(Family::Credential, &["xox"], r"\bxox[abprs]-[A-Za-z0-9-]{10,}"),
    of(Family::Credential, &["aiza"], r"\bAIza[0-9A-Za-z_-]{35}"),
    of(Family::Credential, &["eyj"], r"\beyJ[A-Za-z0-9_-]{10,}\.eyJ[A-Za-z0-9_-]{10,}\.[A-Za-z0-9_-]*"),
    of(Family::UrlPassword, &["://"], r#"\b[a-z][a-z0-9+.-]*://[^\s/:@"'<>]+:([^\s/@"'<>]{3,})@"#),
    of(
        Family::Assigned,
        &[
            "password",
            "passwd",
            "pwd",
            "secret",
            "apikey",
            "api_key",
            "api-key",
            "accesstoken",
            "access_token",
            "access-token",
            "privatekey",
            "private_key",
            "private-key",
        ],
        concat!(
            r"(?i)\b(?:password|passwd|pwd|secret|api[_-]?key|access[_-]?token|client[_-]?secret",
            r#"|private[_-]?key)["']?\s*[=:]\s*["']?([^\s"'<>,;&]{8,})"#
        ),
    ),
];

/// Finds the literals of all patterns in one pass. Each is known by the place of its pattern.
static LITERALS: LazyLock<Option<(AhoCorasick, Vec<usize>)>> = LazyLock::new(|| {
    let each = PATTERNS.iter().enumerate();
    let owned =
        each.flat_map(|(index, pattern)| pattern.literals.iter().map(move |literal| (index, *literal)));
    let (owners, literals): (Vec<usize>, Vec<&str>) = owned.unzip();
    let finder = AhoCorasick::builder().ascii_case_insensitive(true).build(literals).ok()?;
    Some((finder, owners))
});

/// The patterns that may match in a text, because their literals stand in it: a bit for each place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Possible(u64);

impl Possible {
    /// Looks for the literals.
    pub(super) fn in_text(text: &str) -> Self {
        let Some((finder, owners)) = &*LITERALS else { return Self(u64::MAX) };
        let found = finder.find_overlapping_iter(text);
        let owners = found.filter_map(|found| owners.get(found.pattern().as_usize()));
        Self(owners.fold(0, |bits, owner| bits | bit(*owner)))
    }

    /// Whether nothing can match.
    pub(super) const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// Those of one family, in order.
    pub(super) fn of(self, family: Family) -> impl Iterator<Item = &'static Regex> {
        PATTERNS
            .iter()
            .enumerate()
            .filter(move |(place, pattern)| pattern.family == family && self.0 & bit(*place) != 0)
            .filter_map(|(_, pattern)| pattern.regex.get_or_init(|| compile(pattern.source)).as_ref())
    }
}

fn bit(place: usize) -> u64 {
    u32::try_from(place).ok().and_then(|place| 1_u64.checked_shl(place)).unwrap_or(0)
}

/// ASCII classes only: the Unicode tables would cost a quick scan more than all its other judging. A
/// pattern that does not compile is a mistake that the tests of this file find.
pub(super) fn compile(pattern: &str) -> Option<Regex> {
    RegexBuilder::new(pattern).unicode(false).build().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// For every pattern, in order, texts that it matches: one for each of its literals.
    const SAMPLES: [&[&str]; PATTERNS.len()] = [
        &[
            "at f (/x.js:1:2)",
            "at f (/x.mjs:1:2)",
            "at f (/x.cjs:1:2)",
            "at f (/x.jsx:1:2)",
            "at f (/x.ts:1:2)",
            "at f (/x.mts:1:2)",
            "at f (/x.cts:1:2)",
            "at f (/x.tsx:1:2)",
        ],
        &["Traceback (most recent call last)"],
        &["File \"a.py\", line 3, in f"],
        &["at a.B.c(B.java:4)", "at a.B.c(B.kt:4)", "at a.B.c(B.scala:4)", "at a.B.c(B.groovy:4)"],
        &["at A.b(String x) in /c.cs:line 12"],
        &["goroutine 1 [running"],
        &["panicked at src/main.rs:10"],
        &["at ./src/main.rs:10"],
        &["app.rb:12:in `call'"],
        &["index.php on line 7"],
        &["#0 /index.php(12)"],
        &["/home/alice/x", "/Users/alice/x"],
        &["/root/x", "/srv/x", "/nix/store/x", "/proc/self", "/etc/passwd"],
        &["/usr/lib/x"],
        &["/var/www/x"],
        &["/opt/a/b"],
        &[
            "/app/x.js",
            "/src/x.js",
            "/code/x.js",
            "/workspace/x.js",
            "/build/x.js",
            "/tmp/x.sock",
            "/mnt/x.db",
            "/data/x.db",
            "/usr/x.conf",
        ],
        &["C:\\app\\x"],
        &["node_modules/x", "site-packages/x", "dist-packages/x"],
        &["SQLSTATE["],
        &["Syntax error at or near x"],
        &["error in your sql syntax"],
        &["ORA-00942"],
        &["SQLITE_BUSY"],
        &["sqlite3.OperationalError", "psycopg2.Error", "sqlalchemy.exc", "pymysql.err.Error"],
        &["SELECT a FROM b WHERE c = 1"],
        &["Relation \"x\" does not exist"],
        &["Werkzeug Debugger"],
        &["DEBUG = True"],
        &["Whoops, looks like something went wrong"],
        &["Symfony Exception"],
        &["Action Controller: Exception caught"],
        &["Server Error in '/x' Application"],
        &["db.prod.svc.cluster.local"],
        &["ip-10-0-0-1.internal"],
        &["a.ec2.internal"],
        &["host.docker.internal"],
        &["10.1.2.3", "172.16.2.3", "192.168.2.3", "169.254.2.3", "100.64.2.3"],
        &["-----BEGIN RSA PRIVATE KEY-----"],
        &["AKIAABCDEFGHIJKLMNOP", "ASIAABCDEFGHIJKLMNOP"],
        &[
            "ghp_0123456789abcdefghij0123456789",
            "gho_0123456789abcdefghij0123456789",
            "ghu_0123456789abcdefghij0123456789",
            "ghs_0123456789abcdefghij0123456789",
            "ghr_0123456789abcdefghij0123456789",
        ],
        &["github_pat_0123456789abcdefghij01"],
        &["glpat-0123456789abcdefghij"],
        &["sk-0123456789abcdefghij"],
        &["xoxb-0123456789"],
        &["AIza0123456789abcdefghij0123456789abcde"],
        &["eyJ0123456789.eyJ0123456789.x"],
        &["postgres://app:hunter2@db"],
        &[
            "Password=k3yk3yk3",
            "passwd=k3yk3yk3",
            "pwd=k3yk3yk3",
            "secret=k3yk3yk3",
            "apikey=k3yk3yk3",
            "api_key=k3yk3yk3",
            "api-key=k3yk3yk3",
            "accesstoken=k3yk3yk3",
            "access_token=k3yk3yk3",
            "access-token=k3yk3yk3",
            "privatekey=k3yk3yk3",
            "private_key=k3yk3yk3",
            "private-key=k3yk3yk3",
        ],
    ];

    #[test]
    fn every_pattern_compiles_and_is_tried_where_it_matches() {
        for ((place, pattern), samples) in PATTERNS.iter().enumerate().zip(SAMPLES) {
            let regex = compile(pattern.source).unwrap();
            assert_eq!(samples.len(), pattern.literals.len(), "{}", pattern.source);
            for sample in samples {
                let text = format!("x: {sample} y");
                assert!(regex.is_match(text.as_bytes()), "{} on {sample}", pattern.source);
                assert!(
                    Possible::in_text(&text).0 & bit(place) != 0,
                    "{} is not tried on {sample}",
                    pattern.source
                );
            }
        }
        assert!(Possible::in_text("Bad Request: the parameter `x` is missing").is_empty());
    }

    /// Whatever else a text has: no pattern matches where it is not tried.
    #[test]
    fn nothing_is_missed_for_want_of_a_literal() {
        let regexes: Vec<Regex> = PATTERNS.iter().map(|pattern| compile(pattern.source).unwrap()).collect();
        let all: Vec<&str> = SAMPLES.iter().copied().flatten().copied().collect();
        for pair in all.windows(2) {
            let text = pair.concat().to_uppercase() + &pair.concat();
            for (place, regex) in regexes.iter().enumerate() {
                let matches = regex.is_match(text.as_bytes());
                assert!(!matches || Possible::in_text(&text).0 & bit(place) != 0, "{regex} on {text}");
            }
        }
    }
}
