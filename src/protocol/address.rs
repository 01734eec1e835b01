//! What an address means for exposure, and whether a remote-chosen URL may point at it.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Who can reach an address.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Exposure {
    /// This machine only.
    Loopback,
    /// A private, link-local, unique-local or otherwise special range.
    Private,
    /// The internet.
    Public,
}

/// What is said of an address that a reply pointed to, and that is not contacted.
pub const NOT_CONTACTED: &str = "is not for everybody: a remote-chosen address is not contacted";

/// Classifies an address; IPv4 inside IPv6 (mapped, NAT64, 6to4) counts as that IPv4 address. Only what the
/// registries of special-purpose addresses (RFC 6890, as IANA keeps them) leave to servers is public.
#[must_use]
pub fn exposure(address: IpAddr) -> Exposure {
    match address {
        IpAddr::V4(v4) => exposure_v4(v4),
        IpAddr::V6(v6) => embedded_v4(v6).map_or_else(|| exposure_v6(v6), exposure_v4),
    }
}

/// Whether a document may be fetched from an address that a reply pointed to: never from where more people
/// are shut out than from the endpoint itself. An endpoint on this machine may point to this machine and to
/// the network around it, one of that network to that network; link-local addresses (cloud metadata) and
/// special ranges are nobody's document servers.
#[must_use]
pub fn may_point_to(endpoint: Exposure, address: IpAddr) -> bool {
    match exposure(address) {
        Exposure::Public => true,
        Exposure::Private => endpoint != Exposure::Public && private_use(address),
        Exposure::Loopback => endpoint == Exposure::Loopback,
    }
}

/// RFC 1918, RFC 6598 and RFC 4193: networks of people, as opposed to special ranges.
fn private_use(address: IpAddr) -> bool {
    let v4 = |v4: Ipv4Addr| {
        let [a, b, ..] = v4.octets();
        v4.is_private() || (a == 100 && (64..128).contains(&b))
    };
    match address {
        IpAddr::V4(address) => v4(address),
        IpAddr::V6(v6) => {
            let [first, ..] = v6.segments();
            embedded_v4(v6).map_or((first & 0xfe00) == 0xfc00, v4)
        }
    }
}

/// Classifies the host of a URL as far as its text alone shows: an address literal, or a name that
/// is loopback by definition (RFC 6761 section 6.3). `None` for any other name.
#[must_use]
pub fn host_exposure(host: &str) -> Option<Exposure> {
    let name = host.trim_end_matches('.').to_ascii_lowercase();
    if name == "localhost" || name.ends_with(".localhost") {
        return Some(Exposure::Loopback);
    }
    name.trim_start_matches('[').trim_end_matches(']').parse().ok().map(exposure)
}

fn exposure_v4(v4: Ipv4Addr) -> Exposure {
    let [a, b, c, _] = v4.octets();
    if v4.is_loopback() {
        Exposure::Loopback
    } else if v4.is_private()
        || v4.is_link_local()
        || v4.is_unspecified()
        || v4.is_broadcast()
        || v4.is_documentation()
        || v4.is_multicast()
        || a == 0
        || a >= 240
        || (a == 100 && (64..128).contains(&b)) // RFC 6598, carrier-grade NAT
        || (a == 198 && (18..20).contains(&b)) // RFC 2544, benchmarking
        || (a == 192 && b == 88 && c == 99) // RFC 7526, relays of 6to4
        || (a == 192 && b == 0 && c == 0)
    {
        Exposure::Private
    } else {
        Exposure::Public
    }
}

/// Global unicast is what begins with 001 (RFC 4291 section 2.4). Everything else is local, reserved, or
/// leads through a translator to a place that its text does not tell: discard-only (RFC 6666), SRv6 segments
/// (RFC 9602), NAT64 of a network's own (RFC 8215), IPv4-compatible and SIIT addresses (RFC 4291, RFC 2765).
fn exposure_v6(v6: Ipv6Addr) -> Exposure {
    let [first, second, ..] = v6.segments();
    let global = (first & 0xe000) == 0x2000;
    if v6.is_loopback() {
        Exposure::Loopback
    } else if !global
        || (first == 0x2001 && second < 0x0200) // RFC 2928, IETF protocol assignments; Teredo (RFC 4380)
        || (first == 0x3fff && second < 0x1000) // RFC 9637, documentation
        || (first == 0x2001 && second == 0x0db8)
    {
        Exposure::Private
    } else {
        Exposure::Public
    }
}

/// The IPv4 address that traffic to an IPv6 address reaches, where the address alone tells.
fn embedded_v4(v6: Ipv6Addr) -> Option<Ipv4Addr> {
    if let Some(v4) = v6.to_ipv4_mapped() {
        return Some(v4);
    }
    let [s0, s1, s2, s3, s4, s5, high, low] = v6.segments();
    let join = |high: u16, low: u16| Ipv4Addr::from((u32::from(high) << 16) | u32::from(low));
    match (s0, s1, s2, s3, s4, s5) {
        (0x64, 0xff9b, 0, 0, 0, 0) => Some(join(high, low)), // RFC 6052
        (0x2002, a, b, ..) => Some(join(a, b)),              // RFC 3056
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_host_shows_its_exposure_only_as_a_literal_or_localhost() {
        assert_eq!(host_exposure("LocalHost."), Some(Exposure::Loopback));
        assert_eq!(host_exposure("mcp.localhost"), Some(Exposure::Loopback));
        assert_eq!(host_exposure("[::1]"), Some(Exposure::Loopback));
        assert_eq!(host_exposure("10.0.0.1"), Some(Exposure::Private));
        assert_eq!(host_exposure("8.8.8.8"), Some(Exposure::Public));
        assert_eq!(host_exposure("localhost.example.com"), None);
    }

    #[test]
    fn nobody_points_to_where_more_people_are_shut_out() {
        use Exposure::{Loopback, Private, Public};
        for (address, from) in [
            ("8.8.8.8", &[Loopback, Private, Public][..]),
            ("2606:4700::1111", &[Loopback, Private, Public]),
            ("10.0.0.1", &[Loopback, Private]),
            ("100.64.0.1", &[Loopback, Private]),
            ("fd00::1", &[Loopback, Private]),
            ("::ffff:192.168.1.1", &[Loopback, Private]),
            ("127.0.0.1", &[Loopback]),
            ("::ffff:127.0.0.1", &[Loopback]),
            ("64:ff9b::7f00:1", &[Loopback]),
            ("169.254.169.254", &[]),
            ("::ffff:169.254.169.254", &[]),
            ("64:ff9b::a9fe:a9fe", &[]),
            ("fe80::1", &[]),
            ("0.0.0.0", &[]),
            ("::", &[]),
            ("224.0.0.1", &[]),
        ] {
            for endpoint in [Loopback, Private, Public] {
                let may = may_point_to(endpoint, address.parse().unwrap());
                assert_eq!(may, from.contains(&endpoint), "{endpoint:?} {address}");
            }
        }
    }

    #[test]
    fn disguised_local_addresses_are_local() {
        for (text, expected) in [
            ("127.0.0.1", Exposure::Loopback),
            ("::1", Exposure::Loopback),
            ("::ffff:127.0.0.1", Exposure::Loopback),
            ("64:ff9b::7f00:1", Exposure::Loopback),
            ("2002:7f00:1::", Exposure::Loopback),
            ("0.0.0.0", Exposure::Private),
            ("10.1.2.3", Exposure::Private),
            ("169.254.169.254", Exposure::Private),
            ("100.64.0.1", Exposure::Private),
            ("fd00::1", Exposure::Private),
            ("fe80::1", Exposure::Private),
            ("::ffff:192.168.1.1", Exposure::Private),
            ("8.8.8.8", Exposure::Public),
            ("2606:4700::1111", Exposure::Public),
        ] {
            assert_eq!(exposure(text.parse().unwrap()), expected, "{text}");
        }
    }

    /// The registries of special-purpose addresses, first and last address of each range, and what is next to
    /// them. No range of them is public, however an address is spelt.
    #[test]
    fn no_special_purpose_address_is_public() {
        for text in [
            // iana-ipv4-special-registry
            "0.0.0.0",
            "0.255.255.255",
            "10.0.0.0",
            "10.255.255.255",
            "100.64.0.0",
            "100.127.255.255",
            "127.255.255.255",
            "169.254.0.0",
            "169.254.255.255",
            "172.16.0.0",
            "172.31.255.255",
            "192.0.0.0",
            "192.0.0.255",
            "192.0.2.1",
            "192.88.99.0",
            "192.88.99.255",
            "192.168.0.0",
            "192.168.255.255",
            "198.18.0.0",
            "198.19.255.255",
            "198.51.100.1",
            "203.0.113.1",
            "240.0.0.0",
            "255.255.255.254",
            "255.255.255.255",
            // Multicast.
            "224.0.0.1",
            "239.255.255.255",
        ] {
            let v4: Ipv4Addr = text.parse().unwrap();
            assert_ne!(exposure(v4.into()), Exposure::Public, "{text}");
            // The same inside IPv6: mapped, translated, tunnelled, compatible, and in prefixes of one's own.
            let [a, b, c, d] = v4.octets();
            let (high, low) = (u16::from_be_bytes([a, b]), u16::from_be_bytes([c, d]));
            for v6 in [
                v4.to_ipv6_mapped(),
                Ipv6Addr::new(0, 0, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0, 0, 0, 0, 0xffff, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, 0, 0, 0, high, low),
                Ipv6Addr::new(0x64, 0xff9b, 1, high, low >> 8, low << 8, 0, 0),
                Ipv6Addr::new(0x2002, high, low, 0, 0, 0, 0, 1),
                Ipv6Addr::new(0x2001, 0, 0x0808, 0x0808, 0, 0xffff, !high, !low),
            ] {
                assert_ne!(exposure(v6.into()), Exposure::Public, "{v6} of {text}");
                assert!(!may_point_to(Exposure::Public, v6.into()), "{v6} of {text}");
            }
        }
        for text in [
            // iana-ipv6-special-registry
            "::",
            "::1",
            "64:ff9b:1::",
            "64:ff9b:1::8.8.8.8",
            "64:ff9b:1:ffff:ffff:ffff:ffff:ffff",
            "100::",
            "100::ffff:ffff:ffff:ffff",
            "100:0:0:1::1",
            "2001::",
            "2001:0:0808:0808:0:ffff:f7f7:f7f7",
            "2001:1::1",
            "2001:2::",
            "2001:10::1",
            "2001:20::1",
            "2001:1ff:ffff:ffff:ffff:ffff:ffff:ffff",
            "2001:db8::",
            "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
            "2002:7f00:1::1",
            "3fff::",
            "3fff:fff:ffff:ffff:ffff:ffff:ffff:ffff",
            "5f00::",
            "5f00:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fc00::",
            "fdff:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            "fe80::1",
            "febf:ffff:ffff:ffff:ffff:ffff:ffff:ffff",
            // Of no registry: deprecated, reserved, multicast, translated.
            "::8.8.8.8",
            "::ffff:0:8.8.8.8",
            "64:ff9b:2::1",
            "200::1",
            "1fff:ffff::1",
            "4000::1",
            "fec0::1",
            "ff02::1",
        ] {
            let address: IpAddr = text.parse().unwrap();
            assert_ne!(exposure(address), Exposure::Public, "{text}");
            assert!(!may_point_to(Exposure::Public, address), "{text}");
        }
        for text in [
            "1.1.1.1",
            "9.255.255.255",
            "11.0.0.0",
            "100.63.255.255",
            "100.128.0.0",
            "172.32.0.0",
            "192.0.1.1",
            "192.88.98.255",
            "192.88.100.0",
            "198.17.255.255",
            "198.20.0.0",
            "223.255.255.255",
            "::ffff:8.8.8.8",
            "64:ff9b::8.8.8.8",
            "2001:200::1",
            "2001:db7:ffff::1",
            "2001:db9::1",
            "2002:808:808::1",
            "2003::1",
            "2a00:1450::1",
            "3fff:1000::1",
        ] {
            assert_eq!(exposure(text.parse().unwrap()), Exposure::Public, "{text}");
        }
    }
}
