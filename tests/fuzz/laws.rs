//! What must hold for any bytes. The fuzz targets call these, and so does the ordinary suite
//! (`tests/it/laws.rs`) with random bytes, seeds that were changed at random, and every input that once
//! broke one.
#![allow(dead_code)] // Each fuzz target uses one of them.

use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::protocol::sse::{LineDecoder, SseLimits, blocks, client_events, last_event_id};
use agentgauge::protocol::{address, challenge, headers, jsonrpc, well_known};
use agentgauge::report::format::{Format, Run};
use agentgauge::report::table::{Detail, Style};
use agentgauge::report::{sink, text};
use agentgauge::rubric::Rubric;
use agentgauge::transcript::{Secrets, codec};

use crate::forms::composed;

/// Lines do not depend on how the bytes were cut into reads, and limits bound what is kept.
pub(crate) fn sse(data: &[u8]) {
    let limits = SseLimits {
        line_bytes: 64,
        event_bytes: 256,
        event_lines: 8,
        stream_bytes: 4_096,
        stream_lines: 512,
    };
    let (cut, bytes) = data.split_first().map_or((1, data), |(cut, rest)| (usize::from(*cut).max(1), rest));
    let mut whole = LineDecoder::new(limits);
    let mut parts = LineDecoder::new(limits);
    let first = whole.push(bytes, 1);
    let second = bytes.chunks(cut).try_for_each(|chunk| parts.push(chunk, 1));
    if first.is_ok() && second.is_ok() {
        whole.finish(2);
        parts.finish(2);
    }
    assert_eq!(whole.bom, parts.bom);
    assert!(whole.lines.iter().all(|line| line.text.len() <= 64 * 3), "a line is longer than its limit");
    if first.is_ok() {
        assert!(second.is_ok());
        assert_eq!(whole.lines, parts.lines);
    }
    let found = blocks(&whole.lines);
    let _ = last_event_id(&found);
    let dispatched = found.iter().filter(|block| block.dispatched()).count();
    assert!(client_events(&whole.lines).len() <= dispatched.max(found.len()));
    for line in &whole.lines {
        let _ = line.kind();
    }
}

/// What is no JSON is refused; what is, is a request, a reply, or neither, never both.
pub(crate) fn jsonrpc(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    let Ok(value) = jsonrpc::parse(&text) else { return };
    assert!(!(jsonrpc::is_request(&value) && jsonrpc::is_reply(&value)));
    if let Some(answer) = jsonrpc::answer(&value) {
        assert!(!(answer.code().is_some() && answer.result().is_some()));
    }
    let _ = jsonrpc::envelope_faults(&value);
    let _ = jsonrpc::type_name(&value);
}

/// Header values, hosts and URLs are read or refused.
pub(crate) fn headers(data: &[u8]) {
    let value = String::from_utf8_lossy(data);
    if let Some(media) = headers::media_type(&value) {
        assert!(!media.essence.chars().any(|c| c.is_ascii_uppercase()));
    }
    let _ = headers::list(&value);
    let _ = headers::retry_after(&value);
    for challenge in challenge::read(&value).found {
        let _ = challenge.parameter("resource_metadata");
    }
    let _ = address::host_exposure(&value);
    let _ = well_known::path_form(&value, "oauth-protected-resource");
    let _ = well_known::root_form(&value, "oauth-protected-resource");
    let _ = well_known::issuer_forms(&value);
}

/// Whatever can be read as a transcript can be written, read again as the same, judged by every check,
/// and shown without a control character.
pub(crate) fn transcript(data: &[u8]) {
    let Ok(transcript) = codec::decode(data) else { return };
    let again = codec::decode(codec::encode(&transcript).as_slice());
    assert_eq!(again.as_ref().ok(), Some(&transcript));
    let report = judge(&transcript, &Rubric::default_rubric(), &Gates::default());
    if let Some(score) = report.score.value {
        assert!((0.0..=100.0).contains(&score), "{score}");
    }
    let exit = report.exit;
    let reports = [report];
    // One format each time: all of them take longer than the rest together.
    let format = Format::ALL[data.len() % Format::ALL.len()];
    let shown = format.render(&Run {
        reports: &reports,
        missing: &[],
        exit,
        written: &[],
        style: Style::plain(80).telling(Detail::Everything),
    });
    let shown = String::from_utf8(shown).expect("UTF-8");
    let raw = shown.chars().find(|c| !text::harmless(*c) && *c != '\n');
    assert_eq!(raw, None, "in {}", format.name());
}

/// A rubric is refused with its place, or has a grade for every score.
pub(crate) fn rubric(data: &[u8]) {
    let text = String::from_utf8_lossy(data);
    match Rubric::parse(&text, "fuzzed") {
        Ok(rubric) => {
            for value in [0.0, 50.0, 100.0] {
                let _ = rubric.grade(value);
            }
        }
        Err(error) => assert!(error.to_string().starts_with("fuzzed"), "{error}"),
    }
}

/// No sink lets through what it promises to keep out.
pub(crate) fn sanitisers(data: &[u8]) {
    const MOST: usize = 80;
    let hostile = String::from_utf8_lossy(data);
    for shown in [
        text::sanitise(&hostile),
        text::short(&hostile, MOST),
        text::shell(&hostile).unwrap_or_default(),
        sink::json(&hostile, false),
        sink::xml(&hostile, MOST),
        sink::command_message(&hostile, MOST),
        sink::command_property(&hostile, MOST),
        sink::markdown(&hostile, MOST),
        sink::markdown_cell(&hostile, MOST),
        sink::markdown_code(&hostile),
        sink::sarif_message(&hostile, MOST),
        sink::uri_path(&hostile),
    ] {
        assert!(shown.chars().all(text::harmless), "{shown:?}");
    }
    assert!(text::short(&hostile, MOST).chars().count() <= MOST + 1);
    let back: String = serde_json::from_str(&sink::json(&hostile, true)).expect("JSON");
    assert_eq!(back, hostile);
    assert!(!sink::xml(&hostile, MOST).contains(['<', '>', '"', '\'']));
    assert!(!sink::markdown_cell(&hostile, MOST).contains('|'));
    assert!(!sink::command_property(&hostile, MOST).contains([':', ',']));
    assert!(!sink::without_commands(&hostile).lines().any(sink::commands_a_log));
    assert!(sink::uri_path(&hostile).chars().all(|c| c.is_ascii_alphanumeric() || "-._~/%".contains(c)));
}

/// A secret in two forms, one in the other, between any texts, is found; what is masked is masked for good.
pub(crate) fn secrets(data: &[u8]) {
    const SECRET: &str = "cnry/Qx7+Zk3~w9Vt2=e8Lm5";
    let [outer, inner, cut, rest @ ..] = data else { return };
    let around = String::from_utf8_lossy(rest).replace(['<', '>', '&', '%', '\\'], " ");
    let cut = around.char_indices().nth(usize::from(*cut)).map_or(around.len(), |(at, _)| at);
    let (before, after) = around.split_at(cut);
    let made = composed(usize::from(*outer), usize::from(*inner), SECRET);
    let secrets = Secrets::default();
    secrets.hide("credential", SECRET);
    let text = format!("{before} {made} {after}");
    let masked = secrets.masked(&text).unwrap_or_default();
    assert!(
        masked.contains("~credential~") && !masked.contains(&made),
        "{outer} {inner}: {text:?} became {masked:?}"
    );
    // Whatever the text is, the work is bounded, and its end is no half of a secret.
    let _ = secrets.masked_cut(&String::from_utf8_lossy(rest));
}
