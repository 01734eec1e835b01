//! Replies that came compressed though nothing asked for it. They are never decoded: what
//! would be read of them could be a bomb, and agents ask for no coding either.

use super::reply;
use crate::facts::barrier;
use crate::transcript::{Content, Exchange};
use crate::verdict::cut;

/// The content coding of a reply to a request that asked for none, lower case. Remote text.
#[must_use]
pub fn unasked(exchange: &Exchange) -> Option<String> {
    let plain = |value: &str| matches!(value.trim().to_ascii_lowercase().as_str(), "" | "identity");
    let coding = exchange.header("content-encoding").filter(|value| !plain(value))?;
    let empty = matches!(exchange.content, Content::None);
    // RFC 9110 section 12.5.3: without the field a server may choose any coding. We send none with a POST.
    let asked = exchange.request.header("accept-encoding").is_some_and(|value| !plain(value));
    (!empty && !asked).then(|| cut(&coding.trim().to_ascii_lowercase()))
}

/// Why a JSON or event-stream reply could not be read, where a coding is the reason; in words.
#[must_use]
pub fn unread(exchange: &Exchange) -> Option<String> {
    let coding = unasked(exchange)?;
    let media = barrier::essence(exchange);
    let ours = matches!(media.as_deref(), Some("application/json" | "text/event-stream"));
    match exchange.content {
        _ if !ours || reply::read(exchange).answer.is_some() => None,
        Content::Text { .. } => {
            Some(format!("the reply says that it is compressed with {coding}, though nothing asked for it"))
        }
        _ => Some(format!("the reply is compressed with {coding} though nothing asked for it")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::synthetic::{Made, discover};

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
