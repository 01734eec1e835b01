//! Laws that hold for every check on hand-made records, instead of an example in each. Those on recorded
//! servers stand in `tests/it/check_laws.rs`.

use crate::check::Check;
use crate::checks::all;
use crate::checks::synthetic::Scan;
use crate::protocol::revision::{Era, Revision};
use crate::verdict::Status;

#[test]
fn another_era_is_none_of_a_checks_business() {
    let found = |check: &'static Check, scan: Scan| (check.id, scan.judge(check).status);
    let mut judged = Vec::new();
    for check in all() {
        let others = match check.applies.era {
            Some(Era::Modern) => [Scan::legacy(true), Scan::legacy(false)],
            Some(Era::Legacy) => [Scan::modern(), Scan::modern().credential()],
            None => continue,
        };
        judged.extend(others.into_iter().map(|scan| found(check, scan)));
    }
    assert!(judged.len() >= 20, "{judged:?}");
    judged.retain(|(_, status)| *status != Status::NotApplicable);
    assert!(judged.is_empty(), "{judged:?}");
}

#[test]
fn a_source_names_a_revision_that_there_is_and_its_address_the_same() {
    const PAGES: &str = "https://modelcontextprotocol.io/specification/";
    for basis in all().flat_map(|check| check.basis) {
        let Some(page) = basis.url.strip_prefix(PAGES) else { continue };
        let (revision, _) = page.split_once('/').unwrap();
        assert!(Revision::parse(revision).is_some(), "{basis:?}");
        assert!(basis.title.contains(&format!("MCP {revision}, ")), "{basis:?}");
    }
}
