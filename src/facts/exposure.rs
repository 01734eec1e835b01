//! Who can reach the endpoint.

use super::Readings;
use crate::protocol::address::{Exposure, exposure, host_exposure};

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
