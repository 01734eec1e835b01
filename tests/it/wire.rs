//! The wire against servers that break it: each failure has its phase, its kind and its bound.

use std::sync::Arc;
use std::time::{Duration, Instant};

use agentgauge::facts::Kind;
use agentgauge::transcript::{Content, FailureKind, Phase, Transcript};
use tokio::io::AsyncWriteExt;

use crate::support::raw::{Raw, head};
use crate::support::{class, impatient, scan_with, step};

async fn discover_failure(server: &Raw) -> (Phase, FailureKind) {
    let transcript = impatient_scan(server, "http").await;
    let failure = step(&transcript, "discover").failure.clone().expect("discover should have failed");
    (failure.phase, failure.kind)
}

/// With the limits of `quick` as they are: a size limit must be hit before any of time, however busy
/// the machine is.
async fn patient_scan(server: &Raw) -> Transcript {
    scan_with(&server.url("http"), |_| {}).await
}

async fn impatient_scan(server: &Raw, scheme: &str) -> Transcript {
    let started = Instant::now();
    let transcript = scan_with(&server.url(scheme), |target| impatient(&mut target.limits)).await;
    // Generous: the limits above add up to less, whatever the machine does.
    assert!(started.elapsed() < Duration::from_secs(20), "took {:?}", started.elapsed());
    transcript
}

#[tokio::test]
async fn a_dead_port_is_refused_and_nothing_else_is_tried() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    drop(listener);
    let transcript = scan_with(&format!("http://{address}/mcp"), |_| {}).await;
    assert_eq!(transcript.exchanges.len(), 1);
    let class = class(&transcript);
    assert_eq!(class.kind, Kind::Unreachable);
    assert_eq!(class.failure.unwrap().kind, FailureKind::Refused);
}

#[tokio::test]
async fn a_name_that_does_not_exist_is_a_dns_failure() {
    let transcript = scan_with("http://agentgauge-test.invalid/mcp", |_| {}).await;
    assert_eq!(class(&transcript).failure.unwrap().kind, FailureKind::Dns);
}

#[tokio::test]
async fn what_is_not_http_is_named_with_its_first_bytes() {
    let server = Raw::start(|mut stream| async move {
        let _ = stream.write_all(b"SSH-2.0-OpenSSH_9.9\x1b[31m\r\n").await;
        tokio::time::sleep(Duration::from_secs(5)).await;
    })
    .await;
    let transcript = impatient_scan(&server, "http").await;
    let failure = step(&transcript, "discover").failure.clone().unwrap();
    assert_eq!(failure.kind, FailureKind::NotHttp);
    assert!(failure.detail.contains("SSH-2.0"), "{}", failure.detail);
    assert!(!failure.detail.contains('\u{1b}'), "the excerpt is escaped");
}

#[tokio::test]
async fn closing_without_a_byte_is_truncated_at_once() {
    let server = Raw::replying("").await;
    assert_eq!(discover_failure(&server).await, (Phase::Head, FailureKind::Truncated));
}

#[tokio::test]
async fn a_reset_is_a_reset() {
    let server = Raw::start(|mut stream| async move {
        head(&mut stream).await;
        // Linger 0 makes the close an RST.
        #[allow(deprecated, reason = "the only way to send an RST")]
        let _ = stream.set_linger(Some(Duration::ZERO));
    })
    .await;
    let (phase, kind) = discover_failure(&server).await;
    assert_eq!((phase, kind), (Phase::Head, FailureKind::Reset));
}

#[tokio::test]
async fn silence_and_dripping_heads_run_into_the_header_limit() {
    let silent = Raw::start(|mut stream| async move {
        head(&mut stream).await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    })
    .await;
    assert_eq!(discover_failure(&silent).await, (Phase::Head, FailureKind::HeaderTimeout));
    let dripping = Raw::start(|mut stream| async move {
        head(&mut stream).await;
        for byte in b"HTTP/1.1 200 OK\r\nx-slow: ".iter().chain(std::iter::repeat_n(&b'a', 500)) {
            if stream.write_all(&[*byte]).await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    assert_eq!(discover_failure(&dripping).await, (Phase::Head, FailureKind::HeaderTimeout));
}

/// The `discover` of a server that sends its head after three seconds, and then drips.
async fn late_and_dripping(media: &'static str) -> Transcript {
    let late = Raw::start(move |mut stream| async move {
        head(&mut stream).await;
        tokio::time::sleep(Duration::from_millis(3_000)).await;
        let head = format!("HTTP/1.1 200 OK\r\ncontent-type: {media}\r\n\r\n");
        let _ = stream.write_all(head.as_bytes()).await;
        while stream.write_all(b" ").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    scan_with(&late.url("http"), |target| {
        target.limits.header_ms = 4_000;
        target.limits.reply_ms = 4_000;
        target.limits.target_ms = 9_000;
    })
    .await
}

#[tokio::test]
async fn a_late_head_takes_its_time_from_the_body() {
    let (json, stream) =
        tokio::join!(late_and_dripping("application/json"), late_and_dripping("text/event-stream"));
    for (media, transcript) in [("JSON", json), ("a stream", stream)] {
        let discover = step(&transcript, "discover");
        assert!(discover.head.is_some(), "{media}");
        let failure = discover.failure.clone().unwrap();
        assert_eq!(
            (failure.kind, failure.detail.as_str()),
            (FailureKind::BodyTimeout, "reply_ms 4000"),
            "{media}"
        );
        // From the head on it would be seven seconds.
        let took = discover.took_us();
        assert!((4_000_000..6_000_000).contains(&took), "{media}: {took} us");
    }
}

#[tokio::test]
async fn heads_without_end_are_too_large() {
    let line = Raw::replying(format!("HTTP/1.1 200 OK\r\nx: {}\r\n\r\n", "a".repeat(200_000))).await;
    assert_eq!(discover_failure(&line).await, (Phase::Head, FailureKind::TooLarge));
    let many = Raw::replying(format!("HTTP/1.1 200 OK\r\n{}\r\n", "x: y\r\n".repeat(5_000))).await;
    assert_eq!(discover_failure(&many).await, (Phase::Head, FailureKind::TooLarge));
}

#[tokio::test]
async fn bodies_end_at_their_limit_their_deadline_or_their_lie() {
    let endless = Raw::start(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\n\r\n").await;
        let block = vec![b'a'; 64 * 1024];
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    let transcript = patient_scan(&endless).await;
    let exchange = step(&transcript, "discover");
    assert_eq!(exchange.failure.as_ref().unwrap().kind, FailureKind::TooLarge);
    assert!(
        matches!(&exchange.content, Content::Text { text, cut: true, .. } if text.len() <= 4 * 1024 * 1024)
    );

    let short =
        Raw::replying("HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 100\r\n\r\n{")
            .await;
    assert_eq!(discover_failure(&short).await, (Phase::Body, FailureKind::Truncated));

    let chunks = Raw::replying(
        "HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ntransfer-encoding: chunked\r\n\r\nzz\r\n{}\r\n",
    )
    .await;
    assert_eq!(discover_failure(&chunks).await, (Phase::Body, FailureKind::Framing));

    let stalled = Raw::start(|mut stream| async move {
        head(&mut stream).await;
        let _ = stream
            .write_all(b"HTTP/1.1 200 OK\r\ncontent-type: application/json\r\ncontent-length: 9\r\n\r\n{")
            .await;
        tokio::time::sleep(Duration::from_secs(30)).await;
    })
    .await;
    assert_eq!(discover_failure(&stalled).await, (Phase::Body, FailureKind::BodyTimeout));
}

#[tokio::test]
async fn event_streams_end_at_their_limits() {
    let head_text = b"HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\n\r\n";
    let flood = Raw::start(move |mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(head_text).await;
        let block = b"data\n".repeat(10_000);
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    let transcript = patient_scan(&flood).await;
    let exchange = step(&transcript, "discover");
    assert_eq!(exchange.failure.as_ref().unwrap().kind, FailureKind::TooLarge);
    assert!(exchange.lines().unwrap().len() <= 10_001);

    let long_line = Raw::start(move |mut stream| async move {
        head(&mut stream).await;
        let _ = stream.write_all(head_text).await;
        let block = vec![b'x'; 64 * 1024];
        while stream.write_all(&block).await.is_ok() {}
    })
    .await;
    let transcript = patient_scan(&long_line).await;
    let exchange = step(&transcript, "discover");
    assert_eq!(exchange.failure.as_ref().unwrap().kind, FailureKind::TooLarge);
    assert!(exchange.lines().unwrap().iter().all(|line| line.text.len() <= 1024 * 1024));
}

#[tokio::test]
async fn plain_http_on_a_tls_port_is_named() {
    let server = Raw::start(|mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 400 Bad Request\r\n\r\nplain HTTP").await;
        tokio::time::sleep(Duration::from_secs(1)).await;
    })
    .await;
    let transcript = impatient_scan(&server, "https").await;
    assert_eq!(step(&transcript, "discover").failure.as_ref().unwrap().kind, FailureKind::NotTls);
    assert_eq!(class(&transcript).kind, Kind::Unreachable);
}

#[tokio::test]
async fn a_handshake_that_stalls_times_out() {
    let server = Raw::start(|_stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
    })
    .await;
    // The closure drops the stream only after its sleep: the peer accepts and says nothing.
    let held = Raw::start(|stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    let transcript = impatient_scan(&held, "https").await;
    assert_eq!(step(&transcript, "discover").failure.as_ref().unwrap().kind, FailureKind::TlsTimeout);
    drop(server);
}

#[tokio::test]
async fn statuses_that_are_no_answer_are_told_apart() {
    for (reply, kind, words) in [
        (
            "HTTP/1.1 401 Unauthorized\r\nwww-authenticate: Bearer\r\ncontent-length: 0\r\n\r\n",
            Kind::AuthGated,
            "credential",
        ),
        ("HTTP/1.1 403 Forbidden\r\ncontent-length: 4\r\n\r\nhost", Kind::Blocked, "403"),
        (
            "HTTP/1.1 429 Too Many Requests\r\nretry-after: 86400\r\ncontent-length: 0\r\n\r\n",
            Kind::Blocked,
            "429",
        ),
        (
            "HTTP/1.1 200 OK\r\ncontent-type: text/html\r\ncontent-length: 23\r\n\r\n<html>hello there</html>",
            Kind::None,
            "HTML",
        ),
        ("HTTP/1.1 503 Service Unavailable\r\ncontent-length: 0\r\n\r\n", Kind::None, "503"),
    ] {
        let server = Raw::replying(reply).await;
        let class = class(&impatient_scan(&server, "http").await);
        assert_eq!(class.kind, kind, "{reply}");
        assert!(class.reason.contains(words), "{reply}: {}", class.reason);
    }
}

#[tokio::test]
async fn a_day_of_retry_after_ends_the_scan_instead_of_hammering() {
    let server =
        Raw::replying("HTTP/1.1 429 Too Many Requests\r\nretry-after: 86400\r\ncontent-length: 0\r\n\r\n")
            .await;
    impatient_scan(&server, "http").await;
    assert!(server.connections() <= 2, "{} connections after a 429", server.connections());
}

#[tokio::test]
async fn a_redirect_to_another_origin_is_never_followed_and_gets_no_credential() {
    let offsite = Arc::new(Raw::replying("HTTP/1.1 200 OK\r\ncontent-length: 0\r\n\r\n").await);
    let reply = format!(
        "HTTP/1.1 307 Temporary Redirect\r\nlocation: {}\r\ncontent-length: 0\r\n\r\n",
        offsite.url("http")
    );
    let server = Raw::replying(reply).await;
    let transcript = scan_with(&server.url("http"), |target| {
        impatient(&mut target.limits);
        target.headers.push((
            http::HeaderName::from_static("x-api-key"),
            agentgauge::target::secret::Secret::new("canary-secret-value"),
        ));
    })
    .await;
    assert_eq!(offsite.connections(), 0);
    let bytes = agentgauge::transcript::codec::encode(&transcript);
    assert!(!String::from_utf8(bytes).unwrap().contains("canary-secret-value"));
    assert_eq!(class(&transcript).kind, Kind::None);
}

#[tokio::test]
async fn a_reflected_credential_is_masked_in_every_form() {
    let secret = "canary/secret+value";
    let hex: String = secret.bytes().map(|byte| format!("{byte:02x}")).collect();
    let body = format!("{{\"error\":\"you sent Bearer {secret} {hex} canary%2Fsecret%2Bvalue\"}}");
    let server = Raw::replying(format!(
        "HTTP/1.1 400 Bad Request\r\ncontent-type: application/json\r\nx-echo: {secret}\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    ))
    .await;
    let transcript = scan_with(&server.url("http"), |target| {
        target.headers.push((
            http::header::AUTHORIZATION,
            agentgauge::target::secret::Secret::new(format!("Bearer {secret}")),
        ));
    })
    .await;
    let text = String::from_utf8(agentgauge::transcript::codec::encode(&transcript)).unwrap();
    for form in [secret, hex.as_str(), "canary%2Fsecret%2Bvalue"] {
        assert!(!text.contains(form), "{form} leaked");
    }
    assert!(text.contains("~credential~"));
}

/// A WebSocket that answers the first message with these bytes; gives the close code that it is told.
async fn close_code_for(bytes: &'static [u8]) -> Option<u16> {
    use tokio::io::AsyncReadExt;
    use tokio_tungstenite::tungstenite::handshake::derive_accept_key;
    let (told, mut codes) = tokio::sync::mpsc::unbounded_channel();
    let server = Raw::start(move |mut stream| {
        let told = told.clone();
        async move {
            let head = head(&mut stream).await;
            let key = head.lines().find_map(|line| line.strip_prefix("sec-websocket-key: "));
            let Some(key) = key else {
                let _ = stream.write_all(b"HTTP/1.1 405 No\r\ncontent-length: 0\r\n\r\n").await;
                return;
            };
            let accept = derive_accept_key(key.as_bytes());
            let answer = format!(
                "HTTP/1.1 101 Switching Protocols\r\nupgrade: websocket\r\nconnection: upgrade\r\n\
                 sec-websocket-accept: {accept}\r\n\r\n"
            );
            let _ = stream.write_all(answer.as_bytes()).await;
            let _ = stream.write_all(bytes).await;
            let mut seen = Vec::new();
            let mut block = [0; 4096];
            while let Ok(count @ 1..) = stream.read(&mut block).await {
                seen.extend_from_slice(&block[..count]);
            }
            // The last frame of a client that closes: 0x88, masked, two bytes of code.
            if let Some([0x88, 0x82, a, b, _, _, x, y]) = seen.last_chunk() {
                let _ = told.send(u16::from_be_bytes([x ^ a, y ^ b]));
            }
        }
    })
    .await;
    let transcript = scan_with(&server.url("ws"), |target| impatient(&mut target.limits)).await;
    assert!(class(&transcript).kind != Kind::McpWebsocket);
    tokio::time::timeout(Duration::from_secs(10), codes.recv()).await.ok().flatten()
}

#[tokio::test]
async fn a_peer_that_breaks_the_rules_of_websocket_is_told_which() {
    for (what, bytes, code) in [
        ("a frame of 2^62", &b"\x82\x7f\x40\x00\x00\x00\x00\x00\x00\x00"[..], 1009),
        ("a masked frame", b"\x81\x82abcdxy", 1002),
        ("a reserved bit", b"\xc1\x01x", 1002),
        ("a reserved opcode", b"\x83\x01x", 1002),
        ("text that is not UTF-8", b"\x81\x02\xff\xfe", 1007),
    ] {
        assert_eq!(close_code_for(bytes).await, Some(code), "{what}");
    }
}
