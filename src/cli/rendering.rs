//! Showing reports: one that makes us crash hurts no other.

use std::panic::{AssertUnwindSafe, catch_unwind};

use crate::report::Report;

/// What was rendered, and what was left out of it.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Rendered<T> {
    /// The document.
    pub(super) document: T,
    /// The URLs of reports that made us crash. Escape at the sink.
    pub(super) lost: Vec<String>,
}

/// Renders reports with `render(reports, missing)`. Those that make it crash are left out, and named among what is
/// missing; `None` where it crashes even then.
pub(super) fn rendered<T>(
    reports: &[Report],
    missing: &[String],
    render: impl Fn(&[Report], &[String]) -> T,
) -> Option<Rendered<T>> {
    let tried = |reports: &[Report], missing: &[String]| {
        catch_unwind(AssertUnwindSafe(|| render(reports, missing))).ok()
    };
    if let Some(document) = tried(reports, missing) {
        return Some(Rendered { document, lost: Vec::new() });
    }
    let (sound, lost): (Vec<&Report>, Vec<&Report>) =
        reports.iter().partition(|report| tried(std::slice::from_ref(report), &[]).is_some());
    let sound: Vec<Report> = sound.into_iter().cloned().collect();
    let lost: Vec<String> = lost.into_iter().map(|report| report.url.clone()).collect();
    let missing: Vec<String> = missing.iter().chain(&lost).cloned().collect();
    Some(Rendered { document: tried(&sound, &missing)?, lost })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::Scan;
    use crate::gate::Gates;
    use crate::judge::judge;
    use crate::rubric::Rubric;

    fn report(url: &str) -> Report {
        let judged = judge(&Scan::modern().transcript, &Rubric::default_rubric(), &Gates::default());
        Report { url: url.to_owned(), ..judged }
    }

    fn names(reports: &[Report], missing: &[String]) -> String {
        let urls = reports.iter().map(|report| report.url.as_str());
        assert!(!reports.iter().any(|report| report.url.ends_with("bad")), "a bug");
        urls.chain(missing.iter().map(|_| "missing")).collect::<Vec<_>>().join(" ")
    }

    #[test]
    fn a_report_that_crashes_its_renderer_is_missing_and_the_others_are_there() {
        let reports = ["http://h/1", "http://h/bad", "http://h/3"].map(report);
        let found = rendered(&reports, &["http://gone/".to_owned()], names).unwrap();
        assert_eq!(found.document, "http://h/1 http://h/3 missing missing");
        assert_eq!(found.lost, ["http://h/bad"]);
        assert_eq!(rendered(&reports[..1], &[], names).unwrap().lost, Vec::<String>::new());
        let never = |_: &[Report], _: &[String]| -> String { panic!("a bug") };
        assert_eq!(rendered(&reports, &[], never), None);
    }
}
