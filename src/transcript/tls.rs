//! What a TLS handshake showed, read at the moment of recording.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::failure::FailureKind;

/// One TLS handshake.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Tls {
    /// Time for the handshake in microseconds.
    pub us: u64,
    /// `TLSv1.2` or `TLSv1.3`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// Cipher suite.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cipher: Option<String>,
    /// Application protocol agreed on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub alpn: Option<String>,
    /// The certificates as sent, leaf first; at most ten.
    pub chain: Vec<Certificate>,
    /// Everything that is wrong with the leaf or its chain, worst first; empty when it verifies.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub faults: Vec<CertificateFault>,
    /// Which trust roots were used, in words.
    pub roots: String,
    /// Whether the operator supplied trust roots (`--cacert`).
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub operator_roots: bool,
}

/// What is wrong with a certificate.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum CertificateFault {
    /// Past its validity.
    Expired,
    /// Not valid yet.
    NotYetValid,
    /// Does not cover the host name (also: no subject alternative name at all).
    WrongName,
    /// Signed by itself.
    SelfSigned,
    /// The issuer is not among the roots (private CA or missing intermediate).
    UnknownIssuer,
    /// Anything else the verifier said.
    Other,
}

impl CertificateFault {
    /// The fault in words.
    #[must_use]
    pub const fn words(self) -> &'static str {
        self.failure().words()
    }

    /// The failure kind under which a refused connection is reported.
    #[must_use]
    pub const fn failure(self) -> FailureKind {
        match self {
            Self::Expired => FailureKind::CertificateExpired,
            Self::NotYetValid => FailureKind::CertificateNotYetValid,
            Self::WrongName => FailureKind::CertificateWrongName,
            Self::SelfSigned => FailureKind::CertificateSelfSigned,
            Self::UnknownIssuer => FailureKind::CertificateUnknownIssuer,
            Self::Other => FailureKind::CertificateOther,
        }
    }
}

/// The readable parts of one certificate. Remote text: escape at the sink.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Certificate {
    /// Subject, as RFC 4514 text, cut.
    pub subject: String,
    /// Issuer, as RFC 4514 text, cut.
    pub issuer: String,
    /// Start of validity, RFC 3339.
    pub not_before: String,
    /// End of validity, RFC 3339.
    pub not_after: String,
    /// Subject alternative names (DNS and IP), at most twenty.
    pub names: Vec<String>,
    /// SHA-256 of the DER, hex.
    pub sha256: String,
}
