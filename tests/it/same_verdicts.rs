//! No verdict depends on the value of a server's cookie or of a header of ours.

use std::collections::BTreeMap;
use std::net::SocketAddr;

use agentgauge::demo::{Base, Behaviour, Endpoint};
use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::rubric::Rubric;
use agentgauge::target::secret::Secret;
use agentgauge::verdict::Status;
use tokio::io::{AsyncReadExt, AsyncWriteExt, copy};
use tokio::net::TcpStream;

use crate::support::raw::Raw;
use crate::support::scan_with;

/// Leads every connection to `to`, and adds a line to the first head that comes back.
async fn adding(to: SocketAddr, line: String) -> Raw {
    Raw::start(move |stream| {
        let line = line.clone();
        async move {
            let Ok(beyond) = TcpStream::connect(to).await else { return };
            let (mut from_client, mut to_client) = stream.into_split();
            let (mut from_server, mut to_server) = beyond.into_split();
            let there = async {
                let _ = copy(&mut from_client, &mut to_server).await;
            };
            let back = async {
                let (mut begun, mut byte) = (Vec::new(), [0]);
                while !begun.ends_with(b"\r\n") && matches!(from_server.read(&mut byte).await, Ok(1)) {
                    begun.push(byte[0]);
                }
                let _ = to_client.write_all(&[&begun, line.as_bytes()].concat()).await;
                let _ = copy(&mut from_server, &mut to_client).await;
            };
            // Whichever side ends it.
            tokio::select! {
                () = there => {}
                () = back => {}
            }
        }
    })
    .await
}

/// The status of every check, and the score in tenths.
type Verdicts = (BTreeMap<&'static str, Status>, Option<i64>);

async fn verdicts(base: Base, line: &str, header: Option<(&'static str, &str)>) -> Verdicts {
    let endpoint = Endpoint::start(Behaviour::sound(base)).unwrap();
    let between = adding(endpoint.address(), line.to_owned()).await;
    let path = endpoint.url().rsplit_once('/').unwrap().1.to_owned();
    let scheme = if endpoint.url().starts_with("ws") { "ws" } else { "http" };
    let transcript = scan_with(&format!("{scheme}://{}/{path}", between.address), |target| {
        if let Some((name, value)) = header {
            target.headers.push((http::HeaderName::from_static(name), Secret::new(value)));
        }
    })
    .await;
    let report = judge(&transcript, &Rubric::default_rubric(), &Gates::default());
    // How long this machine took says nothing about values.
    let timed = ["ops-latency", "ops-error-rate", "sse-unbuffered", "sse-keepalive"];
    let judged = report.findings.iter().filter(|finding| !timed.contains(&finding.finding.check.id));
    let statuses = judged.map(|finding| (finding.finding.check.id, finding.finding.status)).collect();
    (statuses, report.score.value.map(|value| (value * 10.0).round() as i64))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_values_of_cookies_and_of_our_headers_change_no_verdict() {
    for base in Base::ALL {
        let plain = verdicts(base, "Set-Cookie: x=1\r\n", Some(("x-other", "1"))).await;
        for (line, header) in [
            ("Set-Cookie: api_version=2025-11-25\r\n", "1"),
            ("Set-Cookie: x=protocolVersion\r\n", "1"),
            ("Set-Cookie: x=application/json\r\n", "2025-11-25"),
            ("Set-Cookie: x=~session-1~\r\n", "protocolVersion"),
        ] {
            // A machine that stood still may have changed something: look again.
            let mut seen = plain.clone();
            for _ in 0..3 {
                seen = verdicts(base, line, Some(("x-other", header))).await;
                if seen == plain {
                    break;
                }
            }
            assert_eq!(seen, plain, "{base:?} with {line:?} and {header:?}");
        }
    }
}
