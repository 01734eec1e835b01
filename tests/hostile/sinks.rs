//! What must not be in any sink, and what every format must be.

use std::path::Path;
use std::sync::LazyLock;

use agentgauge::report::format::Format;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE};
use serde_json::Value;

use super::forms::form;
use super::run::CANARY;
use crate::program::{Folder, finish, program};

/// A form of the secret in these bytes, also one that was cut short.
pub(super) fn leaked(bytes: &[u8]) -> Option<String> {
    static FORMS: LazyLock<Vec<String>> = LazyLock::new(forms);
    let text = String::from_utf8_lossy(bytes);
    FORMS.iter().find(|form| text.contains(form.as_str())).cloned().or_else(|| joined(&text))
}

/// A form that can be read once the text has no case, no spaces, and nothing between letters that nobody sees.
fn joined(text: &str) -> Option<String> {
    static FORMS: LazyLock<Vec<String>> = LazyLock::new(|| {
        let reversed: String = CANARY.chars().rev().collect();
        let base32 = form("base32")(CANARY);
        [&CANARY[..12], &reversed[..12], &reversed[12..], &base32[..16]].map(str::to_ascii_lowercase).to_vec()
    });
    let seen = |c: &char| !c.is_whitespace() && agentgauge::report::text::harmless(*c);
    let text: String = text.chars().filter(seen).map(|c| c.to_ascii_lowercase()).collect();
    FORMS.iter().find(|form| text.contains(form.as_str())).cloned()
}

/// What the secret may look like. A part is a leak as well: twelve characters of the beginning are too many.
fn forms() -> Vec<String> {
    let hex: String = CANARY.bytes().map(|byte| format!("{byte:02x}")).collect();
    let percent = |byte: u8| format!("%{byte:02X}");
    let some: String = CANARY
        .bytes()
        .map(|byte| if byte.is_ascii_alphanumeric() { char::from(byte).to_string() } else { percent(byte) })
        .collect();
    let all: String = CANARY.bytes().map(percent).collect();
    let unicode: String = CANARY.bytes().map(|byte| format!("\\u{byte:04x}")).collect();
    let mut forms = vec![
        CANARY[..12].to_owned(),
        hex[..24].to_owned(),
        hex[..24].to_uppercase(),
        some[..20].to_owned(),
        some[..20].to_lowercase(),
        all[..36].to_owned(),
        all[..36].to_lowercase(),
        unicode[..60].to_owned(),
        STANDARD.encode(CANARY)[..16].to_owned(),
        URL_SAFE.encode(CANARY)[..16].to_owned(),
    ];
    forms.extend((1..3).map(|offset| {
        let text = STANDARD.encode(format!("{}{CANARY}", "x".repeat(offset)));
        text[4..24].to_owned()
    }));
    forms.sort();
    forms.dedup();
    forms
}

/// The place of a character that moves a cursor, reorders or hides text, with what is around it.
pub(super) fn raw_control(bytes: &[u8]) -> Option<String> {
    // Most of a report is plain ASCII, and this is much text.
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~' | b'\n')) {
        return None;
    }
    let text = String::from_utf8_lossy(bytes);
    let bad = |c: char| c != '\n' && !agentgauge::report::text::harmless(c);
    let at = text.find(bad)?;
    let around: String = text[..at].chars().rev().take(40).collect::<Vec<_>>().into_iter().rev().collect();
    Some(format!("{:?} after {around:?}", text[at..].chars().next().unwrap()))
}

/// Whether a document is what the readers of its format take.
pub(super) fn sound(format: Format, bytes: &[u8]) -> Result<(), String> {
    let text = std::str::from_utf8(bytes).map_err(|error| error.to_string())?;
    let json = |text: &str| serde_json::from_str::<Value>(text).map(drop).map_err(|error| error.to_string());
    let xml = || roxmltree::Document::parse(text).map(drop).map_err(|error| error.to_string());
    if text.is_empty() && format != Format::Github {
        return Err("nothing in it".to_owned());
    }
    match format {
        Format::Json | Format::Sarif | Format::SarifAlerts | Format::Gitlab | Format::Badge => json(text),
        Format::Jsonl => text.lines().try_for_each(json),
        Format::Junit | Format::BadgeSvg => xml(),
        Format::Markdown => markdown(text),
        Format::Html => html(text),
        Format::Table | Format::Github => Ok(()),
    }?;
    match command(text, Some(format)) {
        Some(line) => Err(format!("a workflow command: {line:?}")),
        None => Ok(()),
    }
}

/// The first line that the log of a CI system would read as a command: at its start, and some anywhere. In its
/// own format our annotations are meant to be read.
pub(super) fn command(text: &str, format: Option<Format>) -> Option<&str> {
    let github = format == Some(Format::Github);
    let ours = |line: &str| {
        github && ["::error ", "::warning ", "::notice "].iter().any(|name| line.starts_with(name))
    };
    text.lines().find(|line| {
        (line.trim_start().starts_with("::") && !ours(line))
            || ["##[", "##vso[", "##teamcity["].iter().any(|begin| line.contains(begin))
    })
}

/// Markup of our own and links of our own, and nothing else that a renderer would act on.
fn markdown(text: &str) -> Result<(), String> {
    use pulldown_cmark::{Event, Options, Parser, Tag};
    let ours =
        ["<!-- agentgauge:report:", "<details>", "</details>", "<summary>", "</summary>", "<sub>", "</sub>"];
    for event in Parser::new_ext(text, Options::ENABLE_TABLES | Options::ENABLE_STRIKETHROUGH) {
        match &event {
            Event::Html(markup) | Event::InlineHtml(markup) => {
                let mut rest = markup.trim().to_owned();
                if rest.starts_with(ours[0]) {
                    continue;
                }
                for tag in &ours[1..] {
                    rest = rest.replace(tag, "");
                }
                // A line that begins with a tag of ours is handed over whole.
                if rest.contains('<') {
                    return Err(format!("markup that is not ours: {markup:?}"));
                }
            }
            Event::Start(Tag::Link { dest_url, .. }) if !dest_url.starts_with("https://") => {
                return Err(format!("a link to {dest_url:?}"));
            }
            Event::Start(Tag::Image { dest_url, .. }) => return Err(format!("an image of {dest_url:?}")),
            Event::Start(Tag::Strikethrough) => return Err("text that is struck through".to_owned()),
            _ => {}
        }
    }
    Ok(())
}

/// A page that runs nothing and asks for nothing, whatever is in it.
fn html(text: &str) -> Result<(), String> {
    // Said once by us, so that no browser asks for an icon.
    let lower = text.to_ascii_lowercase().replacen("<link rel=\"icon\" href=\"data:,\">", "", 1);
    let names = [
        "script", "iframe", "img", "image", "object", "embed", "form", "input", "link", "base", "use",
        "audio", "video",
    ];
    if let Some(name) = names.iter().find(|name| {
        lower.match_indices(&format!("<{name}")).any(|(at, tag)| {
            !lower[at + tag.len()..].starts_with(|next: char| next.is_ascii_alphanumeric() || next == '-')
        })
    }) {
        return Err(format!("a <{name}>"));
    }
    // Inside a tag no quote is left open, so that what follows a '<' and a letter is a tag of ours.
    for (at, _) in lower.match_indices('<') {
        let tag = &lower[at..];
        let tag = &tag[..tag.find('>').unwrap_or(tag.len())];
        let handler = tag.split_ascii_whitespace().skip(1).find(|word| {
            word.starts_with("on") && word.contains('=')
                || word.contains("javascript:")
                || word.starts_with("src=")
        });
        if let Some(handler) = handler {
            return Err(format!("an attribute that acts: {handler:?}"));
        }
        let fetched =
            tag.split("href=\"").nth(1).is_some_and(|to| !to.starts_with('#') && !to.starts_with("https://"));
        if fetched {
            return Err(format!("a link that is not ours: {tag:?}"));
        }
    }
    Ok(())
}

/// Reports of all transcripts together, in every format: leaks and broken documents.
pub(super) fn faults_of_lists(transcripts: &[&Path], folder: &Folder) -> Vec<String> {
    let mut faults = Vec::new();
    let file = |format: &Format| folder.0.join(format!("every.{}", format.name()));
    let mut command = program();
    command.args(["replay", "-q"]).args(transcripts);
    for format in Format::ALL {
        command.args(["--report", &format!("{}={}", format.name(), file(format).display())]);
    }
    let run = finish(&mut command);
    for format in Format::ALL {
        let Ok(bytes) = std::fs::read(file(format)) else {
            faults.push(format!("no {} of all: {run:?}", format.name()));
            continue;
        };
        if let Some(what) = leaked(&bytes).or_else(|| raw_control(&bytes)) {
            faults.push(format!("leak in {} of all: {what}", format.name()));
        }
        if let Err(why) = sound(*format, &bytes) {
            faults.push(format!("{} of all is broken: {why}", format.name()));
        }
    }
    faults
}
