//! Tokens of the server: where they stand they become placeholders and leave their shapes; the same value
//! elsewhere is masked only if nobody could take it for a word, a number or a value of ours.
//!
//! A server chooses its tokens, so they must not be able to change what is read: `Set-Cookie:
//! api_version=2025-11-25` masks one cookie and no version. And what a server writes must not pass for a
//! placeholder: a literal `~session-1~` is recorded as `~!session-1~` (FORMAT 2), a literal `~!session-1~` as
//! `~!!session-1~`, so that every placeholder in a transcript is one of ours.

use std::borrow::Cow;
use std::collections::{BTreeMap, BTreeSet};
use std::sync::PoisonError;

use sha2::{Digest, Sha256};

use super::redact::Vault;
use super::secret_names::secret_name;
use super::token_shape::shape;
pub use super::token_shape::{TokenKind, TokenShape};

/// Tokens of one kind that are told apart. A server that brings a new one with every line must not make every
/// later line slower; the others share a placeholder, `~session-more~`.
pub(super) const MOST_TOKENS: usize = 64;
/// Shapes that one exchange records.
const MOST_SHAPES: usize = 16;
/// Tokens of one URI that are told apart.
const MOST_IN_A_URI: usize = 8;
/// Bytes of a token that are kept and compared; of a longer one the hash says whether it is the same.
pub(super) const LONGEST: usize = 4 * 1024;
/// Shorter values are no tokens by their look.
const SHORTEST: usize = 16;
/// Characters that must stand in runs which are neither words nor numbers.
const LEAST_RANDOM: usize = 8;
/// Values of ours that are remembered.
const MOST_SENT: usize = 512;
/// How the names of placeholders begin.
const HEADS: [&str; 8] =
    ["credential", "header-", "query-", "session-", "cookie-", "uri-token-", "userinfo", "password"];
/// Longest name that could be one of a placeholder.
const LONGEST_NAME: usize = 128;

/// Server tokens of one scan.
#[derive(Default)]
pub(super) struct Tokens {
    /// By kind, in order of appearance.
    known: BTreeMap<TokenKind, Vec<Known>>,
    /// What is masked elsewhere, as it would be recorded, with its placeholder.
    masks: Vec<(String, String)>,
    /// Which of `masks` begin with each byte; empty while there are none.
    by_byte: Vec<Vec<usize>>,
    /// What we sent: it is no secret of the server's.
    sent: BTreeSet<String>,
}

/// One token.
pub(super) struct Known {
    placeholder: String,
    /// The value up to [`LONGEST`].
    pub(super) head: String,
    length: usize,
    /// Of the whole value, where it is longer.
    hash: Option<[u8; 32]>,
}

impl Known {
    fn new(placeholder: String, value: &str) -> Self {
        Self { placeholder, head: head(value).to_owned(), length: value.len(), hash: hash(value) }
    }

    fn is(&self, value: &str, hash: Option<[u8; 32]>) -> bool {
        self.length == value.len() && self.head == head(value) && self.hash == hash
    }
}

/// The hash of a value of which only the head is kept.
fn hash(value: &str) -> Option<[u8; 32]> {
    (value.len() > LONGEST).then(|| Sha256::digest(value).into())
}

/// The shapes that one exchange records: not more than anybody reads.
#[derive(Clone, Debug, Default)]
pub struct Shapes(Vec<TokenShape>);

impl Shapes {
    /// They, in order.
    #[must_use]
    pub fn list(self) -> Vec<TokenShape> {
        self.0
    }
}

/// Where a URI comes from: what is a token in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UriOf {
    /// An `endpoint` event: query values that are secrets by name or look, and path segments by look.
    Announcement,
    /// A redirect: query and fragment values that are secrets by name, because codes and tokens travel there.
    Redirect,
}

impl Vault {
    /// Registers a server's token as it arrives. The same value keeps its placeholder.
    pub fn learn(&self, kind: TokenKind, value: &str) -> TokenShape {
        let mut shapes = Shapes::default();
        let placeholder = self.token(kind, value, &mut shapes);
        let shape = shapes.0.pop();
        shape.unwrap_or_else(|| shape_of_nothing(kind, placeholder))
    }

    /// The placeholder of a token, whose shape is added while there is room.
    pub fn token(&self, kind: TokenKind, value: &str, shapes: &mut Shapes) -> String {
        let recorded = self.mask(&escape(value));
        let mut tokens = self.tokens();
        let ours = tokens.is_ours(value);
        let known = tokens.known.entry(kind).or_default();
        let hash = hash(value);
        let earlier = known.iter().find(|known| known.is(value, hash)).map(|known| known.placeholder.clone());
        let repeats = earlier.is_some();
        let few = known.len() < MOST_TOKENS;
        let placeholder = earlier.unwrap_or_else(|| {
            if few {
                format!("~{}-{}~", kind.word(), known.len().saturating_add(1))
            } else {
                format!("~{}-more~", kind.word())
            }
        });
        if shapes.0.len() < MOST_SHAPES {
            let shape = shape(kind, value, known, repeats);
            shapes.0.push(TokenShape { placeholder: placeholder.clone(), ..shape });
        }
        if few && !repeats {
            known.push(Known::new(placeholder.clone(), value));
            if looks_random(value) && !ours {
                tokens.mask_elsewhere(recorded, placeholder.clone());
            }
        }
        placeholder
    }

    /// Remembers what we sent: where a server gives it back, it is no token.
    pub fn sent(&self, value: &str) {
        let mut tokens = self.tokens();
        if (SHORTEST..=LONGEST).contains(&value.len()) && tokens.sent.len() < MOST_SENT {
            tokens.sent.insert(value.to_owned());
        }
    }

    /// What a server said, as it is recorded: nothing in it looks like a placeholder, the operator's secrets
    /// and the server's tokens are replaced.
    #[must_use]
    pub fn record(&self, text: &str) -> String {
        self.recorded(text).unwrap_or_else(|| text.to_owned())
    }

    /// [`Self::record`]; `None` where that changes nothing.
    #[must_use]
    pub fn recorded(&self, text: &str) -> Option<String> {
        let escaped = escape(text);
        let masked = match self.masked(&escaped) {
            Some(masked) => Cow::Owned(masked),
            None => escaped,
        };
        let whole = self.tokens().masked(&masked);
        whole.or(if let Cow::Owned(masked) = masked { Some(masked) } else { None })
    }

    /// [`Self::record`] for a text that may end inside a secret, because it was cut.
    #[must_use]
    pub fn record_cut(&self, text: &str) -> String {
        let masked = self.mask_cut(&escape(text));
        let tokens = self.tokens();
        let mut masked = tokens.masked(&masked).unwrap_or(masked);
        let begun = tokens.masks.iter().find_map(|(form, placeholder)| {
            let mut lengths = (SHORTEST / 2..form.len()).rev();
            let length =
                lengths.find(|length| form.get(..*length).is_some_and(|start| masked.ends_with(start)))?;
            Some((length, placeholder))
        });
        if let Some((length, placeholder)) = begun {
            masked.truncate(masked.len().saturating_sub(length));
            masked.push_str(placeholder);
        }
        masked
    }

    /// A URI of the server's as it is recorded, its tokens replaced where they stand.
    pub fn record_uri(&self, of: UriOf, uri: &str, shapes: &mut Shapes) -> String {
        let text = self.mask(&escape(uri));
        let mut left = MOST_IN_A_URI;
        let mut hide = |piece: &str| {
            left = left.saturating_sub(1);
            if left == 0 {
                return format!("~{}-more~", TokenKind::Uri.word());
            }
            self.token(TokenKind::Uri, piece, shapes)
        };
        let mut pairs = |text: &str| {
            let pair = |pair: &str| match pair.split_once('=') {
                Some((name, value)) if is_token(of, name, value) => format!("{name}={}", hide(value)),
                _ => pair.to_owned(),
            };
            text.split('&').map(pair).collect::<Vec<_>>().join("&")
        };
        let (before, fragment) = split_at(&text, '#');
        let (path, query) = split_at(before, '?');
        let query = query.map(&mut pairs);
        let fragment = fragment.map(|text| match of {
            UriOf::Redirect => pairs(text),
            UriOf::Announcement => text.to_owned(),
        });
        let path = match of {
            UriOf::Redirect => path.to_owned(),
            UriOf::Announcement => {
                let segment = |text: &str| {
                    if looks_random(text) && !holds_placeholder(text) { hide(text) } else { text.to_owned() }
                };
                path.split('/').map(segment).collect::<Vec<_>>().join("/")
            }
        };
        let mut shown = path;
        for (separator, part) in [('?', query), ('#', fragment)] {
            if let Some(part) = part {
                shown.push(separator);
                shown.push_str(&part);
            }
        }
        self.tokens().masked(&shown).unwrap_or(shown)
    }

    fn tokens(&self) -> std::sync::MutexGuard<'_, Tokens> {
        self.tokens.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn split_at(text: &str, separator: char) -> (&str, Option<&str>) {
    text.split_once(separator).map_or((text, None), |(before, after)| (before, Some(after)))
}

/// Whether the value of a query pair is a token.
fn is_token(of: UriOf, name: &str, value: &str) -> bool {
    if value.is_empty() || holds_placeholder(value) {
        return false;
    }
    secret_name(name) || (of == UriOf::Announcement && looks_random(value))
}

fn shape_of_nothing(kind: TokenKind, placeholder: String) -> TokenShape {
    TokenShape { placeholder, ..shape(kind, "", &[], false) }
}

/// The part of a value that is kept.
pub(super) fn head(value: &str) -> &str {
    beginning(value, LONGEST)
}

/// At most so many bytes of a text, up to a whole character.
#[must_use]
pub fn beginning(text: &str, most: usize) -> &str {
    let end = (0..=most.min(text.len())).rev().find(|end| text.is_char_boundary(*end));
    text.get(..end.unwrap_or(0)).unwrap_or_default()
}

impl Tokens {
    fn is_ours(&self, value: &str) -> bool {
        self.sent.iter().any(|sent| sent.contains(value))
    }

    fn mask_elsewhere(&mut self, form: String, placeholder: String) {
        let Some(first) = form.bytes().next() else { return };
        if self.by_byte.is_empty() {
            self.by_byte = vec![Vec::new(); 256];
        }
        if let Some(list) = self.by_byte.get_mut(usize::from(first)) {
            list.push(self.masks.len());
        }
        self.masks.push((form, placeholder));
    }

    /// The text with every known token replaced that stands alone in it; `None` if there is none.
    fn masked(&self, text: &str) -> Option<String> {
        if self.masks.is_empty() {
            return None;
        }
        let bytes = text.as_bytes();
        let mut masked: Option<String> = None;
        let mut kept = 0_usize;
        let mut before = b' ';
        for (at, byte) in bytes.iter().enumerate() {
            let begins = !joins(before) && before != b'\\';
            before = *byte;
            let list = self.by_byte.get(usize::from(*byte)).map_or(&[][..], Vec::as_slice);
            if list.is_empty() || at < kept || !begins {
                continue;
            }
            let rest = bytes.get(at..).unwrap_or_default();
            let stands = |form: &str| {
                rest.starts_with(form.as_bytes()) && !rest.get(form.len()).copied().is_some_and(joins)
            };
            let found = list.iter().filter_map(|index| self.masks.get(*index));
            let longest = found.filter(|(form, _)| stands(form)).max_by_key(|(form, _)| form.len());
            if let Some((form, placeholder)) = longest {
                let masked = masked.get_or_insert_with(|| String::with_capacity(text.len()));
                masked.push_str(text.get(kept..at).unwrap_or_default());
                masked.push_str(placeholder);
                kept = at.saturating_add(form.len());
            }
        }
        let mut masked = masked?;
        masked.push_str(text.get(kept..).unwrap_or_default());
        Some(masked)
    }
}

/// Whether a byte belongs to the word beside it: a token is replaced only where it stands alone, so that no
/// escape sequence of JSON and no longer word is torn apart.
fn joins(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
}

/// Whether a value looks like a token wherever it stands: at least 16 characters, none of which a text or JSON
/// would need to separate something, and at least eight of them in runs that are neither words (`list`,
/// `List`, `protocolVersion`) nor numbers. Dates, versions, media types and method names are none.
#[must_use]
pub fn looks_random(value: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-._~+/=%:".contains(&byte);
    if !(SHORTEST..=LONGEST).contains(&value.len()) || !value.bytes().all(plain) {
        return false;
    }
    let runs = value.split(|c: char| !c.is_ascii_alphanumeric());
    let random: usize = runs.filter(|run| run.len() > 3 && !is_word(run)).map(str::len).sum();
    random >= LEAST_RANDOM
}

/// Whether some run of letters and digits in a value is neither word nor number.
#[must_use]
pub fn has_random_run(value: &str) -> bool {
    value.split(|c: char| !c.is_ascii_alphanumeric()).any(|run| run.len() > 3 && !is_word(run))
}

/// Whether a run of letters and digits is a number, or words of one spelling, perhaps numbered (`utf8`, `v2`).
fn is_word(run: &str) -> bool {
    // `20251125T100000Z` is a date.
    if run.chars().all(|c| c.is_ascii_digit() || matches!(c, 'T' | 'W' | 'Z')) {
        return true;
    }
    let letters = run.trim_end_matches(|c: char| c.is_ascii_digit());
    if letters.len().saturating_add(4) < run.len() || letters.bytes().any(|byte| byte.is_ascii_digit()) {
        return false;
    }
    // Humps: a capital letter begins one. Words have at least three letters each, on average.
    let humps = letters
        .as_bytes()
        .windows(2)
        .filter(|pair| matches!(pair, [a, b] if a.is_ascii_lowercase() && b.is_ascii_uppercase()))
        .count();
    humps.saturating_add(1).saturating_mul(3) <= letters.len() || humps == 0
}

/// A text of a server's in which nothing can be taken for a placeholder.
pub(super) fn escape(text: &str) -> Cow<'_, str> {
    let mut escaped: Option<String> = None;
    let mut kept = 0_usize;
    for (at, _) in text.match_indices('~') {
        let rest = text.get(at.saturating_add(1)..).unwrap_or_default();
        if is_named(rest.trim_start_matches('!')) {
            let escaped = escaped.get_or_insert_with(|| String::with_capacity(text.len()));
            escaped.push_str(text.get(kept..at).unwrap_or_default());
            escaped.push_str("~!");
            kept = at.saturating_add(1);
        }
    }
    match escaped {
        Some(mut escaped) => {
            escaped.push_str(text.get(kept..).unwrap_or_default());
            Cow::Owned(escaped)
        }
        None => Cow::Borrowed(text),
    }
}

/// Whether what follows a tilde is the rest of a placeholder.
fn is_named(rest: &str) -> bool {
    HEADS.iter().any(|head| rest.starts_with(head))
        && rest
            .bytes()
            .take(LONGEST_NAME)
            .position(|byte| byte == b'~' || byte <= b' ')
            .is_some_and(|end| rest.as_bytes().get(end) == Some(&b'~'))
}

/// Whether a recorded text holds a placeholder, or one that was written as text.
#[must_use]
pub fn holds_placeholder(recorded: &str) -> bool {
    let mut tildes = recorded.match_indices('~');
    tildes.any(|(at, _)| {
        let rest = recorded.get(at.saturating_add(1)..).unwrap_or_default();
        is_named(rest.trim_start_matches('!'))
    })
}

#[cfg(test)]
mod tests {
    use base64::Engine;
    use base64::engine::general_purpose::URL_SAFE_NO_PAD;
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn a_flood_of_tokens_slows_nothing_down_and_keeps_few() {
        let vault = Vault::default();
        let mut shapes = Shapes::default();
        for number in 0..10_000 {
            vault.token(
                TokenKind::Cookie,
                &format!("cookie-value-{number:06}-a8Kx0q7Zt{number}"),
                &mut shapes,
            );
        }
        let (known, masks) = {
            let tokens = vault.tokens();
            (tokens.known[&TokenKind::Cookie].len(), tokens.masks.len())
        };
        assert_eq!((known, masks, shapes.list().len()), (MOST_TOKENS, MOST_TOKENS, MOST_SHAPES));
        assert_eq!(vault.learn(TokenKind::Cookie, "another-new-one").placeholder, "~cookie-more~");
        let again = vault.learn(TokenKind::Cookie, "cookie-value-000003-a8Kx0q7Zt3");
        assert_eq!((again.placeholder.as_str(), again.repeats), ("~cookie-4~", true));
    }

    #[test]
    fn a_uri_full_of_tokens_is_read_once_and_short() {
        let vault = Vault::default();
        let mut shapes = Shapes::default();
        let uri = format!("/m?{}", "token=a8Kx0q7Zt1&".repeat(50_000));
        let shown = vault.record_uri(UriOf::Announcement, &uri, &mut shapes);
        assert!(shown.starts_with("/m?token=~uri-token-1~&token=~uri-token-1~"), "{}", beginning(&shown, 80));
        assert!(shown.ends_with("token=~uri-token-more~&"));
        assert!(shapes.list().len() <= MOST_IN_A_URI);
    }

    #[test]
    fn long_tokens_are_told_apart_and_cut() {
        let vault = Vault::default();
        let long = "k7".repeat(300_000);
        let first = vault.learn(TokenKind::Session, &long);
        let other = vault.learn(TokenKind::Session, &format!("{long}x"));
        assert_eq!(first.length, 600_000);
        assert_ne!(first.placeholder, other.placeholder);
        assert!(vault.learn(TokenKind::Session, &long).repeats);
        assert!(vault.tokens().known[&TokenKind::Session].iter().all(|known| known.head.len() <= LONGEST));
    }

    #[test]
    fn tokens_keep_identity() {
        let vault = Vault::default();
        let first = vault.learn(TokenKind::Session, "0123456789abcdef");
        let again = vault.learn(TokenKind::Session, "0123456789abcdef");
        let other = vault.learn(TokenKind::Session, "01234567ffffffff");
        assert_eq!(first.placeholder, again.placeholder);
        assert!(again.repeats && !first.repeats);
        assert_eq!((other.common_prefix, other.common_suffix), (8, 1));
        assert_eq!(vault.record("x 0123456789abcdef y"), "x ~session-1~ y");
    }

    #[test]
    fn counters_and_jwts_are_recognised() {
        let vault = Vault::default();
        vault.learn(TokenKind::Session, "session-41");
        assert_eq!(vault.learn(TokenKind::Session, "session-42").step, Some(1));
        let vault = Vault::default();
        let head = URL_SAFE_NO_PAD.encode("{\"alg\":\"x\"}");
        vault.learn(TokenKind::Session, &format!("{head}.aaaa.bbbb"));
        let shape = vault.learn(TokenKind::Session, &format!("{head}.aacc.dddd"));
        assert_eq!(shape.jwt_common, Some(2));
    }

    #[test]
    fn only_what_looks_like_a_token_is_masked_elsewhere() {
        for token in [
            "550e8400-e29b-41d4-a716-446655440000",
            "0123456789abcdef",
            "d41d8cd98f00b204e9800998ecf8427e",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.dozjgNryP4J3jVmNHl0w5N",
            "sess_9fK2mQ7xT4bW1zR8",
        ] {
            let vault = Vault::default();
            vault.learn(TokenKind::Cookie, token);
            assert_eq!(
                vault.record(&format!("{{\"sid\":\"{token}\"}}")),
                "{\"sid\":\"~cookie-1~\"}",
                "{token}"
            );
        }
        for word in [
            "1",
            "2025-11-25",
            "2024-11-05",
            "2025-11-25T10:00:00Z",
            "20251125T100000Z",
            "protocolVersion",
            "io.modelcontextprotocol/protocolVersion",
            "application/json;charset=utf-8",
            "notifications/tools/list_changed",
            "text/event-stream",
            "scanner_nonexistent_tool",
            "1234567890123456789",
            "session-00000042",
            "release-1.20.300-beta.4",
            "{\"a1b2c3d4e5f6a7b8\":1}",
            "a1b2c3d4e5f6\"}],\"x9y8z7",
        ] {
            let vault = Vault::default();
            vault.learn(TokenKind::Cookie, word);
            let text = format!("before {word} after \"{word}\"");
            assert_eq!(vault.record(&text), text, "{word}");
        }
    }

    #[test]
    fn what_we_sent_is_no_token_of_theirs() {
        let vault = Vault::default();
        vault.sent("agentgauge/0.1 (+https://x.invalid/550e8400-e29b-41d4-a716-446655440000)");
        vault.learn(TokenKind::Cookie, "550e8400-e29b-41d4-a716-446655440000");
        let text = "we are 550e8400-e29b-41d4-a716-446655440000";
        assert_eq!(vault.record(text), text);
    }

    #[test]
    fn no_escape_of_json_is_torn_apart() {
        let vault = Vault::default();
        vault.learn(TokenKind::Cookie, "00e9a1b2c3d4e5f6a7");
        vault.learn(TokenKind::Cookie, "u00e9a1b2c3d4e5f6a7");
        let text = r#"{"a":"\u00e9a1b2c3d4e5f6a7","b":"x00e9a1b2c3d4e5f6a7"}"#;
        assert_eq!(vault.record(text), text);
    }

    #[test]
    fn parts_of_an_announced_uri_are_masked_where_they_stand() {
        let vault = Vault::default();
        let mut shapes = Shapes::default();
        let mut shown = |uri: &str| vault.record_uri(UriOf::Announcement, uri, &mut shapes);
        assert_eq!(
            shown("/m/550e8400-e29b-41d4-a716-446655440000?session_id=abcdefgh&version=2024-11-05"),
            "/m/~uri-token-2~?session_id=~uri-token-1~&version=2024-11-05"
        );
        assert_eq!(shown("/messages?mode=protocolVersion"), "/messages?mode=protocolVersion");
        assert_eq!(vault.record("2024-11-05"), "2024-11-05");
        assert_eq!(shapes.list().len(), 2);
    }

    #[test]
    fn what_only_looks_like_a_placeholder_is_told_from_one() {
        let vault = Vault::default();
        vault.learn(TokenKind::Session, "0123456789abcdef");
        for (said, recorded) in [
            ("~session-1~", "~!session-1~"),
            ("~!session-1~", "~!!session-1~"),
            ("0123456789abcdef ~session-1~ ~credential~", "~session-1~ ~!session-1~ ~!credential~"),
            ("~session-1~session-1~", "~!session-1~!session-1~"),
            ("~~struck~~ ~user ~/x~ ~session 1~", "~~struck~~ ~user ~/x~ ~session 1~"),
        ] {
            assert_eq!(vault.record(said), recorded);
        }
        assert!(holds_placeholder("a ~session-1~") && holds_placeholder("~!cookie-2~"));
        assert!(!holds_placeholder("~~struck~~"));
    }

    proptest! {
        #[test]
        fn escaping_loses_nothing(text in "[~!sesion1a-]{0,30}|(~!{0,3}(session-1|credential)~?){0,4}") {
            // One `!` after each tilde that was escaped goes: then the text is back.
            let escaped = escape(&text);
            let mut back = String::new();
            let mut rest = &*escaped;
            while let Some(at) = rest.find('~') {
                let (before, after) = rest.split_at(at + 1);
                back.push_str(before);
                rest = match after.strip_prefix('!') {
                    Some(shorter) if is_named(after.trim_start_matches('!')) => shorter,
                    _ => after,
                };
            }
            back.push_str(rest);
            prop_assert_eq!(&back, &text);
            let bare = escaped.match_indices('~').any(|(at, _)| is_named(escaped.get(at + 1..).unwrap()));
            prop_assert!(!bare, "{} could be a placeholder", escaped);
        }
    }
}
