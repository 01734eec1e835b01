//! The encoded form of a transcript: its digest stands in reports, so it must not move with the encoder.

use std::collections::BTreeMap;

use agentgauge::judge::transcript_sha256;
use agentgauge::transcript::codec::{Encoder, Entry, decode};
use agentgauge::transcript::{Content, Transcript, codec};
use serde_json::{Value, json};

use crate::replay::fixtures;

/// By fixture, what the first encoder made of it.
const DIGESTS: &str = include_str!("../../fixtures/encoded.sha256");

#[test]
fn the_encoded_form_is_the_one_that_it_always_was() {
    let expected: BTreeMap<&str, &str> = DIGESTS
        .lines()
        .filter_map(|line| line.split_once("  "))
        .map(|(digest, slug)| (slug, digest))
        .collect();
    let fixtures = fixtures();
    assert_eq!(fixtures.len(), expected.len(), "fixtures/encoded.sha256 names every fixture");
    for fixture in fixtures {
        let digest = transcript_sha256(&fixture.transcript);
        assert_eq!(expected.get(fixture.slug.as_str()), Some(&digest.as_str()), "{}", fixture.slug);
    }
}

/// The same by way of values: the parts of an exchange line that repeat an earlier one, replaced one by one.
fn by_values(transcript: &Transcript) -> String {
    let mut seen: BTreeMap<String, u32> = BTreeMap::new();
    let mut lines = vec![json!({ "header": transcript.header })];
    for exchange in &transcript.exchanges {
        let mut line = json!({ "exchange": exchange });
        for pointer in [
            "/exchange/head/headers",
            "/exchange/content/text",
            "/exchange/request/headers",
            "/exchange/request/body",
        ] {
            let Some(part) = line.pointer_mut(pointer) else { continue };
            let text = part.to_string();
            if text.len() < 96 {
                continue;
            }
            if let Some(earlier) = seen.get(&format!("{pointer} {text}")) {
                *part = json!({ "same": earlier });
            } else {
                seen.insert(format!("{pointer} {text}"), exchange.id);
            }
        }
        lines.push(line);
    }
    lines.extend(transcript.skips.iter().map(|skip| json!({ "skip": skip })));
    lines.extend(transcript.end.iter().map(|end| json!({ "end": end })));
    lines.iter().map(|line: &Value| format!("{line}\n")).collect()
}

#[test]
fn lines_are_written_as_values_would_be() {
    for mut fixture in fixtures() {
        // Names and values that look like the form itself, and what strings escape.
        let odd = "\"same\":{\"headers\":[]},\"body\":\\ \u{1}\u{7f}\u{2028}é".repeat(4);
        let transcript = &mut fixture.transcript;
        for id in [0, 1] {
            let mut exchange = transcript.exchanges[0].clone();
            exchange.id = 9_000 + id;
            exchange.step = r#"{"exchange":{"head":{"headers":{"same":1}}}}"#.to_owned();
            exchange.request.headers.push(("x-odd".to_owned(), odd.clone()));
            exchange.request.body = Some(odd.clone());
            exchange.content = Content::Text { text: odd.clone(), bytes: 1, cut: true };
            transcript.exchanges.push(exchange);
        }
        let encoded = codec::encode(transcript);
        assert_eq!(String::from_utf8(encoded.clone()).unwrap(), by_values(transcript), "{}", fixture.slug);
        assert_eq!(decode(encoded.as_slice()).unwrap(), *transcript, "{}", fixture.slug);
    }
}

/// A writer that counts its calls.
#[derive(Default)]
struct Calls(usize);

impl std::io::Write for Calls {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0 += 1;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[test]
fn a_line_is_one_call_of_the_writer() {
    let transcript = fixtures().remove(0).transcript;
    let (mut encoder, mut calls) = (Encoder::default(), Calls::default());
    for exchange in &transcript.exchanges {
        encoder.write(&Entry::Exchange(exchange.clone().into()), &mut calls).unwrap();
    }
    assert_eq!(calls.0, transcript.exchanges.len());
}
