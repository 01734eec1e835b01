//! The operator's secrets in every form and every place.

use agentgauge::transcript::Secrets;
use proptest::prelude::*;
use serde_json::{Value, json};

use crate::forms::{FORMS, composed};

const SECRET: &str = "cnry/Qx7+Zk3~w9Vt2=e8Lm5";

fn secrets(value: &str) -> Secrets {
    let secrets = Secrets::default();
    secrets.hide("credential", value);
    secrets
}

/// Puts a text of an endpoint somewhere.
type Place = fn(&str) -> String;

/// Where a text of an endpoint stands.
const PLACES: &[(&str, Place)] = &[
    ("plain text", |text| format!("you sent {text} there")),
    ("HTML", |text| format!("<p class=\"a\">{text}</p>")),
    ("JSON", |text| json!({ "a": [text], "n": 17 }).to_string()),
    ("a header's value", |text| format!("Bearer realm=\"{text}\", error=\"x\"")),
    ("a header's name", |text| format!("x-{text}-y")),
    ("a URL", |text| format!("https://h.example/x?y={text}&z=1")),
    ("an event", |text| format!("data: {text}")),
    ("a frame", |text| json!({ "jsonrpc": "2.0", "id": 1, "result": { text: text } }).to_string()),
    ("an error", |text| format!("cannot connect: {text} (os error 111)")),
];

#[test]
fn a_secret_is_gone_in_every_form_and_place() {
    let secrets = secrets(SECRET);
    for (form, make) in FORMS {
        for (place, put) in PLACES {
            let made = make(SECRET);
            let text = put(&made);
            let masked = secrets.masked(&text).unwrap_or_else(|| panic!("{form} in {place}: {text}"));
            assert!(masked.contains("~credential~"), "{form} in {place}: {masked}");
            assert!(!masked.contains(&made), "{form} in {place}: {masked}");
            let json = |text: &str| serde_json::from_str::<Value>(text).is_ok();
            assert_eq!(json(&masked), json(&text), "{form} in {place}: {masked}");
            // What was masked stays as it is, and so does what stands around it.
            assert_eq!(secrets.masked(&masked), None, "{form} in {place}: {masked}");
            let (before, after) = (&put("\u{1}"), "\u{1}");
            let start = before.split(after).next().unwrap_or_default();
            assert!(
                masked.starts_with(start.trim_end_matches('\\').split("\\u").next().unwrap_or_default()),
                "{form} in {place}: {masked}"
            );
            // Every sink finds it, too.
            assert!(secrets.shown(text.clone()).contains("~credential~"), "{form} in {place}");
            if json(&text) {
                assert!(secrets.shown_json(text).contains("~credential~"), "{form} in {place}");
            }
        }
        // The HTTP library gives names of headers in lower case.
        let name = make(SECRET).to_ascii_lowercase();
        if ["plain", "base64", "base64url", "base64-at-1", "base32", "hex", "percent"].contains(form) {
            assert!(
                secrets.masked(&name).is_some_and(|masked| masked.contains("~credential~")),
                "{form}: {name}"
            );
        }
    }
}

#[test]
fn what_is_no_secret_stays() {
    let secrets = Secrets::default();
    secrets.hide_with_parts(
        "header-cookie",
        "v=2025-11-25; x=protocolVersion; t=text/event-stream; n=tok7; w=correcthorse",
    );
    for text in [
        "{\"protocolVersion\":\"2025-11-25\",\"v\":\"2024-11-05\"}",
        "content-type: text/event-stream",
        "xtok7 tok78 TOK7 dG9rNw==",
    ] {
        assert_eq!(secrets.masked(text), None, "{text}");
    }
    assert_eq!(secrets.masked("<tok7>").as_deref(), None, "parts have eight characters at least");
    secrets.hide("credential", "tok7");
    assert_eq!(secrets.masked("<tok7> xtok7").as_deref(), Some("<~credential~> xtok7"));
    // Words and numbers are ours as well; a placeholder is never read.
    secrets.hide("credential", "credential");
    secrets.hide("credential", "12345678");
    assert_eq!(secrets.masked("a credential, ~credential~").as_deref(), Some("a ~credential~, ~credential~"));
    assert_eq!(
        secrets.shown("correcthorse credential 12345678".to_owned()),
        "correcthorse credential 12345678"
    );
}

#[test]
fn json_stays_json() {
    let secrets = secrets("12345678");
    secrets.hide("credential", "nabcdefgh");
    for (text, masked) in [
        ("{\"a\":12345678,\"b\":\"12345678\"}", "{\"a\":\"~credential~\",\"b\":\"~credential~\"}"),
        ("data: [-123456789.5, 1]", "data: [\"~credential~\", 1]"),
        (r#"["\nabcdefgh"]"#, r#"["~credential~"]"#),
        (r#"["\\nabcdefgh\n"]"#, r#"["\\~credential~\n"]"#),
    ] {
        assert_eq!(secrets.masked(text).as_deref(), Some(masked), "{text}");
    }
}

#[test]
fn a_cut_text_ends_in_no_half_of_a_secret() {
    let secrets = secrets(SECRET);
    for cut in 4..SECRET.len() {
        for text in [
            format!("you sent {}", &SECRET[..cut]),
            format!("you sent {}", SECRET[..cut].replace('/', "&sol;").replace('+', "%2B")),
            format!("you sent {}%2", &SECRET[..cut]),
        ] {
            let masked = secrets.masked_cut(&text).unwrap_or_default();
            assert!(masked.starts_with("you sent ~credential~"), "{text}: {masked}");
        }
    }
    assert_eq!(secrets.masked_cut("you sent cnr"), None);
}

#[test]
fn work_is_linear_whatever_the_text_is() {
    const LENGTH: usize = 30_000;
    let secrets = secrets(SECRET);
    let units = [
        "a",
        "A",
        "7",
        "QUFB",
        "%25",
        "%2525",
        "<",
        "<b>",
        "<!--",
        "&",
        "&#",
        "&am",
        "&amp;",
        "\\",
        "\\u00",
        "\\\\",
        "4",
        "41 ",
        "0x41,",
        "\n",
        "\u{200b}",
        ">",
        "><",
        "cnry/",
        "~credential~",
        "MFRA",
        "14%",
        "<i t=\"",
        "://a",
    ];
    for unit in units {
        let cost = |length: usize| {
            let text = unit.repeat(length / unit.len());
            let before = secrets.work();
            let _ = secrets.masked(&text);
            secrets.work() - before
        };
        let (half, whole) = (cost(LENGTH / 2), cost(LENGTH));
        assert!(whole <= LENGTH * 24, "{unit:?}: {whole} bytes were read");
        assert!(whole <= half * 2 + LENGTH / 10, "{unit:?}: {half} bytes of a half, {whole} of the whole");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 128, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn a_secret_in_two_forms_is_not_read(
        secret in "[A-Za-z0-9._~+/=-]{10,40}", outer in 0_usize..FORMS.len(), inner in 0_usize..FORMS.len(),
        before in "[ -~]{0,12}", place in 0_usize..PLACES.len(),
    ) {
        let made = composed(outer, inner, &secret);
        let text = PLACES[place].1(&format!("{before} {made} "));
        let masked = secrets(&secret).masked(&text).unwrap_or_default();
        prop_assert!(masked.contains("~credential~"), "{} in {} of {}: {}", FORMS[outer].0, FORMS[inner].0, secret, text);
        prop_assert!(!masked.contains(&made) || made.len() < 4, "{}", masked);
        prop_assert_eq!(serde_json::from_str::<Value>(&text).is_ok(), serde_json::from_str::<Value>(&masked).is_ok(), "{}", masked);
    }
}
