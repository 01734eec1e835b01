//! TLS to the target: one handshake that both verifies and reads the certificate.
//!
//! The verifier stores the fault and lets the handshake finish, so that the reading and `--insecure`
//! need no second connection; [`super::dial`] sends nothing on a connection whose certificate does
//! not verify, unless the user or loopback allows it.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use rustls::client::ResolvesClientCert;
use rustls::client::WebPkiServerVerifier;
use rustls::client::danger::{HandshakeSignatureValid, ServerCertVerified, ServerCertVerifier};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, ServerName, UnixTime};
use rustls::{
    AlertDescription, CertificateError, ClientConfig, DigitallySignedStruct, PeerIncompatible, RootCertStore,
    SignatureScheme,
};
use sha2::{Digest, Sha256};
use x509_parser::prelude::{FromDer, GeneralName, X509Certificate};

use super::failure::failure;
use super::tap::Seen;
use crate::transcript::{Certificate, CertificateFault, Failure, FailureKind, Phase};
use crate::verdict::cut;

/// What was loaded, by the operator's PEM.
type Loaded = BTreeMap<Option<Vec<u8>>, Arc<Trust>>;

/// Trust roots, loaded once for the whole process: some 150 files are read for them.
#[derive(Debug)]
pub(super) struct Trust {
    provider: Arc<CryptoProvider>,
    roots: Arc<RootCertStore>,
    operator: Vec<CertificateDer<'static>>,
    /// Where the roots come from, in words.
    pub(super) words: String,
}

impl Trust {
    /// As [`Self::load`], read and parsed once for every target and document.
    pub(super) fn shared(cacert: Option<&[u8]>) -> Result<Arc<Self>, String> {
        static LOADED: Mutex<Loaded> = Mutex::new(BTreeMap::new());
        let mut loaded = LOADED.lock().unwrap_or_else(PoisonError::into_inner);
        let key = cacert.map(<[u8]>::to_vec);
        if let Some(trust) = loaded.get(&key) {
            return Ok(Arc::clone(trust));
        }
        let trust = Arc::new(Self::load(cacert)?);
        loaded.insert(key, Arc::clone(&trust));
        Ok(trust)
    }

    /// The system's roots (Mozilla's where the system has none), and the operator's.
    ///
    /// # Errors
    /// A sentence, if the operator's file holds no certificate.
    fn load(cacert: Option<&[u8]>) -> Result<Self, String> {
        let mut roots = RootCertStore::empty();
        let native = rustls_native_certs::load_native_certs();
        let (added, _) = roots.add_parsable_certificates(native.certs);
        let mut words = "the system's trust roots".to_owned();
        if added == 0 {
            roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
            "Mozilla's trust roots".clone_into(&mut words);
        }
        let mut operator = Vec::new();
        if let Some(pem) = cacert {
            for certificate in CertificateDer::pem_slice_iter(pem) {
                operator.push(certificate.map_err(|error| format!("the PEM file cannot be read: {error}"))?);
            }
            if operator.is_empty() {
                return Err("the file holds no PEM certificate".to_owned());
            }
            roots.add_parsable_certificates(operator.iter().cloned());
            words.push_str(" and --cacert");
        }
        Ok(Self {
            provider: Arc::new(rustls::crypto::ring::default_provider()),
            roots: Arc::new(roots),
            operator,
            words,
        })
    }

    /// Whether the operator added roots.
    pub(super) fn operator_roots(&self) -> bool {
        !self.operator.is_empty()
    }

    /// A client configuration that records into `verdict` and offers this application protocol.
    pub(super) fn recording(&self, alpn: &[u8], verdict: &Recorded) -> Result<ClientConfig, rustls::Error> {
        let inner =
            WebPkiServerVerifier::builder_with_provider(Arc::clone(&self.roots), Arc::clone(&self.provider))
                .build()
                .map_err(|error| rustls::Error::General(error.to_string()))?;
        let verifier = Recording { inner, verdict: verdict.clone() };
        let mut config = ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .dangerous()
            .with_custom_certificate_verifier(Arc::new(verifier))
            .with_client_cert_resolver(Arc::new(verdict.clone()));
        config.alpn_protocols = vec![alpn.to_vec()];
        Ok(config)
    }

    /// A strict client configuration, for everything that is not the target.
    pub(super) fn strict(&self) -> Result<ClientConfig, rustls::Error> {
        Ok(ClientConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_safe_default_protocol_versions()?
            .with_root_certificates(Arc::clone(&self.roots))
            .with_no_client_auth())
    }

    /// Every fault of a chain, worst first. Libraries name one fault only, so names
    /// and dates are read from the leaf as well.
    pub(super) fn faults(
        &self,
        chain: &[CertificateDer<'_>],
        host: &str,
        verdict: &Recorded,
    ) -> Vec<CertificateFault> {
        let mut faults: Vec<CertificateFault> = Vec::new();
        let given =
            chain.first().is_some_and(|leaf| self.operator.iter().any(|own| own.as_ref() == leaf.as_ref()));
        let leaf = chain.first().and_then(|leaf| X509Certificate::from_der(leaf).ok()).map(|(_, leaf)| leaf);
        if let Some(leaf) = &leaf {
            let validity = leaf.validity();
            let now = jiff::Timestamp::now().as_second();
            if validity.not_after.timestamp() < now {
                faults.push(CertificateFault::Expired);
            } else if validity.not_before.timestamp() > now {
                faults.push(CertificateFault::NotYetValid);
            }
            if !covers(leaf, host) {
                faults.push(CertificateFault::WrongName);
            }
            let self_issued = leaf.subject().as_raw() == leaf.issuer().as_raw();
            if !given && self_issued && verdict.get().is_some() && self.chain_fault(verdict) {
                faults.push(CertificateFault::SelfSigned);
            }
        }
        if let Some(error) = verdict.get() {
            let fault = match error {
                CertificateError::Expired | CertificateError::ExpiredContext { .. } => {
                    CertificateFault::Expired
                }
                CertificateError::NotValidYet | CertificateError::NotValidYetContext { .. } => {
                    CertificateFault::NotYetValid
                }
                CertificateError::NotValidForName | CertificateError::NotValidForNameContext { .. } => {
                    CertificateFault::WrongName
                }
                CertificateError::UnknownIssuer => CertificateFault::UnknownIssuer,
                _ => CertificateFault::Other,
            };
            let explained = faults.contains(&CertificateFault::SelfSigned) || given;
            let issuer = matches!(fault, CertificateFault::UnknownIssuer | CertificateFault::Other);
            if !(faults.contains(&fault) || issuer && explained) {
                faults.push(fault);
            }
        }
        faults.sort();
        faults
    }

    fn chain_fault(&self, verdict: &Recorded) -> bool {
        !matches!(
            verdict.get(),
            Some(
                CertificateError::NotValidForName
                    | CertificateError::NotValidForNameContext { .. }
                    | CertificateError::BadSignature
            )
        )
    }
}

/// What the verifier said, and whether the server asked for a certificate of ours; shared with the
/// handshake.
#[derive(Clone, Debug, Default)]
pub(super) struct Recorded {
    verdict: Arc<Mutex<Option<CertificateError>>>,
    asked: Arc<AtomicBool>,
}

impl Recorded {
    fn get(&self) -> Option<CertificateError> {
        self.verdict.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Whether the server asked for a client certificate.
    pub(super) fn asked(&self) -> bool {
        self.asked.load(Ordering::Relaxed)
    }
}

/// We have no certificate to show; that it was asked for is all there is to learn.
impl ResolvesClientCert for Recorded {
    fn resolve(&self, _: &[&[u8]], _: &[SignatureScheme]) -> Option<Arc<rustls::sign::CertifiedKey>> {
        self.asked.store(true, Ordering::Relaxed);
        None
    }

    fn has_certs(&self) -> bool {
        false
    }
}

#[derive(Debug)]
struct Recording {
    inner: Arc<WebPkiServerVerifier>,
    verdict: Recorded,
}

impl ServerCertVerifier for Recording {
    fn verify_server_cert(
        &self,
        end_entity: &CertificateDer<'_>,
        intermediates: &[CertificateDer<'_>],
        server_name: &ServerName<'_>,
        ocsp_response: &[u8],
        now: UnixTime,
    ) -> Result<ServerCertVerified, rustls::Error> {
        let result =
            self.inner.verify_server_cert(end_entity, intermediates, server_name, ocsp_response, now);
        if let Err(error) = result {
            let fault = match error {
                rustls::Error::InvalidCertificate(fault) => fault,
                other => CertificateError::Other(rustls::OtherError(Arc::new(other))),
            };
            *self.verdict.verdict.lock().unwrap_or_else(PoisonError::into_inner) = Some(fault);
        }
        Ok(ServerCertVerified::assertion())
    }

    fn verify_tls12_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls12_signature(message, cert, dss)
    }

    fn verify_tls13_signature(
        &self,
        message: &[u8],
        cert: &CertificateDer<'_>,
        dss: &DigitallySignedStruct,
    ) -> Result<HandshakeSignatureValid, rustls::Error> {
        self.inner.verify_tls13_signature(message, cert, dss)
    }

    fn supported_verify_schemes(&self) -> Vec<SignatureScheme> {
        self.inner.supported_verify_schemes()
    }
}

/// Longest chain read.
const LONGEST_CHAIN: usize = 10;
/// Most names read from one certificate.
const MOST_NAMES: usize = 20;

/// The readable parts of a chain.
pub(super) fn read_chain(chain: &[CertificateDer<'_>]) -> Vec<Certificate> {
    chain.iter().take(LONGEST_CHAIN).map(|der| read(der)).collect()
}

fn read(der: &CertificateDer<'_>) -> Certificate {
    let sha256 = Sha256::digest(der).iter().map(|byte| format!("{byte:02x}")).collect();
    let unreadable = "(unreadable)".to_owned();
    let Ok((_, certificate)) = X509Certificate::from_der(der) else {
        return Certificate {
            subject: unreadable.clone(),
            issuer: unreadable.clone(),
            not_before: unreadable.clone(),
            not_after: unreadable,
            names: Vec::new(),
            sha256,
        };
    };
    let date = |seconds: i64| {
        jiff::Timestamp::from_second(seconds)
            .map_or_else(|_| "(out of range)".to_owned(), |at| at.to_string())
    };
    Certificate {
        subject: cut(&certificate.subject().to_string()),
        issuer: cut(&certificate.issuer().to_string()),
        not_before: date(certificate.validity().not_before.timestamp()),
        not_after: date(certificate.validity().not_after.timestamp()),
        names: names(&certificate).into_iter().take(MOST_NAMES).map(|name| cut(&name)).collect(),
        sha256,
    }
}

fn names(certificate: &X509Certificate<'_>) -> Vec<String> {
    let Ok(Some(extension)) = certificate.subject_alternative_name() else { return Vec::new() };
    extension
        .value
        .general_names
        .iter()
        .filter_map(|name| match name {
            GeneralName::DNSName(name) => Some((*name).to_owned()),
            GeneralName::IPAddress(bytes) => ip(bytes).map(|ip| ip.to_string()),
            _ => None,
        })
        .collect()
}

fn ip(bytes: &[u8]) -> Option<IpAddr> {
    <[u8; 4]>::try_from(bytes)
        .map(IpAddr::from)
        .or_else(|_| <[u8; 16]>::try_from(bytes).map(IpAddr::from))
        .ok()
}

/// RFC 9525 section 6: subject alternative names only; a wildcard is the whole left-most label.
fn covers(certificate: &X509Certificate<'_>, host: &str) -> bool {
    let host = host.trim_start_matches('[').trim_end_matches(']').trim_end_matches('.').to_ascii_lowercase();
    names(certificate).iter().any(|name| {
        let name = name.trim_end_matches('.').to_ascii_lowercase();
        match name.strip_prefix("*.") {
            Some(parent) => {
                host.split_once('.').is_some_and(|(label, rest)| !label.is_empty() && rest == parent)
            }
            None => name == host,
        }
    })
}
/// What the library has against a certificate: it has no words for that, but a name, `UnsupportedCriticalExtension`.
fn unacceptable(fault: &CertificateError) -> String {
    let name = match fault {
        CertificateError::Other(other) => format!("{:?}", other.0),
        known => format!("{known:?}"),
    };
    let mut words = String::new();
    for letter in name.chars().take_while(char::is_ascii_alphanumeric) {
        if letter.is_ascii_uppercase() && !words.is_empty() {
            words.push(' ');
        }
        words.push(letter.to_ascii_lowercase());
    }
    words
}

/// Why a handshake failed: from what was read, what was asked, and what the library says.
pub(super) fn handshake_failure(error: &std::io::Error, raw: &Seen, verdict: &Recorded) -> Failure {
    if raw.begins(b"HTTP/") {
        return failure(Phase::Tls, FailureKind::NotTls, "it speaks plain HTTP");
    }
    if verdict.asked() {
        return failure(Phase::Tls, FailureKind::ClientCertificate, "");
    }
    let Some(error) = error.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) else {
        return match error.kind() {
            ErrorKind::UnexpectedEof => {
                failure(Phase::Tls, FailureKind::TlsFailed, "the peer closed during the handshake")
            }
            ErrorKind::ConnectionReset => failure(Phase::Tls, FailureKind::Reset, "during the handshake"),
            _ => failure(Phase::Tls, FailureKind::TlsFailed, &error.kind().to_string()),
        };
    };
    let kind = match error {
        rustls::Error::InvalidMessage(_) => FailureKind::NotTls,
        rustls::Error::InvalidCertificate(CertificateError::BadSignature) => {
            return failure(
                Phase::Tls,
                FailureKind::TlsFailed,
                "the handshake is not signed with the certificate's key",
            );
        }
        rustls::Error::InvalidCertificate(fault) => {
            return failure(Phase::Tls, FailureKind::CertificateOther, &unacceptable(fault));
        }
        rustls::Error::PeerIncompatible(PeerIncompatible::ServerDoesNotSupportTls12Or13)
        | rustls::Error::AlertReceived(AlertDescription::ProtocolVersion) => FailureKind::TlsVersion,
        // RFC 8446, section 6.2: a certificate was wanted, and none came.
        rustls::Error::AlertReceived(AlertDescription::CertificateRequired) => FailureKind::ClientCertificate,
        rustls::Error::PeerIncompatible(_) | rustls::Error::NoApplicationProtocol => {
            FailureKind::TlsIncompatible
        }
        rustls::Error::AlertReceived(
            AlertDescription::NoApplicationProtocol
            | AlertDescription::HandshakeFailure
            | AlertDescription::InsufficientSecurity,
        ) => FailureKind::TlsIncompatible,
        _ => FailureKind::TlsFailed,
    };
    failure(Phase::Tls, kind, &error.to_string())
}

#[cfg(test)]
mod tests {
    use std::io;

    use rcgen::{CertificateParams, CustomExtension, KeyPair};
    use rustls::pki_types::PrivateKeyDer;
    use rustls::sign::{CertifiedKey, SingleCertAndKey};
    use rustls::{ClientConnection, ServerConfig, ServerConnection};

    use super::*;

    /// Hands what one side has to the other, until it has no more.
    fn pass(
        from: &mut dyn FnMut(&mut Vec<u8>),
        to: &mut dyn FnMut(&[u8]) -> Result<(), rustls::Error>,
    ) -> Result<(), rustls::Error> {
        let mut sent = Vec::new();
        from(&mut sent);
        to(&sent)
    }

    /// Why the handshake with a server that shows this certificate fails.
    fn refused(params: &CertificateParams) -> Option<Failure> {
        let key = KeyPair::generate().unwrap();
        let certificate = params.self_signed(&key).unwrap();
        let key = PrivateKeyDer::try_from(key.serialize_der()).unwrap();
        let provider = Arc::new(rustls::crypto::ring::default_provider());
        let key = provider.key_provider.load_private_key(key).unwrap();
        // Not looked at by the server's side, which would refuse it as well.
        let shown = CertifiedKey::new(vec![certificate.der().clone()], key);
        let server = ServerConfig::builder_with_provider(provider)
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(shown)));
        let verdict = Recorded::default();
        let config = Trust::load(None).unwrap().recording(b"http/1.1", &verdict).unwrap();
        let name = ServerName::try_from("h.example").unwrap();
        let mut client = ClientConnection::new(Arc::new(config), name).unwrap();
        let mut server = ServerConnection::new(Arc::new(server)).unwrap();
        for _ in 0..4 {
            let mut hear = |bytes: &[u8]| {
                server.read_tls(&mut &*bytes).unwrap();
                server.process_new_packets().map(drop)
            };
            let asked = pass(&mut |sent| while client.write_tls(sent).unwrap() > 0 {}, &mut hear);
            asked.unwrap();
            let mut hear = |bytes: &[u8]| {
                client.read_tls(&mut &*bytes).unwrap();
                client.process_new_packets().map(drop)
            };
            let answered = pass(&mut |sent| while server.write_tls(sent).unwrap() > 0 {}, &mut hear);
            if let Err(error) = answered {
                let error = io::Error::new(ErrorKind::InvalidData, error);
                return Some(handshake_failure(&error, &Seen::default(), &verdict));
            }
        }
        None
    }

    #[test]
    fn a_certificate_that_no_library_takes_is_named_in_words() {
        let params = || CertificateParams::new(vec!["h.example".to_owned()]).unwrap();
        assert_eq!(refused(&params()), None);
        let mut unknown = params();
        let mut extension = CustomExtension::from_oid_content(&[1, 3, 6, 1, 4, 1, 99_999, 1], vec![5, 0]);
        extension.set_criticality(true);
        unknown.custom_extensions.push(extension);
        let failure = refused(&unknown).unwrap();
        assert_eq!(failure.kind, FailureKind::CertificateOther);
        assert_eq!(failure.detail, "unsupported critical extension");
    }
}
