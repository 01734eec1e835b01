//! The keys that an authorization server publishes are usable, and public.

use std::collections::BTreeSet;

use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::auth::document;
use crate::facts::auth_documents::{servers, unclear};
use crate::facts::barrier;
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "auth-jwks-valid",
    title: "The published key set is usable and holds public keys only",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Must,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        rfc!(7517, "5", "JWK Set Format"),
        rfc!(7517, "9.2", "Protection against Key Disclosure"),
        rfc!(7518, "3.3", "RSA keys of 2048 bits or more"),
        rfc!(8414, "2", "Authorization Server Metadata (jwks_uri)"),
    ],
    rationale: "Servers check tokens with these keys. Whoever finds a private part among them signs tokens of his own and \
                is let in everywhere; a set that cannot be read shuts everybody out.",
    remediation: "Publish the public half of each key alone: `kty`, `kid`, `use`, `alg` and `n`, `e` (RSA, 2048 bits or \
                  more) or `crv`, `x`, `y`. If a private part was published, replace that key at once.",
    causes: &[],
    how: How {
        sent: "One GET of the `jwks_uri` of each authorization server, without a credential; not in `quick`. Key material is \
               never shown.",
        passes: "A JSON document whose `keys` hold a key for signatures, RSA keys of at least 2048 bits, and no private part.",
        warns: "Another media type than application/json or application/jwk-set+json, nothing there, no key for \
                signatures, the same `kid` twice for keys of one kind and use, or a shorter RSA key.",
        fails: "A private or symmetric part: `d`, `p`, `q`, `dp`, `dq`, `qi`, or the `k` of an `oct` key.",
    },
    judge,
};

/// Members of a key that nobody but its owner may have (RFC 7518 section 6).
const PRIVATE: [&str; 6] = ["d", "p", "q", "dp", "dq", "qi"];
/// Keys of a set that are looked at.
const MOST: usize = 200;
const SHORTEST_BITS: usize = 2_048;

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut missing = None;
    for server in servers(facts)? {
        let Some(found) = &server.found else {
            missing = missing.or_else(|| server.unread(facts));
            continue;
        };
        if !found.json.get("jwks_uri").is_some_and(Value::is_string) {
            continue;
        }
        let step = format!("jwks {}", server.number);
        let Some(exchange) = facts.steps(ProbeId::Auth, &step).next() else {
            let why = facts.why_not(ProbeId::Auth, Some(&step));
            missing = missing.or(Some(Undecided::Inconclusive(why)));
            continue;
        };
        if let Some(why) = unclear(exchange) {
            let why = format!("the key set could not be read: {why}");
            missing = missing.or(Some(Undecided::Inconclusive(why)));
            continue;
        }
        set(&mut seen, exchange);
    }
    if seen.is_empty() && missing.is_none() {
        return not_applicable("no authorization server publishes keys");
    }
    seen.distinct().verdict_despite(missing, "the published keys are usable and public")
}

/// Milder than a private part.
fn short(seen: &mut Observations, evidence: Evidence, message: impl Into<String>) {
    let verdict = Verdict::of(Status::Warn, vec![evidence], message.into());
    seen.push(verdict.with_severity(Severity::Medium));
}

fn set(seen: &mut Observations, exchange: &Exchange) {
    let parsed = document(exchange);
    let keys = parsed.as_ref().and_then(|json| json.get("keys")).and_then(Value::as_array);
    let Some(keys) = keys else {
        return short(seen, Evidence::status(exchange), "there is no key set at `jwks_uri`");
    };
    let essence = barrier::essence(exchange);
    if !matches!(essence.as_deref(), Some("application/json" | "application/jwk-set+json")) {
        let message = "the key set comes under another media type than application/json";
        short(seen, Evidence::header(exchange, "content-type"), message);
    }
    let (mut known, mut signs) = (BTreeSet::new(), false);
    for (number, key) in keys.iter().take(MOST).enumerate() {
        let text = |name: &str| key.get(name).and_then(Value::as_str).unwrap_or_default();
        let (kty, kid, usage) = (text("kty"), text("kid"), text("use"));
        // Names alone: nothing of a key is shown.
        let named = if kid.is_empty() { format!("key {number}") } else { format!("the key `{}`", cut(kid)) };
        let at =
            || Evidence::new(exchange, format!("body /keys/{number}"), format!("kty {}, {named}", cut(kty)));
        signs |= kty != "oct" && matches!(usage, "" | "sig");
        let symmetric = kty == "oct" && key.get("k").is_some();
        let mut parts: Vec<&str> = PRIVATE.into_iter().filter(|name| key.get(*name).is_some()).collect();
        parts.extend(symmetric.then_some("k"));
        if !parts.is_empty() {
            let message = format!("{named} is published with its private part ({})", parts.join(", "));
            seen.add(Status::Fail, at(), message);
        }
        if !kid.is_empty() && !known.insert((kid, kty, usage, text("alg"))) {
            short(seen, at(), format!("two keys are called `{}`", cut(kid)));
        }
        let modulus = text("n");
        if kty == "RSA"
            && !holds_placeholder(modulus)
            && let Some(bits) = bits(modulus)
            && bits < SHORTEST_BITS
        {
            short(seen, at(), format!("{named} has {bits} bits, fewer than {SHORTEST_BITS}"));
        }
    }
    if !signs {
        short(seen, Evidence::status(exchange), "the key set has no key for signatures");
    }
    seen.add(Status::Pass, Evidence::status(exchange), "read");
}

/// Bits of a number in base64url, without leading zeros; `None` if it is none.
fn bits(text: &str) -> Option<usize> {
    let bytes = URL_SAFE_NO_PAD.decode(text.trim_end_matches('=')).ok()?;
    let first = bytes.iter().position(|byte| *byte != 0)?;
    let whole = bytes.len().saturating_sub(first).saturating_mul(8);
    let zeros = bytes.get(first)?.leading_zeros();
    Some(whole.saturating_sub(usize::try_from(zeros).ok()?))
}

#[cfg(test)]
#[test]
fn examples() {
    use super::made::{named, server_with};
    use crate::checks::examples::*;
    let published = || server_with("jwks_uri", json!("https://id.example.com/keys"));
    let at = || get(ProbeId::Auth, "jwks 1");
    let rsa = |bytes: usize| URL_SAFE_NO_PAD.encode(vec![0xC5_u8; bytes]);
    let sound = |kid: &str| json!({"kty":"RSA","kid":kid,"use":"sig","e":"AQAB","n":rsa(256)});
    let with = |keys: Value| published().with(at().json(json!({ "keys": keys })));
    let and = |name: &str, value: Value| {
        let mut key = sound("a");
        key[name] = value;
        with(json!([key]))
    };
    hold(
        &CHECK,
        [
            pass("RSA", with(json!([sound("a"), sound("b")]))).showing("200"),
            pass("a curve", with(json!([{"kty":"EC","crv":"P-256","x":"x","y":"y"}]))),
            pass("its own media type", {
                let text = json!({"keys":[sound("a")]}).to_string();
                published().with(at().body("application/jwk-set+json", &text))
            }),
            pass("one name for two kinds", with(json!([sound("a"), {"kty":"EC","kid":"a","use":"sig"}]))),
            pass("a masked number", and("n", json!("~uri-token-1~"))),
            warn("as text", {
                let text = json!({"keys":[sound("a")]}).to_string();
                published().with(at().body("text/plain", &text))
            })
            .naming("media type"),
            warn("empty", with(json!([]))).naming("no key for signatures").severity(Severity::Medium),
            warn("one name twice", with(json!([sound("a"), sound("a")]))).naming("`a`"),
            warn("a short key", and("n", json!(rsa(128)))).naming("1024 bits"),
            warn("nothing there", published().with(at().status(404))),
            warn("no set", published().with(at().json(json!({"kty":"RSA"})))).naming("no key set"),
            fail("a private part", and("d", json!("AQAB"))).naming("(d)").severity(Severity::Critical),
            fail("a symmetric key", with(json!([sound("a"), {"kty":"oct","k":"c2VjcmV0"}]))).naming("(k)"),
            undecided("a wall", published().with(at().status(403))),
            undecided("a server error", published().with(at().status(500))),
            undecided("left out", published().skip(ProbeId::Auth, Some("jwks 1"), SkipReason::Profile)),
            not_applicable("none published", server_with("jwks_uri", json!(null))),
            not_applicable(
                "no metadata",
                named(&["https://id.example.com"]).with(get(ProbeId::Auth, "as 1.1").status(404)),
            ),
            not_applicable("open", Scan::modern()),
        ],
    );
}

#[cfg(test)]
#[test]
fn nothing_of_a_key_is_shown() {
    use super::made::server_with;
    use crate::checks::examples::*;
    let keys = json!({"keys":[{"kty":"RSA","kid":"a","d":"canary-private","n":"canary-public"}]});
    let scan = server_with("jwks_uri", json!("https://id.example.com/keys"))
        .with(get(ProbeId::Auth, "jwks 1").json(keys));
    let found = scan.judge(&CHECK);
    assert_eq!(found.status, Status::Fail);
    assert!(!format!("{:?} {}", found.evidence, found.message).contains("canary"));
}
