//! Every failure's constructor, and what a library's error says about the peer.

use super::frames::Flood;
use crate::transcript::{Failure, FailureKind, Phase};

/// A failure because a limit was hit: its name and value, as `--show-limits` prints them.
pub(super) fn over(phase: Phase, kind: FailureKind, limit: &str, value: impl std::fmt::Display) -> Failure {
    failure(phase, kind, &format!("{limit} {value}"))
}

/// A failure in one line.
pub(super) fn failure(phase: Phase, kind: FailureKind, detail: &str) -> Failure {
    Failure { phase, kind, detail: crate::verdict::cut(detail) }
}

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
