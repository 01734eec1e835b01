//! Faults of the headers of any reply: what an application and its proxy both set.

use http::header::{ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_ORIGIN, CONTENT_TYPE};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::{Behaviour, Fault};
use crate::protocol::names;

const APP: HeaderValue = HeaderValue::from_static("https://app.example.com");
const SESSION: HeaderName = HeaderName::from_static(names::SESSION_HEADER);

/// CORS headers that no browser can use.
pub(super) fn unusable_cors(behaviour: &Behaviour, headers: &mut HeaderMap) {
    if behaviour.has(Fault::CorsTwice) {
        headers.append(ACCESS_CONTROL_ALLOW_ORIGIN, APP);
    }
    if behaviour.has(Fault::CorsList) {
        let two = HeaderValue::from_static("https://app.example.com, https://www.example.com");
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, two);
    }
    if behaviour.has(Fault::CorsUrl) {
        let url = HeaderValue::from_static("https://app.example.com/");
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, url);
    }
    if behaviour.has(Fault::CorsCredentialsCapital) {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, APP);
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("True"));
    }
}

/// Headers of one value that come twice.
pub(super) fn twice(behaviour: &Behaviour, headers: &mut HeaderMap) {
    if behaviour.has(Fault::TypeTwice) && headers.contains_key(CONTENT_TYPE) {
        headers.append(CONTENT_TYPE, HeaderValue::from_static("text/plain"));
    }
    let Some(session) = headers.get(&SESSION).cloned() else { return };
    if behaviour.has(Fault::SessionIdTwice) {
        headers.append(SESSION, session);
    } else if behaviour.has(Fault::SessionIdOther) {
        let other = uuid::Uuid::new_v4().simple().to_string();
        if let Ok(other) = HeaderValue::from_str(&other) {
            headers.append(SESSION, other);
        }
    }
}
