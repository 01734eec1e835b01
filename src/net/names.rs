//! From the host of a URL to addresses: names by the system's resolver, zones by its list of interfaces.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, SocketAddrV6, ToSocketAddrs};
use std::time::Duration;

use tokio::sync::OnceCell;
use tokio::time::timeout;
use url::{Host, Url};

use super::failure::failure;
use super::recorder::Clock;
use crate::protocol::address::{Exposure, host_exposure};
use crate::protocol::host::shown_host;
use crate::transcript::{Connect, Failure, FailureKind, Phase};

/// Most addresses tried.
const MOST_ADDRESSES: usize = 8;
/// A link-local address with its zone.
pub(super) const EXAMPLE: &str = "http://[fe80::1%25eth0]/";

/// The addresses of a URL's host; `known` keeps them for the scan.
pub(super) async fn resolve(
    url: &Url,
    zone: Option<&str>,
    known: &OnceCell<Vec<SocketAddr>>,
    connect: &mut Connect,
    clock: Clock,
    limit: Duration,
) -> Result<Vec<SocketAddr>, Failure> {
    let unknown = |why: &str| failure(Phase::Dns, FailureKind::Dns, why);
    let port = url.port_or_known_default().unwrap_or(443);
    let name = match url.host() {
        Some(Host::Ipv4(v4)) => return Ok(vec![SocketAddr::new(v4.into(), port)]),
        Some(Host::Ipv6(v6)) => {
            let look_up = async {
                let scope = match zone {
                    Some(zone) => scope_of(zone).await?,
                    None => 0,
                };
                Ok(vec![SocketAddrV6::new(v6, port, 0, scope).into()])
            };
            return known.get_or_try_init(|| look_up).await.cloned().map_err(|why: String| unknown(&why));
        }
        // Nobody else is asked what this machine is called (RFC 6761, section 6.3).
        Some(Host::Domain(name)) if host_exposure(name) == Some(Exposure::Loopback) => {
            return Ok(vec![(Ipv6Addr::LOCALHOST, port).into(), (Ipv4Addr::LOCALHOST, port).into()]);
        }
        Some(Host::Domain(name)) => name.to_owned(),
        None => return Err(unknown("the URL has no host")),
    };
    let look_up = async {
        let started = clock.now_us();
        let found = timeout(limit, tokio::net::lookup_host((name.as_str(), port))).await;
        connect.dns_us = Some(clock.now_us().saturating_sub(started));
        let addresses: Vec<SocketAddr> = match found {
            Err(_) => return Err("the resolver did not answer in time".to_owned()),
            Ok(Err(_)) => return Err(shown_host(&name)),
            Ok(Ok(found)) => found.take(MOST_ADDRESSES).collect(),
        };
        if addresses.is_empty() { Err(shown_host(&name)) } else { Ok(addresses) }
    };
    known.get_or_try_init(|| look_up).await.cloned().map_err(|why| unknown(&why))
}

/// Whether this machine has an interface of this name or number, as far as it says.
#[must_use]
pub fn has_zone(zone: &str) -> bool {
    scope(literal(zone).to_socket_addrs()).is_some()
}

async fn scope_of(zone: &str) -> Result<u32, String> {
    let found = scope(tokio::net::lookup_host(literal(zone)).await);
    found.ok_or_else(|| format!("this machine has no network interface {zone:?}"))
}

/// An address with the zone, for the resolver, which knows the interfaces. It knows their names for link-local
/// addresses alone, so any of these is asked for; no name server is.
fn literal(zone: &str) -> (String, u16) {
    (format!("fe80::1%{zone}"), 0)
}

fn scope(found: io::Result<impl Iterator<Item = SocketAddr>>) -> Option<u32> {
    found.ok()?.find_map(|address| match address {
        SocketAddr::V6(v6) => Some(v6.scope_id()),
        SocketAddr::V4(_) => None,
    })
}

/// Whether an address means nothing without a zone, and has none.
pub(super) fn lacks_zone(address: &SocketAddr) -> bool {
    matches!(address, SocketAddr::V6(v6) if v6.ip().is_unicast_link_local() && v6.scope_id() == 0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn what_is_no_interface_is_named() {
        let error = scope_of("no-such-if0").await.unwrap_err();
        assert_eq!(error, "this machine has no network interface \"no-such-if0\"");
        assert!(!has_zone("no-such-if0"));
        assert_eq!(scope_of("7").await, Ok(7));
    }

    #[cfg(target_os = "linux")]
    #[tokio::test]
    async fn an_interface_is_known_by_its_name() {
        let number = std::fs::read_to_string("/sys/class/net/lo/ifindex").unwrap();
        assert_eq!(scope_of("lo").await.unwrap().to_string(), number.trim());
        assert!(has_zone("lo"));
    }
}
