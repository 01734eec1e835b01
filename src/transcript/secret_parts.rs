//! Which parts of a secret header or query value are secrets by themselves: a server may reflect a cookie's
//! value, a key behind a scheme word or the password of Basic without the rest.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use percent_encoding::percent_decode_str;

/// The shortest part that is masked wherever it appears, in bytes. Eight is the least that NIST SP 800-63B
/// lets a password have; `gzip`, `en-GB`, a flag or a number is shorter, and masking those in everything
/// an endpoint says would hide evidence and no secret.
const SHORTEST_PART: usize = 8;

/// Parameters that schemes and cookies carry in public (RFC 7616, RFC 7239, RFC 9421, AWS Signature 4). Their
/// values are hosts, paths and names of algorithms, which reports are full of.
const PUBLIC: [&str; 22] = [
    "algorithm",
    "by",
    "charset",
    "created",
    "domain",
    "expires",
    "for",
    "headers",
    "host",
    "method",
    "nc",
    "path",
    "proto",
    "qop",
    "realm",
    "scheme",
    "scope",
    "signedheaders",
    "type",
    "uri",
    "url",
    "userhash",
];

/// Every part of this value that could be used, or recognised, without the rest. The value itself is none of
/// them; the order is that of the alphabet, and each is named once.
#[must_use]
pub fn secret_parts(value: &str) -> Vec<String> {
    let mut found = BTreeSet::new();
    let (scheme, rest) = scheme(value);
    if let Some(scheme) = scheme {
        keep(&mut found, rest);
        if let Some(pair) = decoded(rest) {
            // RFC 7617: whatever is short behind the colon is a password all the same.
            let (user, password) = pair.split_once(':').unwrap_or(("", &pair));
            keep(&mut found, user);
            keep(&mut found, password);
            keep(&mut found, &pair);
            if scheme.eq_ignore_ascii_case("basic") {
                found.insert(password.to_owned());
            }
        }
    }
    for piece in pieces(rest) {
        let (name, part) = named(piece);
        if name.is_some_and(|name| PUBLIC.contains(&name.to_ascii_lowercase().as_str())) {
            continue;
        }
        keep(&mut found, piece);
        keep(&mut found, bare(part));
    }
    found.remove(value);
    found.remove("");
    found.into_iter().collect()
}

/// Adds a part that is long enough, also as what its percent escapes stand for. A URL stays: its host and path
/// are no secrets, and its query is a part of its own.
fn keep(found: &mut BTreeSet<String>, part: &str) {
    let part = part.trim();
    if part.len() < SHORTEST_PART || part.contains("://") {
        return;
    }
    found.insert(part.to_owned());
    if part.contains('%')
        && let Ok(plain) = percent_decode_str(part).decode_utf8()
    {
        found.insert(plain.into_owned());
    }
}

/// A scheme word and what follows it (RFC 9110, section 11.4); without one, all of it is the rest.
fn scheme(value: &str) -> (Option<&str>, &str) {
    match value.split_once(' ') {
        Some((word, rest))
            if word.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_')) =>
        {
            (Some(word), rest.trim())
        }
        _ => (None, value),
    }
}

/// A pair that was made into base64 as Basic does it.
fn decoded(text: &str) -> Option<String> {
    let bytes = [STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD]
        .iter()
        .find_map(|base64| base64.decode(text).ok());
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).filter(|pair| pair.contains(':'))
}

/// The pieces between `;`, `,` and spaces that no quotes enclose.
fn pieces(text: &str) -> impl Iterator<Item = &str> {
    let mut quoted = false;
    let mut escaped = false;
    text.split(move |character: char| {
        let literal = escaped;
        escaped = !literal && character == '\\';
        quoted ^= !literal && character == '"';
        !quoted && matches!(character, ';' | ',' | ' ' | '\t')
    })
    .filter(|piece| !piece.is_empty())
}

/// The name and the value of `name=value`, or of `name:value`; only the value where there is neither.
fn named(piece: &str) -> (Option<&str>, &str) {
    let split = |separator| {
        piece.split_once(separator).filter(|(name, value): &(&str, &str)| {
            // Neither the padding of base64 is a separator, nor the colon of a URL.
            !value.trim_matches('=').is_empty() && !value.starts_with("//") && !name.contains('"')
        })
    };
    split('=').or_else(|| split(':')).map_or((None, piece), |(name, value)| (Some(name.trim()), value.trim()))
}

/// Without the quotes and brackets around it.
fn bare(value: &str) -> &str {
    value.trim_matches(|character: char| matches!(character, '"' | '\'' | '{' | '}' | '[' | ']' | '<' | '>'))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_could_be_used_alone_is_a_part() {
        for (value, parts) in [
            ("session=SEC3value77", &["SEC3value77"][..]),
            (
                "theme=dark; session=SEC3value77;id=a%2Fb-77%2Fcc",
                &["SEC3value77", "a/b-77/cc", "a%2Fb-77%2Fcc"],
            ),
            ("Bearer SEC3value77", &["SEC3value77"]),
            ("Bearer abc", &[]),
            ("Basic dXNlcm5hbWU6cHc=", &["pw", "username", "username:pw"]),
            ("Basic dTpTRUMzdmFsdWU3Nw==", &["SEC3value77", "u:SEC3value77"]),
            ("Digest username=\"u\", nonce=\"SEC3value77\", realm=\"somewhere.example\"", &["SEC3value77"]),
            ("Digest opaque=\"a, b; c=SEC3\"", &["a, b; c=SEC3"]),
            (
                "AWS4-HMAC-SHA256 Credential=AKIA777/20260101/x, SignedHeaders=host;x-amz-date, Signature=0a1b2c3d4e",
                &["AKIA777/20260101/x", "0a1b2c3d4e"],
            ),
            ("key:SEC3value77", &["SEC3value77"]),
            ("SEC3value77==", &[]),
            ("gzip,deflate;q=1,en-GB", &[]),
            ("x gzip, en-GB", &["gzip, en-GB"]),
            ("for=203.0.113.77;host=somewhere.example;proto=https", &[]),
            ("see https://somewhere.example/path", &[]),
            ("", &[]),
        ] {
            let found = secret_parts(value);
            for part in parts {
                assert!(found.iter().any(|other| other == part), "{value}: {part} in {found:?}");
            }
            let short = found.iter().any(|part| part.len() < SHORTEST_PART && part != "pw");
            assert!(!short && (!parts.is_empty() || found.is_empty()), "{value}: {found:?}");
            for public in ["somewhere.example", "https", value] {
                assert!(!found.iter().any(|part| part == public), "{value}: {found:?}");
            }
        }
    }
}
