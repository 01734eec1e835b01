//! TLS: every certificate fault is told apart, one handshake reads and verifies, and a server that
//! speaks HTTP/2 only is still scanned.

use std::sync::Arc;

use agentgauge::demo::{self, Base, Behaviour, Endpoint};
use agentgauge::facts::{Kind, Readings};
use agentgauge::transcript::{CertificateFault, Tls, Transcript};
use agentgauge::verdict::Status;
use tokio::net::TcpListener;

use crate::program::{Folder, finish, program};
use crate::support::tls::{Certificate, TlsFront};
use crate::support::{class, scan_with};

fn tls(transcript: &Transcript) -> Tls {
    transcript.exchanges.iter().find_map(|exchange| exchange.connect.as_ref()?.tls.clone()).unwrap()
}

async fn scan_front(certificate: Certificate, trusting: bool) -> Transcript {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Modern)).unwrap();
    let front = TlsFront::start(&endpoint, certificate);
    scan_with(&front.url(), |target| {
        target.cacert = trusting.then(|| front.ca_pem().as_bytes().to_vec());
    })
    .await
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn each_certificate_fault_has_its_own_name_and_verdict() {
    use CertificateFault::{Expired, NotYetValid, SelfSigned, UnknownIssuer, WrongName};
    for (certificate, faults) in [
        (Certificate::Good, vec![]),
        (Certificate::Expired, vec![Expired]),
        (Certificate::NotYetValid, vec![NotYetValid]),
        (Certificate::WrongName, vec![WrongName]),
        (Certificate::MissingIntermediate, vec![UnknownIssuer]),
        (Certificate::SelfSigned, vec![SelfSigned]),
        (Certificate::SelfSignedCa, vec![SelfSigned]),
        (Certificate::UnknownIssuer, vec![UnknownIssuer]),
    ] {
        let transcript = scan_front(certificate, true).await;
        assert_eq!(tls(&transcript).faults, faults, "{certificate:?}");
        // A fault never stops a scan of this machine; with own roots it counts as for a public host.
        assert_eq!(class(&transcript).kind, Kind::Modern, "{certificate:?}");
        let check = agentgauge::checks::by_id("tls-cert-valid").unwrap();
        let finding = check.run(&Readings::new(&transcript));
        let expected = if faults.is_empty() { Status::Pass } else { Status::Fail };
        assert_eq!(finding.status, expected, "{certificate:?}: {}", finding.message);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn without_own_roots_a_private_certificate_on_loopback_is_only_noted() {
    let transcript = scan_front(Certificate::SelfSigned, false).await;
    let check = agentgauge::checks::by_id("tls-cert-valid").unwrap();
    assert_eq!(check.run(&Readings::new(&transcript)).status, Status::Info);
    let recorded = tls(&transcript);
    assert_eq!(recorded.version.as_deref(), Some("TLSv1_3"));
    assert_eq!(recorded.alpn.as_deref(), Some("http/1.1"));
    assert!(recorded.chain.first().is_some_and(|leaf| leaf.sha256.len() == 64));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_speaks_only_http2_is_scanned_over_it() {
    let key = rcgen::generate_simple_self_signed(["localhost".to_owned()]).unwrap();
    let mut config =
        rustls::ServerConfig::builder_with_provider(Arc::new(rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(
                vec![key.cert.der().clone()],
                rustls::pki_types::PrivateKeyDer::Pkcs8(key.signing_key.serialize_der().into()),
            )
            .unwrap();
    config.alpn_protocols = vec![b"h2".to_vec()];
    let acceptor = tokio_rustls::TlsAcceptor::from(Arc::new(config));
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("https://{}/mcp", listener.local_addr().unwrap());
    tokio::spawn(async move {
        while let Ok((stream, _)) = listener.accept().await {
            let acceptor = acceptor.clone();
            tokio::spawn(async move {
                let Ok(stream) = acceptor.accept(stream).await else { return };
                let service =
                    hyper::service::service_fn(|request: http::Request<hyper::body::Incoming>| async move {
                        assert_eq!(request.version(), http::Version::HTTP_2);
                        let body = http_body_util::Full::new(bytes::Bytes::from_static(
                            b"{\"error\":\"no such thing\"}",
                        ));
                        http::Response::builder()
                            .status(404)
                            .header("content-type", "application/json")
                            .body(body)
                    });
                let io = hyper_util::rt::TokioIo::new(stream);
                let _ = hyper::server::conn::http2::Builder::new(hyper_util::rt::TokioExecutor::new())
                    .serve_connection(io, service)
                    .await;
            });
        }
    });
    let transcript = scan_with(&url, |_| {}).await;
    let head = transcript.exchanges.iter().find_map(|exchange| exchange.head.as_ref()).unwrap();
    assert_eq!((head.version.as_str(), head.status), ("HTTP/2", 404));
    assert_eq!(class(&transcript).kind, Kind::None);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_socket_over_tls_is_judged_like_any_other() {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::WebSocketMcp)).unwrap();
    for (certificate, valid) in [(Certificate::Good, Status::Pass), (Certificate::WrongName, Status::Fail)] {
        let front = TlsFront::start(&endpoint, certificate);
        let url = front.url().replacen("https://", "wss://", 1);
        let transcript =
            scan_with(&url, |target| target.cacert = Some(front.ca_pem().as_bytes().to_vec())).await;
        let class = class(&transcript);
        assert_eq!(class.kind, Kind::McpWebsocket, "{certificate:?}: {}", class.reason);
        // The socket's own connection is encrypted, and its messages came over that one.
        let upgraded = transcript.exchanges.iter().find(|exchange| exchange.status() == Some(101)).unwrap();
        assert!(upgraded.request.url.starts_with("wss://"), "{}", upgraded.request.url);
        assert!(upgraded.connect.as_ref().is_some_and(|connect| connect.tls.is_some()));
        let readings = Readings::new(&transcript);
        let status = |id: &str| {
            let finding = agentgauge::checks::by_id(id).unwrap().run(&readings);
            (finding.status, finding.message)
        };
        for id in ["ws-handshake", "ws-mcp-roundtrip", "ws-origin-check", "ws-only", "rpc-id-echo"] {
            let (status, message) = status(id);
            assert_eq!(status, Status::Pass, "{id} with {certificate:?}: {message}");
        }
        let (status, message) = status("tls-cert-valid");
        assert_eq!(status, valid, "{certificate:?}: {message}");
    }
}

#[test]
fn a_badge_says_that_faults_were_ignored() {
    let endpoint = Endpoint::start_on_thread(demo::sound()).unwrap();
    for (certificate, more, said) in
        [(Certificate::Expired, &["--insecure"][..], true), (Certificate::Good, &[], false)]
    {
        let front = TlsFront::start(&endpoint, certificate);
        let folder = Folder::new(&format!("badge-{said}"));
        let (json, svg) = (folder.path("badge.json"), folder.path("badge.svg"));
        let run = finish(
            program()
                .args(["scan", "--no-config", "--profile", "quick", "-q", "--cacert"])
                .arg(folder.write("ca.pem", front.ca_pem()))
                .args(["--report", &format!("badge={json}"), "--report", &format!("badge-svg={svg}")])
                .args(more)
                .arg(front.url()),
        );
        assert_eq!(run.code, Some(0), "{run:?}");
        let badge: serde_json::Value = serde_json::from_slice(&std::fs::read(json).unwrap()).unwrap();
        assert_eq!(badge["message"].as_str().unwrap().ends_with(", insecure"), said, "{badge}");
        let svg = std::fs::read_to_string(svg).unwrap();
        let document = roxmltree::Document::parse(&svg).unwrap();
        let title = document.descendants().find(|node| node.has_tag_name("title")).unwrap();
        assert_eq!(title.text().unwrap().contains("insecure"), said, "{svg}");
        let label = document.root_element().attribute("aria-label").unwrap();
        assert_eq!(label.contains("insecure"), said, "{svg}");
    }
}
