//! What a library's error says about the peer.

use super::conversation::Inner;
use super::dial::{Connection, Sender, failure, over};
use super::frames::Flood;
use crate::transcript::{Failure, FailureKind, Phase};

/// The failure behind a hyper error while reading.
pub(super) fn broken(error: &hyper::Error) -> Failure {
    let mut source = std::error::Error::source(error);
    while let Some(inner) = source {
        if let Some(h2) = inner.downcast_ref::<h2::Error>() {
            return broken_h2(h2);
        }
        if let Some(io) = inner.downcast_ref::<std::io::Error>() {
            if let Some(alert) = io.get_ref().and_then(|inner| inner.downcast_ref::<rustls::Error>()) {
                return broken_tls(alert);
            }
            return match io.kind() {
                std::io::ErrorKind::ConnectionReset | std::io::ErrorKind::BrokenPipe => {
                    failure(Phase::Body, FailureKind::Reset, "")
                }
                std::io::ErrorKind::UnexpectedEof => failure(Phase::Body, FailureKind::Truncated, ""),
                std::io::ErrorKind::InvalidInput | std::io::ErrorKind::InvalidData => {
                    failure(Phase::Body, FailureKind::Framing, &io.to_string())
                }
                kind => failure(Phase::Body, FailureKind::Other, &kind.to_string()),
            };
        }
        source = inner.source();
    }
    if error.is_incomplete_message() {
        failure(Phase::Body, FailureKind::Truncated, "")
    } else if error.is_parse() {
        failure(Phase::Body, FailureKind::Framing, "")
    } else {
        failure(Phase::Body, FailureKind::Other, &error.to_string())
    }
}

/// An alert after the handshake. In TLS 1.3 that is where a server says that it wants a certificate.
fn broken_tls(error: &rustls::Error) -> Failure {
    let wants = matches!(error, rustls::Error::AlertReceived(rustls::AlertDescription::CertificateRequired));
    let kind = if wants { FailureKind::ClientCertificate } else { FailureKind::Framing };
    failure(Phase::Tls, kind, &error.to_string())
}

fn broken_h2(error: &h2::Error) -> Failure {
    if let Some(io) = error.get_io() {
        let kind = match io.kind() {
            std::io::ErrorKind::UnexpectedEof => FailureKind::Truncated,
            _ => FailureKind::Reset,
        };
        return failure(Phase::Body, kind, "");
    }
    let refused = matches!(
        error.reason(),
        Some(
            h2::Reason::REFUSED_STREAM
                | h2::Reason::NO_ERROR
                | h2::Reason::CANCEL
                | h2::Reason::ENHANCE_YOUR_CALM
        )
    );
    // A proxy that loses its upstream in the middle of a reply resets the stream so (nginx, Go).
    let gave_up = error.is_reset() && error.reason() == Some(h2::Reason::INTERNAL_ERROR);
    let kind = if error.is_remote() && (refused || error.is_go_away()) {
        FailureKind::StreamRefused
    } else if error.is_remote() && gave_up {
        FailureKind::Reset
    } else {
        FailureKind::Framing
    };
    failure(Phase::Body, kind, &error.to_string())
}

/// The failure of a connection that a flood of frames broke.
pub(super) fn flooded(phase: Phase, flood: &Flood) -> Failure {
    failure(phase, FailureKind::TooLarge, &flood.to_string())
}

impl Inner {
    /// Why no head came.
    pub(super) fn head_failure(&self, error: &hyper::Error, connection: &Connection) -> Failure {
        let seen = &connection.seen;
        if let Some(flood) = seen.flood() {
            return flooded(Phase::Head, &flood);
        }
        let excerpt = || format!("the answer begins with \"{}\"", seen.excerpt(&self.vault));
        // The library says "too large" of a Content-Length beyond all bounds, too.
        if error.is_parse_too_large() {
            let (bytes, lines) = seen.count();
            if lines > self.limits.header_lines {
                return over(Phase::Head, FailureKind::TooLarge, "header_lines", self.limits.header_lines);
            }
            if bytes >= self.limits.header_bytes as u64 {
                return over(Phase::Head, FailureKind::TooLarge, "header_bytes", self.limits.header_bytes);
            }
        }
        let speaks_http = seen.begins(b"HTTP/1.");
        if error.is_parse() && speaks_http {
            return failure(Phase::Head, FailureKind::Framing, &excerpt());
        }
        // Some peers speak first (SSH, SMTP): that is no HTTP either, whatever the library calls it.
        let h2 = matches!(connection.sender, Sender::H2(_));
        if error.is_parse() || (seen.any() && !speaks_http && !h2) {
            return failure(Phase::Head, FailureKind::NotHttp, &excerpt());
        }
        let mut broken = broken(error);
        if broken.phase == Phase::Body {
            broken.phase = Phase::Head;
        }
        if broken.kind == FailureKind::Other && error.is_closed() {
            broken.kind = FailureKind::Truncated;
        }
        if broken.kind == FailureKind::Truncated {
            broken.detail =
                if seen.any() && !h2 { excerpt() } else { "closed without a byte of an answer".to_owned() };
        }
        broken
    }
}
