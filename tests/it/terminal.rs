//! What a person at a terminal reads, of recorded servers and of the built-in endpoints: how long it is, how wide,
//! that the verdict stands at its end, and that every remedy names the whole change.

use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};
use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::report::Report;
use agentgauge::report::table::{Detail, Style, render, render_all};
use agentgauge::rubric::Rubric;
use agentgauge::transcript::Profile;
use agentgauge::verdict::Status;
use unicode_width::UnicodeWidthStr;

use crate::program::{finish, program};
use crate::replay::fixtures;
use crate::support::scan_with;

const WIDTHS: [usize; 3] = [80, 120, 200];

/// Recorded servers, and built-in endpoints of every kind that is told otherwise, each with its name.
async fn reports() -> Vec<Report> {
    let mut reports: Vec<Report> = fixtures()
        .iter()
        .map(|fixture| Report { label: Some(fixture.slug.clone()), ..fixture.report() })
        .collect();
    for (name, behaviour) in [
        ("sound", Behaviour::sound(Base::Dual)),
        ("failing", agentgauge::demo::flawed()),
        ("gated", Behaviour::sound(Base::Gated)),
        ("feed", Behaviour::sound(Base::Feed)),
        ("websocket", Behaviour::sound(Base::WebSocketMcp)),
        ("web page", Behaviour::sound(Base::WebSite)),
        ("without a member", Fault::JsonrpcMissing.on(Base::Dual)),
    ] {
        let endpoint = Endpoint::start(behaviour).unwrap();
        let transcript = scan_with(&endpoint.url(), |target| {
            target.profile = Profile::Quick;
            target.label = Some(name.to_owned());
        })
        .await;
        reports.push(judge(&transcript, &Rubric::default_rubric(), &Gates::default()));
    }
    reports
}

/// Lines that are not wrapped, because they are copied.
fn copied(line: &str) -> bool {
    let line = line.trim_start();
    ["agentgauge scan ", "Try ", "https://", "http://"].iter().any(|start| line.starts_with(start))
}

fn no_wider(text: &str, width: usize) {
    for line in text.lines() {
        assert!(copied(line) || line.width() <= width, "over {width}: {line}");
    }
}

/// Without the places where lines were broken.
fn squeezed(text: &str) -> String {
    text.chars().filter(|character| !character.is_whitespace()).collect()
}

/// The start of a remedy up to the first call or setting that it names; all of it, if it names none.
fn change(remedy: &str) -> &str {
    let mut quotes = remedy.match_indices('`');
    let (_, end) = (quotes.next(), quotes.next());
    end.map_or(remedy, |(end, _)| &remedy[..=end])
}

#[tokio::test]
async fn one_target_is_findings_first_and_verdict_last_at_every_width() {
    for report in reports().await {
        let name = report.name();
        let bad = |status: Status| matches!(status, Status::Warn | Status::Fail);
        let findings: Vec<_> =
            report.findings.iter().map(|row| &row.finding).filter(|finding| bad(finding.status)).collect();
        for width in WIDTHS {
            let text = render(&report, &Style::plain(width));
            no_wider(&text, width);
            let lines: Vec<&str> = text.lines().collect();
            let most = if findings.is_empty() { 40 } else { 24 + 8 * findings.len() };
            assert!(lines.len() <= most, "{name} at {width}: {} lines\n{text}", lines.len());
            let verdict = |line: &&str| line.starts_with("Score ") || line.starts_with("No score:");
            let place = lines.iter().position(verdict).unwrap_or_else(|| panic!("{text}"));
            assert!(lines.len() - place <= 10, "{name} at {width}: {text}");
            let blocks: Vec<Vec<&str>> = lines.split(|line| line.is_empty()).map(<[_]>::to_vec).collect();
            for finding in &findings {
                let heads = ["FAIL", "WARN"].map(|word| format!("{word} {} ·", finding.check.id));
                let told = |block: &&Vec<&str>| heads.iter().any(|head| block[0].starts_with(head.as_str()));
                let block = blocks.iter().filter(|block| !block.is_empty()).find(told);
                let block =
                    block.unwrap_or_else(|| panic!("{name}: {} is not told: {text}", finding.check.id));
                assert!(block.len() <= 6, "{name} at {width}: {}", block.join("\n"));
                let wanted = squeezed(change(finding.remediation()));
                assert!(
                    squeezed(&block.join(" ")).contains(&wanted),
                    "{name} at {width}: {}",
                    block.join("\n")
                );
            }
            // Sums and hashes are for those who ask.
            assert!(!text.contains("SHA-256") && !text.contains(&report.transcript.sha256), "{text}");
        }
        let style = Style::plain(80);
        let quiet = render(&report, &style.telling(Detail::Verdict));
        assert!(render(&report, &style).ends_with(&quiet) || !quiet.contains("Fix  "), "{name}: {quiet}");
        assert!(quiet.lines().count() <= 24, "{name}: {quiet}");
        let full = render(&report, &style.telling(Detail::Passes));
        no_wider(&full, 80);
        let together = full.contains("  all ");
        for row in report.findings.iter().filter(|_| !together) {
            assert!(full.contains(row.finding.check.id), "{name}: {} is not told", row.finding.check.id);
        }
        let endless = render(&report, &Style::plain(Style::UNLIMITED));
        assert!(endless.lines().count() <= 24 + 4 * findings.len(), "{name}: {endless}");
    }
}

#[tokio::test]
async fn a_list_is_one_line_each_and_the_verdict_of_the_run() {
    let mut reports: Vec<Report> = reports().await.into_iter().cycle().take(30).collect();
    for (index, report) in reports.iter_mut().enumerate() {
        report.label = (index % 3 > 0).then(|| format!("target {index} with a name that takes some room"));
    }
    for width in WIDTHS {
        let text = render_all(&reports, &[], &["fleet.html (html)".to_owned()], &Style::plain(width));
        no_wider(&text, width);
        let lines: Vec<&str> = text.lines().collect();
        assert!(lines[0].starts_with("score "), "{text}");
        assert_eq!(lines.iter().position(|line| line.is_empty()), Some(31), "one line each: {text}");
        let scores: Vec<u64> =
            lines[1..31].iter().filter_map(|line| line.split_whitespace().next()?.parse().ok()).collect();
        assert!(scores.len() > 10 && scores.is_sorted(), "worst first: {text}");
        let verdict = lines.iter().position(|line| line.starts_with("30 targets: ")).unwrap();
        assert!(lines.len() - verdict <= 10, "{text}");
        assert!(text.contains("Written: fleet.html (html)\n") && lines.len() <= 48, "{text}");
    }
}

#[test]
fn a_pipe_is_wrapped_only_where_columns_says_so() {
    let replay = |names: &[&str], more: &[&str], columns: Option<&str>| {
        let files = names.iter().map(|name| format!("fixtures/{name}/transcript.jsonl"));
        let mut command = program();
        command.args(["replay", "--no-config"]).args(files).args(more).env_remove("COLUMNS");
        if let Some(columns) = columns {
            command.env("COLUMNS", columns);
        }
        finish(&mut command)
    };
    let one = &["ts1-json"][..];
    let (endless, narrow) = (replay(one, &[], None), replay(one, &[], Some("80")));
    assert!(squeezed(&endless.stdout).contains("1.x:`enableDnsRebindingProtection"), "{endless:?}");
    assert!(endless.stdout.lines().any(|line| line.width() > 400), "{endless:?}");
    no_wider(&narrow.stdout, 80);
    // The same number everywhere, also in the last line.
    assert!(
        narrow.stdout.contains("Score 75 of 100") && narrow.last_line().contains("score 75 of 100"),
        "{narrow:?}"
    );
    let quiet = replay(one, &["-q"], None);
    assert!(narrow.stdout.len() > 2 * quiet.stdout.len() && quiet.stderr.is_empty(), "{quiet:?}");
    let full = replay(one, &["-v"], None);
    assert!(full.stdout.contains("PASS ") && full.stdout.contains("SHA-256"), "{full:?}");
    // No target is called well where none was asked to be.
    let list = replay(&["ts1-json", "ts2-dual"], &[], None);
    assert_eq!(list.last_line(), "exit 0 (ok): 2 targets: 2 judged, 1 with a critical finding");
    let gated = replay(&["ts1-json", "ts2-dual"], &["--min-score", "90"], None);
    assert!(gated.last_line().contains("1 failed a gate, 1 passed"), "{gated:?}");
    assert!(gated.stdout.contains("Gates: 1 failed, 1 passed"), "{gated:?}");
}
