//! A name is what it looks like.

use std::collections::BTreeMap;

use crate::checks::prelude::*;
use crate::facts::catalogue_text;
use crate::facts::scripts::{mixed, skeleton};

pub(super) static CHECK: Check = Check {
    id: "tools-confusable-names",
    title: "No name imitates another by letters that look alike",
    dimension: Dimension::D7,
    severity: Severity::Medium,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Unseen,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::HttpSse, ProbeId::WebSocket, ProbeId::Catalogue]),
    basis: &[
        Basis {
            title: "Unicode Technical Standard 39, sections 4 and 5.2",
            url: "https://www.unicode.org/reports/tr39/",
        },
        Basis {
            title: "CWE-1007, Insufficient Visual Distinction of Homoglyphs",
            url: "https://cwe.mitre.org/data/definitions/1007.html",
        },
    ],
    rationale: "People approve a call by the name that they see. One that looks like another, or like a usual one, gets an \
                approval that was meant for it.",
    remediation: "Write each word of a name in one script: `send_mail` with Latin letters throughout, or a name that is Cyrillic \
                  throughout.",
    causes: &[],
    how: How {
        sent: "Nothing more: the names of tools and prompts. Cyrillic, Greek and full-width letters that pass for ASCII ones are \
               read as those.",
        passes: "No word mixes Latin, Cyrillic and Greek letters, no two names look the same, and every list was read to its end. Names \
                 of one script are fine, whichever; so is Latin beside Chinese, Japanese and Korean.",
        warns: "A word mixes scripts.",
        fails: "Two names differ in such letters alone, or a name that mixes scripts looks like ASCII.",
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
    let mut known: BTreeMap<(&str, String), &str> = BTreeMap::new();
    for text in
        texts.all.iter().filter(|text| text.member == "/name" && ["tool", "prompt"].contains(&text.owner))
    {
        if text.masked() {
            continue;
        }
        let looks = skeleton(text.text);
        let mut add = |status: Status, what: &str| {
            seen.add(status, text.evidence(text.text), format!("the {} {what}", text.place()));
        };
        if mixed(text.text) && looks.is_ascii() {
            add(Status::Fail, "mixes scripts and looks like ASCII");
        } else if mixed(text.text) {
            add(Status::Warn, "mixes scripts in one word");
        }
        match known.insert((text.owner, looks), text.text) {
            Some(other) if other != text.text => {
                add(Status::Fail, &format!("looks like `{}`, and is another", cut(other)));
            }
            _ => seen.add_with(Status::Pass, || text.evidence(text.text), "distinct"),
        }
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        whole?;
        if seen.is_empty() {
            return not_applicable("no tool and no prompt has a name");
        }
    }
    seen.verdict(format!("{} names are what they look like", known.len()), "no name was read")
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let list = |names: &[&str]| {
        let tools: Vec<Value> = names.iter().map(|name| json!({ "name": name })).collect();
        let body = json!({"jsonrpc":"2.0","id":1,"method":"tools/list"});
        Scan::modern()
            .with(post(ProbeId::Catalogue, "tools/list", Era::Modern, body).result(json!({ "tools": tools })))
    };
    hold(
        &CHECK,
        [
            pass("plain", list(&["send_mail", "send_Mail", "l1", "I1"])).naming("4 names"),
            pass("Cyrillic throughout", list(&["погода", "отправить_письмо"])),
            pass("Latin beside Japanese", list(&["天気get", "get_天気"])),
            pass("masked", list(&["a", "~session-1~"])),
            warn("a mixed word", list(&["getПогода"])).naming("mixes scripts in one word"),
            fail("an imitation", list(&["sеnd_mail"])).naming("looks like ASCII"),
            fail("of another of the same server", list(&["сор", "cop"])).naming("looks like `сор`"),
            not_applicable("none", list(&[])),
            undecided("nothing was asked", Scan::modern()),
        ],
    );
}
