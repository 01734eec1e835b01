//! Whatever stands in the catalogue is everybody's.

use crate::checks::prelude::*;
use crate::facts::catalogue_text;
use crate::transcript::known_secrets::{HIDDEN, known_secrets};
use crate::transcript::userinfo::PASSWORD;

pub(super) static CHECK: Check = Check {
    id: "tools-secrets",
    title: "No text of the catalogue holds a key or a password",
    dimension: Dimension::D7,
    severity: Severity::Critical,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[
        Basis {
            title: "CWE-798, Use of Hard-coded Credentials",
            url: "https://cwe.mitre.org/data/definitions/798.html",
        },
        Basis {
            title: "CWE-200, Exposure of Sensitive Information",
            url: "https://cwe.mitre.org/data/definitions/200.html",
        },
    ],
    rationale: "Descriptions and defaults go to every client, into the context of every model and into the logs of \
                whoever runs it. A key in them is a published key.",
    remediation: "Revoke the key now, whoever has seen it. Read it from the server's environment, and let the text say \
                  what is needed and not with what: `Calls the orders API` instead of `Calls the orders API with key …`.",
    causes: &[],
    how: How {
        sent: "Nothing more: names, titles, descriptions, words and values in schemas, prompts, resources and `instructions`. \
               Known are AWS access keys, tokens of GitHub, GitLab and Slack, keys of Google, Stripe (live), Anthropic and \
               OpenAI, private keys in PEM with their body and JSON web tokens that decode. Nothing is tried out, and no \
               value is shown.",
        passes: "None was found, and every list was read to its end. Values of documentation are none: those with one \
                 of `example sample dummy fake your placeholder redacted changeme xxx test demo insert secret token` \
                 in them, repeated or counting up, and the tokens of RFC 7519 and jwt.io. A password in a URL is \
                 noted: it is masked when it is recorded, so whether it is a real one cannot be told.",
        warns: "A random value of 20 or more characters behind `token:`, `password is`, `api_key=` and their like \
                (`key` after `access account admin api auth encryption license master private secret signing`), unless \
                one of `example, e.g, such as, for instance, sample, like, format, page, cursor, next, continuation, \
                resume, sync, public, publish, idempotency, hash, partition` stands shortly before it, or it is an \
                example of a schema.",
        fails: "A key that is known by its form.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let texts = catalogue_text::read(facts, era)?;
    let whole = catalogue_text::whole(facts, era, &texts);
    let mut seen = Observations::new();
    for text in &texts.all {
        for found in known_secrets(text.text) {
            let (status, what) = match found.kind {
                Some(kind) => (Status::Fail, kind),
                None if text.is_example() => continue,
                None => (Status::Warn, "what looks like a secret, by the word before it"),
            };
            seen.add(status, text.evidence(HIDDEN), format!("{} holds {what}", text.place()));
        }
        if text.text.contains(PASSWORD) {
            let message =
                format!("{} has a URL with a user and a password, masked when it was recorded", text.place());
            seen.add(Status::Info, text.evidence(PASSWORD), message);
        }
        seen.add_with(Status::Pass, || text.evidence(text.text), "no secret");
    }
    if texts.all.is_empty() {
        whole?;
        return not_applicable("nothing is listed, and there are no instructions");
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        whole?;
    }
    seen.verdict(format!("{} texts hold no key of a known form", texts.all.len()), "no text was read")
}

#[cfg(test)]
mod tests {
    use super::CHECK;
    use crate::checks::examples::*;

    // Not written in one piece, so that no search for keys takes it for a real one.
    const KEY: &str = concat!("ghp", "_9fK2mQ7xLr4TzV8wYb1NcH6sJd3PgE5uRa0K");

    fn tools(tools: &Value) -> Scan {
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern()
            .with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(json!({ "tools": tools })))
    }

    fn described(description: &str) -> Scan {
        tools(&json!([{"name":"add","description":description,"inputSchema":{"type":"object"}}]))
    }

    fn parameter(schema: &Value) -> Scan {
        tools(&json!([{"name":"add","inputSchema":{"type":"object","properties":{"token":schema}}}]))
    }

    #[test]
    fn keys_are_found_wherever_they_stand() {
        let examples = [
            pass("plain", described("Adds two integers. Needs an API key: ask the operator.")),
            pass(
                "documentation",
                described("Uses AKIAIOSFODNN7EXAMPLE or ghp_xxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxxx."),
            ),
            pass("a cursor", described("Goes on with page_token: CAUQAA9fK2mQ7xLr4TzV8wYb1NcH6s")),
            pass("an example", parameter(&json!({"examples":["token: 9fK2mQ7xLr4TzV8wYb1NcH6s"]}))),
            pass("a masked password", described("Reads postgres://~userinfo~:~password~@db.test/x"))
                .naming("note: description of tool `add`"),
            pass("a masked token", described("token: ~session-1~")),
            warn("by its word", described("Calls with api_key=9fK2mQ7xLr4TzV8wYb1NcH6s"))
                .severity(Severity::High),
            fail("a key in a description", described(&format!("Adds with {KEY}.")))
                .naming("a GitHub token")
                .at("body /result/tools/0/description"),
            fail("in a default", parameter(&json!({"default":KEY}))).naming("`default` of parameter `token`"),
            fail("in an example", parameter(&json!({"examples":[KEY]}))),
            undecided("nothing was asked", Scan::modern()),
            not_applicable("nothing is listed", tools(&json!([]))),
        ];
        hold(&CHECK, examples);
    }

    #[test]
    fn every_word_that_decides_is_printed() {
        use crate::transcript::known_secrets::{EXAMPLES, HARMLESS, OWNERS};
        let lists: [&[&str]; 3] = [&EXAMPLES, &HARMLESS, &OWNERS];
        for word in lists.into_iter().flatten() {
            assert!(CHECK.how.passes.contains(word) || CHECK.how.warns.contains(word), "{word}");
        }
    }

    /// Whatever a check says of such a tool: the key is not in it.
    #[test]
    fn no_check_shows_a_key() {
        let suspect = "9fK2mQ7xLr4TzV8wYb1NcH6sQz";
        for text in [format!("{KEY} adds"), format!("x {KEY}"), format!("api_key={suspect}")] {
            let tool = json!({"name":text,"title":text,"description":text,"inputSchema":{"type":"object","required":["y"],
                "properties":{text.clone():{"description":text,"enum":[text,1],"type":"string","default":text}}}});
            let scan = tools(&json!([tool, tool]));
            for check in crate::checks::all() {
                let found = scan.judge(check);
                let shown = format!("{} {:?}", found.message, found.evidence);
                assert!(
                    !shown.contains(KEY.trim_start_matches("ghp")) && !shown.contains(suspect),
                    "{}: {shown}",
                    check.id
                );
            }
        }
    }
}
