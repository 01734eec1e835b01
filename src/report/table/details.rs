//! Everything after the first screen: every check, what was left open, readings, footprint, stamps.

use super::layout::{Page, Tone, columns};
use super::words::status;
use crate::checks::AREAS;
use crate::facts::delivery::Delivery;
use crate::report::{Report, ReportFinding, standing};
use crate::verdict::{Status, milliseconds};

/// What passed or was noted, by area.
pub(super) fn passes(page: &mut Page, report: &Report) {
    let told = |row: &&ReportFinding| matches!(row.finding.status, Status::Pass | Status::Info);
    if !report.findings.iter().any(|row| told(&row)) {
        return;
    }
    page.heading("What passed or was noted");
    // Ids of every check, so that the columns do not move from scan to scan.
    let widest = report.findings.iter().map(|row| columns(row.finding.check.id)).max().unwrap_or(0);
    let hang = if page.wide() { widest.saturating_add(9) } else { 7 };
    let mut last = None;
    for row in report.findings.iter().filter(told) {
        let area = AREAS.iter().find(|area| area.name == row.area);
        if last != area.map(|area| area.name) {
            last = area.map(|area| area.name);
            page.blank();
            if let Some(area) = area {
                page.text(Tone::Name, area.title);
            }
        }
        pass(page, row, hang);
    }
}

fn pass(page: &mut Page, row: &ReportFinding, hang: usize) {
    let (finding, id) = (&row.finding, row.finding.check.id);
    let (word, tone) = status(finding.status);
    let said = format!("{}{}", finding.message, row.remark());
    if page.wide() {
        let gap = hang.saturating_sub(9);
        page.pieces(2, hang, &[(tone, word), (Tone::Plain, &format!(" {id:gap$}  {said}"))]);
    } else {
        page.item(0, (tone, word), 7, id);
        page.item(0, (Tone::Plain, ""), 7, &said);
    }
}

/// Who can use the endpoint.
pub(super) fn clients(page: &mut Page, report: &Report) {
    let lines = standing::clients(report);
    if lines.is_empty() {
        return;
    }
    page.heading("Who can use it (from the findings alone)");
    for line in lines {
        page.item(2, (Tone::Plain, ""), 2, &line);
    }
}

/// What was not decided, grouped by reason.
pub(super) fn undecided(page: &mut Page, report: &Report) {
    let open = |status: Status| matches!(status, Status::Inconclusive | Status::Error);
    group(page, report, &open, "Could not be judged (lowers the coverage, not the score)");
    let left_out = |status: Status| status == Status::Skipped;
    group(page, report, &left_out, "Skipped (lowers the coverage, never counts as passed)");
    group(page, report, &|status| status == Status::NotApplicable, "Does not apply here (does not count)");
}

fn group(page: &mut Page, report: &Report, wanted: &dyn Fn(Status) -> bool, heading: &str) {
    let groups = grouped(report, wanted);
    if groups.is_empty() {
        return;
    }
    page.heading(heading);
    let applicable = report.findings.iter().filter(|row| row.finding.status != Status::NotApplicable).count();
    for (reason, rows) in groups {
        let ids: Vec<&str> = rows.iter().map(|row| row.finding.check.id).collect();
        if ids.len() == report.findings.len() && ids.len() > 1 {
            page.item(2, (Tone::Plain, ""), 2, &format!("all {} checks: {reason}", ids.len()));
        } else if ids.len() == applicable && applicable > 1 && !wanted(Status::NotApplicable) {
            page.item(2, (Tone::Plain, ""), 2, &format!("all {applicable} checks that apply: {reason}"));
        } else {
            page.item(2, (Tone::Plain, ""), 2, &format!("{reason}:"));
            page.item_of(4, (Tone::Quiet, ""), 4, (Tone::Quiet, &ids.join(", ")), usize::MAX);
        }
    }
}

/// Reasons, each with the checks it kept from being decided, in order of the first of them.
pub(in crate::report) fn grouped<'r>(
    report: &'r Report,
    wanted: &dyn Fn(Status) -> bool,
) -> Vec<(&'r str, Vec<&'r ReportFinding>)> {
    let mut groups: Vec<(&str, Vec<&ReportFinding>)> = Vec::new();
    for row in report.findings.iter().filter(|row| wanted(row.finding.status)) {
        let reason = row.finding.message.as_str();
        match groups.iter_mut().find(|(known, _)| *known == reason) {
            Some((_, rows)) => rows.push(row),
            None => groups.push((reason, vec![row])),
        }
    }
    groups
}

pub(super) fn facts(page: &mut Page, report: &Report) {
    let rows = measured(report);
    if !rows.is_empty() {
        page.heading("Measured");
        for (name, text) in rows {
            page.item(2, (Tone::Quiet, name), 14, &text);
        }
    }
}

/// Latency, keep-alives and TLS, in words.
pub(in crate::report) fn measured(report: &Report) -> Vec<(&'static str, String)> {
    let mut rows: Vec<(&str, String)> = Vec::new();
    if let Some(latency) = &report.latency {
        rows.push((
            "Latency",
            format!(
                "median {} ms, 95th percentile {} ms over {} calls; first call {} ms; connecting {} ms",
                latency.p50_ms, latency.p95_ms, latency.samples, latency.first_ms, latency.connect_ms
            ),
        ));
    }
    if let Some(seen) = &report.keep_alive {
        let watched = milliseconds(seen.watched_ms.saturating_mul(1_000));
        let text = match (seen.first_gap_ms, seen.interval_ms) {
            (None, _) => format!("nothing came on the idle stream in {watched}"),
            (Some(gap), interval) => {
                let gap = milliseconds(gap.saturating_mul(1_000));
                let interval = interval.map_or_else(String::new, |interval| {
                    format!(", then every {}", milliseconds(interval.saturating_mul(1_000)))
                });
                format!("first {} after {gap} of silence{interval} (watched {watched})", seen.kind)
            }
        };
        rows.push(("Keep-alive", text));
    }
    if let Some(seen) = &report.delivery {
        rows.push(("Delivery", delivered(seen)));
    }
    if let Some(resume) = &report.resume {
        let list = |events: &[String]| {
            let shown: Vec<&str> = events.iter().take(6).map(String::as_str).collect();
            if shown.is_empty() { "none".to_owned() } else { shown.join(", ") }
        };
        rows.push((
            "Resumption",
            format!(
                "{} of {} tries exact{}; events expected: {}; received: {}",
                resume.exact,
                resume.tries,
                match resume.foreign {
                    0 => String::new(),
                    count => format!(", {count} brought events of other streams as well"),
                },
                list(&resume.expected),
                list(&resume.received)
            ),
        ));
    }
    if let Some(tls) = &report.tls {
        let mut said = Vec::new();
        said.extend(tls.version.clone());
        said.extend(tls.cipher.clone());
        said.extend(tls.alpn.as_ref().map(|alpn| format!("ALPN {alpn}")));
        if let Some(leaf) = tls.chain.first() {
            said.push(format!("{} by {}, until {}", leaf.subject, leaf.issuer, leaf.not_after));
        }
        let faults: Vec<&str> = tls.faults.iter().map(|fault| fault.words()).collect();
        if !faults.is_empty() {
            said.push(faults.join(", "));
        }
        rows.push(("TLS", said.join(" · ")));
    }
    for hit in &report.limits_hit {
        let first = hit.exchange.map_or_else(String::new, |id| format!(", first in exchange {id}"));
        rows.push(("Limit hit", format!("{} {} ({}{first})", hit.name, hit.value, times(hit.times))));
    }
    for failure in &report.failures {
        let text =
            format!("{} ({}, first in exchange {})", failure.words, times(failure.times), failure.exchange);
        rows.push(("Failure", text));
    }
    rows
}

fn delivered(seen: &Delivery) -> String {
    let times = &seen.timing;
    let after =
        |us: Option<u64>| us.map_or_else(|| "never".to_owned(), |us| format!("after {}", milliseconds(us)));
    let mut said = vec![format!("{}: headers {}", seen.stream.words(), after(times.head_us))];
    if times.first_event_us.is_some() {
        said.push(format!("first event {}", after(times.first_event_us)));
    } else if times.first_byte_us.is_some() {
        said.push(format!("first byte {}", after(times.first_byte_us)));
    }
    said.extend(times.encoding.as_ref().map(|encoding| format!("compressed ({encoding})")));
    if let Some(us) = seen.held_us {
        let proxy = seen.proxy.as_ref().map_or_else(
            || "buffered on the way, it seems".to_owned(),
            |proxy| format!("buffered by a proxy, it seems ({proxy})"),
        );
        said.push(format!("held back for {}: {proxy}", milliseconds(us)));
    }
    said.join(", ")
}

fn times(count: usize) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}

pub(super) fn footprint(page: &mut Page, report: &Report) {
    page.heading("What the scan cost the endpoint");
    page.item(2, (Tone::Plain, ""), 2, &cost(report));
}

/// What the scan cost the target, in words.
pub(in crate::report) fn cost(report: &Report) -> String {
    let print = &report.footprint;
    let sessions = match (print.sessions_opened, print.sessions_left) {
        (0, _) => "no session opened".to_owned(),
        (1, 0) => "1 session opened and ended".to_owned(),
        (opened, 0) => format!("{opened} sessions opened and all ended"),
        (1, _) => "1 session opened, which could not be ended".to_owned(),
        (opened, left) => format!("{opened} sessions opened, {left} of them could not be ended"),
    };
    let seconds = milliseconds(report.duration_ms.saturating_mul(1_000));
    format!(
        "{} in {seconds} · {} sent · {} received · {sessions}",
        if print.count == 1 { "1 request".to_owned() } else { format!("{} requests", print.count) },
        bytes(print.bytes_sent),
        bytes(print.bytes_received)
    )
}

/// Bytes in a unit that reads well.
pub(in crate::report) fn bytes(count: u64) -> String {
    match count {
        0..1_000 => format!("{count} bytes"),
        1_000..1_000_000 => format!("{}.{} kB", count / 1_000, count % 1_000 / 100),
        _ => format!("{}.{} MB", count / 1_000_000, count % 1_000_000 / 100_000),
    }
}

pub(super) fn stamps(page: &mut Page, report: &Report) {
    page.heading("Stamps (same three, same score)");
    for (name, text) in stamped(report) {
        page.item_of(2, (Tone::Quiet, name), 14, (Tone::Quiet, &text), usize::MAX);
    }
}

/// What makes the score repeatable: same three, same score.
pub(in crate::report) fn stamped(report: &Report) -> [(&'static str, String); 4] {
    let (tool, rubric) = (&report.tool, &report.rubric);
    [
        ("Tool", format!("{} {}", tool.name, tool.version)),
        ("Rubric", format!("{} {}, SHA-256 {}", rubric.id, rubric.version, rubric.sha256)),
        ("Transcript", format!("SHA-256 {}", report.transcript.sha256)),
        ("Scan", format!("{} profile, begun {}", report.profile.as_str(), report.started_at)),
    ]
}
