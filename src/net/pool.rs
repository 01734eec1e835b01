//! Idle connections that may be used again.

use std::collections::VecDeque;
use std::sync::{Mutex, PoisonError};

use super::dial::{Connection, Sender};

/// Most idle connections kept.
const MOST: usize = 5;

/// The idle connections of one scan.
#[derive(Default)]
pub(super) struct Pool(Mutex<VecDeque<Connection>>);

impl Pool {
    /// Takes a connection that is still open and wanted.
    pub(super) fn take(&self, wanted: impl Fn(&Connection) -> bool) -> Option<Connection> {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        pool.retain(|connection| match &connection.sender {
            Sender::H1(sender) => !sender.is_closed(),
            Sender::H2(sender) => !sender.is_closed(),
        });
        let index = pool.iter().position(wanted)?;
        pool.remove(index)
    }

    /// Keeps a connection, unless there are enough.
    pub(super) fn keep(&self, connection: Connection) {
        let mut pool = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if pool.len() < MOST {
            pool.push_back(connection);
        }
    }
}
