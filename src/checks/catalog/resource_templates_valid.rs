//! A template is filled in by the client.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::checks::prelude::*;
use crate::facts::catalogue_text::{entries, list_ends};
use crate::transcript::tokens::holds_placeholder;

pub(super) static CHECK: Check = Check {
    id: "resource-templates-valid",
    title: "URI templates of resources parse, are distinct and described",
    dimension: Dimension::D2,
    severity: Severity::Low,
    level: Level::Practice,
    applies: Applies::mcp(
        &[Transport::StreamableHttp, Transport::HttpSse, Transport::Websocket],
        Gated::Hidden,
    ),
    reads: Reads::Of(&[ProbeId::Classify, ProbeId::Catalogue]),
    basis: &[
        mcp!("2026-07-28", "Resources, Resource Templates", "server/resources#resource-templates"),
        rfc!(6570, "2", "URI templates, syntax"),
    ],
    rationale: "Clients expand a template to the URI that they read. One that does not parse expands to nothing, and the resources \
                behind it cannot be reached.",
    remediation: "Write templates as RFC 6570 has them, `notes:///{id}` or `search:///notes{?words}`, each once and with a description.",
    causes: &[],
    how: How {
        sent: "Nothing more: the first page of `resources/templates/list`, parsed by RFC 6570, all levels.",
        passes: "Every template parses, is there once and has a description, and the list has one page.",
        warns: "No description, or a template without an expression.",
        fails: "A brace that is not closed or opened, an operator or a variable name that RFC 6570 does not have, a missing template, or one \
                that comes twice.",
    },
    judge,
};

fn judge(facts: &Facts<'_>) -> Judgement {
    facts.per_era(|era| judge_era(facts, era))
}

fn judge_era(facts: &Facts<'_>, era: Era) -> Judgement {
    let step = "resources/templates/list";
    let (exchange, templates) = entries(facts, era, step, "resourceTemplates", "resources")?;
    let mut seen = Observations::new();
    let mut known = BTreeSet::new();
    for (index, entry) in templates.iter().enumerate() {
        let template = entry.get("uriTemplate").and_then(Value::as_str).unwrap_or_default();
        let shown = format!("`{}`", cut(template));
        let mut add = |status: Status, member: &str, message: String| {
            let place = format!("body /result/resourceTemplates/{index}/{member}");
            seen.add(status, Evidence::new(exchange, place, template), message);
        };
        if template.is_empty() {
            add(
                Status::Fail,
                "uriTemplate",
                format!("template {} has no `uriTemplate`", index.saturating_add(1)),
            );
        } else if !holds_placeholder(template) {
            match expressions(template) {
                Err(what) => add(Status::Fail, "uriTemplate", format!("{shown} {what}")),
                Ok(0) => {
                    add(Status::Warn, "uriTemplate", format!("{shown} has no expression: it is a resource"));
                }
                Ok(_) => {}
            }
            if !known.insert(template) {
                add(Status::Fail, "uriTemplate", format!("two templates are {shown}"));
            }
        }
        let description = entry.get("description").and_then(Value::as_str).unwrap_or_default();
        if description.trim().is_empty() {
            add(Status::Warn, "description", format!("{shown} has no description"));
        }
        add(Status::Pass, "uriTemplate", "sound".to_owned());
    }
    if seen.count(Status::Fail) + seen.count(Status::Warn) == 0 {
        list_ends(facts, era, step, "template")?;
    }
    seen.verdict(format!("{} templates parse and are described", templates.len()), "no template was listed")
}

/// How many expressions a template has, or where it leaves RFC 6570.
fn expressions(template: &str) -> Result<usize, &'static str> {
    let (mut rest, mut count) = (template, 0_usize);
    while let Some(at) = rest.find(['{', '}']) {
        let brace = rest.get(at..).unwrap_or_default();
        let Some(inner) = brace.strip_prefix('{') else { return Err("closes a brace that is not open") };
        let Some((expression, after)) = inner.split_once('}') else {
            return Err("opens a brace and does not close it");
        };
        expression_of(expression)?;
        count = count.saturating_add(1);
        rest = after;
    }
    Ok(count)
}

fn expression_of(expression: &str) -> Result<(), &'static str> {
    if expression.starts_with(['=', ',', '!', '@', '|']) {
        return Err("has an operator that is reserved");
    }
    let variables = expression.strip_prefix(['+', '#', '.', '/', ';', '?', '&']).unwrap_or(expression);
    if variables.split(',').all(is_variable) {
        Ok(())
    } else {
        Err("has a variable whose name no template has")
    }
}

/// A variable with its modifier: `id`, `path*`, `word:3`.
fn is_variable(variable: &str) -> bool {
    let name = match variable.split_once(':') {
        Some((name, digits)) => {
            let first = digits.starts_with(|c: char| matches!(c, '1'..='9'));
            if !first || digits.len() > 4 || !digits.bytes().all(|byte| byte.is_ascii_digit()) {
                return false;
            }
            name
        }
        None => variable.strip_suffix('*').unwrap_or(variable),
    };
    let escaped = |part: &str| -> bool {
        let mut pieces = part.split('%');
        let plain = |piece: &str| piece.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        pieces.next().is_some_and(plain)
            && pieces.all(|piece| {
                piece.get(..2).is_some_and(|digits| digits.bytes().all(|byte| byte.is_ascii_hexdigit()))
                    && plain(piece)
            })
    };
    name.split('.').all(|part| !part.is_empty() && escaped(part))
}

#[cfg(test)]
#[test]
fn examples() {
    use crate::checks::examples::*;
    let offered = || {
        let handshake = json!({"resultType":"complete","supportedVersions":["2026-07-28"],"capabilities":{"resources":{}}});
        Scan::empty()
            .with(discover().result(handshake))
            .with(initialize(ProbeId::Classify, "initialize").status(400))
    };
    let list = |templates: Value, more: Value| {
        let mut result = json!({ "resourceTemplates": templates });
        if !more.is_null() {
            result["nextCursor"] = more;
        }
        let body = json!({"jsonrpc":"2.0","id":1,"method":"resources/templates/list"});
        offered().with(post(ProbeId::Catalogue, "resources/templates/list", Era::Modern, body).result(result))
    };
    let of = |template: &str| {
        list(json!([{"uriTemplate":template,"name":"a","description":"Notes."}]), json!(null))
    };
    hold(
        &CHECK,
        [
            pass("a variable", of("notes:///{id}")).naming("1 templates"),
            pass("all levels", of("n:///{+path}{/a,b*}{?word:3,x%20y}{#f.g}")),
            warn("no description", list(json!([{"uriTemplate":"n:///{id}"}]), json!(null)))
                .naming("no description"),
            warn("no expression", of("notes:///all")),
            fail("an open brace", of("notes:///{id"))
                .naming("does not close")
                .at("body /result/resourceTemplates/0/uriTemplate"),
            fail("a closed brace", of("notes:///id}")),
            fail("a reserved operator", of("notes:///{!id}")).naming("reserved"),
            fail("a name", of("notes:///{note-id}")).naming("variable"),
            fail("empty", of("notes:///{}")),
            fail(
                "twice",
                list(
                    json!([{"uriTemplate":"n:{a}","description":"x"},{"uriTemplate":"n:{a}","description":"y"}]),
                    json!(null),
                ),
            ),
            not_applicable("none", list(json!([]), json!(null))),
            undecided("it goes on", list(json!([{"uriTemplate":"n:{a}","description":"x"}]), json!("2"))),
            undecided("nothing was asked", offered()),
        ],
    );
}
