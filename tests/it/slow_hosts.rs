//! Lists with hosts that cost time: they hold up no other host, and only three of their targets are waited for.

use std::sync::Mutex;
use std::time::{Duration, Instant};

use agentgauge::demo::{Base, Behaviour, Endpoint};
use agentgauge::facts::Kind;
use agentgauge::facts::classification::classify;
use agentgauge::fleet;
use agentgauge::observe::{ScanOptions, Silent, Stop};
use agentgauge::target::Target;
use agentgauge::target::proxy::Proxy;
use agentgauge::transcript::{Profile, Transcript};
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::TcpStream;

use crate::program::{Folder, run};
use crate::support::raw::{Raw, head};
use crate::support::{impatient, step};

/// A proxy that leads every tunnel to this address, and never answers where a host's name begins with "slow".
async fn black_hole(to: std::net::SocketAddr) -> Raw {
    Raw::start(move |mut stream| async move {
        if head(&mut stream).await.starts_with("CONNECT slow") {
            tokio::time::sleep(Duration::from_secs(60)).await;
        } else if let Ok(mut beyond) = TcpStream::connect(to).await {
            let _ = stream.write_all(b"HTTP/1.1 200 Connection established\r\n\r\n").await;
            let _ = copy_bidirectional(&mut stream, &mut beyond).await;
        }
    })
    .await
}

#[tokio::test]
async fn a_host_that_swallows_everything_holds_up_nobody_and_is_given_up() {
    let server = Raw::replying("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    let proxy = black_hole(server.address).await;
    let urls = (0..12)
        .map(|path| format!("http://slow.invalid:{}/", 8000 + path))
        .chain((0..3).map(|number| format!("http://good-{number}.invalid/")));
    let targets: Vec<Target> = urls
        .map(|url| {
            let mut target = Target::parse(&url, Profile::Quick).unwrap();
            impatient(&mut target.limits);
            target.limits.header_ms = 2_000;
            target.proxy = Some(Proxy::parse(&format!("http://{}", proxy.address), "--proxy").unwrap());
            target
        })
        .collect();
    let started = Instant::now();
    let begun: Mutex<Vec<(usize, Duration)>> = Mutex::default();
    let transcripts: Vec<Transcript> = fleet::run(
        &targets,
        ScanOptions::default(),
        &Stop::default(),
        |index, _| {
            begun.lock().unwrap().push((index, started.elapsed()));
            Silent
        },
        |_, recorded, _| recorded.transcript,
    )
    .await;
    let begun = begun.into_inner().unwrap();
    assert!(begun.iter().take(4).all(|(index, _)| [0, 12, 13, 14].contains(index)), "{begun:?}");
    // Three waits of 2 s, and nothing for the other nine.
    assert!(started.elapsed() < Duration::from_secs(12), "took {:?}", started.elapsed());
    for (index, transcript) in transcripts.iter().enumerate() {
        let class = classify(transcript);
        let said = format!("{index}: {:?} {}", class.kind, class.reason);
        match index {
            0..3 => {
                assert_eq!(class.kind, Kind::Unreachable, "{said}");
                assert!(step(transcript, "discover").failure.is_some(), "{said}");
            }
            3..12 => {
                assert_eq!(class.kind, Kind::Unreachable, "{said}");
                assert!(class.reason.starts_with("not tried: three targets of this host"), "{said}");
                assert_eq!(transcript.exchanges, [], "{said}");
                assert!(transcript.complete(), "{said}");
            }
            _ => assert_eq!(class.kind, Kind::None, "{said}"),
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_not_tried_is_unreachable_and_says_why() {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Legacy).any_origin()).unwrap();
    let folder = Folder::new("hosts");
    let dead: Vec<String> = (0..6).map(|path| format!("http://agentgauge-test.invalid/{path}")).collect();
    let good = endpoint.url();
    let list: Vec<&str> = dead.iter().map(String::as_str).chain([good.as_str()]).collect();
    let saved = folder.path("saved");
    let scan = |more: &[&str]| {
        let words = ["scan", "--no-config", "--profile", "quick", "-f", "json", "--save-transcript", &saved];
        run(&[&words[..], &list, more].concat())
    };
    let report = scan(&[]);
    assert_eq!(report.code, Some(0), "{report:?}");
    let json = report.json();
    let reports = json["reports"].as_array().unwrap();
    for (index, report) in reports.iter().enumerate() {
        let kind = &report["classification"]["kind"];
        let reason = report["classification"]["reason"].as_str().unwrap();
        match index {
            0..3 => assert!(reason.starts_with("the name does not resolve"), "{index}: {reason}"),
            3..6 => {
                assert!(reason.starts_with("not tried: three targets of this host"), "{index}: {reason}");
                assert_eq!(report["exit"]["name"], "nothing-to-judge");
                let findings = report["findings"].as_array().unwrap();
                let status = |status: &str| findings.iter().filter(|found| found["status"] == status).count();
                assert_eq!((status("pass"), status("warn"), status("fail")), (0, 0, 0));
                assert!(status("inconclusive") > 0);
            }
            _ => assert_eq!(kind, "legacy", "{reason}"),
        }
        assert_eq!(kind == "unreachable", index < 6);
    }
    assert_eq!(scan(&["--fail-on-unreachable"]).code, Some(3));
    // What was recorded of it says the same.
    let replayed =
        run(&["replay", "--no-config", "-f", "json", &format!("{saved}/004-agentgauge-test-invalid.jsonl")]);
    assert_eq!(replayed.code, Some(3), "{replayed:?}");
    assert_eq!(replayed.json()["classification"]["reason"], reports[3]["classification"]["reason"]);
}
