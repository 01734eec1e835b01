//! Answers what the server asks of us, while the probes go on.

use std::future::Future;

use super::conversation::Conversation;
use crate::net::{Call, Until};
use crate::protocol::names;
use crate::protocol::revision::Era;
use crate::transcript::ProbeId;

/// Answers until the scan's own conversations are over.
pub(super) async fn during(conversation: &Conversation<'_>, conversations: impl Future<Output = ()>) {
    tokio::pin!(conversations);
    loop {
        let asked = tokio::select! {
            () = &mut conversations => return,
            Some(asked) = conversation.wire.owed() => asked,
        };
        let step = if asked.ping { "ping" } else { "declined" };
        let mut call = Call::post(ProbeId::Answers, step, &asked.place, asked.body)
            .era(Era::Legacy)
            .in_session(asked.session.as_ref())
            // A response is accepted with 202 and no body.
            .until(Until::Head);
        if let Some(version) = asked.version {
            call = call.header(names::VERSION_HEADER, version);
        }
        call.credential = asked.credential;
        let answer = conversation.send(call);
        tokio::pin!(answer);
        // What was begun is recorded, also where the conversations end meanwhile.
        tokio::select! {
            _ = &mut answer => {}
            () = &mut conversations => {
                answer.await;
                return;
            }
        }
    }
}
