//! The committed schemas are those of the types, and what is written obeys them.

use std::path::Path;

use agentgauge::gate::Gates;
use agentgauge::judge::judge;
use agentgauge::report::json;
use agentgauge::rubric::{AGENT_READINESS, Rubric};
use agentgauge::schema;
use agentgauge::transcript::{
    Connect, Content, End, Ended, Exchange, Expectation, FORMAT, Head, Header, Limits, ProbeId, Profile,
    Request, SentHandle, Skip, SkipReason, Tool, Transcript, codec,
};
use serde_json::Value;

/// Compares a committed schema with the types; `UPDATE=1` writes it instead.
fn committed(name: &str, generated: &str) {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("rubrics").join(name);
    if std::env::var_os("UPDATE").is_some_and(|value| value == "1") {
        std::fs::write(&path, generated).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(
        found == generated,
        "rubrics/{name} is not the schema of the types: run `UPDATE=1 cargo test --test it schemas`"
    );
}

#[test]
fn committed_schemas_are_those_of_the_types() {
    committed("report.schema.json", &schema::report());
    committed("rubric.schema.json", &schema::rubric());
    committed("config.schema.json", &schema::config());
    committed("baseline.schema.json", &schema::baseline());
    committed("diff.schema.json", &schema::diff());
    committed("transcript.schema.json", &schema::transcript());
}

fn obeys(schema: &str, value: &Value) {
    let validator = jsonschema::validator_for(&serde_json::from_str(schema).unwrap()).unwrap();
    let faults: Vec<String> =
        validator.iter_errors(value).map(|error| format!("{} at {}", error, error.instance_path())).collect();
    assert!(faults.is_empty(), "{faults:#?}");
}

/// A small web page that answered once.
fn transcript() -> Transcript {
    let exchange = Exchange {
        id: 1,
        probe: ProbeId::Classify,
        step: "get".to_owned(),
        expectation: Expectation::Plain,
        twin: None,
        era: None,
        session: None,
        stream: Some(2),
        connection: 1,
        connect: Some(Connect {
            started_us: 0,
            address: Some("127.0.0.1:8080".to_owned()),
            dns_us: None,
            tcp_us: Some(100),
            tls: None,
        }),
        request: Request {
            method: "GET".to_owned(),
            url: "http://127.0.0.1:8080/".to_owned(),
            headers: vec![("accept".to_owned(), "text/event-stream".to_owned())],
            body: None,
            handles: vec![SentHandle {
                place: "header mcp-session-id".to_owned(),
                placeholder: "~session-1~".to_owned(),
            }],
        },
        started_us: 200,
        head: Some(Head {
            at_us: 900,
            status: 200,
            version: "HTTP/1.1".to_owned(),
            headers: vec![("content-type".to_owned(), "text/html".to_owned())],
        }),
        first_byte_us: Some(950),
        content: Content::Text { text: "<html>".to_owned(), bytes: 6, cut: false },
        coded: None,
        ended: Ended::Complete,
        ended_us: 1_000,
        failure: None,
        shapes: Vec::new(),
    };
    Transcript {
        header: Header {
            format: FORMAT,
            tool: Tool::this(),
            url: "http://127.0.0.1:8080/".to_owned(),
            label: Some("page".to_owned()),
            profile: Profile::Quick,
            limits: Limits::of(Profile::Quick),
            insecure: false,
            proxy: None,
            operator_headers: Vec::new(),
            zone: None,
            started_at: "2026-11-20T00:00:00Z".to_owned(),
        },
        exchanges: vec![exchange],
        skips: vec![Skip { probe: ProbeId::Idle, step: None, reason: SkipReason::Profile }],
        end: Some(End { at_us: 2_000, interrupted: false, stalls: Vec::new() }),
    }
}

#[test]
fn a_report_obeys_its_schema() {
    let rubric = Rubric::default_rubric();
    let gates = Gates { min_score: Some(80.0), ..Gates::default() };
    let report = judge(&transcript(), &rubric, &gates);
    let one: Value = serde_json::from_slice(&json::render(&report)).unwrap();
    obeys(&schema::report(), &one);
    assert_eq!(one["exit"], serde_json::json!({"code": 3, "name": "nothing-to-judge"}));
    assert_eq!(one["findings"].as_array().unwrap().len(), agentgauge::checks::all().count());
    let both: Value = serde_json::from_slice(&json::render_many(
        &[report.clone(), report],
        &["https://h/".to_owned()],
        agentgauge::exit::Exit::Ok,
    ))
    .unwrap();
    obeys(&schema::report(), &both);
    assert_eq!(both["summary"]["targets"], 2);
    // A schema that accepts anything would prove nothing.
    let mut broken = one;
    broken["findings"][0]["status"] = "great".into();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema::report()).unwrap()).unwrap();
    assert!(!validator.is_valid(&broken));
}

#[test]
fn the_shipped_rubric_obeys_its_schema() {
    let value: Value = toml::from_str::<toml::Value>(AGENT_READINESS).unwrap().try_into().unwrap();
    obeys(&schema::rubric(), &value);
    let mut broken = value;
    broken["polcy"] = 1.into();
    let validator = jsonschema::validator_for(&serde_json::from_str(&schema::rubric()).unwrap()).unwrap();
    assert!(!validator.is_valid(&broken));
}

#[test]
fn transcript_lines_obey_their_schema() {
    for line in String::from_utf8(codec::encode(&transcript())).unwrap().lines() {
        obeys(&schema::transcript(), &serde_json::from_str(line).unwrap());
    }
}

#[test]
fn the_same_transcript_gives_the_same_bytes() {
    let rubric = Rubric::default_rubric();
    let read = codec::decode(codec::encode(&transcript()).as_slice()).unwrap();
    let render = |transcript: &Transcript| json::render(&judge(transcript, &rubric, &Gates::default()));
    assert_eq!(render(&transcript()), render(&read));
}
