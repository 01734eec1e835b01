//! What a text for strangers gives away about the inside of a server: stack traces, paths, SQL,
//! internal addresses, credentials. Every pattern is linear-time; the caller bounds the text.

use std::net::Ipv4Addr;
use std::sync::LazyLock;

use regex::bytes::{Captures, Regex, Replacer};

use super::leak_patterns::{Family, Possible, compile};

use crate::protocol::address::{Exposure, exposure};
use crate::transcript::userinfo::{PASSWORD, no_password};

/// What kind of thing was given away, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum LeakKind {
    /// A debug page of a framework.
    DebugPage,
    /// A message of a database.
    Database,
    /// A path of the server's file system.
    Path,
    /// A host or address of an internal network.
    InternalHost,
    /// A stack trace with places in the source.
    StackTrace,
    /// Something that looks like a credential.
    Credential,
}

impl LeakKind {
    /// The kind in words, with its article.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::DebugPage => "a framework's debug page",
            Self::Database => "a database message",
            Self::Path => "a file path",
            Self::InternalHost => "an internal host or address",
            Self::StackTrace => "a stack trace with source paths",
            Self::Credential => "what looks like a credential",
        }
    }
}

/// One thing given away.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Leak {
    /// What it is.
    pub kind: LeakKind,
    /// The place in the text, at most 120 characters, with token-like strings taken out.
    pub excerpt: String,
}

/// Longest excerpt, in characters.
const EXCERPT: usize = 120;

/// Anything that could be a token: taken out of excerpts.
static TOKEN: LazyLock<Option<Regex>> = LazyLock::new(|| compile(r"[A-Za-z0-9_+-]{20,}"));

/// What is no text in a page, each with what stands for it.
static MARKUP: LazyLock<[(Option<Regex>, &str); 3]> = LazyLock::new(|| {
    [
        (compile(r"(?is)<(?:script|style)\b.*?</(?:script|style)\s*>"), ""),
        (compile(r"(?i)<br\s*/?>"), "\n"),
        (compile(r"(?s)<[a-zA-Z/!][^>]*>"), ""),
    ]
});

/// An entity of HTML by its number: hexadecimal is group 1, decimal group 2.
static NUMBERED: LazyLock<Option<Regex>> =
    LazyLock::new(|| compile(r"&#(?:[xX]([0-9a-fA-F]{1,6})|([0-9]{1,7}));"));

fn replace(text: &str, pattern: &Regex, by: impl Replacer) -> String {
    String::from_utf8_lossy(&pattern.replace_all(text.as_bytes(), by)).into_owned()
}

/// Everything a text gives away, worst first, one of each kind. `public` tells whether strangers on
/// the internet can read it: only then is a private address news to the reader. What stands in `known`
/// (the request, the target's own host and address) is no leak.
#[must_use]
pub fn leaks(text: &str, public: bool, known: &str) -> Vec<Leak> {
    let new = |found: &str| !known.contains(found);
    let possible = Possible::in_text(text);
    if possible.is_empty() {
        return Vec::new();
    }
    let of = |family: Family| possible.of(family);
    let any = |family: Family| first(of(family), text, new);
    let mut found = Vec::new();
    let secret = first(of(Family::Credential), text, |value| {
        new(value) && (!value.starts_with("sk-") || mixed(value.as_bytes()))
    })
    .or_else(|| {
        first(of(Family::UrlPassword), text, |value| {
            // One of a server's own, masked when it was recorded.
            value == PASSWORD || (new(value) && !no_password(value))
        })
    })
    .or_else(|| {
        first(of(Family::Assigned), text, |value| {
            new(value) && mixed(value.as_bytes()) && !no_password(value)
        })
    });
    found.extend(secret.map(|place| (LeakKind::Credential, place)));
    found.extend(any(Family::Stack).map(|place| (LeakKind::StackTrace, place)));
    if public {
        let host = any(Family::InternalHost)
            .or_else(|| first(of(Family::Address), text, |value| new(value) && private(value)));
        found.extend(host.map(|place| (LeakKind::InternalHost, place)));
    }
    found.extend(any(Family::Path).map(|place| (LeakKind::Path, place)));
    found.extend(any(Family::Database).map(|place| (LeakKind::Database, place)));
    found.extend(any(Family::DebugPage).map(|place| (LeakKind::DebugPage, place)));
    found
        .into_iter()
        .map(|(kind, (from, to))| Leak { kind, excerpt: excerpt(text, from, to, kind, possible) })
        .collect()
}

/// The readable text of an HTML page: markup out, line breaks in, the common entities decoded.
#[must_use]
pub fn plain(html: &str) -> String {
    let mut text = html.to_owned();
    for (pattern, by) in MARKUP.iter() {
        if let Some(pattern) = pattern {
            text = replace(&text, pattern, by.as_bytes());
        }
    }
    entities(&text)
}

/// The common entities of HTML and the numbered ones, decoded.
#[must_use]
pub fn entities(text: &str) -> String {
    if !text.contains('&') {
        return text.to_owned();
    }
    let by = |found: &Captures<'_>| {
        let digits =
            |group: usize| found.get(group).and_then(|part| std::str::from_utf8(part.as_bytes()).ok());
        let code = digits(1).map_or_else(|| digits(2)?.parse().ok(), |hex| u32::from_str_radix(hex, 16).ok());
        code.and_then(char::from_u32).unwrap_or(char::REPLACEMENT_CHARACTER).to_string().into_bytes()
    };
    let mut text = NUMBERED.as_ref().map_or_else(|| text.to_owned(), |pattern| replace(text, pattern, by));
    for (entity, by) in
        [("&nbsp;", " "), ("&apos;", "'"), ("&quot;", "\""), ("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&")]
    {
        text = text.replace(entity, by);
    }
    text
}

/// First match whose first group (or whole) is accepted, as a byte range.
fn first(
    mut patterns: impl Iterator<Item = &'static Regex>,
    text: &str,
    accept: impl Fn(&str) -> bool,
) -> Option<(usize, usize)> {
    patterns.find_map(|pattern| {
        pattern.captures_iter(text.as_bytes()).take(200).find_map(|found| {
            let part = found.get(1).or_else(|| found.get(0))?;
            // Bytes may end inside a character, where nothing of ours begins or ends.
            let shown = text.get(part.range())?;
            accept(shown).then(|| (part.start(), part.end()))
        })
    })
}

/// A private address. Network addresses (`10.0.0.0`) are far more often version numbers.
fn private(text: &str) -> bool {
    let Ok(address) = text.parse::<Ipv4Addr>() else { return false };
    let [a, b, _, last] = address.octets();
    let routed = matches!((a, b), (10, _) | (172, 16..=31) | (192, 168) | (169, 254) | (100, 64..=127));
    routed && last != 0 && exposure(address.into()) == Exposure::Private
}

/// Letters and digits together: words of a message seldom have both.
fn mixed(value: &[u8]) -> bool {
    value.iter().any(u8::is_ascii_digit) && value.iter().any(u8::is_ascii_alphabetic)
}

/// The line around a match, without anything that could be a token. A credential shows only its kind.
fn excerpt(text: &str, from: usize, to: usize, kind: LeakKind, possible: Possible) -> String {
    if kind == LeakKind::Credential {
        return "[redacted]".to_owned();
    }
    let found = text.get(from..to).unwrap_or_default();
    let mut shown = found.replace('\n', " ");
    for pattern in TOKEN.iter().chain(possible.of(Family::Credential)) {
        shown = replace(&shown, pattern, |found: &Captures<'_>| {
            let token = found.get(0).map_or(&b""[..], |whole| whole.as_bytes());
            if mixed(token) { b"[redacted]".to_vec() } else { token.to_vec() }
        });
    }
    shown.chars().take(EXCERPT).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kinds(text: &str) -> Vec<LeakKind> {
        leaks(text, true, "").into_iter().map(|leak| leak.kind).collect()
    }

    #[test]
    fn what_cleans_texts_compiles() {
        assert!(TOKEN.is_some() && NUMBERED.is_some() && MARKUP.iter().all(|(pattern, _)| pattern.is_some()));
    }

    #[test]
    fn stack_traces_of_every_language_are_seen() {
        for text in [
            "SyntaxError: x\n    at parse (/srv/node_modules/body-parser/lib/types/json.js:93:21)",
            "at IncomingMessage.onEnd (C:\\app\\index.js:287:7)",
            "Traceback (most recent call last):\n  File \"/app/main.py\", line 3, in <module>",
            "\tat com.example.Server.handle(Server.java:42)",
            "   at App.Handler.Run(String x) in /src/App/Handler.cs:line 12",
            "panic: x\n\ngoroutine 1 [running]:\nmain.main()",
            "thread 'main' panicked at src/main.rs:10:5: boom",
            "app.rb:12:in `call'",
            "Uncaught TypeError in /var/www/html/index.php on line 7",
        ] {
            assert!(kinds(text).contains(&LeakKind::StackTrace), "{text}");
        }
    }

    #[test]
    fn paths_hosts_databases_and_credentials_are_seen() {
        for (text, kind) in [
            ("ENOENT: no such file, open '/var/lib/app/data.db'", LeakKind::Path),
            ("cannot open /home/alice/server/config.json", LeakKind::Path),
            ("open C:\\Users\\bob\\app\\config.ini failed", LeakKind::Path),
            ("in /usr/lib/python3/dist-packages/mcp/server.py", LeakKind::Path),
            ("missing /app/src/index.ts", LeakKind::Path),
            ("connect ECONNREFUSED 10.1.2.3:5432", LeakKind::InternalHost),
            ("no route to db.prod.svc.cluster.local", LeakKind::InternalHost),
            ("SQLSTATE[42S02]: Base table not found", LeakKind::Database),
            ("near: SELECT id FROM users WHERE name = 'x'", LeakKind::Database),
            ("using postgres://app:hunter2@db/prod", LeakKind::Credential),
            ("api_key=k3yk3yk3yk3y rejected", LeakKind::Credential),
            ("key AKIAABCDEFGHIJKLMNOP is invalid", LeakKind::Credential),
            ("<title>TypeError // Werkzeug Debugger</title>", LeakKind::DebugPage),
        ] {
            assert_eq!(kinds(text), [kind], "{text}");
        }
    }

    #[test]
    fn plain_messages_of_real_servers_give_nothing_away() {
        for text in [
            "Bad Request: Unsupported protocol version: 1999-01-01 (supported versions: 2025-11-25, 2025-06-18)",
            "Validation error: 11 validation errors for JSONRPCMessage\nJSONRPCRequest.method\n  Field required \
             [type=missing, input_value={'hello': 1}, input_type=dict]\n    For further information visit \
             https://errors.pydantic.dev/2.14/v/missing",
            "fail to deserialize request body EOF while parsing a value at line 1 column 0",
            "Parse error: Expecting property name enclosed in double quotes: line 1 column 2 (char 1)",
            "Invalid Origin: evil.example",
            "Cannot POST /mcp",
            "Cannot GET /app/v2/tools, see https://example.com/home/docs/errors",
            "params._meta must be an object carrying the required 'io.modelcontextprotocol/protocolVersion'",
            "Invalid Host: allowed are localhost:8080, 127.0.0.1:8080, [::1]:8080",
            "System.Text.Json, Version=10.0.0.0, Culture=neutral",
            "access_token: expected string, received undefined",
            "password: required_field",
            "Not Found. Select a tool from the list where applicable.",
            "use /api/data/items or /Users/42",
            "request id 3f2b8c1e-8c55-4f6e-9d55-0a4fd9a8a001",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn a_private_address_is_no_news_inside_the_same_network() {
        assert!(leaks("connect ECONNREFUSED 10.1.2.3:5432", false, "").is_empty());
    }

    #[test]
    fn what_is_known_is_no_leak_and_hides_no_other() {
        let text = "Cannot POST /home/alice/mcp at 10.0.0.5, upstream 10.0.0.9 failed";
        let found = leaks(text, true, "http://10.0.0.5/home/alice/mcp");
        assert_eq!(found.len(), 1);
        assert_eq!((found[0].kind, found[0].excerpt.as_str()), (LeakKind::InternalHost, "10.0.0.9"));
    }

    #[test]
    fn excerpts_hold_no_tokens_and_are_short() {
        let text = format!("cannot open /home/alice/{}/x{}", "a1b2c3d4e5f6a7b8c9d0e1f2", "y".repeat(300));
        let found = leaks(&text, true, "");
        assert!(found[0].excerpt.contains("[redacted]") && !found[0].excerpt.contains("a1b2c3"));
        assert!(found[0].excerpt.chars().count() <= EXCERPT);
        assert_eq!(leaks("token eyJhbGciOiJIUzI1.eyJzdWIiOiIxMjM0.abc", true, "")[0].excerpt, "[redacted]");
    }

    #[test]
    fn html_becomes_text() {
        let page = "<style>a{}</style><pre>SyntaxError: &#39;x&#39;<br> &nbsp; &nbsp;at parse (/srv/x/json.js:93:21)</pre>";
        assert_eq!(plain(page), "SyntaxError: 'x'\n    at parse (/srv/x/json.js:93:21)");
        assert_eq!(plain("<a href=\"/etc/passwd\">x</a>"), "x");
    }
}
