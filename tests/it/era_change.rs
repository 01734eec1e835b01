//! A server that changes its era under a baseline: what was known and does not apply any more is mended, by name.

use std::fs;

use crate::program::{Folder, run};

/// Recorded servers, the legacy one as if it had stood where the dual one does.
fn transcripts(folder: &Folder) -> (String, String) {
    let read = |slug: &str| {
        let path = format!("{}/fixtures/{slug}/transcript.jsonl", env!("CARGO_MANIFEST_DIR"));
        fs::read_to_string(path).unwrap()
    };
    let (legacy, dual) = (folder.path("legacy.jsonl"), folder.path("dual.jsonl"));
    fs::write(&legacy, read("py1-http").replace("127.0.0.1:18140", "127.0.0.1:18120")).unwrap();
    fs::write(&dual, read("ts2-dual")).unwrap();
    (legacy, dual)
}

#[test]
fn entries_of_the_era_that_went_are_stale_and_named() {
    let folder = Folder::new("era-change");
    let (legacy, dual) = transcripts(&folder);
    let (report, baseline) = (folder.path("legacy.json"), folder.path("baseline.toml"));
    assert_eq!(run(&["replay", "-f", "json", "-o", &report, &legacy]).code, Some(0));
    assert_eq!(run(&["baseline", "write", "-b", &baseline, &report]).code, Some(0));
    let gate = |transcript: &str| run(&["replay", "--baseline", &baseline, "--fail-on", "low", transcript]);
    assert_eq!(gate(&legacy).code, Some(0));
    let changed = gate(&dual);
    assert_eq!(changed.code, Some(1), "{}", changed.stderr);
    for check in ["legacy-resume", "sse-event-ids", "rpc-malformed-codes"] {
        assert!(changed.stderr.contains(&format!("stale entry: '{check}' is mended")), "{}", changed.stderr);
    }
    let now = folder.path("dual.json");
    assert_eq!(run(&["replay", "-f", "json", "-o", &now, &dual]).code, Some(0));
    assert_eq!(run(&["baseline", "prune", "-b", &baseline, &now]).code, Some(0));
    assert_eq!(gate(&dual).code, Some(0));
}
