//! A call without a credential is refused with 401 and a challenge.

use crate::checks::prelude::*;
use crate::facts::auth::{Wall, auth_barrier, challenges, in_play};

pub(super) static CHECK: Check = Check {
    id: "auth-challenge-401",
    title: "A call without a credential is refused with 401 and a challenge",
    dimension: Dimension::D7,
    severity: Severity::High,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(9110, "15.5.2", "401 Unauthorized (WWW-Authenticate MUST be sent)"),
        rfc!(6750, "3.1", "Error Codes (no error code where nothing was sent)"),
        mcp!("2026-07-28", "Authorization, Error Handling", "basic/authorization#error-handling"),
    ],
    rationale: "An agent learns from 401 that it must log in, and from the challenge where. Any other status looks \
                like a wrong URL, a ban or a broken server, and the agent gives up.",
    remediation: "Answer every call without a valid credential with 401 and say how to get one: `WWW-Authenticate: \
                  Bearer resource_metadata=\"https://example.com/.well-known/oauth-protected-resource/mcp\"`. Never \
                  redirect to a login page, and keep 403 for a valid token with too little scope.",
    causes: &[
        Cause { word: OAUTH, remedy: None },
        Cause {
            word: "static-key",
            remedy: Some(
                "Answer a call without the key with 401 and name the scheme, `WWW-Authenticate: ApiKey` for example: \
                 clients that have the key are served either way, and the others learn that they need one.",
            ),
        },
    ],
    how: How {
        sent: "Correct calls without a credential, such as `server/discover`, `initialize` and `tools/list`.",
        passes: "401 with `WWW-Authenticate`.",
        warns: "401 without it, or with one that names no scheme.",
        fails: "The missing credential is answered with something else: 403, 404, 400, a page, or a \
                redirect to a login.",
    },
    judge,
};

/// No client of OAuth begins to sign in. Who has a key is served whatever the others are told.
const OAUTH: &str = "oauth";

fn judge(facts: &Facts<'_>) -> Judgement {
    let barrier = auth_barrier(facts)?;
    let mut seen = Observations::new();
    for (exchange, wall) in &barrier.walls {
        let step = &exchange.step;
        match wall {
            Wall::Challenged => {
                let evidence = Evidence::header(exchange, "www-authenticate");
                seen.add(Status::Pass, evidence, format!("`{step}` is challenged"));
            }
            // Something is there, and no client reads it.
            Wall::Bare if exchange.header("www-authenticate").is_some() => seen.add(
                Status::Warn,
                Evidence::header(exchange, "www-authenticate"),
                "401 comes with a WWW-Authenticate that is malformed: it names no scheme (see \
                 `auth-challenge-grammar`)",
            ),
            Wall::Bare => seen.add(
                Status::Warn,
                Evidence::header(exchange, "www-authenticate"),
                "401 comes without WWW-Authenticate, so it does not say how to log in",
            ),
            Wall::Otherwise(how) => {
                let text = format!("the want of a credential is answered with {how} instead of 401");
                let verdict = Verdict::of(Status::Fail, vec![Evidence::status(exchange)], text);
                let oauth = in_play(facts.of(ProbeId::Auth));
                seen.push(verdict.because(if oauth { OAUTH } else { "static-key" }));
            }
            Wall::Open | Wall::Other(_) | Wall::Unclear(_) => {}
        }
    }
    let blames = barrier.walls.iter().find(|(exchange, _)| {
        challenges(exchange).iter().any(|challenge| challenge.parameter("error") == Some("invalid_token"))
    });
    if let Some((exchange, _)) = blames {
        let note = "the challenge says error=\"invalid_token\", although no token was sent";
        seen.add(Status::Info, Evidence::header(exchange, "www-authenticate"), note);
    }
    seen.verdict("a call without a credential gets 401 with a challenge", "nothing was sent")
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::CHECK;
    use crate::checks::synthetic::{Made, Scan, discover, initialize, post};
    use crate::protocol::revision::Era;
    use crate::transcript::{FailureKind, Phase, ProbeId};
    use crate::verdict::Status;

    const BEARER: &str = "Bearer realm=\"x\"";

    fn bare() -> Made {
        let body = json!({"jsonrpc":"2.0","id":"d-2","method":"server/discover"});
        post(ProbeId::Auth, "discover", Era::Modern, body)
    }

    fn gated(made: Made) -> Scan {
        Scan::gated().with(made)
    }

    /// Served with the credential.
    fn with_credential() -> Scan {
        Scan::empty().with(discover().sending("authorization", "~credential~")).credential()
    }

    #[test]
    fn passes_with_401_and_a_challenge_of_any_scheme() {
        for challenge in [BEARER, "ApiKey", "Basic realm=z"] {
            let finding = gated(bare().status(401).header("www-authenticate", challenge)).judge(&CHECK);
            assert_eq!(finding.status, Status::Pass, "{}", finding.message);
            assert!(!finding.message.contains("note"), "{}", finding.message);
        }
        let refused = bare().negative().status(401).header("www-authenticate", BEARER);
        assert_eq!(with_credential().with(refused).judge(&CHECK).status, Status::Pass);
    }

    #[test]
    fn passes_with_a_note_where_a_token_is_blamed_that_was_not_sent() {
        let blaming = bare().status(401).header("www-authenticate", "Bearer error=\"invalid_token\"");
        let finding = gated(blaming).judge(&CHECK);
        assert_eq!(finding.status, Status::Pass);
        assert!(finding.message.contains("although no token was sent"), "{}", finding.message);
    }

    #[test]
    fn passes_whatever_an_unknown_era_or_path_answers() {
        let finding = gated(bare().status(401).header("www-authenticate", BEARER))
            .with(initialize(ProbeId::Auth, "initialize").status(405))
            .with(initialize(ProbeId::Auth, "initialize").status(404).body("text/html", "not here"))
            .judge(&CHECK);
        assert_eq!(finding.status, Status::Pass, "{}", finding.message);
    }

    #[test]
    fn fails_of_a_cause_that_says_whether_oauth_is_in_play() {
        let refused = || bare().status(403).header("www-authenticate", "ApiKey");
        let key = gated(refused()).judge(&CHECK);
        assert_eq!((key.status, key.cause), (Status::Fail, Some("static-key")), "{}", key.message);
        let oauth = initialize(ProbeId::Auth, "initialize")
            .status(401)
            .header("www-authenticate", "Bearer resource_metadata=\"https://example.com/prm\"");
        let finding = gated(refused()).with(oauth).judge(&CHECK);
        assert_eq!((finding.status, finding.cause), (Status::Fail, Some("oauth")), "{}", finding.message);
    }

    #[test]
    fn warns_without_a_challenge() {
        assert_eq!(gated(bare().status(401)).judge(&CHECK).status, Status::Warn);
        let malformed = bare().status(401).header("www-authenticate", "resource_metadata=\"https://x\"");
        let finding = gated(malformed).judge(&CHECK);
        assert!(
            finding.status == Status::Warn && finding.message.contains("malformed"),
            "{}",
            finding.message
        );
    }

    #[test]
    fn fails_when_another_answer_stands_for_401() {
        let login = bare().status(302).header("location", "/login");
        let forbidden = bare().status(403).json(json!({"error":"a token is needed"}));
        let challenged = bare().status(403).header("www-authenticate", BEARER);
        let page = bare().status(200).body("text/html", "<input type=\"password\">");
        let error = bare().error(200, -32001, "Unauthorized");
        for made in [login, forbidden, challenged, page, error] {
            let finding = gated(made).judge(&CHECK);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
        // Only the credential was taken away: whatever it is, it is the answer to that.
        for status in [400, 403, 404] {
            let finding = with_credential().with(bare().negative().twin(2).status(status)).judge(&CHECK);
            assert_eq!(finding.status, Status::Fail, "{}", finding.message);
        }
    }

    #[test]
    fn undecided_when_nothing_was_seen() {
        assert_eq!(Scan::gated().judge(&CHECK).status, Status::Inconclusive);
        for made in [bare().status(503), bare().status(429), bare().failed(Phase::Head, FailureKind::Reset)] {
            assert_eq!(gated(made).judge(&CHECK).status, Status::Inconclusive);
        }
        // A 403 that speaks of something else, without a request that was served.
        let other = bare().status(403).json(json!({"error":"Invalid Host"}));
        assert_eq!(gated(other).judge(&CHECK).status, Status::Inconclusive);
    }

    #[test]
    fn not_applicable_to_open_endpoints() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::NotApplicable);
        let open = bare().negative().result(json!({"supportedVersions":["2026-07-28"]}));
        assert_eq!(with_credential().with(open).judge(&CHECK).status, Status::NotApplicable);
    }
}
