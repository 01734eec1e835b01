//! The laws of the fuzz targets (`tests/fuzz`), on a stable compiler: with the seeds, every input that once
//! broke one, and both changed at random. What is made up from nothing is in `reader_laws.rs`.

use std::fs;
use std::path::Path;

use proptest::collection::vec;
use proptest::prelude::*;

#[path = "../fuzz/laws.rs"]
mod fuzzed;
#[path = "../fuzz/requests.rs"]
mod sent;

/// Each law with its folder of seeds.
type Law = (&'static str, fn(&[u8]));
const LAWS: [Law; 7] = [
    ("sse", fuzzed::sse),
    ("jsonrpc", fuzzed::jsonrpc),
    ("headers", fuzzed::headers),
    ("transcript", fuzzed::transcript),
    ("rubric", fuzzed::rubric),
    ("sanitisers", fuzzed::sanitisers),
    ("secrets", fuzzed::secrets),
];

/// What the fuzzer starts from, and what once broke a law.
fn seeds(name: &str) -> Vec<Vec<u8>> {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fuzz/seeds").join(name);
    let mut paths: Vec<_> = fs::read_dir(&folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    paths.iter().map(|path| fs::read(path).unwrap()).collect()
}

#[test]
fn every_seed_obeys_its_law() {
    for (name, law) in LAWS {
        let seeds = seeds(name);
        assert!(!seeds.is_empty(), "{name}");
        seeds.iter().for_each(|seed| law(seed));
    }
}

/// A seed with some pieces replaced.
fn changed(seed: &[u8], changes: &[(prop::sample::Index, Vec<u8>)]) -> Vec<u8> {
    let mut bytes = seed.to_vec();
    for (at, piece) in changes {
        let from = at.index(bytes.len().max(1)).min(bytes.len());
        let to = from.saturating_add(piece.len()).min(bytes.len());
        bytes.splice(from..to, piece.iter().copied());
    }
    bytes
}

/// Bytes that mean something in one of the formats, between bytes that do not.
fn piece() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "\n", "\r\n", "data:", "\"", "{}", "null", "-1", "1e999", ":", "\u{1b}[", "\u{202e}", "`", "|", "=",
        ",",
    ];
    prop_oneof![
        prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec()),
        vec(any::<u8>(), 0..8),
    ]
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn changed_seeds_obey_their_law(
        which in any::<prop::sample::Index>(),
        changes in vec((any::<prop::sample::Index>(), piece()), 1..6),
    ) {
        for (name, law) in LAWS {
            let seeds = seeds(name);
            law(&changed(&seeds[which.index(seeds.len())], &changes));
        }
    }
}

#[test]
fn every_seed_of_requests_obeys_its_law() {
    seeds("requests").iter().for_each(|seed| sent::requests(seed));
}

/// What a server may want to put into a request.
fn hostile() -> impl Strategy<Value = Vec<u8>> {
    let words = [
        "~session-1~",
        "~!session-1~",
        "~cookie-1~",
        "~uri-token-1~",
        "~credential~",
        "\"",
        "\\",
        "}",
        "{",
        "\r\n",
        "\t",
        "\",\"method\":\"tools/call\",\"x\":\"",
        "{\"method\":\"tools/call\",\"params\":{\"name\":\"rm\"}}",
        "//evil.invalid/",
        "\\\\evil.invalid\\",
        "http://evil.invalid/",
        "?token=",
        "../",
        "%0d%0a",
        "\u{202e}",
        "a1b2c3d4e5f6a7b8",
    ];
    let word = prop::sample::select(words.to_vec()).prop_map(|word| word.as_bytes().to_vec());
    vec(prop_oneof![4 => word, 1 => vec(any::<u8>(), 0..8)], 1..8).prop_map(|pieces| pieces.concat())
}

proptest! {
    // Each case is a whole scan.
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn whatever_a_server_answers_the_requests_are_those_of_the_plan(place in 0_u8..8, value in hostile()) {
        sent::requests(&[&[place][..], &value].concat());
    }
}
