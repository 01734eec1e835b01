//! The official schemas that are built in are the originals without their descriptions.

use agentgauge::protocol::revision::Revision;
use agentgauge::protocol::schemas;
use serde_json::Value;
use sha2::{Digest, Sha256};

/// SHA-256 of the originals.
const ORIGINALS: [&str; 5] = [
    "61cea2392d4f284092d09bc84b9ac488c0d5618ac2b38a56942fc5b99fd960ce",
    "e720669548c8100a4282c49e580efd6ddf7f28899ea786fc8db251dbdb356131",
    "af845e7e5b9d27107d1690f0936022546177a1403e63ffb11470135b296a2e01",
    "268a5f82ba70fd7e4b6dc4aa1e64f116f74b4d0edcb69dc046829c79dd4e97e7",
    "ef70b61f99b6d2e5e3b46863822eab08dff6a45bedc7a08914e0e5b133f40203",
];

/// Takes the descriptions out of a schema: a string under that name. A member that is called so is a schema.
fn without_descriptions(value: &mut Value) {
    match value {
        Value::Object(members) => {
            members.retain(|name, value| name != "description" || !value.is_string());
            members.values_mut().for_each(without_descriptions);
        }
        Value::Array(items) => items.iter_mut().for_each(without_descriptions),
        _ => {}
    }
}

#[test]
fn built_in_schemas_are_the_originals_without_descriptions() {
    let root = std::path::Path::new(env!("CARGO_MANIFEST_DIR"));
    for (revision, sha256) in Revision::ALL.into_iter().zip(ORIGINALS) {
        let name = format!("{}.json", revision.as_str());
        let original = std::fs::read(root.join("fixtures/schemas").join(&name)).unwrap();
        let digest: String = Sha256::digest(&original).iter().map(|byte| format!("{byte:02x}")).collect();
        assert_eq!(digest, sha256, "{name} is another file");
        let mut schema: Value = serde_json::from_slice(&original).unwrap();
        without_descriptions(&mut schema);
        let wanted = format!("{schema}\n");
        if std::env::var_os("UPDATE").is_some() {
            std::fs::write(root.join("src/protocol/schemas").join(&name), &wanted).unwrap();
        } else {
            assert_eq!(schemas::text(revision), wanted, "{name}: UPDATE=1 writes it");
        }
    }
}
