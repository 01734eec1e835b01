//! A POST that any web page can send without asking first is not processed.

use crate::checks::prelude::*;
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
    causes: &[],
    how: How {
        sent: "A correct body with `Content-Type: text/plain;charset=UTF-8`; if it is processed, again \
               with an Origin that does not exist; then one without Content-Type. All of it \
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
#[test]
fn examples() {
    use crate::checks::examples::*;
    let sent = |step| {
        let mut made = initialize(ProbeId::ContentType, step).negative();
        made.made.request.headers.retain(|(name, _)| name != "content-type");
        made
    };
    let refused = |step| sent(step).error(415, -32000, "Content-Type must be application/json");
    let served = |step| sent(step).result(json!({"protocolVersion":"2025-11-25","capabilities":{}}));
    let of = |made: Made| Scan::legacy(true).with(made);
    let plain = |answer: &dyn Fn(Made) -> Made| of(answer(sent("text-plain")));
    let no_type = |answer: &dyn Fn(Made) -> Made| plain(answer).with(refused("none"));
    let both = || of(served("text-plain")).with(served("text-plain-origin"));
    let mut public = both();
    public.transcript.exchanges[0].connect.as_mut().unwrap().address = Some("93.184.215.14:443".to_owned());
    let gated = sent("text-plain").status(401).json(json!({"error":"unauthorized"}));
    let mut lone = refused("text-plain");
    lone.made.era = Some(Era::Modern);
    hold(
        &CHECK,
        [
            pass("415", of(refused("text-plain")).with(refused("none"))),
            pass("a bare 400", no_type(&|made| made.status(400).body("text/plain", "Invalid Content-Type"))),
            pass("403", no_type(&|made| made.status(403))),
            pass("another code", no_type(&|made| made.error(400, -32020, "Mcp-Method is missing"))),
            pass("401 behind authentication", Scan::gated().with(gated)),
            warn(
                "only the Origin stops a page",
                of(served("text-plain")).with(sent("text-plain-origin").status(403)),
            )
            .severity(Severity::Medium),
            warn("only a credential stops a page", both().credential()),
            warn("one without a type is processed", of(refused("text-plain")).with(served("none"))),
            fail("a foreign page is served", both()).severity(Severity::Critical),
            fail("on a public address", public).severity(Severity::High),
            undecided("a server error", plain(&|made| made.status(500))),
            undecided("accepted, and no reply", plain(&|made| made.status(202))),
            undecided("reset", plain(&|made| made.failed(Phase::Head, FailureKind::Reset))),
            undecided("the Origin was not tried", of(served("text-plain"))),
            undecided("not sent", Scan::legacy(true)),
            undecided("the twin was not served", of(lone)),
        ],
    );
}
