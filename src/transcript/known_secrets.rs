//! Keys in the texts of strangers: known by their form, or by the word before them. They are found, and never shown.
//!
//! Values of documentation are none: they say so (`EXAMPLE`, `your-token`), repeat or count up.

use std::ops::Range;
use std::sync::LazyLock;

use aho_corasick::AhoCorasick;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use super::secret_names::secret_name;
use super::tokens::looks_random;

/// What stands for one that was found.
pub const HIDDEN: &str = "[a secret, hidden]";

/// Longest value that is read, in bytes: a private key of 4,096 bits has some 3,300.
const LONGEST: usize = 8 * 1024;
/// Most places of one text that are looked at.
const MOST_PLACES: usize = 1_000;
/// The shortest value that is suspected for the word before it.
const LEAST_SUSPECT: usize = 20;

/// A key that was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Found {
    /// Where it stands, in bytes.
    pub place: Range<usize>,
    /// What it is, with its article; `None` where only the word before it says that it is a secret.
    pub kind: Option<&'static str>,
}

/// How keys of one kind begin and go on.
struct Form {
    head: &'static str,
    kind: &'static str,
    least: usize,
    most: usize,
    dashes: bool,
}

const fn form(head: &'static str, kind: &'static str, least: usize, most: usize, dashes: bool) -> Form {
    Form { head, kind, least, most, dashes }
}

const FORMS: [Form; 19] = [
    form("AKIA", "an AWS access key", 16, 16, false),
    form("ASIA", "an AWS access key", 16, 16, false),
    form("ghp_", "a GitHub token", 30, 255, false),
    form("gho_", "a GitHub token", 30, 255, false),
    form("ghu_", "a GitHub token", 30, 255, false),
    form("ghs_", "a GitHub token", 30, 255, false),
    form("ghr_", "a GitHub token", 30, 255, false),
    form("github_pat_", "a GitHub token", 22, 255, true),
    form("glpat-", "a GitLab token", 20, 255, true),
    form("xoxa-", "a Slack token", 20, 255, true),
    form("xoxb-", "a Slack token", 20, 255, true),
    form("xoxp-", "a Slack token", 20, 255, true),
    form("AIza", "a Google API key", 35, 35, true),
    form("sk_live_", "a Stripe secret key", 16, 255, false),
    form("rk_live_", "a Stripe restricted key", 16, 255, false),
    form("sk-ant-", "an Anthropic API key", 24, 255, true),
    form("sk-proj-", "an OpenAI API key", 24, 255, true),
    form("eyJ", "a JSON web token", 0, 0, true),
    form("-----BEGIN ", "a private key", 0, 0, true),
];

/// Finds where a key may begin. Each is known by its place in [`FORMS`].
static HEADS: LazyLock<Option<AhoCorasick>> =
    LazyLock::new(|| AhoCorasick::new(FORMS.iter().map(|form| form.head)).ok());

/// Words of which one says that a value is one of documentation.
pub const EXAMPLES: [&str; 14] = [
    "example",
    "sample",
    "dummy",
    "fake",
    "your",
    "placeholder",
    "redacted",
    "changeme",
    "xxx",
    "test",
    "demo",
    "insert",
    "secret",
    "token",
];
/// Words before a value which say that it is shown for its form, or is no secret of anybody.
pub const HARMLESS: [&str; 18] = [
    "example",
    "e.g",
    "such as",
    "for instance",
    "sample",
    "like",
    "format",
    "page",
    "cursor",
    "next",
    "continuation",
    "resume",
    "sync",
    "public",
    "publish",
    "idempotency",
    "hash",
    "partition",
];
/// Words that make a bare `key` a secret one.
pub const OWNERS: [&str; 11] = [
    "access",
    "account",
    "admin",
    "api",
    "auth",
    "encryption",
    "license",
    "master",
    "private",
    "secret",
    "signing",
];

/// Every key in a text, in order, none inside another.
#[must_use]
pub fn known_secrets(text: &str) -> Vec<Found> {
    let mut found: Vec<Found> = Vec::new();
    if let Some(heads) = &*HEADS {
        for head in heads.find_iter(text).take(MOST_PLACES) {
            let Some(form) = FORMS.get(head.pattern().as_usize()) else { continue };
            let inside = found.last().is_some_and(|last| last.place.end > head.start());
            let begins = !before(text, head.start()).is_some_and(joins);
            if !inside
                && begins
                && let Some(end) = end_of(text, head.start(), head.end(), form)
            {
                found.push(Found { place: head.start()..end, kind: Some(form.kind) });
            }
        }
    }
    found.extend(suspects(text, &found));
    found.sort_by_key(|found| found.place.start);
    found
}

/// The text with every key replaced by [`HIDDEN`]; `None` if there is none.
#[must_use]
pub fn without_known_secrets(text: &str) -> Option<String> {
    let found = known_secrets(text);
    if found.is_empty() {
        return None;
    }
    let (mut shown, mut kept) = (String::new(), 0_usize);
    for Found { place, .. } in found {
        shown.push_str(text.get(kept..place.start).unwrap_or_default());
        shown.push_str(HIDDEN);
        kept = place.end;
    }
    shown.push_str(text.get(kept..).unwrap_or_default());
    Some(shown)
}

fn before(text: &str, at: usize) -> Option<u8> {
    text.as_bytes().get(at.checked_sub(1)?).copied()
}

fn joins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || byte == b'_'
}

/// Where the bytes that `accepts` takes end, from `at` on.
fn run(text: &str, at: usize, accepts: impl Fn(u8) -> bool) -> usize {
    let rest = text.as_bytes().get(at..).unwrap_or_default();
    let length =
        rest.iter().take(LONGEST).position(|byte| !accepts(*byte)).unwrap_or(rest.len().min(LONGEST));
    at.saturating_add(length)
}

fn part(text: &str, place: Range<usize>) -> &str {
    text.get(place).unwrap_or_default()
}

/// Where a key that may begin here ends, if it is one.
fn end_of(text: &str, start: usize, after: usize, form: &Form) -> Option<usize> {
    match form.head {
        "eyJ" => return web_token(text, start),
        "-----BEGIN " => return private_key(text, after),
        _ => {}
    }
    let end =
        run(text, after, |byte| joins(byte) && (byte != b'_' || form.dashes) || form.dashes && byte == b'-');
    let value = part(text, after..end);
    let aws = form.most == 16;
    let random = (form.least..=form.most).contains(&value.len())
        && !(aws && value.bytes().any(|byte| byte.is_ascii_lowercase()))
        && (aws || value.bytes().any(|byte| byte.is_ascii_digit()));
    (random && !of_documentation(value)).then_some(end)
}

/// A JSON web token (RFC 7519): header and claims must decode.
fn web_token(text: &str, start: usize) -> Option<usize> {
    let end = run(text, start, |byte| joins(byte) || matches!(byte, b'-' | b'.'));
    let mut parts = part(text, start..end).split('.');
    let (header, claims, signature) = (parts.next()?, parts.next()?, parts.next()?);
    let object = |part: &str| -> Option<Value> {
        let bytes = URL_SAFE_NO_PAD.decode(part).ok()?;
        serde_json::from_slice::<Value>(&bytes).ok().filter(Value::is_object)
    };
    let (header, claims) = (object(header)?, object(claims)?);
    let shown = claims.to_string();
    // The tokens of RFC 7519 and of jwt.io.
    let example = ["1234567890", "John Doe", "\"joe\"", "example"].iter().any(|known| shown.contains(known));
    (header.get("alg").is_some() && !example && signature.len() >= 16 && !of_documentation(signature))
        .then_some(end)
}

/// The body of a private key in PEM (RFC 7468): its first line alone is a word of documentation.
fn private_key(text: &str, after: usize) -> Option<usize> {
    const LABEL: &str = "PRIVATE KEY-----";
    let label = run(text, after, |byte| byte.is_ascii_uppercase() || byte == b' ' || byte == b'-');
    if !part(text, after..label).ends_with(LABEL) {
        return None;
    }
    let end = run(text, label, |byte| {
        byte.is_ascii_alphanumeric()
            || byte.is_ascii_whitespace()
            || matches!(byte, b'+' | b'/' | b'=' | b'\\' | b'-')
    });
    let body: String = part(text, label..end)
        .replace("\\n", "")
        .split("-----")
        .next()?
        .chars()
        .filter(|c| !c.is_whitespace())
        .collect();
    (body.len() >= 64 && !of_documentation(&body)).then_some(end)
}

/// Whether a value says that it is none, repeats, counts up or has few different characters.
fn of_documentation(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    let bytes = lower.as_bytes();
    let steps = |step: u8| {
        let mut longest = 1_usize;
        let mut length = 1_usize;
        for pair in bytes.windows(2) {
            let goes_on =
                matches!(pair, [a, b] if a.is_ascii_alphanumeric() && a.checked_add(step) == Some(*b));
            length = if goes_on { length.saturating_add(1) } else { 1 };
            longest = longest.max(length);
        }
        longest
    };
    let mut different = bytes.to_vec();
    different.sort_unstable();
    different.dedup();
    // A long value has short runs by chance.
    let long = value.len() > 255;
    different.len() < 8
        || (!long && EXAMPLES.iter().any(|word| lower.contains(word)))
        || steps(0) >= if long { 8 } else { 4 }
        || steps(1) >= 6
}

/// Long random values behind a word that names a secret: `api_key=…`, `password is "…"`.
fn suspects(text: &str, known: &[Found]) -> Vec<Found> {
    let sign = |byte: u8| joins(byte) || matches!(byte, b'-' | b'+');
    let (mut found, mut at, mut looked) = (Vec::new(), 0_usize, 0_usize);
    while at < text.len() && looked < MOST_PLACES {
        let start = run(text, at, |byte| !sign(byte));
        let end = run(text, start, sign);
        at = end.max(at.saturating_add(1));
        if end.saturating_sub(start) < LEAST_SUSPECT {
            continue;
        }
        looked = looked.saturating_add(1);
        let value = part(text, start..end);
        let mixed = value.bytes().any(|byte| byte.is_ascii_digit())
            && value.bytes().any(|byte| byte.is_ascii_alphabetic());
        let inside = known.iter().any(|known| known.place.start < end && start < known.place.end);
        if mixed
            && !inside
            && looks_random(value)
            && uuid::Uuid::try_parse(value).is_err()
            && !of_documentation(value)
            && named_secret(text, start)
        {
            found.push(Found { place: start..end, kind: None });
        }
    }
    found
}

/// Whether the words before a value name it a secret, and none says that it is shown for its form.
fn named_secret(text: &str, start: usize) -> bool {
    let mut from = start.saturating_sub(80);
    while !text.is_char_boundary(from) {
        from = from.saturating_add(1);
    }
    let context = part(text, from..start).to_ascii_lowercase();
    let context = context.trim_end_matches(['"', '\'', '`', ' ', '(', '<']);
    let named = context.strip_suffix([':', '=', '>']).or_else(|| context.strip_suffix(" is"));
    let Some(named) = named else { return false };
    let named = named.trim_end_matches(['"', '\'', '`', ' ', ':', '=']);
    let word = |c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | '-' | ' '));
    let name = named.rsplit(word).next().unwrap_or_default().trim();
    let words: Vec<&str> = name.split([' ', '_', '-']).filter(|word| !word.is_empty()).collect();
    let (last, owner) = (words.last().copied().unwrap_or_default(), words.iter().rev().nth(1).copied());
    let secret = match last {
        "key" => owner.is_some_and(|owner| OWNERS.contains(&owner)),
        "code" | "session" | "pin" | "sid" | "auth" | "" => false,
        _ => secret_name(last),
    };
    secret && !HARMLESS.iter().any(|word| context.contains(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    // Not written in one piece, so that no search for keys takes it for a real one.
    const GITHUB: &str = concat!("ghp", "_9fK2mQ7xLr4TzV8wYb1NcH6sJd3PgE5uRa0K");

    fn kinds(text: &str) -> Vec<Option<&'static str>> {
        known_secrets(text).into_iter().map(|found| found.kind).collect()
    }

    /// A token that decodes, with these claims.
    fn web_token(claims: &str) -> String {
        let coded = |text: &str| URL_SAFE_NO_PAD.encode(text);
        format!("{}.{}.{}", coded("{\"alg\":\"HS256\"}"), coded(claims), "k9Xq2LmV7tRz4BwYc8NdPf3H")
    }

    #[test]
    fn keys_are_known_by_their_form() {
        let key = format!(
            "-----BEGIN PRIVATE KEY-----\n{}",
            "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7VJTUt9Us8cKj".repeat(2)
        );
        for (text, kind) in [
            (concat!("key AK", "IAQ7RZP2LMXW9TKB4N."), "an AWS access key"),
            (GITHUB, "a GitHub token"),
            (concat!("AI", "zaSyD9fK2mQ7xLr4TzV8wYb1NcH6sJd3PgE5u"), "a Google API key"),
            (concat!("sk_", "live_9fK2mQ7xLr4TzV8wYb1N"), "a Stripe secret key"),
            (key.as_str(), "a private key"),
            (web_token("{\"sub\":\"ops\",\"exp\":4102444800}").as_str(), "a JSON web token"),
        ] {
            assert_eq!(kinds(text), [Some(kind)], "{text}");
        }
    }

    #[test]
    fn values_of_documentation_are_no_keys() {
        for text in [
            "AKIAIOSFODNN7EXAMPLE",
            "AKIAXXXXXXXXXXXXXXXX",
            "AKIAABCDEFGHIJKLMNOP",
            "ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx",
            "ghp_abcdefghijklmnopqrstuvwxyz0123456789",
            "xoxb-your-bot-token-goes-here-1",
            "pk_live_9fK2mQ7xLr4TzV8wYb1N",
            "sk_test_9fK2mQ7xLr4TzV8wYb1N",
            "a text that begins with -----BEGIN PRIVATE KEY----- and is in PEM",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxMjM0NTY3ODkwIn0.dozjgNryP4J3jVmNHl0w5N_XgL0n3I9PlFUP0THsR8U",
            "eyJhbGciOi...",
            "page_token: CAUQAA9fK2mQ7xLr4TzV8wYb1NcH6s",
            "For example api_key=9fK2mQ7xLr4TzV8wYb1NcH6s",
            "the key is 3f2b8c1e-8c55-4f6e-9d55-0a4fd9a8a001",
            "api_key: my-service-account-of-production",
            "api_key: ~session-1~",
        ] {
            assert_eq!(kinds(text), [], "{text}");
        }
    }

    #[test]
    fn a_value_is_suspected_for_the_word_before_it_and_none_is_shown() {
        let text = "Use api_key=9fK2mQ7xLr4TzV8wYb1NcH6s for all calls.";
        assert_eq!(kinds(text), [None]);
        assert_eq!(without_known_secrets(text).unwrap(), format!("Use api_key={HIDDEN} for all calls."));
        assert_eq!(kinds("The password is \"9fK2mQ7xLr4TzV8wYb1NcH6s\""), [None]);
        let shown = without_known_secrets(&format!("ünter {GITHUB}, {GITHUB}")).unwrap();
        assert_eq!(shown, format!("ünter {HIDDEN}, {HIDDEN}"));
        assert_eq!(without_known_secrets("Adds two numbers"), None);
    }
}
