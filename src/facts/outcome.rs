//! What became of a request that ought to be refused, in one word that checks can match on.

use super::reply::Reply;
use crate::protocol::jsonrpc::{Answer, RpcError};
use crate::transcript::Exchange;

/// How a request ended, once a head came; for a message on a WebSocket, which has none, once a reply
/// came (its status is 0). A result or error counts under whatever id: a server that
/// loses the id has still processed or refused the request.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Outcome<'t> {
    /// A JSON-RPC result came.
    Served,
    /// A JSON-RPC error came.
    Error {
        /// HTTP status.
        status: u16,
        /// The error.
        error: &'t RpcError,
        /// Whether it came under our id.
        echoed: bool,
    },
    /// HTTP refused (a status outside 200–299) without a JSON-RPC error.
    Bare {
        /// HTTP status.
        status: u16,
    },
    /// 2xx, and neither result nor error: says nothing.
    Nothing {
        /// HTTP status.
        status: u16,
    },
}

impl<'t> Outcome<'t> {
    /// Reads the outcome; `None` without a head, or where the reply broke off before it said anything.
    #[must_use]
    pub fn of(exchange: &Exchange, reply: &'t Reply) -> Option<Self> {
        let message = exchange.is_message() && (reply.answer.is_some() || reply.lenient.is_some());
        let status = exchange.status().or(message.then_some(0))?;
        Some(match reply.answer.as_ref().or(reply.lenient.as_ref()) {
            Some(Answer::Result(_)) => Self::Served,
            Some(Answer::Error(error)) => Self::Error { status, error, echoed: reply.answer.is_some() },
            None if exchange.failure.is_some() => return None,
            None if exchange.ok() => Self::Nothing { status },
            None => Self::Bare { status },
        })
    }

    /// The error code, where an error with an integer code came.
    #[must_use]
    pub fn code(&self) -> Option<i64> {
        match self {
            Self::Error { error, .. } => error.code,
            _ => None,
        }
    }

    /// HTTP status and JSON-RPC code in words, for messages.
    #[must_use]
    pub fn words(&self) -> String {
        match self {
            Self::Served => "a result".to_owned(),
            Self::Error { status, error, .. } => match error.code {
                Some(code) if *status == 0 => format!("code {code}"),
                Some(code) => format!("HTTP {status} with code {code}"),
                None if *status == 0 => "an error that has no integer code".to_owned(),
                None => format!("HTTP {status} with an error that has no integer code"),
            },
            Self::Bare { status } => format!("HTTP {status} without a JSON-RPC error"),
            Self::Nothing { status } => format!("HTTP {status} without a JSON-RPC reply"),
        }
    }
}
