//! Scans through a proxy: every connection is a tunnel, what speaks there is judged as without it, and
//! nobody is told anything that is not theirs.

use std::net::SocketAddr;
use std::time::Duration;

use agentgauge::demo::{Base, Behaviour, Endpoint};
use agentgauge::facts::Kind;
use agentgauge::target::Target;
use agentgauge::target::proxy::Proxy;
use agentgauge::transcript::{FailureKind, Phase, Transcript};
use agentgauge::verdict::Status;

use crate::program::{Folder, Run, finish, program};
use crate::support::proxy::Tunnels;
use crate::support::raw::Raw;
use crate::support::tls::{Certificate, TlsFront};
use crate::support::{class, impatient, scan_with};

fn through(target: &mut Target, address: SocketAddr) {
    target.proxy = Some(Proxy::parse(&format!("http://me:canary-7@{address}"), "--proxy").unwrap());
}

fn address(url: &str) -> SocketAddr {
    let url = url::Url::parse(url).unwrap();
    format!("{}:{}", url.host_str().unwrap(), url.port().unwrap()).parse().unwrap()
}

fn text(transcript: &Transcript) -> String {
    String::from_utf8(agentgauge::transcript::codec::encode(transcript)).unwrap()
}

fn statuses(transcript: &Transcript) -> Vec<(&'static str, Status)> {
    let readings = agentgauge::facts::Readings::new(transcript);
    let judged = agentgauge::checks::all().map(|check| (check.id, check.run(&readings).status));
    judged.filter(|(_, status)| matches!(status, Status::Warn | Status::Fail)).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transport_is_judged_as_without_a_proxy() {
    for (base, kind) in [
        (Base::Modern, Kind::Modern),
        (Base::Legacy, Kind::Legacy),
        (Base::HttpSse, Kind::HttpSse),
        (Base::Feed, Kind::EventStream),
        (Base::WebSocketMcp, Kind::McpWebsocket),
    ] {
        let endpoint = Endpoint::start_on_thread(Behaviour::sound(base)).unwrap();
        let url = endpoint.url();
        let proxy = Tunnels::start(address(&url)).await;
        let transcript = scan_with(&url, |target| through(target, proxy.address)).await;
        assert_eq!(class(&transcript).kind, kind, "{base:?}");
        assert_eq!(statuses(&transcript), [], "{base:?}");
        let asked = proxy.asked();
        let connections = transcript.exchanges.iter().filter(|exchange| exchange.connect.is_some()).count();
        assert_eq!(asked.len(), connections, "{base:?}: every connection is a tunnel");
        let expected = format!("CONNECT {} HTTP/1.1\r\n", address(&url));
        for head in &asked {
            assert!(head.starts_with(&expected), "{head}");
            // "me:canary-7" in base64.
            assert!(head.contains("proxy-authorization: Basic bWU6Y2FuYXJ5LTc="), "{head}");
        }
        let text = text(&transcript);
        assert!(text.contains(&format!("\"proxy\":\"http://{}\"", proxy.address)), "{base:?}");
        for secret in ["canary-7", "bWU6Y2FuYXJ5LTc"] {
            assert!(!text.contains(secret), "{base:?}: {secret}");
        }
        // The proxy's address says nothing about who can reach the endpoint.
        assert!(
            transcript
                .exchanges
                .iter()
                .all(|exchange| exchange.connect.as_ref().is_none_or(|connect| connect.address.is_none()))
        );
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn tls_is_with_the_target_and_not_with_the_proxy() {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Modern)).unwrap();
    let front = TlsFront::start(&endpoint, Certificate::Good);
    let proxy = Tunnels::start(address(&front.url())).await;
    let transcript = scan_with(&front.url(), |target| {
        target.cacert = Some(front.ca_pem().as_bytes().to_vec());
        through(target, proxy.address);
    })
    .await;
    assert_eq!(class(&transcript).kind, Kind::Modern);
    let chain =
        transcript.exchanges.iter().find_map(|exchange| exchange.connect.as_ref()?.tls.clone()).unwrap();
    assert_eq!(chain.faults, []);

    // A fault ends the scan: behind a proxy "this machine" may be any.
    let front = TlsFront::start(&endpoint, Certificate::Expired);
    let proxy = Tunnels::start(address(&front.url())).await;
    let transcript = scan_with(&front.url(), |target| {
        target.cacert = Some(front.ca_pem().as_bytes().to_vec());
        through(target, proxy.address);
    })
    .await;
    assert_eq!(class(&transcript).failure.unwrap().kind, FailureKind::CertificateExpired);
}

#[tokio::test]
async fn a_proxy_that_is_dead_or_refuses_is_named_and_not_the_target() {
    let dead = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap().local_addr().unwrap();
    let refusing = Raw::replying("HTTP/1.1 403 Forbidden\r\ncontent-length: 0\r\n\r\n").await;
    let html = Raw::replying("<html>no proxy</html>").await;
    let silent = Raw::start(|stream| async move {
        tokio::time::sleep(Duration::from_secs(60)).await;
        drop(stream);
    })
    .await;
    for (proxy, kind) in [
        (dead, FailureKind::Refused),
        (refusing.address, FailureKind::ProxyRefused),
        (html.address, FailureKind::NotHttp),
        (silent.address, FailureKind::HeaderTimeout),
    ] {
        let transcript = scan_with("http://endpoint.invalid/mcp", |target| {
            impatient(&mut target.limits);
            through(target, proxy);
        })
        .await;
        let class = class(&transcript);
        assert_eq!(class.kind, Kind::Unreachable, "{kind:?}: {}", class.reason);
        let failure = class.failure.unwrap();
        assert_eq!((failure.phase, failure.kind), (Phase::Proxy, kind));
        assert!(failure.detail.contains(&format!("the proxy http://{proxy}, from --proxy")), "{failure:?}");
        assert_eq!(transcript.exchanges.len(), 1, "{kind:?}: nothing else is tried");
    }
}

#[tokio::test]
async fn a_list_leads_no_proxy_to_private_addresses() {
    let server = Raw::replying("HTTP/1.1 404 Not Found\r\ncontent-length: 0\r\n\r\n").await;
    let proxy = Tunnels::start(server.address).await;
    let listed = |target: &mut Target| {
        target.public_only = true;
        through(target, proxy.address);
    };
    for url in [
        "http://localhost/mcp",
        "http://10.0.0.1/mcp",
        "http://[::ffff:169.254.169.254]/mcp",
        "http://[64:ff9b:1::a9fe:a9fe]/mcp",
        "http://[::a9fe:a9fe]/mcp",
        "http://[::ffff:0:a9fe:a9fe]/mcp",
        "http://[2001:0:808:808::5601:5601]/mcp",
        "http://[5f00::1]/mcp",
        "http://[100::1]/mcp",
        "http://192.88.99.1/mcp",
    ] {
        let transcript = scan_with(url, listed).await;
        assert_eq!(class(&transcript).failure.unwrap().kind, FailureKind::NotPublic, "{url}");
    }
    assert_eq!(proxy.asked(), Vec::<String>::new());
    // What is public is asked for by its address.
    let transcript = scan_with("http://93.184.215.14/mcp", listed).await;
    assert_eq!(class(&transcript).kind, Kind::None);
    assert!(proxy.asked()[0].starts_with("CONNECT 93.184.215.14:80 HTTP/1.1\r\n"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_environment_the_option_and_the_reports_agree() {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Legacy).any_origin()).unwrap();
    let proxy = Tunnels::start(address(&endpoint.url())).await;
    let value = format!("http://me:canary-7@{}", proxy.address);
    let folder = Folder::new("proxied");
    let scan = |more: &[&str], variables: &[(&str, &str)]| -> Run {
        let words = ["scan", "--profile", "quick", "-f", "json"];
        finish(program().args(words).args(more).envs(variables.iter().copied()))
    };
    // This machine is reached without the proxy that the environment names, and with the one of an option.
    let direct = scan(&[&endpoint.url()], &[("http_proxy", &value), ("ALL_PROXY", &value)]);
    assert_eq!((direct.code, proxy.asked().len()), (Some(0), 0), "{direct:?}");
    assert!(direct.json()["target"]["proxy"].is_null());

    let markdown = folder.path("r.md");
    let report = format!("markdown={markdown}");
    let asked = scan(&["--proxy", &value, &endpoint.url(), "--report", &report], &[]);
    assert_eq!(asked.code, Some(0), "{asked:?}");
    assert_eq!(asked.json()["target"]["proxy"], format!("http://{}", proxy.address));
    let said = std::fs::read_to_string(markdown).unwrap();
    assert!(said.contains("Scanned through the proxy"), "{said}");
    assert!(!said.contains("canary-7") && !asked.stdout.contains("canary-7"));

    // By the environment, to a name that only the proxy knows; NO_PROXY spares it.
    let named = "http://endpoint.invalid/mcp";
    let through = scan(&[named], &[("http_proxy", &value)]);
    assert_eq!(through.json()["target"]["proxy"], format!("http://{}", proxy.address), "{through:?}");
    assert_ne!(through.json()["classification"]["kind"], "unreachable");
    let before = proxy.asked().len();
    for words in [&[named][..], &[named, "--no-proxy"]] {
        let spared = if words.len() == 1 { "endpoint.invalid" } else { "" };
        let run = scan(words, &[("http_proxy", &value), ("NO_PROXY", spared)]);
        assert_eq!(run.code, Some(3), "{run:?}");
        assert_eq!(run.json()["facts"]["failures"][0]["kind"], "dns", "{run:?}");
    }
    assert_eq!(proxy.asked().len(), before);

    let refused = scan(&[named], &[("HTTP_PROXY", "socks5://me:canary-7@p:1080")]);
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("HTTP_PROXY: the value has the scheme \"socks5\""), "{refused:?}");
    assert!(!refused.stderr.contains("canary-7"));
}
