//! The operator's secrets of one scan: what they are, and the texts without them.
//!
//! One function decides ([`super::secret_match`]); everything that is recorded passes it, and everything that is shown
//! passes it once more, because reading may join or decode what masking saw apart.

use std::collections::BTreeSet;
use std::fmt;
use std::sync::{Arc, Mutex, PoisonError};

use percent_encoding::percent_decode_str;

use super::secret_match::Matcher;
use super::secret_parts::secret_parts;
use super::secret_words::spoken;
use super::userinfo::without_userinfo;

/// Shorter secrets are masked in their own header only: replacing every `a` of a body would hide evidence and no
/// secret.
const SHORTEST: usize = 4;

/// The operator's secrets, each with the placeholder that stands for it. Clones share them.
///
/// A secret of eight bytes or more is found in every form, without regard to case; a shorter one as it is, where it
/// is no part of a word. A word of the protocols that we speak is no secret.
///
/// `Debug` shows nothing of them.
#[derive(Clone, Default)]
pub struct Secrets {
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// Placeholder and value.
    values: BTreeSet<(String, String)>,
    /// Made when it is needed first after a secret joined.
    recorded: Option<Option<Arc<Matcher>>>,
    shown: Option<Option<Arc<Matcher>>>,
}

impl fmt::Debug for Secrets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secrets(..)")
    }
}

impl Secrets {
    /// Registers a secret under a name; gives its placeholder, `~name~`.
    pub fn hide(&self, name: &str, value: &str) -> String {
        self.hide_all(name, [value])
    }

    /// [`Self::hide`] for a value and everything in it that is a secret by itself.
    pub fn hide_with_parts(&self, name: &str, value: &str) -> String {
        let parts = secret_parts(value);
        self.hide_all(name, parts.iter().map(String::as_str).chain([value]))
    }

    /// Registers a secret part of the target's own URL, as it is written there and as what it stands for.
    pub fn hide_in_url(&self, name: &str, value: &str) -> String {
        let spaced = value.replace('+', " ");
        for written in [value, &spaced] {
            self.hide_with_parts(name, &percent_decode_str(written).decode_utf8_lossy());
        }
        self.hide_with_parts(name, value)
    }

    /// Adds all secrets of others.
    pub fn join(&self, others: &Self) {
        let values = others.lock().values.clone();
        self.lock().add(values);
    }

    fn hide_all<'v>(&self, name: &str, values: impl IntoIterator<Item = &'v str>) -> String {
        let placeholder = format!("~{name}~");
        let secret = |value: &&str| value.len() >= SHORTEST && !spoken(value);
        let values = values.into_iter().filter(secret).map(|value| (placeholder.clone(), value.to_owned()));
        self.lock().add(values);
        placeholder
    }

    /// The text with every secret replaced, and without the user and password of any URL; `None` if it has neither.
    #[must_use]
    pub fn masked(&self, text: &str) -> Option<String> {
        let matcher = self.lock().recorded();
        let masked = matcher.and_then(|matcher| matcher.masked(text));
        without_userinfo(masked.as_deref().unwrap_or(text)).or(masked)
    }

    /// [`Self::masked`] for a text that may end inside a secret, because it was cut: what could be the beginning of one
    /// goes as well.
    #[must_use]
    pub fn masked_cut(&self, text: &str) -> Option<String> {
        let matcher = self.lock().recorded();
        let masked = matcher.and_then(|matcher| matcher.masked_cut(text));
        without_userinfo(masked.as_deref().unwrap_or(text)).or(masked)
    }

    /// A document of ours as it may leave: without any secret that is no plain word or number. Those stand in our own
    /// words as well; where an endpoint said them, they went when that was recorded.
    #[must_use]
    pub fn shown(&self, text: String) -> String {
        let Some(matcher) = self.lock().shown() else { return text };
        matcher.masked(&text).unwrap_or(text)
    }

    /// [`Self::shown`] for JSON: only inside of strings, so that it stays JSON.
    #[must_use]
    pub fn shown_json(&self, text: String) -> String {
        let Some(matcher) = self.lock().shown() else { return text };
        let mut masked: Option<String> = None;
        let mut kept = 0_usize;
        for (from, to) in strings(&text) {
            if let Some(string) = text.get(from..to).and_then(|string| matcher.masked(string)) {
                let masked = masked.get_or_insert_default();
                masked.push_str(text.get(kept..from).unwrap_or_default());
                masked.push_str(&string);
                kept = to;
            }
        }
        let Some(mut masked) = masked else { return text };
        masked.push_str(text.get(kept..).unwrap_or_default());
        masked
    }

    /// How many bytes were looked at so far to mask what is recorded.
    #[must_use]
    pub fn work(&self) -> usize {
        self.lock().recorded().map_or(0, |matcher| matcher.read())
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn add(&mut self, values: impl IntoIterator<Item = (String, String)>) {
        for value in values {
            if self.values.insert(value) {
                (self.recorded, self.shown) = (None, None);
            }
        }
    }

    fn recorded(&mut self) -> Option<Arc<Matcher>> {
        let values = &self.values;
        let all = || values.iter().cloned().collect::<Vec<_>>();
        self.recorded.get_or_insert_with(|| Matcher::new(&all()).map(Arc::new)).clone()
    }

    fn shown(&mut self) -> Option<Arc<Matcher>> {
        let values = &self.values;
        let strong = || values.iter().filter(|(_, value)| !plain(value)).cloned().collect::<Vec<_>>();
        self.shown.get_or_insert_with(|| Matcher::new(&strong()).map(Arc::new)).clone()
    }
}

/// Whether a value is a word or a number: letters of one case, or digits alone.
fn plain(value: &str) -> bool {
    value.bytes().all(|byte| byte.is_ascii_digit())
        || value.bytes().all(|byte| byte.is_ascii_lowercase())
        || value.bytes().all(|byte| byte.is_ascii_uppercase())
}

/// The contents of the strings of a JSON text.
fn strings(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    let mut at = 0_usize;
    std::iter::from_fn(move || {
        let open = at.saturating_add(bytes.get(at..)?.iter().position(|byte| *byte == b'"')?);
        let from = open.saturating_add(1);
        let mut to = from;
        while bytes.get(to).is_some_and(|byte| *byte != b'"') {
            to = to.saturating_add(if bytes.get(to) == Some(&b'\\') { 2 } else { 1 });
        }
        at = to.saturating_add(1);
        Some((from, to.min(bytes.len())))
    })
}
