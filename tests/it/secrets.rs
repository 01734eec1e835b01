//! The operator's secrets in what a scan leaves behind; hostile servers that reflect
//! them are in `tests/hostile`.

use std::fs;

use agentgauge::demo::{self, Endpoint};

use crate::program::{Folder, run};

#[test]
fn query_values_are_secrets_by_their_names_however_those_are_written() {
    let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
    let folder = Folder::new("secret-names");
    let transcript = folder.path("t.jsonl");
    let secret =
        ["accessKey", "clientSecret", "pwd", "PASS", "X-Amz-Signature", "apikey", "sig", "authToken"];
    let plain = ["monkey", "keyword", "author", "compass", "keyId"];
    let query: Vec<String> = secret
        .iter()
        .map(|name| format!("{name}=SEC3{name}"))
        .chain(plain.iter().map(|name| format!("{name}=open{name}")))
        .collect();
    let url = format!("{}?{}", endpoint.url(), query.join("&"));
    let scanned =
        run(&["scan", "--profile", "quick", "-vvv", "-f", "json", "--save-transcript", &transcript, &url]);
    assert_eq!(scanned.code, Some(0), "{scanned:?}");
    for sink in [&scanned.stdout, &scanned.stderr, &fs::read_to_string(&transcript).unwrap()] {
        assert!(!sink.contains("SEC3"), "{sink}");
    }
    for name in plain {
        assert!(scanned.stdout.contains(&format!("{name}=open{name}")), "{name}");
    }
    assert!(scanned.json()["target"]["url"].as_str().unwrap().contains("accessKey=~query-accesskey~"));
}
