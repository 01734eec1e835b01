//! TLS in front of an endpoint, with sound and faulty certificates made on the spot.

use std::net::SocketAddr;
use std::sync::Arc;
use std::thread::JoinHandle;

use agentgauge::demo::Endpoint;
use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, IsCa, KeyPair, KeyUsagePurpose,
    date_time_ymd,
};
use rustls::pki_types::{CertificateDer, PrivateKeyDer, PrivatePkcs8KeyDer};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::oneshot;
use tokio_rustls::TlsAcceptor;

/// What is right or wrong with the certificate. All but the last three chain to the CA of the front.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Certificate {
    /// For `127.0.0.1` and `localhost`, valid for long.
    Good,
    /// Ran out in 2021.
    Expired,
    /// Begins in 2090.
    NotYetValid,
    /// For `elsewhere.example` alone.
    WrongName,
    /// By an intermediate of the CA that the server does not send.
    MissingIntermediate,
    /// Self-signed leaf.
    SelfSigned,
    /// Self-signed with CA:TRUE, as many guides make them.
    SelfSignedCa,
    /// By a CA that nobody was given.
    UnknownIssuer,
}

impl Certificate {
    pub(crate) const ALL: [Self; 8] = [
        Self::Good,
        Self::Expired,
        Self::NotYetValid,
        Self::WrongName,
        Self::MissingIntermediate,
        Self::SelfSigned,
        Self::SelfSignedCa,
        Self::UnknownIssuer,
    ];
}

/// A listener on loopback that ends TLS and hands the bytes on. It runs on a thread of its own and
/// stops when dropped.
#[derive(Debug)]
pub(crate) struct TlsFront {
    address: SocketAddr,
    path: &'static str,
    ca_pem: String,
    leaf_pem: String,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

impl TlsFront {
    /// Starts a front for an endpoint.
    pub(crate) fn start(endpoint: &Endpoint, certificate: Certificate) -> Self {
        let issued = issue(certificate);
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let mut config = rustls::ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![issued.leaf], issued.key)
            .unwrap();
        config.alpn_protocols = vec![b"http/1.1".to_vec()];
        let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        listener.set_nonblocking(true).unwrap();
        let address = listener.local_addr().unwrap();
        let target = endpoint.address();
        let (stop, stopped) = oneshot::channel();
        let thread = std::thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
            runtime.block_on(async {
                let listener = TcpListener::from_std(listener).unwrap();
                tokio::select! {
                    () = serve(listener, TlsAcceptor::from(Arc::new(config)), target) => {}
                    _ = stopped => {}
                }
            });
        });
        Self {
            address,
            path: endpoint.behaviour().base.path(),
            ca_pem: issued.ca_pem,
            leaf_pem: issued.leaf_pem,
            stop: Some(stop),
            thread: Some(thread),
        }
    }

    /// `https://127.0.0.1:<port><path of the endpoint>`.
    pub(crate) fn url(&self) -> String {
        format!("https://{}{}", self.address, self.path)
    }

    pub(crate) fn address(&self) -> SocketAddr {
        self.address
    }

    /// The CA to trust, as PEM.
    pub(crate) fn ca_pem(&self) -> &str {
        &self.ca_pem
    }

    /// The certificate that is shown, as PEM.
    pub(crate) fn leaf_pem(&self) -> &str {
        &self.leaf_pem
    }
}

impl Drop for TlsFront {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            thread.join().unwrap();
        }
    }
}

async fn serve(listener: TcpListener, acceptor: TlsAcceptor, target: SocketAddr) {
    loop {
        let (stream, _) = listener.accept().await.unwrap();
        let acceptor = acceptor.clone();
        tokio::spawn(async move {
            let _ = stream.set_nodelay(true);
            // A client that refuses the certificate ends here, as it should.
            let Ok(mut outer) = acceptor.accept(stream).await else { return };
            let Ok(mut inner) = TcpStream::connect(target).await else { return };
            let _ = inner.set_nodelay(true);
            let _ = tokio::io::copy_bidirectional(&mut outer, &mut inner).await;
        });
    }
}

/// A certificate with its key, and the CA that signed it.
pub(crate) struct Issued {
    ca_pem: String,
    leaf_pem: String,
    leaf: CertificateDer<'static>,
    key: PrivateKeyDer<'static>,
}

impl Issued {
    /// Makes one.
    pub(crate) fn of(certificate: Certificate) -> Self {
        issue(certificate)
    }

    /// A server with it, for one application protocol, and the CA as PEM. With a version, it wants a
    /// client certificate over that one.
    pub(crate) fn acceptor(
        self,
        alpn: &[u8],
        client: Option<&'static rustls::SupportedProtocolVersion>,
    ) -> (TlsAcceptor, String) {
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let builder = rustls::ServerConfig::builder_with_provider(Arc::clone(&provider));
        let builder = match client {
            None => builder.with_safe_default_protocol_versions().unwrap().with_no_client_auth(),
            Some(version) => {
                let mut roots = rustls::RootCertStore::empty();
                roots.add(self.leaf.clone()).unwrap();
                let verifier =
                    rustls::server::WebPkiClientVerifier::builder_with_provider(Arc::new(roots), provider);
                let builder = builder.with_protocol_versions(&[version]).unwrap();
                builder.with_client_cert_verifier(verifier.build().unwrap())
            }
        };
        let mut config = builder.with_single_cert(vec![self.leaf], self.key).unwrap();
        config.alpn_protocols = vec![alpn.to_vec()];
        (TlsAcceptor::from(Arc::new(config)), self.ca_pem)
    }
}

fn authority(name: &str) -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, name);
    params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::DigitalSignature];
    params
}

fn issue(certificate: Certificate) -> Issued {
    let root = |name| CertifiedIssuer::self_signed(authority(name), KeyPair::generate().unwrap()).unwrap();
    let ca = root("demo test root");
    let names = match certificate {
        Certificate::WrongName => vec!["elsewhere.example".to_owned()],
        _ => vec!["127.0.0.1".to_owned(), "localhost".to_owned()],
    };
    let mut params = CertificateParams::new(names).unwrap();
    params.distinguished_name.push(DnType::CommonName, "demo endpoint");
    match certificate {
        Certificate::Expired => {
            params.not_before = date_time_ymd(2020, 1, 1);
            params.not_after = date_time_ymd(2021, 1, 1);
        }
        Certificate::NotYetValid => {
            params.not_before = date_time_ymd(2090, 1, 1);
            params.not_after = date_time_ymd(2091, 1, 1);
        }
        Certificate::SelfSignedCa => params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained),
        _ => {}
    }
    let key = KeyPair::generate().unwrap();
    let leaf = match certificate {
        Certificate::SelfSigned | Certificate::SelfSignedCa => params.self_signed(&key).unwrap(),
        Certificate::UnknownIssuer => params.signed_by(&key, &root("somebody else's root")).unwrap(),
        Certificate::MissingIntermediate => {
            let between = authority("demo test intermediate");
            let between = CertifiedIssuer::signed_by(between, KeyPair::generate().unwrap(), &ca).unwrap();
            params.signed_by(&key, &between).unwrap()
        }
        _ => params.signed_by(&key, &ca).unwrap(),
    };
    Issued {
        ca_pem: ca.pem(),
        leaf_pem: leaf.pem(),
        leaf: leaf.der().clone(),
        key: PrivatePkcs8KeyDer::from(key.serialize_der()).into(),
    }
}
