//! What must hold for every reader of remote or foreign text, and every sanitiser, whatever comes: none
//! panics, none makes much of little, and what was sanitised is harmless.

use std::sync::LazyLock;

use agentgauge::config::Config;
use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::protocol::sse::{self, LineDecoder, SseLimits};
use agentgauge::protocol::{address, challenge, headers, jsonrpc, well_known};
use agentgauge::report::format::{Format, Run};
use agentgauge::report::sink;
use agentgauge::report::table::{Detail, Style};
use agentgauge::report::text::{harmless, sanitise, short};
use agentgauge::rubric::Rubric;
use agentgauge::target::Target;
use agentgauge::transcript::{Profile, Transcript, Vault, codec};
use agentgauge::verdict::Status;
use base64::Engine;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use proptest::collection::vec;
use proptest::prelude::*;
use serde_json::{Value, json};

/// Bytes in which what a reader reacts to is frequent.
fn bytes_of(words: &'static [&'static [u8]], most: usize) -> impl Strategy<Value = Vec<u8>> {
    let word = prop_oneof![
        3 => prop::sample::select(words).prop_map(<[u8]>::to_vec),
        2 => vec(any::<u8>(), 0..4),
    ];
    vec(word, 0..most).prop_map(|words| words.concat())
}

/// Text of the same kind, with characters that attack what shows them.
fn text_of(words: &'static [&'static str], most: usize) -> impl Strategy<Value = String> {
    const ATTACKS: &[&str] = &[
        "\u{1b}[31m",
        "\u{9b}31m",
        "\u{7}",
        "\0",
        "\r",
        "\n",
        "\t",
        "\u{7f}",
        "\u{85}",
        "\u{202e}",
        "\u{2066}",
        "\u{2028}",
        "\u{200b}",
        "\u{feff}",
        "\u{e0041}",
        "\u{fffe}",
        "]]>",
        "</script>",
        "<!--",
        "&amp;",
        "|",
        "`",
        "```",
        "\\",
        "\"",
        "'",
        "${x}",
        "::error::",
        "##[error]",
        "##vso[x]",
        "%0A",
        "%",
        ",",
        ":",
        "é",
        "日本",
        "😀",
        "e\u{301}\u{301}\u{301}\u{301}\u{301}",
    ];
    let word = prop_oneof![
        2 => prop::sample::select(words).prop_map(str::to_owned),
        2 => prop::sample::select(ATTACKS).prop_map(str::to_owned),
        1 => any::<String>().prop_map(|text| text.chars().take(8).collect()),
    ];
    vec(word, 0..most).prop_map(|words| words.concat())
}

fn json_value() -> impl Strategy<Value = Value> {
    const NAMES: &[&str] = &["jsonrpc", "id", "method", "result", "error", "code", "message", "data", "x"];
    let leaf = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>().prop_map(Value::from),
        text_of(NAMES, 3).prop_map(Value::from),
        Just(json!("2.0")),
    ];
    leaf.prop_recursive(4, 32, 6, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..4).prop_map(Value::from),
            vec((prop::sample::select(NAMES), inner), 0..6).prop_map(|members| members
                .into_iter()
                .map(|(name, value)| (name.to_owned(), value))
                .collect()),
        ]
    })
}

const SSE: &[&[u8]] = &[
    b"data",
    b"data:",
    b"data: {}",
    b"event: endpoint",
    b"id:",
    b"id: 1",
    b"id: \0",
    b"retry: 5",
    b":",
    b"\n",
    b"\r",
    b"\r\n",
    b"\n\n",
    b"\xef\xbb\xbf",
    b"\xff",
    b"\xe2\x80",
];
const JSON: &[&str] = &[
    "{",
    "}",
    "[",
    "]",
    "\"jsonrpc\":\"2.0\"",
    "\"id\":1",
    "\"result\":{}",
    "\"error\":{\"code\":1}",
    "\"method\":\"x\"",
    ",",
    ":",
    "1e999",
    "NaN",
    "\"\\ud800\"",
    "\"\\u0000\"",
];
const HEADERS: &[&str] = &[
    "Bearer",
    "Basic ",
    "realm=",
    "\"",
    "\\\"",
    "resource_metadata=\"https://a/b\"",
    ", ",
    ";",
    "=",
    "charset=utf-8",
    "text/event-stream",
    "application/json",
    "12",
    "-1",
    "99999999999999999999999",
    "Sat, 01 Jan 2000 00:00:00 GMT",
    "/",
    "*/*",
];

proptest! {
    #![proptest_config(ProptestConfig { cases: 256, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn the_stream_decoder_stays_within_its_limits(bytes in bytes_of(SSE, 60), size in 1_usize..40) {
        let limits = SseLimits { line_bytes: 16, event_bytes: 64, event_lines: 8, stream_bytes: 256, stream_lines: 24 };
        let read = |size: usize| {
            let mut decoder = LineDecoder::new(limits);
            let mut over = None;
            for chunk in bytes.chunks(size) {
                if let Err(limit) = decoder.push(chunk, 7) {
                    over = Some(limit);
                    break;
                }
            }
            decoder.finish(9);
            (decoder, over)
        };
        let (decoder, over) = read(size);
        prop_assert!(decoder.lines.len() <= limits.stream_lines + 1);
        for line in &decoder.lines {
            // A byte that is no UTF-8 becomes three.
            prop_assert!(line.text.len() <= 3 * limits.line_bytes, "{:?}", line);
        }
        let (whole, also) = read(usize::MAX);
        prop_assert_eq!(over.is_some(), also.is_some());
        if over.is_none() {
            prop_assert_eq!(&decoder.lines, &whole.lines);
        }
        let blocks = sse::blocks(&decoder.lines);
        if let Some(id) = sse::last_event_id(&blocks) {
            prop_assert!(!id.contains(['\0', '\r', '\n']), "it would go into a header: {:?}", id);
        }
        prop_assert!(sse::client_events(&decoder.lines).len() <= decoder.lines.len());
    }

    #[test]
    fn the_json_rpc_view_takes_any_text(text in text_of(JSON, 24)) {
        if let Err(why) = jsonrpc::parse(&text) {
            prop_assert!(why.chars().all(harmless) && why.len() < 200, "the reason quotes nothing: {}", why);
        }
    }

    #[test]
    fn the_json_rpc_view_does_not_contradict_itself(value in json_value()) {
        let answer = jsonrpc::answer(&value);
        prop_assert_eq!(answer.is_some(), jsonrpc::is_reply(&value));
        prop_assert!(!(jsonrpc::is_reply(&value) && jsonrpc::is_request(&value)));
        let faults = jsonrpc::envelope_faults(&value);
        prop_assert!(value.is_object() || !faults.is_empty());
        prop_assert!(faults.iter().all(|fault| fault.chars().all(harmless)), "{:?}", faults);
    }

    #[test]
    fn header_readers_make_nothing_up(value in text_of(HEADERS, 12)) {
        for challenge in challenge::read(&value).found {
            let all = challenge.parameters.iter().map(|(name, text)| name.len() + text.len()).sum::<usize>();
            prop_assert!(all + challenge.scheme.len() <= value.to_lowercase().len() + value.len());
        }
        if let Some(media) = headers::media_type(&value) {
            prop_assert!(!media.essence.is_empty());
        }
        prop_assert!(headers::list(&value).iter().all(|item| item.trim() == item));
        if let Some(wait) = headers::retry_after(&value) {
            prop_assert!(wait.as_secs() <= 86_400 && value.trim().bytes().all(|byte| byte.is_ascii_digit()));
        }
        let _ = (address::host_exposure(&value), well_known::issuer_forms(&value));
        let _ = (well_known::path_form(&value, "x"), well_known::root_form(&value, "x"));
        if let Ok(target) = Target::parse(&format!("https://example.com/{value}"), Profile::Quick) {
            prop_assert_eq!(target.url.host_str(), Some("example.com"));
        }
    }

    #[test]
    fn what_is_sanitised_is_harmless_and_one_line(text in text_of(JSON, 16), most in 0_usize..60) {
        for shown in [sanitise(&text), short(&text, most), sink::command_message(&text, most), sink::command_property(&text, most)] {
            prop_assert!(shown.chars().all(harmless), "{:?}", shown);
        }
        prop_assert!(short(&text, most).chars().count() <= most + 1);
        prop_assert_eq!(sanitise(&sanitise(&text)), sanitise(&text));
        for shown in [sink::markdown(&text, most), sink::markdown_cell(&text, most), sink::markdown_code(&text), sink::sarif_message(&text, most)] {
            prop_assert!(shown.chars().all(harmless), "{:?}", shown);
        }
        prop_assert!(!sink::markdown_cell(&text, most).contains('|'));
        let document = format!("<a b=\"{0}\" c='{0}'>{0}</a>", sink::xml(&text, most));
        let parsed = roxmltree::Document::parse(&document);
        prop_assert!(parsed.is_ok(), "{:?} in {}", parsed.err(), document);
        prop_assert_eq!(parsed.unwrap().descendants().filter(roxmltree::Node::is_element).count(), 1);
    }

    #[test]
    fn json_of_ours_is_the_same_value_and_harmless(value in json_value(), pretty: bool) {
        let text = sink::json(&value, pretty);
        prop_assert!(text.chars().all(|character| character == '\n' || harmless(character)), "{}", text);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).unwrap(), value);
    }

    #[test]
    fn a_secret_is_gone_in_every_form(
        secret in "[!-~]{10,40}", before in text_of(HEADERS, 4), after in text_of(HEADERS, 4), upper: bool,
    ) {
        let vault = Vault::default();
        let placeholder = vault.hide("credential", &secret);
        let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
        let percent: String = secret.bytes().map(|byte| if upper { format!("%{byte:02X}") } else { format!("%{byte:02x}") }).collect();
        let inside = STANDARD.encode(format!("{before}{secret}{after}"));
        let escaped = |text: &str| {
            let quoted = serde_json::to_string(text).unwrap();
            quoted[1..quoted.len() - 1].to_owned()
        };
        let forms = [
            secret.clone(),
            hex.clone(),
            hex.to_uppercase(),
            percent,
            STANDARD.encode(&secret),
            URL_SAFE_NO_PAD.encode(&secret),
            secret.bytes().map(|byte| format!("\\u{byte:04x}")).collect(),
            secret.bytes().map(|byte| format!("&#{byte};")).collect(),
        ];
        for form in forms {
            let masked = vault.mask(&format!("{before}{form}{after}"));
            prop_assert!(masked.contains(&placeholder), "{} in {}", form, masked);
            prop_assert!(!masked.contains(&form), "{} in {}", form, masked);
        }
        // In JSON, what stands around it is escaped as well: a lone backslash before it would be another text.
        let masked = vault.mask(&escaped(&format!("{before}{secret}{after}")));
        prop_assert!(masked.contains(&placeholder), "{}", masked);
        prop_assert!(!masked.contains(&escaped(&secret)), "{}", masked);
        prop_assert!(vault.mask(&inside).contains(&placeholder), "{}", inside);
        // Cut anywhere, no half of it is left.
        for length in 4..secret.len() {
            let masked = vault.mask_cut(&format!("{before}{}", &secret[..length]));
            prop_assert!(!masked.ends_with(&secret[..length]), "{}", masked);
        }
    }
}

/// Transcripts of real servers, small ones of different transports.
static RECORDED: LazyLock<Vec<Vec<u8>>> = LazyLock::new(|| {
    let read = |name: &&str| std::fs::read(format!("fixtures/{name}/transcript.jsonl")).unwrap();
    ["nginx-badsse", "py2-auth", "py1-ws", "ts1-json", "py1-sse"].iter().map(read).collect()
});

/// What is done to bytes: each time, at a place, something is removed and something put in.
fn damage(
    words: &'static [&'static str],
) -> impl Strategy<Value = Vec<(prop::sample::Index, usize, String)>> {
    vec((any::<prop::sample::Index>(), 0_usize..12, text_of(words, 2)), 1..5)
}

fn damaged(bytes: &[u8], damage: &[(prop::sample::Index, usize, String)]) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    for (at, gone, new) in damage {
        let at = at.index(bytes.len() + 1);
        let end = (at + gone).min(bytes.len());
        bytes.splice(at..end, new.bytes());
    }
    bytes
}

/// A string or a number, by its place among them, and what it becomes.
fn any_change() -> impl Strategy<Value = (prop::sample::Index, String, u64)> {
    let number = prop_oneof![Just(0), Just(1), Just(u64::MAX), 0..100_000_u64, 200..600_u64];
    (any::<prop::sample::Index>(), text_of(JSON, 4), number)
}

fn changed(bytes: &[u8], changes: &[(prop::sample::Index, String, u64)]) -> Vec<u8> {
    let mut lines: Vec<Value> =
        bytes.split(|byte| *byte == b'\n').filter_map(|line| serde_json::from_slice(line).ok()).collect();
    for (at, text, number) in changes {
        let mut leaves = Vec::new();
        lines.iter_mut().for_each(|line| leaves_of(line, &mut leaves));
        let place = at.index(leaves.len());
        let leaf = leaves.swap_remove(place);
        *leaf = if leaf.is_string() { json!(text) } else { json!(number) };
    }
    lines.iter().flat_map(|line| format!("{line}\n").into_bytes()).collect()
}

fn leaves_of<'v>(value: &'v mut Value, leaves: &mut Vec<&'v mut Value>) {
    match value {
        Value::Array(items) => items.iter_mut().for_each(|item| leaves_of(item, leaves)),
        Value::Object(members) => members.values_mut().for_each(|member| leaves_of(member, leaves)),
        Value::String(_) | Value::Number(_) => leaves.push(value),
        Value::Null | Value::Bool(_) => {}
    }
}

/// Whether it is judged without a bug of ours, shown, and written as it was read.
fn judges(transcript: &Transcript) -> Result<(), TestCaseError> {
    let again = codec::decode(codec::encode(transcript).as_slice()).unwrap();
    prop_assert_eq!(codec::encode(&again), codec::encode(transcript));
    let report = judge(transcript, &Rubric::default_rubric(), &Gates::default());
    let bugs: Vec<&str> = report
        .findings
        .iter()
        .filter(|row| row.finding.status == Status::Error)
        .map(|row| row.finding.message.as_str())
        .collect();
    prop_assert!(bugs.is_empty(), "{:?}", bugs);
    for format in Format::ALL {
        let run = Run {
            reports: std::slice::from_ref(&report),
            missing: &[],
            exit: report.exit,
            written: &[],
            style: Style::plain(90).telling(Detail::Everything),
        };
        let bytes = format.render(&run);
        prop_assert!(
            std::str::from_utf8(&bytes).is_ok_and(|text| text.chars().all(|c| c == '\n' || harmless(c)))
        );
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_transcript_is_read_or_refused(which in 0_usize..5, changes in damage(&["\"id\":1", "null", "{}", "-1", "18446744073709551615", "[]"])) {
        if let Ok(transcript) = codec::decode(damaged(&RECORDED[which], &changes).as_slice()) {
            judges(&transcript)?;
        }
    }

    #[test]
    fn any_words_and_numbers_in_a_transcript_can_be_judged(which in 0_usize..5, changes in vec(any_change(), 1..12)) {
        if let Ok(transcript) = codec::decode(changed(&RECORDED[which], &changes).as_slice()) {
            judges(&transcript)?;
        }
    }

    #[test]
    fn any_file_of_the_user_is_read_or_refused(changes in damage(&["[policy]", "= ", "nan", "-1", "1e999", "[[caps]]", "\"\"\""])) {
        let rubric = include_bytes!("../../rubrics/agent-readiness.toml");
        let text = String::from_utf8_lossy(&damaged(rubric, &changes)).into_owned();
        match Rubric::parse(&text, "mine.toml") {
            Ok(rubric) => {
                prop_assert!((0.0..=1.0).contains(&rubric.policy.warn_credit));
                prop_assert!((0.0..=1.0).contains(&rubric.policy.min_coverage));
            }
            Err(error) => prop_assert!(!error.to_string().is_empty()),
        }
        drop(Config::parse(&text, "agentgauge.toml"));
        drop(agentgauge::baseline::Baseline::parse(&text, "baseline.toml"));
    }
}
