//! A list must come to an end, page by page.

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::catalogue::LONGEST_CURSOR;
use crate::facts::tools::{self, Stop};
use crate::protocol::jsonrpc::type_name;
use crate::verdict::cut;

pub(super) static CHECK: Check = Check {
    id: "list-pagination",
    title: "Lists can be read to their end",
    dimension: Dimension::D2,
    severity: Severity::High,
    level: Level::Should,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Pagination", "server/utilities/pagination"),
        mcp!("2025-11-25", "Pagination", "server/utilities/pagination"),
    ],
    rationale: "Clients follow `nextCursor` until there is none. A cursor that comes again keeps them there for ever, \
                and one that is refused costs them the list.",
    remediation: "Leave `nextCursor` out on the last page, and give each page a string of its own that the server \
                  accepts as `params.cursor`.",
    causes: &[
        Cause {
            word: "endless-list",
            remedy: Some(
                "Leave `nextCursor` out on the last page, and read `params.cursor`: a handler or proxy that drops it \
                 answers with the first page for ever.",
            ),
        },
        Cause {
            word: "own-cursor-refused",
            remedy: Some(
                "Accept every cursor that a page has named, on any connection and replica: keep what it needs in the \
                 cursor itself, or leave `nextCursor` out and send the list in one page.",
            ),
        },
        Cause {
            word: "cursor-no-string",
            remedy: Some("Send `nextCursor` as a string, `\"2\"` and not `2`, or leave it out."),
        },
        Cause {
            word: "other-list",
            remedy: Some("Send `nextCursor` as a string, `\"2\"` and not `2`, or leave it out."),
        },
    ],
    how: How {
        sent: "`tools/list` page by page, each with the cursor that the last one named, up to a limit of ours; of other \
               lists the first page. Cursors are not invented.",
        passes: "The last page of the list of tools names no other, and no cursor is anything but a string. An empty \
                 string is a cursor.",
        warns: "",
        fails: "A cursor comes again, the server's own cursor is refused, or `nextCursor` is no string. Null: see \
                `rpc-optional-not-null`.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let mut seen = Observations::new();
    if let Some(stop) = tools::stops(facts, era) {
        seen.push(judge_stop(&stop));
    }
    let lists = facts.of(ProbeId::Catalogue).filter(|exchange| exchange.era == Some(era));
    for exchange in lists.filter(|exchange| exchange.step.ends_with("/list") && exchange.step != "tools/list")
    {
        let cursor = facts.reply(exchange).result().and_then(|result| result.get("nextCursor"));
        if let Some(value) = cursor.filter(|value| !value.is_null() && !value.is_string()) {
            let message =
                format!("the `nextCursor` of {} is {}, not a string", exchange.step, type_name(value));
            let evidence = vec![Evidence::body(exchange, "/result/nextCursor", value)];
            seen.push(Verdict::of(Status::Fail, evidence, message).because("other-list"));
        }
    }
    if !seen.is_empty() {
        return seen.verdict("", "");
    }
    let catalogue = facts.catalogue(era)?;
    if !catalogue.tools_listed && catalogue.capabilities.is_some() && !catalogue.advertises("tools") {
        return not_applicable("no tools are offered");
    }
    let cursor = |page: &Exchange| facts.reply(page).result().and_then(|result| result.get("nextCursor"));
    let null = |page: &&Exchange| era == Era::Legacy && cursor(page) == Some(&Value::Null);
    if let Some(page) = tools::pages(facts, era).find(null) {
        return charged_to("rpc-optional-not-null", format!("the `nextCursor` of `{}` is null", page.step));
    }
    let long =
        |page: &Exchange| cursor(page).and_then(Value::as_str).filter(|cursor| cursor.len() > LONGEST_CURSOR);
    if let Some(cursor) = tools::pages(facts, era).find_map(long) {
        return inconclusive(format!("a cursor has {} bytes and was not sent back", cursor.len()));
    }
    let read = tools::read_to_end(facts, era)?;
    let Some(last) = tools::pages(facts, era).last() else {
        return inconclusive(facts.why_not(ProbeId::Catalogue, Some("tools/list")));
    };
    let pages = if read == 1 { "page" } else { "pages" };
    pass(Evidence::status(last), format!("the list of tools ends after {read} {pages}"))
}

fn judge_stop(stop: &Stop<'_>) -> Verdict {
    let (word, evidence, message) = match stop {
        Stop::Again(page, cursor) => (
            "endless-list",
            Evidence::new(page, "body /result/nextCursor", cursor),
            format!("tools/list gave the cursor `{}` again: the list never ends", cut(cursor)),
        ),
        Stop::NoString(page, value) => (
            "cursor-no-string",
            Evidence::body(page, "/result/nextCursor", value),
            format!("the `nextCursor` of tools/list is {}, not a string", type_name(value)),
        ),
        Stop::Refused(page, how) => (
            "own-cursor-refused",
            Evidence::status(page),
            format!("the server's own cursor is refused: `{}` was answered with {how}", page.step),
        ),
    };
    Verdict::of(Status::Fail, vec![evidence], message).because(word)
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::examples::*;

    fn page(number: usize) -> Made {
        let step = if number == 1 { "tools/list".to_owned() } else { format!("tools/list page {number}") };
        let body = json!({"jsonrpc":"2.0","id":number,"method":"tools/list"});
        post(ProbeId::Catalogue, &step, Era::Modern, body)
    }

    /// Pages with these cursors; the last of them may be another reply.
    fn pages(cursors: &[Value], then: Option<Made>) -> Scan {
        let listed = |(index, cursor): (usize, &Value)| {
            page(index + 1).result(json!({"tools":[{"name":"x"}],"nextCursor":cursor}))
        };
        cursors.iter().enumerate().map(listed).chain(then).fold(Scan::modern(), Scan::with)
    }

    fn last(number: usize) -> Made {
        page(number).result(json!({"tools":[]}))
    }

    #[test]
    fn a_list_ends_or_says_why_not() {
        let one = || pages(&[json!("a")], None);
        let prompts = |cursor: Value| {
            let body = json!({"jsonrpc":"2.0","id":9,"method":"prompts/list"});
            let made = post(ProbeId::Catalogue, "prompts/list", Era::Modern, body);
            Scan::modern().with(last(1)).with(made.result(json!({"prompts":[],"nextCursor":cursor})))
        };
        let examples = [
            pass("one page", Scan::modern().with(last(1))).naming("after 1 page"),
            pass("an empty string is a cursor", pages(&[json!("")], Some(last(2)))).naming("after 2 pages"),
            pass("null ends the list in the modern era", pages(&[json!("a"), json!(null)], None)),
            pass("another list goes on", prompts(json!("p2"))),
            fail("a cursor comes again", pages(&[json!("a"), json!("b"), json!("a")], None))
                .naming("`a` again"),
            fail("the empty string for ever", pages(&[json!(""), json!("")], None)),
            fail("a number", pages(&[json!(2)], None)).naming("is a number"),
            fail("a number in another list", prompts(json!(2))).naming("prompts/list is a number"),
            fail(
                "its own cursor is refused",
                pages(&[json!("a")], Some(page(2).error(200, -32602, "bad cursor"))),
            )
            .naming("-32602"),
            fail(
                "a page that fails",
                pages(&[json!("a")], Some(page(2).status(500).body("text/plain", "x"))),
            )
            .naming("HTTP 500"),
            fail("a page that asks for a token", pages(&[json!("a")], Some(page(2).status(401)))),
            undecided("a page that asks us to wait", pages(&[json!("a")], Some(page(2).status(429)))),
            undecided(
                "a page that never came",
                pages(&[json!("a")], Some(page(2).failed(Phase::Head, FailureKind::Reset))),
            ),
            undecided("our own limit", one()).naming("1 page"),
            undecided("a cursor that is too long", pages(&[json!("x".repeat(20_000))], None))
                .naming("20000 bytes"),
            undecided("the first page is refused", Scan::modern().with(page(1).error(200, -32601, "no"))),
            undecided("nothing was asked", Scan::modern()),
        ];
        hold(&CHECK, examples);
    }

    #[test]
    fn null_in_the_legacy_era_is_charged_to_its_own_check() {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        let list = post(ProbeId::Catalogue, "tools/list", Era::Legacy, body);
        let finding =
            Scan::legacy(false).with(list.result(json!({"tools":[],"nextCursor":null}))).judge(&CHECK);
        assert_eq!(finding.charged_to, Some("rpc-optional-not-null"), "{}", finding.message);
    }
}
