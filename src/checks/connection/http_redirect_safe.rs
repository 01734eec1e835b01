//! A redirect that keeps method, origin and encryption.

use url::Url;

use crate::checks::prelude::*;
use crate::facts::barrier;

pub(super) static CHECK: Check = Check {
    id: "http-redirect-safe",
    title: "Redirects keep the method, the origin and https",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::Every(Expectation::Plain),
    basis: &[
        rfc!(9110, "15.4", "Redirection 3xx (301 and 302 may turn POST into GET, 307 and 308 do not)"),
        Basis {
            title: "MCP 2026-07-28, Security Best Practices, Server-Side Request Forgery",
            url: "https://modelcontextprotocol.io/specification/2026-07-28/basic/security_best_practices#server-side-request-forgery-ssrf",
        },
    ],
    rationale: "HTTP libraries turn a POST that meets 301 or 302 into a GET, so the call is lost; to another origin they \
                drop the credential, or give it away. Clients that are careful follow neither.",
    remediation: "Serve the path that clients are given, with and without the slash at its end (FastAPI: \
                  `redirect_slashes=False` and both routes; nginx: `absolute_redirect off`), or answer with 308 to the \
                  same origin. Behind a proxy, trust `X-Forwarded-Proto`, so that https stays https.",
    causes: &[],
    how: How {
        sent: "Nothing more: every plain request, none of whose redirects a library follows.",
        passes: "No redirect, or 307 and 308 to the same origin.",
        warns: "307 or 308 to another origin; 301 or 302 of a POST that only adds or takes a slash; a redirect without a place.",
        fails: "Any other 301, 302 or 303 of a POST, and https that leads to http.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    let own = |exchange: &&Exchange| {
        !matches!(exchange.probe, ProbeId::Siblings | ProbeId::Auth | ProbeId::Tls) && !exchange.is_message()
    };
    let mut seen = Observations::new();
    let mut login = false;
    let (mut asked, mut followed) = (0_usize, None);
    for exchange in facts.exchanges().filter(own) {
        let Some(status) = exchange.status() else { continue };
        asked = asked.saturating_add(1);
        if !matches!(status, 301 | 302 | 303 | 307 | 308) {
            seen.add(Status::Pass, Evidence::status(exchange), "no redirect");
            continue;
        }
        if barrier::login_page(exchange) {
            login = true;
            continue;
        }
        let verdict = redirect(exchange, status);
        if verdict.status == Status::Pass {
            followed.get_or_insert_with(|| verdict.message.clone());
        }
        seen.push(verdict);
    }
    if login && seen.count(Status::Fail) == 0 {
        return charged_to(
            "auth-challenge-401",
            "it redirects to a login page in place of asking for a credential",
        );
    }
    let sound = match followed {
        Some(message) => message,
        None => format!("none of {asked} plain requests was redirected"),
    };
    seen.distinct().verdict(sound, "no reply came")
}

fn redirect(exchange: &Exchange, status: u16) -> Verdict {
    let method = exchange.request.method.as_str();
    let at = vec![Evidence::header(exchange, "location")];
    let location = exchange.header("location").unwrap_or_default().trim();
    let from = Url::parse(&exchange.request.url).ok();
    let to = from.as_ref().and_then(|from| from.join(location).ok()).filter(|_| !location.is_empty());
    let (Some(from), Some(to)) = (from, to) else {
        return Verdict::of(
            Status::Warn,
            at,
            format!("a {method} is answered with {status} and no place to go to"),
        );
    };
    let place = cut(location);
    let what = format!("a {method} is redirected with {status} to `{place}`");
    if from.scheme() == "https" && to.scheme() == "http" {
        return Verdict::of(Status::Fail, at, format!("{what}: https leads to http"));
    }
    let same = from.origin() == to.origin();
    let keeps = matches!(status, 307 | 308);
    if keeps || method == "GET" {
        return if same {
            Verdict::of(Status::Pass, at, format!("{what}, which keeps method and origin"))
        } else {
            Verdict::of(Status::Warn, at, format!("{what}, another origin"))
        };
    }
    let bare = |url: &Url| url.path().trim_end_matches('/').to_owned();
    if same && status != 303 && bare(&from) == bare(&to) {
        return Verdict::of(Status::Warn, at, format!("{what}: many clients turn it into a GET"));
    }
    Verdict::of(Status::Fail, at, format!("{what}: clients turn it into a GET"))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let to = |status: u16, location: &str| {
        Scan::empty()
            .with(discover().status(status).header("location", location))
            .with(initialize(ProbeId::Classify, "initialize").result(json!({"protocolVersion":"2025-11-25"})))
    };
    let secure = |location: &str| {
        let mut first = discover().status(307).header("location", location);
        first.made.request.url = "https://a.example/mcp".to_owned();
        Scan::modern().with(first)
    };
    hold(
        &CHECK,
        [
            pass("none", Scan::modern()).naming("was redirected"),
            pass("307 to a slash", to(307, "/mcp/")).naming("/mcp/"),
            pass("308, spelt out", to(308, "http://127.0.0.1:8080/v2/mcp")),
            warn("307 to another origin", to(307, "https://b.example/mcp")).naming("another origin"),
            warn("301 to a slash", to(301, "/mcp/")).naming("301"),
            warn("nowhere", to(307, "")),
            fail("301 elsewhere", to(301, "/v2")).naming("GET"),
            fail("303", to(303, "/mcp/")),
            fail("https to http", secure("http://a.example/mcp/")).naming("https leads to http"),
            not_applicable("a login page", to(302, "/login?next=/mcp")),
            undecided("no answer", {
                let mut scan = Scan::legacy(false);
                for made in &mut scan.transcript.exchanges {
                    if made.request.body.is_none() {
                        made.head = None;
                    }
                }
                scan.transcript
                    .exchanges
                    .retain(|made| made.probe == ProbeId::Classify && made.step == "none");
                scan.with(initialize(ProbeId::Classify, "initialize").failed(Phase::Head, FailureKind::Reset))
            }),
        ],
    );
}
