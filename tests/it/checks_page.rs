//! `rubrics/CHECKS.md` is what the registry says. `UPDATE=1 cargo test --test it checks_page` renews it.

use std::path::Path;

use agentgauge::checks;
use agentgauge::report::catalogue::{PAGE, anchor, page};
use agentgauge::rubric::Rubric;

#[test]
fn the_page_is_current() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join(PAGE);
    let new = page(&Rubric::default_rubric());
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, &new).unwrap();
    }
    let old = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(old == new, "{PAGE} is out of date: run `UPDATE=1 cargo test --test it checks_page`");
}

#[test]
fn every_check_has_the_anchor_that_findings_name() {
    let page = page(&Rubric::default_rubric());
    for check in checks::all() {
        let (file, name) = anchor(check).split_once('#').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap();
        assert_eq!(file, PAGE);
        // A heading of lower-case words and hyphens is its own anchor on GitHub and GitLab.
        assert!(name.chars().all(|c| c.is_ascii_lowercase() || c.is_ascii_digit() || c == '-'), "{name}");
        assert_eq!(page.matches(&format!("\n### {name}\n")).count(), 1, "{name}");
        assert_eq!(page.matches(&format!("](#{name})")).count(), 1, "{name}");
    }
}
