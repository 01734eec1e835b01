//! A challenge that does not parse tells no client where to sign in.

use url::Url;

use crate::checks::prelude::*;
use crate::facts::auth::challenged;
use crate::facts::subject;
use crate::protocol::challenge::{Challenges, Fault};
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "auth-challenge-grammar",
    title: "Every challenge can be parsed",
    dimension: Dimension::D2,
    severity: Severity::Medium,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream, Transport::Websocket],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(9110, "11.6.1", "WWW-Authenticate (with 11.2 and 11.3, each parameter once)"),
        rfc!(6750, "3", "The WWW-Authenticate Response Header Field"),
        rfc!(9728, "5.1", "WWW-Authenticate Response (resource_metadata)"),
    ],
    rationale: "A client reads the scheme and the metadata URL out of the challenge and starts to sign in there. What it \
                cannot parse is to many clients no challenge at all.",
    remediation: "Send a scheme, then `name=\"value\"` pairs with a comma between them, every value quoted and every name \
                  once: `WWW-Authenticate: Bearer realm=\"mcp\", \
                  resource_metadata=\"https://example.com/.well-known/oauth-protected-resource/mcp\"`.",
    causes: &[
        Cause {
            word: NO_SCHEME,
            remedy: Some(
                "Begin the value with the scheme: `WWW-Authenticate: Bearer resource_metadata=\"…\"`.",
            ),
        },
        Cause { word: BROKEN, remedy: None },
        Cause {
            word: "two-metadata",
            remedy: Some(
                "Name one metadata document: let either the application or the gateway send the challenge.",
            ),
        },
        Cause {
            word: "relative-metadata",
            remedy: Some(
                "Write `resource_metadata` as an absolute URL, built from the public name of the endpoint.",
            ),
        },
        Cause { word: LOOSE, remedy: None },
    ],
    how: How {
        sent: "Nothing more: the WWW-Authenticate of every reply, its lines read as one field. Blanks around `=` and \
               several challenges in a line are legal.",
        passes: "It follows the grammar; two Bearer challenges that agree are only noted.",
        warns: "Two challenges name different `resource_metadata`, one is a relative URL, a value that needs quotes has \
                none, or Bearer is followed by a value without a name.",
        fails: "No scheme, a quote without an end, no comma between two parameters, a parameter twice in one challenge, \
                or text that belongs to nothing.",
    },
    judge,
};

const NO_SCHEME: &str = "no-scheme";
const BROKEN: &str = "broken";
const LOOSE: &str = "loose";

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut asked = false;
    for exchange in facts.exchanges().filter(|exchange| subject::own(facts.header(), exchange)) {
        asked |= exchange.probe == ProbeId::Auth;
        let Some(read) = challenged(exchange) else { continue };
        let at = || Evidence::header(exchange, "www-authenticate");
        for fault in &read.faults {
            let (status, word, message) = words(fault, &read);
            seen.push(Verdict::of(status, vec![at()], message).because(word));
        }
        for (status, word, message) in sense(&read) {
            let verdict = Verdict::of(status, vec![at()], message);
            seen.push(if status == Status::Info { verdict } else { verdict.because(word) });
        }
        if read.faults.is_empty() {
            seen.add_with(Status::Pass, at, "parsed");
        }
    }
    if seen.is_empty() {
        // With a credential, a challenge shows only where it was left out.
        return if facts.header().credential() && !asked {
            inconclusive(facts.why_not(ProbeId::Auth, None))
        } else {
            not_applicable("no reply has a WWW-Authenticate")
        };
    }
    seen.distinct().verdict("every challenge can be parsed", "no challenge came")
}

fn words(fault: &Fault, read: &Challenges) -> (Status, &'static str, String) {
    let name = |name: &str| cut(name);
    match fault {
        Fault::NoScheme(first) => {
            let message =
                format!("WWW-Authenticate is malformed: `{}` comes without a scheme before it", name(first));
            (Status::Fail, NO_SCHEME, message)
        }
        Fault::OpenQuote(of) => (Status::Fail, BROKEN, format!("the quote of `{}` has no end", name(of))),
        Fault::NoComma(of) => {
            let lenient = read.found.iter().flat_map(|one| &one.parameters).map(|(name, _)| name.as_str());
            let message = format!(
                "no comma stands before `{}`; read leniently, the challenge has {}",
                name(of),
                cut(&lenient.collect::<Vec<_>>().join(", "))
            );
            (Status::Fail, BROKEN, message)
        }
        Fault::Repeated(of) => (Status::Fail, BROKEN, format!("`{}` comes twice in one challenge", name(of))),
        Fault::Stray(text) => {
            (Status::Fail, BROKEN, format!("WWW-Authenticate cannot be parsed at `{}`", name(text)))
        }
        Fault::Unquoted(of) => {
            let message = format!("the value of `{}` needs quotes and has none", name(of));
            (Status::Warn, LOOSE, message)
        }
    }
}

/// What follows the grammar and is of little use.
fn sense(read: &Challenges) -> Vec<(Status, &'static str, String)> {
    let mut found = Vec::new();
    let mut urls: Vec<&str> =
        read.found.iter().filter_map(|one| one.parameter("resource_metadata")).collect();
    let relative = |url: &&&str| Url::parse(url) == Err(url::ParseError::RelativeUrlWithoutBase);
    if let Some(url) = urls.iter().find(relative) {
        let message = format!("`resource_metadata` is no absolute URL: `{}`", cut(url));
        found.push((Status::Warn, "relative-metadata", message));
    }
    urls.sort_unstable();
    urls.dedup();
    let bearer: Vec<_> = read.found.iter().filter(|one| one.scheme == "bearer").collect();
    if urls.len() > 1 {
        let message = "two challenges of one reply name different `resource_metadata`".to_owned();
        found.push((Status::Warn, "two-metadata", message));
    } else if bearer.len() > 1 {
        found.push((Status::Info, LOOSE, "a reply has more than one Bearer challenge".to_owned()));
    }
    if bearer.iter().any(|one| one.token68) {
        let message = "Bearer is followed by a value without a name".to_owned();
        found.push((Status::Warn, LOOSE, message));
    }
    found
}

#[cfg(test)]
mod tests {
    use super::{BROKEN, CHECK, LOOSE, NO_SCHEME};
    use crate::checks::examples::*;

    fn refused() -> Made {
        initialize(ProbeId::Auth, "initialize").status(401)
    }

    fn with(value: &str) -> Scan {
        Scan::gated().with(refused().header("www-authenticate", value))
    }

    const URL: &str = "resource_metadata=\"https://a.example/prm\"";

    #[test]
    fn a_challenge_parses_or_says_where_it_does_not() {
        let bearer = |rest: &str| with(&format!("Bearer {rest}"));
        let two = |second: &str| {
            let first = refused().header("www-authenticate", &format!("Bearer {URL}"));
            Scan::gated().with(first.another_header("www-authenticate", second))
        };
        let examples = [
            pass("a bare scheme", with("Bearer")),
            pass("blanks around the equals sign", bearer("realm = \"x\" , scope=\"a b\"")),
            pass("several challenges in a line", bearer(&format!("{URL}, Basic realm=\"x\", Negotiate"))),
            pass("two Bearer challenges that agree", two(&format!("Bearer {URL}")))
                .naming("more than one Bearer"),
            pass("another line with another scheme", two("Basic realm=\"x\"")),
            fail("no scheme", with(URL)).naming("without a scheme"),
            fail("no comma", bearer(&format!("realm=\"x\" {URL}"))).naming("has realm, resource_metadata"),
            fail("a quote without an end", bearer("realm=\"x")).naming("has no end"),
            fail("a parameter twice", bearer("scope=\"a\", scope=\"b\"")).naming("`scope` comes twice"),
            fail("a colon", with("Bearer: realm=\"x\"")).at("header www-authenticate"),
            warn("a bare URL", bearer("resource_metadata=https://a.example/prm")).naming("needs quotes"),
            warn("a value without a name", bearer("abc123==")),
            warn("a relative URL", bearer("resource_metadata=\"/prm\"")).naming("no absolute URL"),
            warn("two documents", two("Bearer resource_metadata=\"https://b.example/prm\""))
                .naming("different"),
            not_applicable("an open endpoint", Scan::modern()),
            undecided(
                "nothing was asked without the credential",
                Scan::modern().credential().skip(ProbeId::Auth, None, SkipReason::Budget),
            ),
        ];
        hold(&CHECK, examples);
    }

    #[test]
    fn the_cause_chooses_the_remedy() {
        let cause = |value: &str| with(value).judge(&CHECK).cause;
        assert_eq!(cause(URL), Some(NO_SCHEME));
        assert_eq!(cause("Bearer realm=\"x"), Some(BROKEN));
        assert_eq!(cause("Bearer abc123=="), Some(LOOSE));
        assert_eq!(cause("Bearer resource_metadata=\"prm\""), Some("relative-metadata"));
        assert_eq!(cause("Bearer"), None);
    }
}
