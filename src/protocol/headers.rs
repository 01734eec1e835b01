//! Structured readings of header values. No substring tests anywhere else.

use std::time::Duration;

/// A media type: essence in lower case, parameters in order (RFC 9110 section 8.3.1).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MediaType {
    /// `type/subtype`, lower case.
    pub essence: String,
    /// Parameter names (lower case) and unquoted values.
    pub parameters: Vec<(String, String)>,
}

/// Reads a `Content-Type` value. `None` if it has no `type/subtype`.
#[must_use]
pub fn media_type(value: &str) -> Option<MediaType> {
    let mut parts = split_quoted(value, ';').into_iter();
    let essence = parts.next()?.trim().to_ascii_lowercase();
    let (kind, subtype) = essence.split_once('/')?;
    if kind.is_empty() || subtype.is_empty() || essence.contains(char::is_whitespace) {
        return None;
    }
    let parameters = parts
        .filter_map(|part| {
            let (name, value) = part.split_once('=')?;
            Some((name.trim().to_ascii_lowercase(), unquote(value.trim())))
        })
        .collect();
    Some(MediaType { essence, parameters })
}

/// The members of a comma-separated list, trimmed, without empty ones (RFC 9110 section 5.6.1).
#[must_use]
pub fn list(value: &str) -> Vec<String> {
    split_quoted(value, ',')
        .into_iter()
        .map(|item| item.trim().to_owned())
        .filter(|item| !item.is_empty())
        .collect()
}

/// Seconds of a `Retry-After` value in its delay form. Dates and garbage read as `None`;
/// the value is capped at one day, so that no later arithmetic can overflow.
#[must_use]
pub fn retry_after(value: &str) -> Option<Duration> {
    let digits = value.trim();
    if digits.is_empty() || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    Some(Duration::from_secs(digits.parse::<u64>().map_or(86_400, |seconds| seconds.min(86_400))))
}

/// Splits at `separator` outside quoted strings.
fn split_quoted(value: &str, separator: char) -> Vec<&str> {
    let mut parts = Vec::new();
    let (mut start, mut quoted, mut escaped) = (0, false, false);
    for (index, character) in value.char_indices() {
        match character {
            _ if escaped => escaped = false,
            '\\' if quoted => escaped = true,
            '"' => quoted = !quoted,
            _ if character == separator && !quoted => {
                parts.extend(value.get(start..index));
                start = index.saturating_add(character.len_utf8());
            }
            _ => {}
        }
    }
    parts.extend(value.get(start..));
    parts
}

fn unquote(value: &str) -> String {
    let Some(inner) = value.strip_prefix('"').and_then(|rest| rest.strip_suffix('"')) else {
        return value.to_owned();
    };
    let mut text = String::with_capacity(inner.len());
    let mut characters = inner.chars();
    while let Some(character) = characters.next() {
        if character == '\\' {
            text.extend(characters.next());
        } else {
            text.push(character);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn media_types_keep_parameters_and_ignore_case() {
        let read = media_type("Text/Event-Stream; Charset=\"utf-8\"").unwrap();
        assert_eq!(read.essence, "text/event-stream");
        assert_eq!(read.parameters, [("charset".to_owned(), "utf-8".to_owned())]);
        assert!(media_type("nonsense").is_none());
        assert!(media_type("").is_none());
    }

    #[test]
    fn retry_after_never_overflows() {
        assert_eq!(retry_after("2"), Some(Duration::from_secs(2)));
        assert_eq!(retry_after("99999999999999999999999"), Some(Duration::from_secs(86_400)));
        assert_eq!(retry_after("-1"), None);
        assert_eq!(retry_after("Wed, 21 Oct 2026 07:28:00 GMT"), None);
    }
}
