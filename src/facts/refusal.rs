//! How an endpoint that did not serve a request took it, below JSON-RPC: silence, a dropped
//! connection, or the block page of a firewall in front of it.

use super::reply::{self, Reply};

use crate::protocol::headers::list;
use crate::transcript::exchange::{id_of, request_id};
use crate::transcript::{Direction, Ended, Exchange, FailureKind};

/// What became of a request that brought no head.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoHead {
    /// We waited long enough, and nothing came.
    Silent,
    /// The peer ended the connection, or sent what is not HTTP.
    Dropped,
    /// It says nothing about the endpoint: not waited long enough, not connected, or our own doing.
    Unclear,
}

/// Reads why no answer came, over whichever transport; `None` where one did. On HTTP+SSE the answer to a
/// POST that was accepted is the message on the stream, on a WebSocket any reply; a refusal (a 4xx, a
/// close frame) is an answer, too. `patience_ms` is how long a fair wait is.
#[must_use]
pub fn no_answer(exchange: &Exchange, reply: &Reply, patience_ms: u64) -> Option<NoHead> {
    let replied = reply.answer.is_some() || reply.lenient.is_some();
    let waited = exchange.took_us() >= patience_ms.saturating_mul(1_000);
    let silence = if waited { NoHead::Silent } else { NoHead::Unclear };
    if exchange.is_message() {
        if replied || exchange.closed().is_some() {
            return None;
        }
        return Some(match &exchange.failure {
            Some(failure) if dropped(failure.kind) => NoHead::Dropped,
            Some(_) => NoHead::Unclear,
            None if exchange.ended == Ended::Complete && exchange.texts().next().is_none() => NoHead::Dropped,
            // The answer to the request sent right behind it ends the wait.
            None if barrier_answered(exchange) => NoHead::Silent,
            None => silence,
        });
    }
    if exchange.stream.is_some() && exchange.ok() {
        return (!replied).then_some(silence);
    }
    no_head(exchange, patience_ms)
}

/// Whether another request on the socket, sent with this message, was answered.
fn barrier_answered(exchange: &Exchange) -> bool {
    let own = request_id(exchange);
    let sent = exchange
        .frames()
        .iter()
        .filter(|frame| frame.direction == Direction::Out)
        .filter_map(|frame| id_of(&frame.text))
        .filter(|id| Some(id) != own.as_ref());
    sent.into_iter().any(|id| reply::read_for(exchange, Some(&id)).answer.is_some())
}

fn dropped(kind: FailureKind) -> bool {
    matches!(kind, FailureKind::Reset | FailureKind::Truncated | FailureKind::NotHttp | FailureKind::Framing)
}

/// Reads why no head came; `None` where one did. `patience_ms` is how long a fair wait is.
#[must_use]
pub fn no_head(exchange: &Exchange, patience_ms: u64) -> Option<NoHead> {
    if exchange.head.is_some() {
        return None;
    }
    let waited = exchange.took_us() >= patience_ms.saturating_mul(1_000);
    Some(match exchange.failure.as_ref().map(|failure| failure.kind) {
        Some(FailureKind::HeaderTimeout | FailureKind::BodyTimeout) if waited => NoHead::Silent,
        None if exchange.ended == Ended::ByUs && waited => NoHead::Silent,
        Some(kind) if dropped(kind) => NoHead::Dropped,
        _ => NoHead::Unclear,
    })
}

/// The CDN or firewall that a 502 or 503 may come from, by its marks: then the status may be a block
/// and says nothing about the endpoint behind it.
#[must_use]
pub fn intermediary(exchange: &Exchange) -> Option<&'static str> {
    let head = exchange.head.as_ref().filter(|head| matches!(head.status, 502 | 503))?;
    let server = head.header("server").unwrap_or_default().to_ascii_lowercase();
    let by_server = [
        ("cloudflare", "Cloudflare"),
        ("akamaighost", "Akamai"),
        ("akamainetstorage", "Akamai"),
        ("cloudfront", "CloudFront"),
        ("sucuri", "Sucuri"),
        ("imperva", "Imperva"),
        ("big-ip", "F5"),
        ("bigip", "F5"),
    ];
    if let Some((_, name)) = by_server.iter().find(|(mark, _)| server.contains(mark)) {
        return Some(name);
    }
    let by_header = [
        ("cf-ray", "Cloudflare"),
        ("cf-mitigated", "Cloudflare"),
        ("x-amz-cf-id", "CloudFront"),
        ("x-amzn-waf-action", "AWS WAF"),
        ("x-sucuri-id", "Sucuri"),
        ("x-iinfo", "Imperva"),
        ("x-azure-ref", "Azure Front Door"),
    ];
    if let Some((_, name)) = by_header.iter().find(|(name, _)| head.header(name).is_some()) {
        return Some(name);
    }
    let cached_by_fastly = head
        .header("x-served-by")
        .is_some_and(|value| list(value).iter().any(|node| node.starts_with("cache-")));
    if cached_by_fastly {
        return Some("Fastly");
    }
    let page = exchange.text().unwrap_or_default().to_ascii_lowercase();
    let words = ["web application firewall", "request blocked", "access denied", "captcha", "support id"];
    words.iter().any(|word| page.contains(word)).then_some("a firewall")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;
    use crate::checks::synthetic::{Made, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{Phase, ProbeId};

    fn made() -> Made {
        post(ProbeId::BadInput, "null", Era::Modern, json!(null))
    }

    #[test]
    fn a_wait_cut_short_is_no_silence() {
        let mut exchange = made().failed(Phase::Head, FailureKind::HeaderTimeout).made;
        exchange.ended_us = 300_000;
        assert_eq!(no_head(&exchange, 3_000), Some(NoHead::Unclear));
        exchange.ended_us = 3_000_000;
        assert_eq!(no_head(&exchange, 3_000), Some(NoHead::Silent));
        assert_eq!(no_head(&made().status(400).made, 3_000), None);
    }

    #[test]
    fn only_gateway_statuses_can_be_a_block() {
        assert_eq!(intermediary(&made().status(503).header("server", "cloudflare").made), Some("Cloudflare"));
        assert_eq!(intermediary(&made().status(500).header("server", "cloudflare").made), None);
        assert_eq!(intermediary(&made().status(502).header("server", "nginx/1.22.1").made), None);
    }
}
