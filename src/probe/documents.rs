//! Authorization metadata: protected-resource metadata, and the authorization servers that they name.

use serde_json::Value;
use url::Url;

use super::conversation::Conversation;
use super::found::Endpoint;
use crate::facts::Readings;
use crate::facts::auth::{DEFAULT_AUTHORIZE, authorization_server, issuers, metadata_url, resource_metadata};
use crate::facts::classification::classify;
use crate::net::{Call, HandleKind, Place, Until, fetch};
use crate::protocol::address::Exposure;
use crate::protocol::revision::Revision;
use crate::protocol::well_known::{AUTHORIZATION_SERVER, PROTECTED_RESOURCE, as_scanned, issuer_forms};
use crate::transcript::{Exchange, ProbeId, SkipReason, Transcript};

const PROBE: ProbeId = ProbeId::Auth;

/// P-PRM, then P-AS of what it names.
pub(super) async fn documents(conversation: &Conversation<'_>, target: &Endpoint) {
    conversation.wire.doing("reading authorization metadata");
    let transcript = conversation.transcript();
    let named = metadata_url(&transcript.exchanges);
    let well_known = [
        ("prm-path", Some(target.place.well_known(PROTECTED_RESOURCE, false))),
        ("prm-root", Some(target.place.well_known(PROTECTED_RESOURCE, true))),
    ];
    let named = named.and_then(|url| document_at(conversation, &url, target));
    let well_known = well_known.map(|(step, place)| (step, place.map(Document::Here)));
    let mut seen: Vec<Document> = Vec::new();
    // Once a document was found: how many more are read to see whether they agree.
    let mut more: Option<u32> = None;
    for (step, document) in [("prm-challenge", named)].into_iter().chain(well_known) {
        let Some(document) = document.filter(|document| !seen.contains(document)) else { continue };
        if more == Some(0) {
            break;
        }
        let asked = transcript.exchanges.iter().find(|asked| asked.probe == PROBE && asked.step == step);
        let found = match asked {
            Some(asked) => resource_metadata([asked]).is_some(),
            None => read(conversation, step, &document)
                .await
                .is_some_and(|exchange| resource_metadata([&*exchange]).is_some()),
        };
        more = match more {
            Some(left) => Some(left.saturating_sub(1)),
            None if found => Some(u32::from(conversation.standard())),
            None => None,
        };
        seen.push(document);
    }
    let transcript = conversation.transcript();
    let issuers = resource_metadata(&transcript.exchanges).map(|(_, document)| issuers(&document));
    match issuers {
        Some(issuers) => {
            for (number, issuer) in issuers.iter().enumerate() {
                authorization(conversation, number.saturating_add(1), issuer, target).await;
            }
        }
        // 2025-03-26: the origin of the endpoint is its own authorization server.
        None => {
            let document = Document::Here(target.place.well_known(AUTHORIZATION_SERVER, true));
            let root = read(conversation, "as 0.1", &document).await;
            let found = root.is_some_and(|root| authorization_server(&root).is_some());
            if !found && conversation.standard() && old(&transcript) {
                // Its head alone: without parameters nothing begins there.
                let call = document_call(DEFAULT_AUTHORIZE, &target.place.at("/authorize"));
                conversation.send(call.until(Until::Head)).await;
            }
        }
    }
}

/// Whether nothing newer than 2025-03-26 is spoken, as far as was seen.
fn old(transcript: &Transcript) -> bool {
    let newest = classify(transcript).revisions.into_iter().max();
    newest.is_some_and(|newest| newest < Revision::V2025_06_18)
}

async fn authorization(conversation: &Conversation<'_>, number: usize, issuer: &str, target: &Endpoint) {
    for (form, url) in issuer_forms(issuer).iter().enumerate() {
        let step = format!("as {number}.{}", form.saturating_add(1));
        let Some(document) = document_at(conversation, url, target) else { return };
        let Some(exchange) = read(conversation, &step, &document).await else { return };
        if let Some(metadata) = authorization_server(&exchange) {
            return keys(conversation, number, &metadata, target).await;
        }
    }
}

/// The key set of an authorization server, one GET.
async fn keys(conversation: &Conversation<'_>, number: usize, metadata: &Value, target: &Endpoint) {
    let Some(url) = metadata.get("jwks_uri").and_then(Value::as_str) else { return };
    let step = format!("jwks {number}");
    if !conversation.standard() {
        return conversation.wire.skip(PROBE, Some(&step), SkipReason::Profile);
    }
    if let Some(document) = document_at(conversation, url, target) {
        read(conversation, &step, &document).await;
    }
}

pub(super) fn document_call(step: &str, place: &Place) -> Call {
    let mut call = Call::new("GET", PROBE, step, place).header("accept", "application/json");
    call.credential = false;
    call
}

/// A document that can be read.
#[derive(Clone, Debug, PartialEq)]
enum Document {
    /// Of the scanned origin.
    Here(Place),
    /// Of another one.
    Elsewhere(Url),
}

/// Where a document is that a reply names: over our own connection if it is of the scanned origin, otherwise as
/// a foreign one. `None` if it is no URL.
fn document_at(conversation: &Conversation<'_>, url: &str, target: &Endpoint) -> Option<Document> {
    let scanned = Url::parse(target.place.shown()).ok()?;
    let there = as_scanned(&scanned, Url::parse(url).ok()?);
    if !crate::net::may_carry_credentials(&scanned, &there) {
        // What holds a secret goes nowhere, and what was recorded of it is no URL of theirs.
        return conversation
            .wire
            .handle(HandleKind::Document, url)
            .sendable()
            .then_some(Document::Elsewhere(there));
    }
    let handle = conversation.wire.handle(HandleKind::Document, there.as_str());
    conversation.wire.given(&target.place, handle).map(Document::Here)
}

async fn read(
    conversation: &Conversation<'_>,
    step: &str,
    document: &Document,
) -> Option<std::sync::Arc<Exchange>> {
    match document {
        Document::Here(place) => conversation.send(document_call(step, place)).await,
        Document::Elsewhere(url) => {
            conversation.admit(&Call::elsewhere(PROBE, step))?;
            let transcript = conversation.transcript();
            let exposure = Readings::new(&transcript).exposure().unwrap_or(Exposure::Public);
            Some(fetch(conversation.wire, PROBE, step, url, exposure).await)
        }
    }
}
