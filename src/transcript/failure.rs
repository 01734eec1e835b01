//! What can go wrong below the application, by phase. A failure is a result, never a panic.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Where in an exchange a failure happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Phase {
    /// Name resolution.
    Dns,
    /// Asking a proxy for a tunnel, from its name to its answer.
    Proxy,
    /// TCP connect.
    Connect,
    /// TLS handshake.
    Tls,
    /// Sending the request.
    Send,
    /// Waiting for or reading the head.
    Head,
    /// Reading the body or stream.
    Body,
    /// WebSocket messages.
    Frames,
}

/// What went wrong.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum FailureKind {
    /// The name does not resolve.
    Dns,
    /// Connection refused.
    Refused,
    /// The target came from a list, and its address is not public: we did not connect.
    NotPublic,
    /// No route, network or host unreachable.
    Unreachable,
    /// This machine has no file descriptor left for a connection.
    OutOfFiles,
    /// TCP did not connect in time.
    ConnectTimeout,
    /// The proxy opens no tunnel to the target.
    ProxyRefused,
    /// The certificate is past its validity.
    CertificateExpired,
    /// The certificate is not valid yet.
    CertificateNotYetValid,
    /// The certificate names other hosts.
    CertificateWrongName,
    /// The leaf is signed by itself.
    CertificateSelfSigned,
    /// The issuer is not known.
    CertificateUnknownIssuer,
    /// Any other certificate fault.
    CertificateOther,
    /// The server speaks plain HTTP (or nothing known) on a TLS port.
    NotTls,
    /// The server speaks no version of TLS that we do: nothing above 1.1.
    TlsVersion,
    /// The server and we share no TLS cipher, parameters or application protocol.
    TlsIncompatible,
    /// The server wants a certificate of ours, and we have none.
    ClientCertificate,
    /// The TLS handshake failed otherwise.
    TlsFailed,
    /// The TLS handshake did not end in time.
    TlsTimeout,
    /// What came is not HTTP.
    NotHttp,
    /// No response head in time.
    HeaderTimeout,
    /// The response did not end in time.
    BodyTimeout,
    /// The peer ended before the response was complete.
    Truncated,
    /// A size or count limit was hit.
    TooLarge,
    /// The connection was reset.
    Reset,
    /// HTTP or WebSocket framing is broken.
    Framing,
    /// The body does not decode as its content coding says.
    Undecodable,
    /// The peer refuses or resets every HTTP/2 stream, or says that it goes away.
    StreamRefused,
    /// The user or the deadline cancelled it.
    Cancelled,
    /// Anything else: a bug of ours or of the machine.
    Other,
}

impl FailureKind {
    /// The failure in words, for messages.
    #[must_use]
    pub const fn words(self) -> &'static str {
        match self {
            Self::Dns => "the name does not resolve",
            Self::Refused => "connection refused",
            Self::NotPublic => "not a public address, which a list may not name without --allow-private",
            Self::Unreachable => "host unreachable",
            Self::OutOfFiles => "this machine has no file descriptors left for a connection (ulimit -n)",
            Self::ConnectTimeout => "connect timed out",
            Self::ProxyRefused => "the proxy opens no tunnel",
            Self::CertificateExpired => "the certificate has expired",
            Self::CertificateNotYetValid => "the certificate is not valid yet",
            Self::CertificateWrongName => "the certificate does not cover the host name",
            Self::CertificateSelfSigned => "the certificate is self-signed",
            Self::CertificateUnknownIssuer => "the certificate's issuer is unknown",
            Self::CertificateOther => "the certificate is not acceptable",
            Self::NotTls => "the port does not speak TLS",
            Self::TlsVersion => "the server speaks no TLS version that we do (needs TLS 1.2 or newer)",
            Self::TlsIncompatible => "no common TLS cipher, parameters or application protocol",
            Self::ClientCertificate => "the server asks for a client certificate",
            Self::TlsFailed => "the TLS handshake failed",
            Self::TlsTimeout => "the TLS handshake timed out",
            Self::NotHttp => "the answer is not HTTP",
            Self::HeaderTimeout => "no response headers in time",
            Self::BodyTimeout => "the response did not end in time",
            Self::Truncated => "the connection ended before the response was complete",
            Self::TooLarge => "a size limit was hit",
            Self::Reset => "connection reset",
            Self::Framing => "broken message framing",
            Self::Undecodable => "the body does not decode as its Content-Encoding says",
            Self::StreamRefused => "the server refuses HTTP/2 streams",
            Self::Cancelled => "cancelled",
            Self::Other => "failed",
        }
    }

    const fn before_http(self) -> bool {
        matches!(
            self,
            Self::Dns
                | Self::Refused
                | Self::NotPublic
                | Self::Unreachable
                | Self::OutOfFiles
                | Self::ConnectTimeout
                | Self::ProxyRefused
                | Self::CertificateExpired
                | Self::CertificateNotYetValid
                | Self::CertificateWrongName
                | Self::CertificateSelfSigned
                | Self::CertificateUnknownIssuer
                | Self::CertificateOther
                | Self::NotTls
                | Self::TlsVersion
                | Self::TlsIncompatible
                | Self::ClientCertificate
                | Self::TlsFailed
                | Self::TlsTimeout
        )
    }
}

/// A failure of one exchange.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Failure {
    /// Where.
    pub phase: Phase,
    /// What.
    pub kind: FailureKind,
    /// Details in our own words, and at most a short masked excerpt of remote text. Where a limit was
    /// hit, its name and value come first ("body_bytes 4194304").
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub detail: String,
}

impl Failure {
    /// Whether it means that nothing on the other side could be reached: whatever a proxy does wrong, the
    /// target was not asked.
    #[must_use]
    pub const fn before_http(&self) -> bool {
        matches!(self.phase, Phase::Proxy) || self.kind.before_http()
    }

    /// One line in words: what, and the detail if there is one.
    #[must_use]
    pub fn words(&self) -> String {
        if self.detail.is_empty() {
            self.kind.words().to_owned()
        } else {
            format!("{}: {}", self.kind.words(), self.detail)
        }
    }
}
