//! The forms that a secret may come in: one table for every test of masking.

use base64::Engine;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};

/// A text in another form.
pub(crate) type Form = fn(&str) -> String;

/// Every character followed by this.
fn between(text: &str, sign: &str) -> String {
    text.chars().map(|character| format!("{character}{sign}")).collect()
}

fn each(text: &str, form: impl Fn(u8) -> String) -> String {
    text.bytes().map(form).collect()
}

fn signs(text: &str, form: impl Fn(char) -> String) -> String {
    text.chars().map(form).collect()
}

fn swapped(text: &str) -> String {
    let swap = |c: char| if c.is_ascii_uppercase() { c.to_ascii_lowercase() } else { c.to_ascii_uppercase() };
    text.chars().map(swap).collect()
}

fn lines(text: &str, length: usize, end: &str) -> String {
    let lines: Vec<&str> =
        text.as_bytes().chunks(length).map(|line| std::str::from_utf8(line).unwrap_or_default()).collect();
    lines.join(end)
}

fn percent(text: &str) -> String {
    each(text, |byte| format!("%{byte:02X}"))
}

fn base32(text: &str) -> String {
    let bits: String = text.bytes().map(|byte| format!("{byte:08b}")).collect();
    let letter = |bits: &[u8]| {
        let bits = format!("{:0<5}", String::from_utf8_lossy(bits));
        char::from(b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567"[usize::from_str_radix(&bits, 2).unwrap_or_default()])
    };
    let text: String = bits.as_bytes().chunks(5).map(letter).collect();
    let padded = text.len().next_multiple_of(8);
    format!("{text:=<padded$}")
}

fn named(sign: char) -> String {
    let name = match sign {
        '&' => "amp",
        '/' => "sol",
        '+' => "plus",
        '=' => "equals",
        '_' => "lowbar",
        ':' => "colon",
        '.' => "period",
        '-' => "hyphen",
        '!' => "excl",
        '<' => "lt",
        '>' => "gt",
        _ => return format!("&#{};", u32::from(sign)),
    };
    format!("&{name};")
}

/// Every form by name. Those of the first two change letters, so nothing reads an encoding through them.
pub(crate) const FORMS: &[(&str, Form)] = &[
    ("swapped-case", swapped),
    ("lower-case", str::to_ascii_lowercase),
    ("plain", str::to_owned),
    ("tabs", |text| between(text, "\t")),
    ("line-ends", |text| between(text, "\r\n ")),
    ("zero-width", |text| between(text, "\u{200b}")),
    ("soft-hyphens", |text| between(text, "\u{ad}")),
    ("markup", |text| between(text, "<b title='>'></b>")),
    ("comments", |text| between(text, "<!--x>y-->")),
    ("numeric-entities", |text| signs(text, |sign| format!("&#{};", u32::from(sign)))),
    ("hex-entities", |text| signs(text, |sign| format!("&#x{:X};", u32::from(sign)))),
    ("named-entities", |text| signs(text, named)),
    ("json-escapes", |text| signs(text, |sign| format!("\\u{:04x}", u32::from(sign)))),
    ("backslash-x", |text| each(text, |byte| format!("\\x{byte:02x}"))),
    ("percent", percent),
    ("percent-twice", |text| percent(text).replace('%', "%25")),
    ("base64", |text| STANDARD.encode(text)),
    ("base64url", |text| URL_SAFE_NO_PAD.encode(text)),
    ("base64-at-1", |text| STANDARD_NO_PAD.encode(format!("\u{1}{text}\u{1}"))),
    ("base64-at-2", |text| URL_SAFE.encode(format!("\u{1}\u{1}{text}\u{1}\u{1}"))),
    ("base64-lines", |text| lines(&STANDARD.encode(text), 7, "\r\n ")),
    ("base32", base32),
    ("base32-lower", |text| base32(text).to_ascii_lowercase().trim_end_matches('=').to_owned()),
    ("hex", |text| each(text, |byte| format!("{byte:02x}"))),
    ("hex-mixed", |text| {
        each(text, |byte| if byte % 2 == 0 { format!("{byte:02x}") } else { format!("{byte:02X}") })
    }),
    ("hex-colons", |text| each(text, |byte| format!("{byte:02x}:"))),
    ("hex-dashes", |text| each(text, |byte| format!("{byte:02X}-"))),
    ("hex-spaces", |text| each(text, |byte| format!("{byte:02x} "))),
    ("utf-16-le", |text| between(text, "\0")),
    ("utf-16-be", |text| text.chars().map(|character| format!("\0{character}")).collect()),
    ("reversed", |text| text.chars().rev().collect()),
];

/// The form with this name.
pub(crate) fn form(name: &str) -> Form {
    FORMS.iter().find(|(other, _)| *other == name).map_or(str::to_owned, |(_, form)| *form)
}

/// One form in another. A change of letters goes first.
pub(crate) fn composed(outer: usize, inner: usize, text: &str) -> String {
    let (outer, inner) = if outer % FORMS.len() < 2 { (inner, outer) } else { (outer, inner) };
    let get = |index: usize| FORMS.get(index % FORMS.len()).map_or(str::to_owned as Form, |(_, form)| *form);
    // Two changes of letters are one.
    get(outer)(&get(inner)(text))
}
