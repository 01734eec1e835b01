//! Replies that came under a content coding, though every request says `Accept-Encoding: identity`: RFC 9110
//! (section 12.5.3) lets a server code its reply nevertheless.

use super::{barrier, reply};
use crate::protocol::coding::Coding;
use crate::transcript::{Content, Decoding, Ended, Exchange};
use crate::verdict::cut;

/// How a reply with a head is coded.
#[must_use]
pub fn of(exchange: &Exchange) -> Coding {
    exchange.head.as_ref().map_or(Coding::Plain, |head| Coding::of(head.values("content-encoding")))
}

/// The value of a reply's `Content-Encoding`, lower case and cut. Remote text.
#[must_use]
pub fn named(exchange: &Exchange) -> Option<String> {
    let name = exchange.header("content-encoding")?.trim().to_ascii_lowercase();
    (!name.is_empty()).then(|| cut(&name))
}

/// The content coding of a reply to a request that asked for none. Remote text.
#[must_use]
pub fn unasked(exchange: &Exchange) -> Option<String> {
    let empty = matches!(exchange.content, Content::None) && exchange.coded.is_none();
    let asked = exchange
        .request
        .header("accept-encoding")
        .is_some_and(|value| Coding::of(std::iter::once(value)) != Coding::Plain);
    if of(exchange) == Coding::Plain || empty || asked { None } else { named(exchange) }
}

/// Why a JSON or event-stream reply could not be read, where a coding is the reason; in words.
#[must_use]
pub fn unread(exchange: &Exchange) -> Option<String> {
    let coding = unasked(exchange)?;
    let media = barrier::essence(exchange);
    let ours = matches!(media.as_deref(), Some("application/json" | "text/event-stream"));
    if !ours || reply::read(exchange).answer.is_some() {
        return None;
    }
    match exchange.coded.map(|coded| coded.decoding) {
        Some(Decoding::Open) if exchange.ended == Ended::Complete => {
            Some(format!("the reply is compressed with {coding} and ends before its final block"))
        }
        Some(Decoding::Whole | Decoding::Open) => None,
        Some(Decoding::Broken) => {
            Some(format!("the reply says that it is compressed with {coding} and does not decode"))
        }
        // Scans of older versions decoded nothing.
        Some(Decoding::Unread) | None => match exchange.content {
            Content::Text { .. } => Some(format!(
                "the reply says that it is compressed with {coding}, though nothing asked for it"
            )),
            _ => Some(format!("the reply is compressed with {coding} though nothing asked for it")),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Made, discover};
    use crate::transcript::Coded;

    fn packed(media: &str, coding: &str) -> Made {
        let mut made = discover().body(media, "").header("content-encoding", coding);
        made.made.content = Content::Binary { base64: "H4sI".to_owned(), bytes: 90 };
        made
    }

    #[test]
    fn a_coding_that_nobody_asked_for_is_named() {
        for media in ["application/json; charset=utf-8", "text/event-stream"] {
            let words = unread(&packed(media, " GZip ").made).unwrap();
            assert_eq!(words, "the reply is compressed with gzip though nothing asked for it");
        }
        let mut lie = packed("application/json", "br").made;
        lie.content = Content::Text { text: "no br".to_owned(), bytes: 5, cut: false };
        assert!(unread(&lie).unwrap().contains("says that it is compressed with br"));
    }

    #[test]
    fn what_was_decoded_is_read_and_a_name_that_nobody_registered_says_nothing() {
        let coded = |decoding| {
            let mut made = packed("application/json", "gzip").made;
            made.content = Content::Text { text: "no JSON".to_owned(), bytes: 7, cut: false };
            made.coded = Some(Coded { bytes: 90, decoding });
            unread(&made)
        };
        assert_eq!(coded(Decoding::Whole), None, "it was read, and is no answer");
        assert!(coded(Decoding::Broken).unwrap().contains("does not decode"));
        for name in ["none", "utf-8", "identity"] {
            assert_eq!(unread(&packed("application/json", name).made), None, "{name}");
        }
    }

    #[test]
    fn what_was_asked_for_or_could_be_read_is_no_reason() {
        assert_eq!(unread(&packed("application/json", "identity").made), None);
        assert_eq!(unread(&packed("text/html", "gzip").made), None);
        let asked = packed("application/json", "gzip").sending("accept-encoding", "gzip, br");
        assert_eq!(unread(&asked.made), None);
        let own = packed("text/event-stream", "gzip").sending("accept-encoding", "identity");
        assert!(unread(&own.made).is_some());
        let mut empty = packed("application/json", "gzip").made;
        empty.content = Content::None;
        assert_eq!(unread(&empty), None);
        let read = discover().header("content-encoding", "gzip");
        assert_eq!(unread(&read.made), None, "it was no gzip, and its answer was read");
    }
}
