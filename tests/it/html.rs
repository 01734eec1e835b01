//! The HTML page from the command line. What the page holds is tested beside its templates, and in a
//! real browser by tests/browser.

use std::fs;

use agentgauge::demo::{self, Endpoint};

use crate::program::{Folder, run};

#[test]
fn a_page_is_written_and_the_format_does_not_change_the_exit() {
    let endpoint = Endpoint::start_on_thread(demo::flawed()).unwrap();
    let folder = Folder::new("html");
    let path = folder.path("report.html");
    let (file, url) = (path.as_str(), endpoint.url());
    let scan = ["scan", "--profile", "quick", "-f", "html", "--min", "D2=100", "-o", file, &url];
    let failed = run(&scan);
    assert_eq!(failed.code, Some(1), "{failed:?}");
    assert_eq!(failed.stdout, "");
    let page = fs::read_to_string(&path).unwrap();
    assert!(page.starts_with("<!DOCTYPE html>") && page.ends_with("</html>\n"));
    assert!(page.contains("<svg class=\"timeline wide\""));
    assert!(page.contains("Gate failed"));
    assert!(page.len() < 300_000, "{}", page.len());
}

#[test]
fn a_replayed_page_is_the_same_bytes() {
    let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
    let folder = Folder::new("html-replay");
    let path = folder.path("t.jsonl");
    let transcript = path.as_str();
    let scanned =
        run(&["scan", "--profile", "quick", "-f", "html", "--save-transcript", transcript, &endpoint.url()]);
    assert_eq!(scanned.code, Some(0), "{scanned:?}");
    let replayed = run(&["replay", "-f", "html", transcript]);
    assert!(scanned.stdout == replayed.stdout, "the pages differ");
}

#[test]
fn lists_and_previews_have_no_page() {
    let refused = |args: &[&str], said: &str| {
        let refused = run(args);
        assert_eq!(refused.code, Some(2), "{args:?}: {refused:?}");
        assert!(refused.stderr.contains(said), "{refused:?}");
    };
    refused(&["checks", "-f", "html"], "it takes table, json, markdown");
    refused(&["scan", "--plan", "-f", "html"], "table or json only");
}
