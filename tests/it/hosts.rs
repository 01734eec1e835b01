//! Hosts as people write them: zones of IPv6 addresses, names beyond ASCII, capitals, the dot of the root. What
//! a server saw of them, and what a reader is shown.

use std::net::{Ipv6Addr, SocketAddr, SocketAddrV6};
use std::sync::{Arc, Mutex};

use agentgauge::demo::{Base, Behaviour, Endpoint, Fault};
use agentgauge::facts::Kind;
use agentgauge::observe::{Observer, ScanEvent, ScanOptions, Silent, Stop};
use agentgauge::scan::scan;
use agentgauge::target::Target;
use agentgauge::target::secret::Secret;
use agentgauge::transcript::{FailureKind, Phase, Profile};
use agentgauge::verdict::Status;
use rustls::server::Acceptor;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpListener, TcpStream};
use tokio_rustls::LazyConfigAcceptor;

use crate::program::{Folder, Run, finish, program, run};
use crate::support::raw::{Raw, request};
use crate::support::tls::{Certificate, TlsFront};
use crate::support::{class, scan_with};

/// A listener of another address in front of an endpoint on 127.0.0.1; it ends with the test.
fn front(address: SocketAddr, endpoint: &Endpoint) -> Option<u16> {
    let listener = std::net::TcpListener::bind(address).ok()?;
    listener.set_nonblocking(true).unwrap();
    let port = listener.local_addr().unwrap().port();
    let target = endpoint.address();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = TcpListener::from_std(listener).unwrap();
            while let Ok((mut client, _)) = listener.accept().await {
                tokio::spawn(async move {
                    if let Ok(mut server) = TcpStream::connect(target).await {
                        let _ = copy_bidirectional(&mut client, &mut server).await;
                    }
                });
            }
        });
    });
    Some(port)
}

/// A link-local address of this machine, its interface and that one's number. Only Linux says so in a file.
fn link_local() -> Option<(Ipv6Addr, String, u32)> {
    let table = std::fs::read_to_string("/proc/net/if_inet6").ok()?;
    table.lines().find_map(|line| {
        let words: Vec<&str> = line.split_whitespace().collect();
        let [address, number, _, _, _, name] = words.as_slice() else { return None };
        let address = Ipv6Addr::from(u128::from_str_radix(address, 16).ok()?);
        let number = u32::from_str_radix(number, 16).ok()?;
        address.is_unicast_link_local().then(|| (address, (*name).to_owned(), number))
    })
}

fn any_host(base: Base) -> Endpoint {
    Endpoint::start_on_thread(Behaviour::sound(base).with(Fault::HostIgnored)).unwrap()
}

fn json(url: &str, more: &[&str]) -> Run {
    run(&[&["scan", "--profile", "quick", "-f", "json", url], more].concat())
}

fn hosts(endpoint: &Endpoint) -> Vec<String> {
    let requests = endpoint.requests();
    let mut hosts: Vec<String> = requests
        .iter()
        .filter_map(|seen| seen.header("host").map(str::to_owned))
        .filter(|host| !host.contains("invalid"))
        .collect();
    hosts.sort();
    hosts.dedup();
    hosts
}

#[test]
fn a_zone_is_connected_through_and_told_to_nobody() {
    let Some((address, name, number)) = link_local() else {
        println!("not tested: this machine has no link-local address, or does not say so");
        return;
    };
    let endpoint = any_host(Base::Dual);
    let at = SocketAddrV6::new(address, 0, 0, number);
    let Some(port) = front(at.into(), &endpoint) else {
        println!("not tested: nothing can listen on {at}");
        return;
    };
    let folder = Folder::new("zones");
    let canonical = format!("http://[{address}%25{name}]:{port}/mcp");
    let mut reports = Vec::new();
    for typed in [canonical.clone(), format!("http://[{address}%{name}]:{port}/mcp")] {
        let saved = folder.path("t.jsonl");
        let scan = json(&typed, &["--save-transcript", &saved]);
        assert_eq!(scan.code, Some(0), "{scan:?}");
        let report = scan.json();
        assert_eq!(report["target"]["url"], canonical.as_str());
        assert_eq!(report["classification"]["endpoint"], canonical.as_str());
        assert_eq!(report["classification"]["kind"], "dual");
        assert_eq!(run(&["replay", "-f", "json", &saved]).stdout, scan.stdout);
        assert!(scan.stdout.contains(&format!("'{canonical}'")), "curl is told the zone");
        let transcript = std::fs::read_to_string(&saved).unwrap();
        assert!(transcript.contains(&format!("\"zone\":\"{name}\"")), "{transcript}");
        assert!(transcript.contains(&format!("\"address\":\"[{address}%{number}]:{port}\"")), "{transcript}");
        reports.push(folder.write(&format!("{}.json", reports.len()), &scan.stdout));
    }
    // Only the address, in every Host of ours; the zone in no byte that was sent.
    assert_eq!(hosts(&endpoint), [format!("[{address}]:{port}")]);
    for seen in endpoint.requests() {
        let said = format!("{:?} {} {}", seen.headers, seen.path, String::from_utf8_lossy(&seen.body));
        assert!(!said.contains(&format!("%{name}")) && !said.contains("%25"), "{said}");
    }
    // Both spellings are one target, another zone is another.
    let diff = run(&["diff", &reports[0], &reports[1]]);
    assert!(diff.code == Some(0) && !diff.stdout.contains("Only in"), "{diff:?}");
    let other = std::fs::read_to_string(&reports[0]).unwrap().replace(&format!("%25{name}]"), "%25other0]");
    let other = folder.write("other.json", other);
    let merged = run(&["merge", "-f", "json", &reports[0], &reports[1], &other]).json();
    assert_eq!(merged["reports"].as_array().unwrap().len(), 2);
    // By its number, and without it.
    let by_number = json(&format!("http://[{address}%25{number}]:{port}/mcp"), &[]);
    assert_eq!(by_number.code, Some(0), "{by_number:?}");
    let without = json(&format!("http://[{address}]:{port}/mcp"), &[]);
    assert_eq!(without.code, Some(3), "{without:?}");
    assert!(without.stderr.contains("its zone is missing, as in http://[fe80::1%25eth0]/"), "{without:?}");
}

#[test]
fn a_zone_of_this_machine_needs_no_encryption_and_one_of_the_network_does() {
    let endpoint = any_host(Base::Gated);
    let Some(port) = front((Ipv6Addr::LOCALHOST, 0).into(), &endpoint) else {
        println!("not tested: this machine has no IPv6");
        return;
    };
    let scan = |url: &str| {
        let mut command = program();
        command.args(["scan", "--profile", "quick", "-f", "json", "--bearer-env", "TOKEN", url]);
        finish(command.env("TOKEN", endpoint.token()).env("ALL_PROXY", "http://127.0.0.1:9"))
    };
    let zones = if cfg!(target_os = "linux") { &["%25lo", "%lo", "%251", "%1"][..] } else { &["%251", "%1"] };
    for zone in zones {
        let run = scan(&format!("http://[::1{zone}]:{port}/mcp"));
        assert_eq!(run.code, Some(0), "{zone}: {run:?}");
        assert_eq!(run.json()["classification"]["kind"], "dual", "{zone}: the credential went along");
        assert!(!run.stdout.contains(endpoint.token()));
    }
    assert_eq!(hosts(&endpoint), [format!("[::1]:{port}")]);
    let refused = scan(&format!("http://[fe80::1%251]:{port}/mcp"));
    assert_eq!(refused.code, Some(2), "{refused:?}");
    assert!(refused.stderr.contains("'http://[fe80::1%251]:"), "{refused:?}");
    assert!(refused.stderr.contains("refusing to send credentials unencrypted"), "{refused:?}");
}

#[test]
fn zones_that_cannot_be_are_refused_before_anything_is_sent() {
    for (args, said) in [
        (&["http://[fe80::1%25no-such-if]/mcp"][..], "names the network interface \"no-such-if\""),
        (&["http://[fe80::1%no-such-if]/mcp"], "'http://[fe80::1%25no-such-if]/mcp'"),
        (&["http://[fe80::1%]/mcp"], "has no usable zone"),
        (&["http://[fe80::1%25a%20b]/mcp"], "has no usable zone"),
        (&["http://127.0.0.1%25lo/mcp"], "a zone goes with an IPv6 address in brackets"),
        (&["http://fe80::1%25lo/mcp"], "a zone goes with an IPv6 address in brackets"),
        (&["http://[127.0.0.1%25lo]/mcp"], "invalid IPv6 address"),
        (&["http://[::1%251]/mcp", "--proxy", "http://127.0.0.1:9"], "--proxy: 'http://[::1%251]/mcp'"),
    ] {
        let run = run(&[&["scan"], args].concat());
        assert_eq!(run.code, Some(2), "{args:?}: {run:?}");
        assert!(run.stderr.contains(said), "{args:?}: {run:?}");
        assert_eq!(run.stderr.lines().count(), 1, "{args:?}: {run:?}");
    }
}

#[test]
fn a_list_may_not_lead_into_a_network_of_ours() {
    let folder = Folder::new("zones-listed");
    let list = folder.write("list", "http://[fe80::1%251]:9/mcp\n");
    let run = run(&["scan", "--profile", "quick", "-f", "json", "--targets", &list]);
    assert_eq!(run.code, Some(3), "{run:?}");
    assert!(run.stderr.contains("not a public address"), "{run:?}");
    assert!(run.stderr.contains("[fe80::1%1]:9"), "{run:?}");
}

#[tokio::test]
async fn an_interface_that_is_gone_is_a_failure_of_the_name() {
    let transcript = scan_with("http://[fe80::1%25no-such-if]:9/mcp", |_| {}).await;
    assert_eq!(transcript.exchanges.len(), 1);
    let failure = class(&transcript).failure.unwrap();
    assert_eq!((failure.phase, failure.kind), (Phase::Dns, FailureKind::Dns));
    assert_eq!(failure.detail, "this machine has no network interface \"no-such-if\"");
}

/// A zone is ours to name: a server that does leads nowhere, with no secret and without.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_cannot_choose_the_interface() {
    let Ok(listener) = TcpListener::bind("[::1]:0").await else {
        println!("not tested: this machine has no IPv6");
        return;
    };
    let port = listener.local_addr().unwrap().port();
    let paths: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&paths);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let seen = Arc::clone(&seen);
            tokio::spawn(async move {
                let (head, _) = request(&mut stream).await;
                seen.lock().unwrap().push(head.split(' ').nth(1).unwrap_or_default().to_owned());
                let reply = format!(
                    "HTTP/1.1 307 Temporary Redirect\r\nlocation: http://[::1%25lo]:{port}/elsewhere\r\n\
                     content-length: 0\r\nconnection: close\r\n\r\n"
                );
                let _ = stream.write_all(reply.as_bytes()).await;
            });
        }
    });
    scan_with(&format!("http://[::1%251]:{port}/mcp"), |target| {
        target.headers.push((http::header::AUTHORIZATION, Secret::new("Bearer canary-7")));
    })
    .await;
    let paths = paths.lock().unwrap().clone();
    assert!(!paths.is_empty() && !paths.iter().any(|path| path.contains("elsewhere")), "{paths:?}");
}

#[test]
fn a_name_beyond_ascii_is_scanned_and_shown_in_both_forms() {
    for (label, ascii) in [
        ("b\u{fc}cher", "xn--bcher-kva"),
        ("xn--bcher-kva", "xn--bcher-kva"),
        ("B\u{dc}CHER", "xn--bcher-kva"),
        // A Cyrillic letter among Latin ones.
        ("\u{430}pple", "xn--pple-43d"),
    ] {
        let read = if ascii == "xn--pple-43d" { "\u{430}pple" } else { "b\u{fc}cher" };
        let endpoint = any_host(Base::Modern);
        let port = endpoint.address().port();
        let folder = Folder::new(&format!("idn-{port}"));
        let (html, markdown) = (folder.path("r.html"), folder.path("r.md"));
        let typed = format!("http://{label}.localhost:{port}/mcp");
        let both = format!("http://{read}.localhost:{port}/mcp ({ascii}.localhost)");
        let (html_report, markdown_report) = (format!("html={html}"), format!("markdown={markdown}"));
        let scan = json(&typed, &["--report", &html_report, "--report", &markdown_report]);
        assert_eq!(scan.code, Some(0), "{typed}: {scan:?}");
        assert_eq!(scan.json()["target"]["url"], format!("http://{ascii}.localhost:{port}/mcp"));
        assert_eq!(hosts(&endpoint), [format!("{ascii}.localhost:{port}")]);
        let html = std::fs::read_to_string(html).unwrap();
        assert!(html.contains(&format!("<title>{both} · agentgauge</title>")), "{both}");
        let markdown = std::fs::read_to_string(markdown).unwrap();
        // Punctuation is escaped there.
        assert!(markdown.contains(read) && markdown.contains(ascii.trim_start_matches("xn--")), "{markdown}");
        let table = run(&["scan", "--profile", "quick", &typed]);
        assert!(table.stdout.lines().any(|line| line == both), "{table:?}");
    }
}

#[test]
fn messages_name_both_forms_too() {
    let unresolved = run(&["scan", "--profile", "quick", "http://b\u{fc}cher.invalid/mcp"]);
    assert_eq!(unresolved.code, Some(3), "{unresolved:?}");
    let both = "b\u{fc}cher.invalid (xn--bcher-kva.invalid)";
    assert!(unresolved.last_line().contains(both), "{unresolved:?}");
    let mut command = program();
    command.args(["scan", "http://b\u{fc}cher.example/mcp", "--bearer-env", "TOKEN"]).env("TOKEN", "t");
    let refused = finish(&mut command);
    assert_eq!(refused.code, Some(2));
    let both = "'http://b\u{fc}cher.example/mcp (xn--bcher-kva.example)'";
    assert!(refused.stderr.contains(both), "{refused:?}");
    // What is no name at all is refused, and nothing hidden in it reaches the terminal.
    let hidden = run(&["scan", "http://xn--\u{202e}/mcp"]);
    assert_eq!(hidden.code, Some(2));
    assert!(!hidden.stderr.contains('\u{202e}'), "{hidden:?}");
}

#[test]
fn capitals_and_the_dot_of_the_root_are_this_machine() {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Gated)).unwrap();
    let port = endpoint.address().port();
    let mut command = program();
    command.args(["scan", "--profile", "quick", "-f", "json", "--bearer-env", "TOKEN"]);
    command.arg(format!("HTTP://LOCALHOST.:{port}/mcp"));
    // A proxy that nobody listens at: this machine is reached without.
    let run = finish(command.env("TOKEN", endpoint.token()).env("HTTP_PROXY", "http://127.0.0.1:9"));
    assert_eq!(run.code, Some(0), "{run:?}");
    let report = run.json();
    assert_eq!(report["target"]["url"], format!("http://localhost.:{port}/mcp"));
    assert_eq!(report["classification"]["kind"], "dual");
    // Its metadata calls it by another of its names, and is asked for under the one that was typed.
    assert_eq!(hosts(&endpoint), [format!("localhost.:{port}")]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_certificate_covers_a_name_with_and_without_the_dot() {
    let endpoint = Endpoint::start_on_thread(Behaviour::sound(Base::Modern)).unwrap();
    let front = TlsFront::start(&endpoint, Certificate::Good);
    let url = front.url().replace("127.0.0.1", "LocalHost.");
    let transcript = scan_with(&url, |target| {
        target.cacert = Some(front.ca_pem().as_bytes().to_vec());
        target.headers.push((http::HeaderName::from_static("x-own"), Secret::new("canary-7")));
    })
    .await;
    assert_eq!(class(&transcript).kind, Kind::Modern);
    let check = agentgauge::checks::by_id("tls-cert-valid").unwrap();
    let finding = check.run(&agentgauge::facts::Readings::new(&transcript));
    assert_eq!(finding.status, Status::Pass, "{}", finding.message);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_server_name_of_tls_has_no_dot_and_no_zone() {
    let names: Arc<Mutex<Vec<Option<String>>>> = Arc::default();
    let seen = Arc::clone(&names);
    let server = Raw::start(move |stream| {
        let seen = Arc::clone(&seen);
        async move {
            if let Ok(start) = LazyConfigAcceptor::new(Acceptor::default(), stream).await {
                seen.lock().unwrap().push(start.client_hello().server_name().map(str::to_owned));
            }
        }
    })
    .await;
    let port = server.address.port();
    for (url, expected) in [
        (format!("https://LOCALHOST.:{port}/mcp"), Some("localhost")),
        (format!("https://b\u{fc}cher.localhost.:{port}/mcp"), Some("xn--bcher-kva.localhost")),
        // An address is no server name (RFC 6066, section 3).
        (format!("https://127.0.0.1:{port}/mcp"), None),
    ] {
        names.lock().unwrap().clear();
        scan_with(&url, |_| {}).await;
        assert_eq!(names.lock().unwrap().first().cloned(), Some(expected.map(str::to_owned)), "{url}");
    }
}

/// An observer is told the URL as it was typed, too: `--discover` names what it goes on with.
struct Told(Mutex<Vec<String>>);

impl Observer for Told {
    fn entry(&self, entry: &agentgauge::transcript::codec::Entry) {
        if let agentgauge::transcript::codec::Entry::Header(header) = entry {
            self.0.lock().unwrap().push(header.typed(&header.url));
        }
    }

    fn event(&self, _: ScanEvent) {}
}

#[tokio::test]
async fn the_header_of_a_transcript_keeps_the_zone_apart() {
    let target = Target::parse("http://[::1%251]:9/mcp?token=canary-7", Profile::Quick).unwrap();
    let told = Told(Mutex::default());
    let transcript = scan(&target, ScanOptions::default(), &told, &Stop::default()).await;
    assert_eq!(transcript.header.zone.as_deref(), Some("1"));
    assert!(transcript.header.url.starts_with("http://[::1]:9/mcp?token=~"), "{}", transcript.header.url);
    let told = told.0.lock().unwrap().clone();
    assert!(told.len() == 1 && told[0].starts_with("http://[::1%251]:9/mcp?token=~"), "{told:?}");
    let again = scan(&target, ScanOptions::default(), &Silent, &Stop::default()).await;
    assert_eq!(again.header.url, transcript.header.url);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_transport_is_reached_through_a_zone() {
    for (base, kind) in [
        (Base::Modern, Kind::Modern),
        (Base::HttpSse, Kind::HttpSse),
        (Base::Feed, Kind::EventStream),
        (Base::WebSocketMcp, Kind::McpWebsocket),
    ] {
        let endpoint = any_host(base);
        let (at, zone) = match link_local() {
            Some((address, name, number)) => (SocketAddrV6::new(address, 0, 0, number), name),
            None => (SocketAddrV6::new(Ipv6Addr::LOCALHOST, 0, 0, 0), "1".to_owned()),
        };
        let Some(port) = front(at.into(), &endpoint) else {
            println!("not tested: nothing can listen on {at}");
            return;
        };
        let url =
            endpoint.url().replace(&endpoint.address().to_string(), &format!("[{}%{zone}]:{port}", at.ip()));
        let transcript = scan_with(&url, |_| {}).await;
        assert_eq!(class(&transcript).kind, kind, "{url}");
        assert_eq!(hosts(&endpoint), [format!("[{}]:{port}", at.ip())], "{url}");
        assert!(transcript.exchanges.iter().all(|exchange| exchange.failure.is_none()), "{url}");
    }
}
