//! Resumption, subscriptions and delivery, proven over the wire.

use std::time::Duration;

use agentgauge::checks;
use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};
use agentgauge::facts::{Readings, resume};
use agentgauge::finding::Finding;
use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::observe::{ScanOptions, Silent, Stop};
use agentgauge::rubric::Rubric;
use agentgauge::scan::scan;
use agentgauge::target::Target;
use agentgauge::transcript::{Coded, Decoding, ProbeId, Profile, Transcript};
use agentgauge::verdict::Status;
use tokio::io::AsyncWriteExt;
use tokio::net::TcpStream;

use crate::support::raw::{Raw, head};

/// Silence between two keep-alives of the endpoints here.
const KEEP_ALIVE: Duration = Duration::from_millis(1_200);

async fn record(url: &str, profile: Profile) -> Transcript {
    let mut target = Target::parse(url, profile).unwrap();
    if profile == Profile::Standard {
        target.limits.idle_watch_ms = 4_000;
    }
    scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await
}

async fn recorded(behaviour: Behaviour, profile: Profile) -> (Endpoint, Transcript) {
    let endpoint = Endpoint::start(behaviour.keep_alive(KEEP_ALIVE)).unwrap();
    let transcript = record(&endpoint.url(), profile).await;
    (endpoint, transcript)
}

fn finding(transcript: &Transcript, check: &str) -> Finding {
    checks::by_id(check).unwrap().run(&Readings::new(transcript))
}

#[track_caller]
fn assert_status(transcript: &Transcript, check: &str, status: Status) -> String {
    let finding = finding(transcript, check);
    assert_eq!(finding.status, status, "{check}: {}", finding.message);
    finding.message
}

#[tokio::test]
async fn a_sound_legacy_endpoint_resumes_every_try_within_the_limits() {
    let (endpoint, transcript) = recorded(Behaviour::sound(Base::Legacy), Profile::Standard).await;
    // Its streams end with their answers, before one could be cut while a call was running.
    let message = assert_status(&transcript, "legacy-resume", Status::Inconclusive);
    assert!(message.contains("5 of 5") && message.contains("had ended"), "{message}");
    assert_status(&transcript, "legacy-resume-own-stream", Status::Pass);
    assert_status(&transcript, "sse-unbuffered", Status::Pass);
    // Replays disturb neither ids nor echoes.
    assert_status(&transcript, "sse-event-ids", Status::Pass);
    assert_status(&transcript, "rpc-id-echo", Status::Pass);
    let told = resume::summary(&transcript).unwrap();
    assert_eq!((told.tries, told.exact), (5, 5));
    assert_eq!(told.expected, told.received);
    assert!(endpoint.peak_held_streams() <= 4, "{} held", endpoint.peak_held_streams());
    assert!(endpoint.peak_in_flight() <= 5, "{} in flight", endpoint.peak_in_flight());
    assert!(endpoint.sessions_opened() <= 8);
    let resumed: Vec<_> =
        endpoint.requests().into_iter().filter(|request| request.header("last-event-id").is_some()).collect();
    assert!(resumed.iter().all(|request| request.method == "GET"));
    // Five tries, and one in another session.
    assert_eq!(resumed.len(), 6);
    let sessions: std::collections::BTreeSet<_> =
        resumed.iter().filter_map(|request| request.header("mcp-session-id")).collect();
    assert_eq!(sessions.len(), 2);
    // Nothing is called.
    assert!(
        endpoint
            .requests()
            .iter()
            .all(|request| !String::from_utf8_lossy(&request.body).contains("tools/call"))
    );
}

#[tokio::test]
async fn foreign_events_fail_in_both_kinds_and_cost_nothing_else() {
    for (fault, words) in
        [(Fault::ResumeForeignStream, "other streams"), (Fault::ResumeForeignSession, "another")]
    {
        for base in [Base::Legacy, Base::Dual] {
            let (_endpoint, transcript) = recorded(fault.on(base), Profile::Standard).await;
            let message = assert_status(&transcript, "legacy-resume-own-stream", Status::Fail);
            assert!(message.contains(words), "{base:?}: {message}");
            let told = assert_status(&transcript, "legacy-resume", Status::Inconclusive);
            assert!(told.contains("5 of 5") && told.contains("had ended"), "{base:?}: {told}");
        }
    }
}

#[tokio::test]
async fn lossy_replay_is_counted_and_named_unstable() {
    let (_endpoint, transcript) = recorded(Fault::ResumeLoses.on(Base::Legacy), Profile::Standard).await;
    let finding = finding(&transcript, "legacy-resume");
    assert_eq!((finding.status, finding.unstable), (Status::Warn, true), "{}", finding.message);
    let told = resume::summary(&transcript).unwrap();
    assert!(told.exact > 0 && told.exact < told.tries, "{told:?}");
    assert!(!told.expected.is_empty() && told.received.is_empty(), "{told:?}");
}

#[tokio::test]
async fn quick_says_what_shows_at_once_and_leaves_the_rest_open() {
    let (_endpoint, sound) = recorded(Behaviour::sound(Base::Dual), Profile::Quick).await;
    assert_status(&sound, "legacy-resume", Status::Inconclusive);
    assert_status(&sound, "legacy-resume-own-stream", Status::Pass);
    assert_status(&sound, "listen-ack-first", Status::Pass);
    assert_status(&sound, "sse-keepalive", Status::Inconclusive);
    assert!(sound.exchanges.len() <= 80, "{}", sound.exchanges.len());
    for (fault, base, check, status) in [
        (Fault::ResumeDeclined, Base::Legacy, "legacy-resume", Status::Warn),
        (Fault::StreamNoIds, Base::Legacy, "legacy-resume", Status::Warn),
        (Fault::ResumeSilent, Base::Legacy, "legacy-resume-own-stream", Status::Inconclusive),
        (Fault::ResumeForeignStream, Base::Dual, "legacy-resume-own-stream", Status::Fail),
        (Fault::ResumeForeignSession, Base::Dual, "legacy-resume-own-stream", Status::Fail),
        (Fault::ListenNoAck, Base::Modern, "listen-ack-first", Status::Inconclusive),
        (Fault::ListenJson, Base::Modern, "listen-ack-first", Status::Fail),
        (Fault::FeedResumeIgnored, Base::Feed, "sse-last-event-id", Status::Warn),
    ] {
        let (_endpoint, transcript) = recorded(fault.on(base), Profile::Quick).await;
        let message = assert_status(&transcript, check, status);
        assert!(transcript.duration_us() < 3_000_000, "{}: {message}", fault.name());
    }
}

#[tokio::test]
async fn missing_ids_of_a_dual_endpoint_are_a_note() {
    let behaviour = Behaviour::sound(Base::Dual).with(Fault::StreamNoIds);
    let (_endpoint, transcript) = recorded(behaviour, Profile::Standard).await;
    assert_status(&transcript, "legacy-resume", Status::Info);
    assert_status(&transcript, "legacy-resume-own-stream", Status::NotApplicable);
}

#[tokio::test]
async fn the_listen_stream_is_watched_for_keep_alives() {
    let (endpoint, transcript) = recorded(Behaviour::sound(Base::Modern), Profile::Standard).await;
    assert_status(&transcript, "listen-ack-first", Status::Pass);
    let message = assert_status(&transcript, "sse-keepalive", Status::Pass);
    assert!(message.contains("1.2 s") || message.contains("1.1 s"), "{message}");
    assert!(message.starts_with("something comes every"), "{message}");
    assert!(endpoint.peak_held_streams() <= 4);
    let asked =
        endpoint.requests().into_iter().map(|request| String::from_utf8_lossy(&request.body).into_owned());
    assert!(
        asked
            .filter(|body| body.contains("subscriptions/listen"))
            .all(|body| body.contains("toolsListChanged"))
    );
}

/// When keep-alives come every `interval_ms`: the first gap, the interval, and how long was watched.
async fn watched(base: Base, profile: Profile, interval_ms: u64) -> (Option<u64>, Option<u64>, u64) {
    let behaviour = Behaviour::sound(base).keep_alive(Duration::from_millis(interval_ms));
    let endpoint = Endpoint::start(behaviour).unwrap();
    let target = Target::parse(&endpoint.url(), profile).unwrap();
    let transcript = scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await;
    assert_status(&transcript, "sse-keepalive", Status::Pass);
    let report = judge(&transcript, &Rubric::default_rubric(), &Gates::default());
    let seen = report.keep_alive.unwrap();
    (seen.first_gap_ms, seen.interval_ms, seen.watched_ms)
}

#[tokio::test]
async fn short_intervals_are_measured_by_every_watch_and_longer_ones_by_deep() {
    // An opening of 1.8 s, then gaps; far from both the next keep-alive and the end of the watch.
    let near = |seen: Option<u64>, interval_ms: u64| {
        seen.is_some_and(|seen| seen.abs_diff(interval_ms) < interval_ms / 2)
    };
    let bases = [Base::Legacy, Base::Modern, Base::HttpSse, Base::Feed];
    let scans = bases.map(|base| async move {
        for (profile, interval_ms) in [(Profile::Standard, 700), (Profile::Deep, 700), (Profile::Deep, 3_000)]
        {
            let (first, interval, watched_ms) = watched(base, profile, interval_ms).await;
            let seen =
                format!("{base:?} {profile:?} every {interval_ms} ms: {first:?} {interval:?} {watched_ms}");
            assert!(near(first, interval_ms) && near(interval, interval_ms), "{seen}");
            assert!(watched_ms < 25_000, "{seen}");
        }
        // The first byte settles it: the scan does not wait as long again.
        let (first, interval, watched_ms) = watched(base, Profile::Standard, 3_000).await;
        let seen = format!("{base:?}: {first:?} {interval:?} {watched_ms}");
        assert!(near(first, 3_000) && interval.is_none(), "{seen}");
        assert!(watched_ms < 5_900, "{seen}");
    });
    futures_util::future::join_all(scans).await;
}

/// A feed that answers every GET with these bytes, at once, and stays open; POST gets 405.
async fn feed(reply: impl Into<Vec<u8>>) -> Raw {
    let reply = reply.into();
    Raw::start(move |mut stream: TcpStream| {
        let reply = reply.clone();
        async move {
            if head(&mut stream).await.starts_with("GET") {
                let _ = stream.write_all(&reply).await;
                tokio::time::sleep(Duration::from_secs(60)).await;
            } else {
                let _ =
                    stream.write_all(b"HTTP/1.1 405 Method Not Allowed\r\ncontent-length: 0\r\n\r\n").await;
            }
        }
    })
    .await
}

fn events(head: &str, body: &str) -> Vec<u8> {
    format!("HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n{head}\r\n{body}").into_bytes()
}

fn sent_back(transcript: &Transcript) -> Vec<&str> {
    transcript.exchanges.iter().filter_map(|exchange| exchange.request.header("last-event-id")).collect()
}

#[tokio::test]
async fn ids_that_no_header_should_carry_are_never_sent_back() {
    let long = "x".repeat(1_025);
    for id in [long.as_str(), "a\0b", "a\u{7}b", " "] {
        let server = feed(events("", &format!("id: {id}\ndata: 1\n\nid: {id}\ndata: 2\n\n"))).await;
        let transcript = record(&server.url("http"), Profile::Quick).await;
        assert!(sent_back(&transcript).is_empty(), "{id:?}");
    }
    let server = feed(events("", "id: größe-1\ndata: 1\n\nid: größe-2\ndata: 2\n\n")).await;
    let transcript = record(&server.url("http"), Profile::Quick).await;
    assert_eq!(sent_back(&transcript), ["größe-1"]);
    assert!(
        transcript.exchanges.iter().all(|exchange| exchange.failure.is_none()),
        "UTF-8 goes out as it is"
    );
    assert_status(&transcript, "sse-last-event-id", Status::Warn);
}

#[tokio::test]
async fn what_decodes_to_nothing_is_no_event_and_what_decodes_is_read() {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3];
    // `data: one`, a blank line, and a flush; no end.
    let event = [0x4a, 0x49, 0x2c, 0x49, 0xb4, 0x52, 0xc8, 0xcf, 0x4b, 0xe5, 0xe2, 0x02, 0, 0, 0, 0xff, 0xff];
    for (body, lines) in [(head.to_vec(), 0), ([&head[..], &event].concat(), 2)] {
        let mut reply = events("content-encoding: gzip\r\n", "");
        reply.extend_from_slice(&body);
        let server = feed(reply).await;
        let transcript = record(&server.url("http"), Profile::Quick).await;
        let coded = transcript.exchanges.iter().find(|exchange| exchange.coded.is_some()).unwrap();
        assert_eq!(coded.coded, Some(Coded { bytes: body.len() as u64, decoding: Decoding::Open }));
        assert_eq!(coded.lines().unwrap().len(), lines);
        assert_eq!(coded.first_byte_us.is_some(), lines > 0, "the head of a container is no content");
    }
}

#[tokio::test]
async fn a_held_get_is_buffered_and_the_proxy_is_named() {
    let server = Raw::start(|mut stream: TcpStream| async move {
        if head(&mut stream).await.starts_with("GET") {
            tokio::time::sleep(Duration::from_secs(60)).await;
        } else {
            let reply = b"HTTP/1.1 404 Not Found\r\nserver: nginx/1.22.1\r\ncontent-length: 0\r\n\r\n";
            let _ = stream.write_all(reply).await;
        }
    })
    .await;
    let mut target = Target::parse(&server.url("http"), Profile::Standard).unwrap();
    target.limits.idle_watch_ms = 10_500;
    let transcript = scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await;
    let message = assert_status(&transcript, "sse-unbuffered", Status::Fail);
    assert!(message.contains("nginx/1.22.1"), "{message}");
    assert!(transcript.duration_us() < 13_000_000, "{} us", transcript.duration_us());
}

#[tokio::test]
async fn a_feed_is_resumed_by_its_own_row_and_no_mcp_row() {
    let (_endpoint, transcript) = recorded(Behaviour::sound(Base::Feed), Profile::Standard).await;
    let message = assert_status(&transcript, "sse-last-event-id", Status::Pass);
    assert!(message.contains("expected 2"), "{message}");
    assert_status(&transcript, "legacy-resume", Status::NotApplicable);
    assert!(transcript.exchanges.iter().all(|exchange| exchange.probe != ProbeId::Resume));
    let told = resume::summary(&transcript).unwrap();
    assert_eq!((told.tries, told.exact), (1, 1));
}
