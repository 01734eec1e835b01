//! A content coding must have a name that clients know, and the body must decode.

use crate::checks::prelude::*;
use crate::facts::coding;
use crate::protocol::coding::Coding;
use crate::transcript::{Content, Decoding, Ended};

pub(super) static CHECK: Check = Check {
    id: "http-content-coding",
    title: "A content coding is a registered one, and what it codes decodes",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Should,
    applies: Applies::to(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::EventStream],
        Gated::Judged,
    ),
    reads: Reads::All,
    basis: &[
        Basis {
            title: "RFC 9110, HTTP Semantics, section 8.4 (Content-Encoding)",
            url: "https://www.rfc-editor.org/rfc/rfc9110#section-8.4",
        },
        Basis {
            title: "IANA, HTTP Content Coding Registry",
            url: "https://www.iana.org/assignments/http-parameters#content-coding",
        },
    ],
    rationale: "A client that decodes as the header says reads nothing of a body that is coded otherwise, and strict \
                ones refuse a name that they do not know.",
    remediation: "Leave `Content-Encoding` out of replies that are not compressed; to keep a proxy from compressing, \
                  send `Cache-Control: no-transform`. Where replies are compressed, end them with the last block of the \
                  coding: close the compressor before the response.",
    causes: &[Cause { word: BROKEN, remedy: None }, Cause { word: UNENDED, remedy: None }],
    how: How {
        sent: "Nothing more: the Content-Encoding of every reply, asked for with `Accept-Encoding: identity` \
               but where compression is tried on purpose. gzip, deflate, br and zstd are decoded; under \
               any other name the body is read as it is.",
        passes: "No coding, or a registered one that decodes.",
        warns: "`identity`, `none` or another name that is not registered.",
        fails: "A body that does not decode, or that ends before its final block.",
    },
    judge,
};

/// No client reads the body of a reply that it needs.
const BROKEN: &str = "undecodable";
/// Some clients read it all the same, or need it not.
const UNENDED: &str = "unended-or-unneeded";

fn judge(facts: &Facts<'_>) -> Judgement {
    let mut seen = Observations::new();
    let mut unread = None;
    for exchange in facts.exchanges().filter(|exchange| exchange.probe != ProbeId::Siblings) {
        let empty = matches!(exchange.content, Content::None) && exchange.coded.is_none();
        let Some(name) = coding::named(exchange).filter(|_| !empty) else {
            if exchange.ok() && !empty {
                seen.add(Status::Pass, Evidence::status(exchange), "plain");
            }
            continue;
        };
        let at = Evidence::header(exchange, "content-encoding");
        let decoding = exchange.coded.map(|coded| coded.decoding);
        match (coding::of(exchange), decoding) {
            (Coding::Plain, _) => {
                seen.add(Status::Warn, at, format!("`{name}` is no content coding: the body is plain"));
            }
            (_, Some(Decoding::Broken)) => {
                let message = format!("a body that says `{name}` does not decode as that");
                // What was wrong on purpose is no loss; compression that was tried on purpose, clients ask for.
                let needed = exchange.ok()
                    && (exchange.expectation == Expectation::Plain || exchange.probe == ProbeId::Delivery);
                let word = if needed { BROKEN } else { UNENDED };
                seen.push(Verdict::of(Status::Fail, vec![at], message).because(word));
            }
            (_, Some(Decoding::Open)) if exchange.ended == Ended::Complete => {
                let message = format!("a body that says `{name}` ends before its final block");
                seen.push(Verdict::of(Status::Fail, vec![at], message).because(UNENDED));
            }
            (_, Some(Decoding::Open | Decoding::Whole)) => {
                seen.add(Status::Pass, at.clone(), "decoded");
                if coding::unasked(exchange).is_some() {
                    seen.add(Status::Info, at, format!("replies come under `{name}` though nothing asked"));
                }
            }
            (_, Some(Decoding::Unread) | None) => unread = unread.or(Some(name)),
        }
    }
    if let Some(name) = unread.filter(|_| seen.count(Status::Fail) == 0) {
        return inconclusive(format!("a body that says `{name}` was not decoded"));
    }
    // The same remark on every reply is one remark.
    seen.distinct().verdict("no body is coded, or what is coded decodes", "no reply brought a body")
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::synthetic::{Scan, get};
    use crate::transcript::{Coded, Decoding, Ended, ProbeId};
    use crate::verdict::Status;

    fn judged(name: &str, decoding: Option<Decoding>, ended: Ended) -> (Status, String) {
        let mut made = get(ProbeId::Browser, "base").status(200).header("content-encoding", name);
        made = made.body("application/json", "{}");
        made.made.coded = decoding.map(|decoding| Coded { bytes: 30, decoding });
        made.made.ended = ended;
        let finding = Scan::modern().with(made).judge(&CHECK);
        (finding.status, finding.message)
    }

    #[test]
    fn passes_on_what_is_plain_or_decodes() {
        assert_eq!(Scan::modern().judge(&CHECK).status, Status::Pass);
        let (status, message) = judged("gzip", Some(Decoding::Whole), Ended::Complete);
        assert!(status == Status::Pass && message.contains("though nothing asked"), "{message}");
        // We left before the end.
        assert_eq!(judged("br", Some(Decoding::Open), Ended::ByUs).0, Status::Pass);
    }

    #[test]
    fn warns_of_a_name_that_is_not_registered() {
        for name in ["none", "identity", "utf-8"] {
            let (status, message) = judged(name, None, Ended::Complete);
            assert!(status == Status::Warn && message.contains(name), "{message}");
        }
    }

    #[test]
    fn fails_where_the_body_does_not_decode_or_has_no_end() {
        assert_eq!(judged("gzip", Some(Decoding::Broken), Ended::Complete).0, Status::Fail);
        let (status, message) = judged("zstd", Some(Decoding::Open), Ended::Complete);
        assert!(status == Status::Fail && message.contains("final block"), "{message}");
    }

    #[test]
    fn undecided_on_what_was_not_decoded() {
        assert_eq!(judged("compress", Some(Decoding::Unread), Ended::Complete).0, Status::Inconclusive);
        assert_eq!(judged("gzip", None, Ended::Complete).0, Status::Inconclusive);
    }
}
