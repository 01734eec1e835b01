use std::collections::BTreeSet;

use serde_json::json;

use super::render;
use crate::checks::synthetic::{Scan, discover, get, initialize, post};
use crate::facts::Kind;
use crate::gate::Gates;
use crate::protocol::revision::Era;
use crate::report::Report;
use crate::report::text::harmless;
use crate::report::text::tests::HOSTILE;
use crate::report::timeline::Timeline;
use crate::rubric::Rubric;
use crate::transcript::{FailureKind, Phase, ProbeId};
use crate::verdict::{Evidence, Status};

fn report(scan: &Scan) -> Report {
    crate::judge::judge(&scan.transcript, &Rubric::default_rubric(), &Gates::default())
}

fn page(scan: &Scan) -> String {
    render(&[&report(scan)], &[])
}

/// A stream that is watched, one that is dropped and taken up again, and what breaks.
fn eventful() -> Scan {
    let body = || json!({"jsonrpc":"2.0","id":7,"method":"server/discover","params":{}});
    Scan::dual(true)
        .with(
            get(ProbeId::LegacyGet, "get")
                .stream("data: hi\n\n: ping\n\n", 15_000_000)
                .held_until(16_000_000),
        )
        .with(
            post(ProbeId::Resume, "post-1", Era::Legacy, body())
                .stream("id: a\ndata: 1\n\nid: b\ndata: 2\n\n", 0),
        )
        .with(get(ProbeId::Resume, "resume-1").sending("last-event-id", "a").stream("id: b\ndata: 2\n\n", 0))
        .with(post(ProbeId::Browser, "origin", Era::Modern, body()).negative().result(json!({})))
        .with(post(ProbeId::BadInput, "empty", Era::Modern, body()).negative().status(500))
        .with(post(ProbeId::Load, "burst-1", Era::Modern, body()).failed(Phase::Head, FailureKind::Reset))
}

#[test]
fn what_was_never_sent_is_no_request() {
    let page = render(&[&crate::report::tests::dead_port()], &[]);
    assert!(page.contains("<p>2 failed connections in "), "as many as the cost line says: {page}");
    assert!(page.contains("0 requests in "), "{page}");
    let story = self::page(&eventful());
    assert!(story.contains(" requests over "), "{story}");
}

#[test]
fn only_what_is_wrong_is_called_wrong() {
    let body = json!({"jsonrpc":"2.0","id":7,"method":"server/discover","params":{}});
    let page = page(
        &Scan::modern()
            .with(post(ProbeId::Delivery, "post", Era::Modern, body.clone()).negative().result(json!({})))
            .with(post(ProbeId::Browser, "preflight", Era::Modern, body).negative().status(204)),
    );
    assert!(!page.contains("wrong on purpose"), "{page}");
    assert!(page.contains("(the same again, compression allowed)"), "{page}");
    assert!(
        page.contains("(a browser&#39;s question beforehand)")
            || page.contains("(a browser's question beforehand)")
    );
}

#[test]
fn the_overview_hides_no_doubt() {
    let mut doubtful = report(&Scan::modern());
    doubtful.insecure = true;
    doubtful.transcript.complete = false;
    doubtful.proxy = Some("http://proxy.invalid:3128".to_owned());
    let gated = crate::report::tests::gated();
    let dead = crate::report::tests::dead_port();
    for copies in [1, 20] {
        // Of more than 25 targets there is nothing but their rows.
        let reports: Vec<&Report> = [&doubtful, &gated, &dead].into_iter().cycle().take(copies * 3).collect();
        let page = render(&reports, &[]);
        let (_, rows) = page.split_once("<tbody>").unwrap();
        let (rows, _) = rows.split_once("</tbody>").unwrap();
        for said in [
            "Certificate faults were ignored",
            "The scan was cut short",
            "http://proxy.invalid:3128",
            "no score: too little could be judged",
            "nothing could be judged: connection refused",
        ] {
            assert!(rows.contains(said), "{copies}: {said}: {rows}");
        }
    }
}

#[test]
fn a_priming_event_is_called_one() {
    let shown = |again: &str| {
        let body = json!({"jsonrpc":"2.0","id":7,"method":"ping","params":{}});
        let first = "id: 1\ndata:\n\nid: 2\ndata: x\n\nid: 3\ndata:\n\n";
        let scan = Scan::dual(true)
            .with(post(ProbeId::Resume, "post-1", Era::Legacy, body).stream(first, 0))
            .with(get(ProbeId::Resume, "resume-1").sending("last-event-id", "1").stream(again, 0));
        let page = page(&scan);
        let (_, words) = page.split_once("figcaption>As if cut after ").unwrap();
        words.split_once("</figcaption>").unwrap().0.to_owned()
    };
    let words = shown("id: 9\n\nid: 2\ndata: x\n\n");
    assert!(
        words.ends_with(": the event still due came; a priming event came (an id without data)."),
        "{words}"
    );
    let words = shown("id: 2\ndata: x\n\nid: 9\ndata: y\n\n");
    assert!(words.ends_with("; 1 event came that the first stream did not have."), "{words}");
}

/// What a strict reader finds on a page: elements with attributes.
#[derive(Debug, Default)]
struct Read {
    elements: Vec<(String, Vec<(String, String)>)>,
}

impl Read {
    fn attributes<'r>(&'r self, name: &'r str) -> impl Iterator<Item = &'r str> {
        self.elements
            .iter()
            .flat_map(|(_, attributes)| attributes)
            .filter(move |(key, _)| key == name)
            .map(|(_, value)| value.as_str())
    }

    fn count(&self, element: &str) -> usize {
        self.elements.iter().filter(|(name, _)| name == element).count()
    }
}

/// Reads a page as our templates write it; panics at anything else: an unclosed element, a stray `<`,
/// an attribute without quotes, an unknown entity.
fn read(page: &str) -> Read {
    const VOID: [&str; 2] = ["meta", "link"];
    let mut found = Read::default();
    let mut open: Vec<String> = Vec::new();
    let mut rest = page.strip_prefix("<!DOCTYPE html>").unwrap();
    while !rest.is_empty() {
        if open.last().is_some_and(|name| name == "style") {
            rest = &rest[rest.find("</style>").unwrap()..];
        }
        let Some(tag) = rest.strip_prefix('<') else {
            let end = rest.find('<').unwrap_or(rest.len());
            decoded(&rest[..end]);
            rest = &rest[end..];
            continue;
        };
        if let Some(name) = tag.strip_prefix('/') {
            let end = name.find('>').unwrap();
            assert_eq!(open.pop().as_deref(), Some(&name[..end]));
            rest = &name[end + 1..];
            continue;
        }
        let end = tag.find([' ', '>']).unwrap();
        let name = &tag[..end];
        assert!(!name.is_empty() && name.chars().all(|c| c.is_ascii_alphanumeric()), "<{name}");
        let mut attributes = Vec::new();
        rest = &tag[end..];
        while let Some(attribute) = rest.strip_prefix(' ') {
            let end = attribute.find(['=', ' ', '>']).unwrap();
            let key = attribute[..end].to_owned();
            match attribute[end..].strip_prefix("=\"") {
                Some(value) => {
                    let end = value.find('"').unwrap();
                    attributes.push((key, decoded(&value[..end])));
                    rest = &value[end + 1..];
                }
                None => {
                    attributes.push((key, String::new()));
                    rest = &attribute[end..];
                }
            }
        }
        rest = rest.strip_prefix('>').unwrap();
        if !VOID.contains(&name) {
            open.push(name.to_owned());
        }
        found.elements.push((name.to_owned(), attributes));
    }
    assert!(open.is_empty(), "{open:?}");
    found
}

fn decoded(text: &str) -> String {
    assert!(!text.contains(['<', '>', '"']), "{text}");
    for (index, _) in text.match_indices('&') {
        let entity = &text[index..];
        assert!(
            ["&lt;", "&gt;", "&amp;", "&quot;"].iter().any(|known| entity.starts_with(known)),
            "{entity}"
        );
    }
    text.replace("&lt;", "<").replace("&gt;", ">").replace("&quot;", "\"").replace("&amp;", "&")
}

fn scans() -> Vec<Scan> {
    let html = "<!doctype html><title>x</title>";
    vec![
        eventful(),
        Scan::modern(),
        Scan::gated(),
        Scan::feed("data: 1\n\ndata: 2\n\n"),
        Scan::empty().with(discover().status(404).body("text/html", html)),
        Scan::empty(),
    ]
}

#[test]
fn one_file_without_script_or_request() {
    let reports: Vec<Report> = scans().iter().map(report).collect();
    let mut pages: Vec<String> = reports.iter().map(|report| render(&[report], &[])).collect();
    pages.push(render(&reports.iter().collect::<Vec<_>>(), &[]));
    pages.iter().for_each(|page| strict(page));
}

/// Nothing of a page runs, loads, or leads anywhere but to itself and to sources.
pub(crate) fn strict(page: &str) {
    let read = read(page);
    for element in
        ["script", "iframe", "img", "object", "embed", "form", "base", "use", "image", "foreignObject"]
    {
        assert_eq!(read.count(element), 0, "{element}");
    }
    for (name, attributes) in &read.elements {
        for (key, value) in attributes {
            assert!(!key.starts_with("on") && key != "src" && key != "style", "{name} {key}");
            let goes = value.starts_with('#') || (name == "a" && value.starts_with("https://"));
            assert!(key != "href" || goes || value == "data:,", "{name} {value}");
        }
    }
    assert!(
        !super::STYLE.contains("url(") && !super::STYLE.contains("@import") && !super::STYLE.contains('<')
    );
    assert!(read.attributes("content").any(|value| value.contains("default-src 'none'")));
}

#[test]
fn a_page_is_sound_for_keyboard_and_screen_reader() {
    let reports: Vec<Report> = scans().iter().map(report).collect();
    let mut pages: Vec<String> = reports.iter().map(|report| render(&[report], &[])).collect();
    pages.push(render(&reports.iter().collect::<Vec<_>>(), &[]));
    // What `merge` makes of a report knows no exchanges, so nothing may point at one.
    let mut merged = report(&eventful());
    merged.timeline = Timeline::default();
    pages.push(render(&[&merged], &[]));
    for page in &pages {
        let read = read(page);
        assert_eq!(read.count("h1"), 1);
        assert_eq!(read.count("main"), 1);
        assert!(read.attributes("lang").eq(["en"]));
        let mut level = 0;
        for (name, _) in &read.elements {
            if let Some(next) = name.strip_prefix('h').and_then(|digit| digit.parse::<u8>().ok()) {
                assert!(next <= level + 1, "h{next} after h{level}");
                level = next;
            }
        }
        for (name, attributes) in &read.elements {
            assert!(name != "th" || attributes.iter().any(|(key, _)| key == "scope"));
        }
        let ids: Vec<&str> = read.attributes("id").collect();
        let known: BTreeSet<&str> = ids.iter().copied().collect();
        assert_eq!(ids.len(), known.len(), "an id twice");
        for target in read.attributes("href").filter_map(|href| href.strip_prefix('#')) {
            assert!(known.contains(target), "#{target} leads nowhere");
        }
        for id in read.attributes("aria-labelledby") {
            assert!(known.contains(id), "{id}");
        }
    }
}

#[test]
fn every_check_has_an_anchor_of_its_name() {
    let page = page(&eventful());
    let read = read(&page);
    for check in crate::checks::all() {
        assert!(read.attributes("id").any(|id| id == check.id), "{}", check.id);
    }
}

#[test]
fn what_the_endpoint_says_stays_text() {
    let mut corpus: Vec<&str> = HOSTILE.to_vec();
    corpus.extend([
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "' onmouseover='alert(1)",
        "</title></style></svg><script>alert(1)</script>",
        "javascript:alert(1)",
        "<!--",
        "]]>",
        "&lt;script&gt; &#60; &amp;",
        "`</code><b>x</b>`",
    ]);
    // A text may bring code spans by its backticks, and lose its command by a NUL; nothing else.
    let own = ["code", "pre"];
    let elements = |page: &str| -> Vec<String> {
        read(page)
            .elements
            .into_iter()
            .map(|(name, _)| name)
            .filter(|name| !own.contains(&name.as_str()))
            .collect()
    };
    for text in corpus {
        let make = |text: &str| {
            let mut scan = eventful();
            for exchange in &mut scan.transcript.exchanges {
                exchange.step = format!("{} {text}", exchange.step);
                if let Some(failure) = &mut exchange.failure {
                    failure.detail = text.to_owned();
                }
                for (_, value) in
                    exchange.request.headers.iter_mut().filter(|(name, _)| name == "last-event-id")
                {
                    *value = text.to_owned();
                }
                if let crate::transcript::Content::Lines { lines, .. } = &mut exchange.content {
                    for line in lines.iter_mut().filter(|line| line.text == "id: a") {
                        line.text = format!("id: {text}");
                    }
                }
            }
            let header = &mut scan.transcript.header;
            header.url = format!("http://127.0.0.1/{text}");
            header.label = Some(text.to_owned());
            header.started_at = text.to_owned();
            let mut report = report(&scan);
            report.classification.server = Some(crate::facts::classification::ServerInfo {
                name: text.to_owned(),
                version: text.to_owned(),
            });
            report.classification.reason = text.to_owned();
            report.classification.endpoint = text.to_owned();
            report.classification.found_at = vec![crate::facts::classification::Found {
                url: "http://x/".to_owned(),
                what: text.to_owned(),
            }];
            report.tried =
                vec![crate::report::Tried { exchange: 1, what: text.to_owned(), outcome: text.to_owned() }];
            report.score.withheld = Some(text.to_owned());
            for (index, row) in report.findings.iter_mut().enumerate() {
                row.finding.message = text.to_owned();
                row.finding.status = if index % 2 == 0 { Status::Fail } else { Status::Inconclusive };
                for evidence in &mut row.finding.evidence {
                    evidence.excerpt = text.to_owned();
                    evidence.pointer = text.to_owned();
                }
            }
            report
        };
        for kind in [Kind::Dual, Kind::None, Kind::AuthGated] {
            let both = [text, "plain"].map(|text| {
                let mut report = make(text);
                report.classification.kind = kind;
                report
            });
            let [hostile, benign] = both.each_ref().map(|report| render(&[report], &[]));
            for line in hostile.lines() {
                assert!(line.chars().all(harmless), "{text:?}");
            }
            assert!(elements(&hostile) == elements(&benign), "{text:?} made or hid an element");
            let many = render(&[&both[0], &both[1]], &[]);
            assert_eq!(read(&many).count("script"), 0);
        }
    }
}

#[test]
fn same_input_same_bytes_and_no_more_of_them_than_promised() {
    let scan = eventful();
    assert_eq!(page(&scan), page(&scan));
    // A full scan: twice what the standard profile sends to one era.
    let mut many = eventful();
    while many.transcript.exchanges.len() < 200 {
        many = many.with(
            post(
                ProbeId::Connections,
                "fresh-1",
                Era::Modern,
                json!({"jsonrpc":"2.0","id":7,"method":"server/discover","params":{}}),
            )
            .result(json!({"resultType":"complete"})),
        );
    }
    let length = page(&many).len();
    assert!(length < 310_000, "{length}");
    // The most that a scan may send, streams all of it, and an endpoint that is wordy wherever it can be.
    let wordy = "<words & \"signs\"> ".repeat(500);
    while many.transcript.exchanges.len() < 300 {
        let stream = format!(": {wordy}\n\nid: {wordy}\ndata: {wordy}\n\n").repeat(20);
        many = many
            .with(get(ProbeId::LegacyGet, &wordy).sending("last-event-id", &wordy).stream(&stream, 9_000));
    }
    let mut report = report(&many);
    for row in &mut report.findings {
        row.finding.status = Status::Fail;
        row.finding.message = crate::verdict::cut(&wordy);
        let evidence = Evidence::new(&many.transcript.exchanges[1], &wordy, &wordy);
        row.finding.evidence = vec![evidence; 5];
        row.reproduce = vec![Some(wordy.clone()); 5];
    }
    let length = render(&[&report], &[]).len();
    // Each check has its share: those that go by words print them.
    let most = 160_000 + 3_200 * report.findings.len();
    assert!(length < most, "{length} of {most}");
}

#[test]
fn the_timeline_shows_what_happened() {
    let page = page(&eventful());
    assert!(page.contains("15.00 s of silence"), "the longest silence");
    assert!(page.contains(">keep-alive</text>"), "what ended it");
    assert!(page.contains("As if cut after <code>a</code>"), "the drop");
    assert!(page.contains("the event still due came"), "the resumption");
    assert!(page.contains("of watching"), "the second ruler");
    assert!(page.contains("class=\"broken wrong\""), "the 500");
    assert!(page.contains("Exchange 9: POST burst-1: connection reset"), "the reset");
}

#[test]
fn the_picture_keeps_its_shape() {
    let scan = Scan::modern()
        .with(get(ProbeId::Idle, "get").stream("data: x\n\n: ping\n\n", 15_000_000).held_until(15_100_000))
        .with(initialize(ProbeId::LegacyVersions, "initialize 1999-01-01").negative().status(400));
    let timeline = crate::report::timeline::read(&scan.transcript);
    let place = super::words::Section {
        prefix: "",
        level: 1,
        name: "x",
        detail: super::words::Detail::Full,
        exchanges: true,
    };
    let drawn = super::drawing::draw(&timeline, &[], place).into_string();
    insta::assert_snapshot!("timeline", drawn.replace("><", ">\n<"));
}

#[test]
fn several_targets_have_an_overview_with_links() {
    let reports: Vec<Report> = scans().iter().map(report).collect();
    let page = render(&reports.iter().collect::<Vec<_>>(), &[]);
    assert!(page.contains("6 endpoints"));
    assert!(page.contains("href=\"#t3-report\"") && page.contains("id=\"t3-report\""));
    let many: Vec<&Report> = reports.iter().cycle().take(60).collect();
    let listed = render(&many, &[]);
    assert!(listed.len() < 100_000 && !listed.contains("id=\"t3-report\""), "{}", listed.len());
    read(&listed);
    read(&render(&[], &[]));
}
