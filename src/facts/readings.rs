//! The memo behind every view of one transcript: each reading is made once, when it is first asked for.

use std::cell::OnceCell;
use std::collections::BTreeMap;

use super::catalogue::{self, Catalogue};
use super::classification::{self, Classification};
use super::reply::{self, Reply, Sent};
use crate::protocol::address::{Exposure, exposure, host_exposure};
use crate::protocol::revision::Era;
use crate::transcript::Transcript;

/// The memo behind every view of one transcript.
#[derive(Debug)]
pub struct Readings<'t> {
    transcript: &'t Transcript,
    classification: OnceCell<Classification>,
    sent: OnceCell<BTreeMap<u32, Sent>>,
    replies: OnceCell<BTreeMap<u32, Reply>>,
    catalogues: OnceCell<BTreeMap<Era, Catalogue>>,
}

impl<'t> Readings<'t> {
    /// Nothing read yet.
    #[must_use]
    pub fn new(transcript: &'t Transcript) -> Self {
        Self {
            transcript,
            classification: OnceCell::new(),
            sent: OnceCell::new(),
            replies: OnceCell::new(),
            catalogues: OnceCell::new(),
        }
    }

    /// The transcript.
    #[must_use]
    pub fn transcript(&self) -> &'t Transcript {
        self.transcript
    }

    /// What speaks here.
    #[must_use]
    pub fn classification(&self) -> &Classification {
        self.classification.get_or_init(|| classification::classify(self.transcript))
    }

    pub(super) fn sent(&self) -> &BTreeMap<u32, Sent> {
        let exchanges = self.transcript.exchanges.iter();
        self.sent.get_or_init(|| exchanges.map(|exchange| (exchange.id, Sent::read(exchange))).collect())
    }

    pub(super) fn replies(&self) -> &BTreeMap<u32, Reply> {
        self.replies.get_or_init(|| reply::read_all(self.transcript, self.sent()))
    }

    pub(crate) fn catalogues(&self) -> &BTreeMap<Era, Catalogue> {
        self.catalogues.get_or_init(|| catalogue::read(self.transcript, self.replies()))
    }
}

impl Readings<'_> {
    /// Who can reach the endpoint, by the address that was connected to; where no connection came up,
    /// by the typed host if that is an address or localhost.
    #[must_use]
    pub fn exposure(&self) -> Option<Exposure> {
        let connected = self.transcript.exchanges.iter().find_map(|exchange| {
            let address = exchange.connect.as_ref()?.address.as_deref()?;
            address.parse::<std::net::SocketAddr>().ok().map(|address| exposure(address.ip()))
        });
        connected.or_else(|| {
            let url = url::Url::parse(&self.transcript.header.url).ok()?;
            host_exposure(url.host_str()?)
        })
    }
}
