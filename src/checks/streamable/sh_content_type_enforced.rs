//! A POST that any web page can send without asking first is not processed.

use crate::checks::prelude::*;
use crate::facts::Kind;
use crate::protocol::address::Exposure;
use crate::protocol::jsonrpc::Answer;
use crate::transcript::Failure;

pub(super) static CHECK: Check = Check {
    id: "sh-content-type-enforced",
    title: "POSTs that a web page can send without preflight are not processed",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Practice,
    applies: Applies::mcp(&[Transport::StreamableHttp, Transport::HttpSse], Gated::Judged),
    reads: Reads::Of(&[ProbeId::ContentType]),
    basis: &[
        rfc!(9110, "15.5.16", "415 Unsupported Media Type"),
        Basis {
            title: "Fetch, CORS-safelisted request-header",
            url: "https://fetch.spec.whatwg.org/#cors-safelisted-request-header",
        },
        Basis {
            title: "CWE-352, Cross-Site Request Forgery",
            url: "https://cwe.mitre.org/data/definitions/352.html",
        },
    ],
    rationale: "A browser sends text/plain to any origin without a preflight, so any page an operator visits could \
                drive this server. Demanding application/json makes the browser ask first.",
    remediation: "Compare the media type before reading the body and answer 415 unless it is `application/json`: \
                  `if (!req.is('application/json')) return res.status(415).end();`. Refuse foreign Origins with 403 \
                  as well.",
    how: How {
        sent: "A correct body with `Content-Type: text/plain;charset=UTF-8`; if it is processed, again \
               with `Origin: https://scanner-origin.invalid`; then one without Content-Type. All of it \
               is read-only.",
        passes: "400, 401, 403 or 415: the body was not processed.",
        warns: "It is processed, but a foreign Origin is refused or a token is needed; or a POST without \
                Content-Type is processed.",
        fails: "It is processed without authentication and with a foreign Origin; critical on a loopback \
                or private address.",
    },
    judge,
};

/// What became of a request.
enum Fate {
    Refused,
    Processed,
    Unclear(String),
}

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let text = sent(facts, "text-plain")?;
    match fate(facts, text) {
        Fate::Refused => {
            let status = text.status().unwrap_or_default();
            seen.add(Status::Pass, Evidence::status(text), format!("text/plain is refused ({status})"));
        }
        Fate::Processed => seen.push(cross_origin(facts)?),
        Fate::Unclear(reason) => return inconclusive(reason),
    }
    // A page can leave the type out, too; whether its Origin would stop it was not tried with this one.
    if let Ok(none) = sent(facts, "none")
        && matches!(fate(facts, none), Fate::Processed)
    {
        let message = "a POST without a Content-Type is processed";
        let verdict = Verdict::of(Status::Warn, vec![Evidence::status(none)], message.to_owned());
        seen.push(verdict.with_severity(Severity::Medium));
    }
    let status = text.status().unwrap_or_default();
    seen.verdict(format!("a POST as text/plain is refused ({status})"), "nothing was sent")
}

/// A step whose comparison holds: the request as it should be was served, or a refusal for want of a
/// credential came first, which is a refusal all the same.
fn sent<'t>(facts: &Facts<'t>, step: &str) -> Result<&'t Exchange, Undecided> {
    let exchange = facts.step(ProbeId::ContentType, step, None)?;
    if facts.class().kind != Kind::AuthGated || exchange.status() != Some(401) {
        facts.twin_served(exchange)?;
    }
    Ok(exchange)
}

/// text/plain was processed: does a foreign Origin, or the want of a credential, stop a page?
fn cross_origin(facts: &Facts<'_>) -> Result<Verdict, Undecided> {
    let exchange = sent(facts, "text-plain-origin")?;
    let verdict = |status, severity, message: &str| {
        Ok(Verdict::of(status, vec![Evidence::status(exchange)], message.to_owned()).with_severity(severity))
    };
    match fate(facts, exchange) {
        Fate::Unclear(reason) => inconclusive(reason),
        Fate::Refused => verdict(
            Status::Warn,
            Severity::Medium,
            "text/plain is processed, but a foreign Origin is refused",
        ),
        Fate::Processed if facts.header().credential() => verdict(
            Status::Warn,
            Severity::Medium,
            "text/plain from a foreign Origin is processed, with a credential that no page can add",
        ),
        Fate::Processed => {
            let local = facts.exposure().is_some_and(|exposure| exposure != Exposure::Public);
            let severity = if local { Severity::Critical } else { Severity::High };
            verdict(
                Status::Fail,
                severity,
                "text/plain from a foreign Origin is processed without authentication",
            )
        }
    }
}

fn fate(facts: &Facts<'_>, exchange: &Exchange) -> Fate {
    let reply = facts.reply(exchange);
    let answer = reply.answer.as_ref().or(reply.lenient.as_ref());
    // HTTP+SSE answers on its stream: to accept is to process.
    let accepts = facts.class().transports.first() == Some(&Transport::HttpSse);
    match (exchange.status(), answer) {
        (None, _) => Fate::Unclear(
            exchange.failure.as_ref().map_or_else(|| "no answer came".to_owned(), Failure::words),
        ),
        (Some(429), _) => Fate::Unclear("rate limited (429)".to_owned()),
        (Some(status @ 500..), _) => Fate::Unclear(format!("answered with {status}, which says nothing")),
        (Some(_), Some(Answer::Result(_))) => Fate::Processed,
        (Some(_), Some(Answer::Error(_))) | (Some(400..=499), None) => Fate::Refused,
        (Some(200..=299), None) if accepts => Fate::Processed,
        (Some(status), None) => Fate::Unclear(format!("answered with {status} and no JSON-RPC reply")),
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, initialize};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::{Severity, Status};

    fn sent(step: &str) -> Made {
        let mut made = initialize(ProbeId::ContentType, step).negative();
        made.made.request.headers.retain(|(name, _)| name != "content-type");
        made
    }

    fn refused(step: &str) -> Made {
        sent(step).error(415, -32000, "Unsupported Media Type: Content-Type must be application/json")
    }

    fn served(step: &str) -> Made {
        sent(step).result(json!({"protocolVersion":"2025-11-25","capabilities":{}}))
    }

    fn scan(steps: Vec<Made>) -> Scan {
        steps.into_iter().fold(Scan::legacy(true), Scan::with)
    }

    #[test]
    fn passes_when_text_plain_is_refused() {
        for made in [
            refused("text-plain"),
            sent("text-plain").status(400).body("text/plain", "Invalid Content-Type header"),
            sent("text-plain").status(403),
            sent("text-plain").error(400, -32020, "Mcp-Method is missing"),
        ] {
            let finding = scan(vec![made, refused("none")]).judge(&CHECK);
            assert_eq!(finding.status, Status::Pass, "{}", finding.message);
        }
    }

    #[test]
    fn passes_behind_authentication_with_401() {
        let made = sent("text-plain").status(401).json(json!({"error":"unauthorized"}));
        assert_eq!(Scan::gated().with(made).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn warns_when_only_the_origin_or_a_credential_stops_a_page() {
        let finding = scan(vec![served("text-plain"), sent("text-plain-origin").status(403)]).judge(&CHECK);
        assert_eq!((finding.status, finding.severity), (Status::Warn, Severity::Medium));
        let finding =
            scan(vec![served("text-plain"), served("text-plain-origin")]).credential().judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
    }

    #[test]
    fn warns_about_a_post_without_a_type() {
        let finding = scan(vec![refused("text-plain"), served("none")]).judge(&CHECK);
        assert_eq!(finding.status, Status::Warn);
    }

    #[test]
    fn fails_when_a_foreign_page_is_served() {
        let finding = scan(vec![served("text-plain"), served("text-plain-origin")]).judge(&CHECK);
        assert_eq!((finding.status, finding.severity), (Status::Fail, Severity::Critical));
    }

    #[test]
    fn fails_with_less_harm_on_a_public_address() {
        let mut scan = scan(vec![served("text-plain"), served("text-plain-origin")]);
        scan.transcript.exchanges[0].connect.as_mut().unwrap().address = Some("93.184.215.14:443".to_owned());
        assert_eq!(scan.judge(&CHECK).severity, Severity::High);
    }

    #[test]
    fn undecided_on_server_errors_failures_and_without_a_served_twin() {
        for made in [
            sent("text-plain").status(500),
            sent("text-plain").status(202),
            sent("text-plain").failed(Phase::Head, FailureKind::Reset),
        ] {
            assert_eq!(scan(vec![made]).judge(&CHECK).status, Status::Inconclusive);
        }
        assert_eq!(scan(vec![served("text-plain")]).judge(&CHECK).status, Status::Inconclusive);
        assert_eq!(scan(vec![]).judge(&CHECK).status, Status::Inconclusive);
        let mut lone = refused("text-plain");
        lone.made.era = Some(Era::Modern);
        assert_eq!(scan(vec![lone]).judge(&CHECK).status, Status::Inconclusive);
    }
}
