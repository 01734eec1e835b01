//! nginx and Caddy on loopback, each with one configuration for all rows.

use std::fs;
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use rcgen::{BasicConstraints, CertificateParams, CertifiedIssuer, IsCa, KeyPair, KeyUsagePurpose};
use rustls::pki_types::PrivatePkcs8KeyDer;
use tokio_rustls::TlsAcceptor;

/// Which program stands in front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Program {
    Nginx,
    Caddy,
}

impl Program {
    pub(crate) const ALL: [Self; 2] = [Self::Nginx, Self::Caddy];

    /// The name in its `Server` header, as in our findings.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Nginx => "nginx",
            Self::Caddy => "Caddy",
        }
    }

    /// The executable, if `run` found one.
    pub(crate) fn path(self) -> Option<PathBuf> {
        let variable = match self {
            Self::Nginx => "AGENTGAUGE_NGINX",
            Self::Caddy => "AGENTGAUGE_CADDY",
        };
        std::env::var_os(variable).filter(|path| !path.is_empty()).map(PathBuf::from)
    }
}

/// What the client's connection is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Wire {
    /// Plain HTTP/1.1.
    Plain,
    /// TLS by the certificate of [`Keys`].
    Tls,
    /// TLS that takes h2 only, ended before the proxy, which speaks h2 without TLS: neither nginx nor
    /// Caddy can be told to refuse HTTP/1.1 (Go serves it where h2 alone is offered).
    Http2,
}

/// One listener of a proxy and what it does.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Site {
    pub(crate) wire: Wire,
    /// Directives of the listener: of nginx's `server`, of Caddy's `tls`.
    pub(crate) listener: &'static str,
    /// Directives that change what is passed on: of nginx's `location`, of Caddy's site.
    pub(crate) passing: &'static str,
    /// Directives of Caddy's `reverse_proxy`.
    pub(crate) upstream: &'static str,
}

/// A CA for these tests and what it signed, as files.
pub(crate) struct Keys {
    pub(crate) ca: PathBuf,
    chain: PathBuf,
    key: PathBuf,
    http2: TlsAcceptor,
}

impl Keys {
    pub(crate) fn make(folder: &Path) -> Self {
        let mut root = CertificateParams::default();
        root.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        root.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        let root = CertifiedIssuer::self_signed(root, KeyPair::generate().unwrap()).unwrap();
        let key = KeyPair::generate().unwrap();
        let leaf = CertificateParams::new(["127.0.0.1".to_owned()]).unwrap().signed_by(&key, &root).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![leaf.der().clone()], PrivatePkcs8KeyDer::from(key.serialize_der()).into())
            .unwrap();
        config.alpn_protocols = vec![b"h2".to_vec()];
        let keys = Self {
            ca: folder.join("ca.pem"),
            chain: folder.join("leaf.pem"),
            key: folder.join("key.pem"),
            http2: TlsAcceptor::from(Arc::new(config)),
        };
        fs::write(&keys.ca, root.pem()).unwrap();
        fs::write(&keys.chain, leaf.pem()).unwrap();
        fs::write(&keys.key, key.serialize_pem()).unwrap();
        keys
    }
}

/// A running proxy; dropping it ends the process.
#[derive(Debug)]
pub(crate) struct Proxy {
    child: Child,
    /// Its own ports, in the order of its sites.
    ports: Vec<u16>,
    /// The ports for clients, in that order.
    pub(crate) fronts: Vec<u16>,
}

impl Proxy {
    const READY: Duration = Duration::from_secs(30);
    /// A port that was free may be taken the moment after.
    const TRIES: usize = 3;

    /// Starts it in `folder` with these sites, each in front of an upstream.
    pub(crate) fn start(
        program: Program,
        path: &Path,
        folder: &Path,
        keys: &Keys,
        sites: &[(Site, SocketAddr)],
    ) -> Self {
        let folder = folder.join(program.name());
        fs::create_dir_all(&folder).unwrap();
        for _ in 1..Self::TRIES {
            if let Ok(proxy) = Self::attempt(program, path, &folder, keys, sites) {
                return proxy;
            }
        }
        Self::attempt(program, path, &folder, keys, sites).unwrap_or_else(|log| panic!("{program:?}: {log}"))
    }

    fn attempt(
        program: Program,
        path: &Path,
        folder: &Path,
        keys: &Keys,
        sites: &[(Site, SocketAddr)],
    ) -> Result<Self, String> {
        let held: Vec<TcpListener> =
            sites.iter().map(|_| TcpListener::bind("127.0.0.1:0").unwrap()).collect();
        let ports: Vec<u16> = held.iter().map(|listener| listener.local_addr().unwrap().port()).collect();
        let served: Vec<(Site, SocketAddr, u16)> =
            sites.iter().zip(&ports).map(|((site, to), port)| (*site, *to, *port)).collect();
        let (file, log) = (folder.join("configuration"), folder.join("log"));
        let output = fs::File::create(&log).unwrap();
        let mut command = Command::new(path);
        match program {
            Program::Nginx => {
                fs::write(&file, nginx(folder, keys, &served)).unwrap();
                command.arg("-e").arg(&log).arg("-p").arg(folder).arg("-c").arg(&file);
            }
            Program::Caddy => {
                fs::write(&file, caddy(folder, keys, &served)).unwrap();
                command.args(["run", "--adapter", "caddyfile", "--config"]).arg(&file);
                // Where it keeps what it remembers.
                for variable in ["HOME", "XDG_DATA_HOME", "XDG_CONFIG_HOME"] {
                    command.env(variable, folder);
                }
            }
        }
        command.stdin(Stdio::null()).stdout(output.try_clone().unwrap()).stderr(output);
        drop(held);
        let child = command.spawn().map_err(|error| format!("{command:?}: {error}"))?;
        let mut proxy = Self { child, ports, fronts: Vec::new() };
        proxy.wait().map_err(|()| fs::read_to_string(&log).unwrap_or_default())?;
        proxy.fronts = served
            .iter()
            .map(|(site, _, port)| if site.wire == Wire::Http2 { front(keys, *port) } else { *port })
            .collect();
        Ok(proxy)
    }

    /// Waits until every port accepts.
    fn wait(&mut self) -> Result<(), ()> {
        let started = Instant::now();
        for port in &self.ports {
            while TcpStream::connect(("127.0.0.1", *port)).is_err() {
                let ended = self.child.try_wait().unwrap().is_some();
                if ended || started.elapsed() > Self::READY {
                    return Err(());
                }
                thread::sleep(Duration::from_millis(50));
            }
        }
        // Had it met a port that was taken, it would have gone.
        if self.child.try_wait().unwrap().is_some() { Err(()) } else { Ok(()) }
    }
}

/// Ends TLS that takes h2 only before this port, on a thread that ends with the test.
fn front(keys: &Keys, port: u16) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    listener.set_nonblocking(true).unwrap();
    let front = listener.local_addr().unwrap().port();
    let acceptor = keys.http2.clone();
    thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let listener = tokio::net::TcpListener::from_std(listener).unwrap();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let acceptor = acceptor.clone();
                tokio::spawn(async move {
                    let _ = stream.set_nodelay(true);
                    // A client that offers HTTP/1.1 ends here.
                    let Ok(mut outer) = acceptor.accept(stream).await else { return };
                    let Ok(mut inner) = tokio::net::TcpStream::connect(("127.0.0.1", port)).await else {
                        return;
                    };
                    let _ = inner.set_nodelay(true);
                    let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
                });
            }
        });
    });
    front
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

/// One process, no root: everything that nginx writes goes to `folder`.
fn nginx(folder: &Path, keys: &Keys, sites: &[(Site, SocketAddr, u16)]) -> String {
    let mut text = "daemon off; master_process off; pid pid;\n\
                    events { worker_connections 512; }\n\
                    http {\n  access_log off;\n"
        .to_owned();
    for kind in ["client_body", "proxy", "fastcgi", "uwsgi", "scgi"] {
        text.push_str(&format!("  {kind}_temp_path {}/{kind};\n", folder.display()));
    }
    for (site, upstream, port) in sites {
        let tls = if site.wire == Wire::Tls {
            format!("ssl_certificate {}; ssl_certificate_key {};", keys.chain.display(), keys.key.display())
        } else {
            String::new()
        };
        let wire = match site.wire {
            Wire::Plain => "",
            Wire::Tls => "ssl",
            Wire::Http2 => "http2",
        };
        text.push_str(&format!(
            "  server {{ listen 127.0.0.1:{port} {wire} {}; {tls}\n    location / {{ proxy_pass http://{upstream}; {} }} }}\n",
            site.listener, site.passing
        ));
    }
    text.push_str("}\n");
    text
}

fn caddy(folder: &Path, keys: &Keys, sites: &[(Site, SocketAddr, u16)]) -> String {
    let mut text = format!(
        "{{\n\tadmin off\n\tauto_https off\n\tstorage file_system {}\n\tservers {{\n\t\tprotocols h1 h2 h2c\n\t}}\n}}\n",
        folder.display()
    );
    for (site, upstream, port) in sites {
        let (scheme, tls) = if site.wire == Wire::Tls {
            let (chain, key) = (keys.chain.display(), keys.key.display());
            ("https", format!("\ttls {chain} {key} {{\n\t\t{}\n\t}}\n", site.listener))
        } else {
            ("http", String::new())
        };
        text.push_str(&format!(
            "{scheme}://:{port} {{\n\tbind 127.0.0.1\n{tls}\t{}\n\treverse_proxy {upstream} {{\n\t\t{}\n\t}}\n}}\n",
            site.passing, site.upstream
        ));
    }
    text
}
