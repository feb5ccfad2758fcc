//! Which addresses may be reached: public ones, and the networks that were allowed by hand.
//!
//! An endpoint is named by a customer, so a request to it must not become a request to our own network. A name is judged by
//! the addresses it has at the moment of connecting, and the connection goes to those very addresses: a name that answers
//! with a public address first and a private one later gains nothing by it. Addresses written as numbers, which are never
//! resolved, are judged before every attempt.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;

use ipnet::{IpNet, Ipv4Net, Ipv6Net};
use reqwest::dns::{Addrs, Name, Resolve, Resolving};

use super::endpoint::EndpointUrl;

const fn v4(a: u8, b: u8, c: u8, length: u8) -> IpNet {
    IpNet::V4(Ipv4Net::new_assert(Ipv4Addr::new(a, b, c, 0), length))
}

const fn v6(a: u16, b: u16, c: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(a, b, c, 0, 0, 0, 0, 0), length))
}

const fn v6_tail(f: u16, length: u8) -> IpNet {
    IpNet::V6(Ipv6Net::new_assert(Ipv6Addr::new(0, 0, 0, 0, 0, f, 0, 0), length))
}

/// Networks that are not public, by the special-purpose registries of IANA; the first that holds an address names it.
const SPECIAL: &[(IpNet, &str)] = &[
    (v4(0, 0, 0, 8), "an unspecified"),
    (v4(10, 0, 0, 8), "a private"),
    (v4(100, 64, 0, 10), "a carrier-grade NAT"),
    (v4(127, 0, 0, 8), "a loopback"),
    (v4(169, 254, 0, 16), "a link-local"),
    (v4(172, 16, 0, 12), "a private"),
    (v4(192, 0, 0, 24), "a protocol assignment"),
    (v4(192, 0, 2, 24), "a documentation"),
    (v4(192, 88, 99, 24), "a 6to4 relay"),
    (v4(192, 168, 0, 16), "a private"),
    (v4(198, 18, 0, 15), "a benchmarking"),
    (v4(198, 51, 100, 24), "a documentation"),
    (v4(203, 0, 113, 24), "a documentation"),
    (v4(224, 0, 0, 4), "a multicast"),
    (v4(240, 0, 0, 4), "a reserved"),
    (v6_tail(0xffff, 96), "an IPv4-mapped"),
    (v6_tail(0, 96), "an unspecified, loopback or IPv4-compatible"),
    (v6(0xfc00, 0, 0, 7), "a private"),
    (v6(0xfe80, 0, 0, 10), "a link-local"),
    (v6(0xfec0, 0, 0, 10), "a site-local"),
    (v6(0xff00, 0, 0, 8), "a multicast"),
    (v6(0x2001, 0xdb8, 0, 32), "a documentation"),
    (v6(0x2001, 0, 0, 23), "a protocol assignment (Teredo among them)"),
    (v6(0x2002, 0, 0, 16), "a 6to4"),
    (v6(0x3fff, 0, 0, 20), "a documentation"),
];

/// Where networks translate to IPv4 (NAT64): such an address is judged by the one inside.
const TRANSLATED: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x64, 0xff9b, 0, 0, 0, 0, 0, 0), 96);
/// All that is public in IPv6 is in here.
const GLOBAL: Ipv6Net = Ipv6Net::new_assert(Ipv6Addr::new(0x2000, 0, 0, 0, 0, 0, 0, 0), 3);

/// An address that may not be reached.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error(
    "{host} is at {address}, {what} address, which is not reached: use a public address, or have the operator allow its \
     network"
)]
pub struct Forbidden {
    /// The host of the URL.
    pub host: String,
    /// Its address.
    pub address: IpAddr,
    /// What kind of address it is.
    pub what: &'static str,
}

/// Why a host has no address to connect to.
#[derive(Debug, thiserror::Error)]
pub(super) enum Unreachable {
    /// None of its addresses may be reached.
    #[error(transparent)]
    Forbidden(#[from] Forbidden),
    /// It has none.
    #[error("the name {host} has no address ({why}): check the URL")]
    Unresolved { host: String, why: String },
}

/// Which addresses may be reached.
#[derive(Clone, Debug, Default)]
pub struct Reach {
    allowed: Arc<[IpNet]>,
}

impl Reach {
    /// Public addresses, and these networks.
    #[must_use]
    pub fn new(allowed: &[IpNet]) -> Self {
        Reach { allowed: allowed.into() }
    }

    /// Judges a URL whose host is an address; a name is judged whenever it is connected to.
    ///
    /// # Errors
    /// [`Forbidden`] when the address is neither public nor allowed.
    pub fn check(&self, url: &EndpointUrl) -> Result<(), Forbidden> {
        let host = url.url().host_str().unwrap_or_default();
        let bare = host.strip_prefix('[').and_then(|host| host.strip_suffix(']')).unwrap_or(host);
        bare.parse().map_or(Ok(()), |address| self.judge(host, address))
    }

    fn judge(&self, host: &str, address: IpAddr) -> Result<(), Forbidden> {
        match flaw(address) {
            Some(what) if !self.allowed.iter().any(|network| network.contains(&address)) => {
                Err(Forbidden { host: host.to_owned(), address, what })
            }
            _ => Ok(()),
        }
    }

    /// Those of a host's addresses that may be connected to; at least one.
    fn select(&self, host: &str, found: Vec<IpAddr>) -> Result<Vec<IpAddr>, Unreachable> {
        let (mut kept, mut refused) = (Vec::new(), None);
        for address in found {
            match self.judge(host, address) {
                Ok(()) => kept.push(address),
                Err(forbidden) => refused = refused.or(Some(forbidden)),
            }
        }
        match (kept.is_empty(), refused) {
            (false, _) => Ok(kept),
            (true, Some(forbidden)) => Err(forbidden.into()),
            (true, None) => {
                Err(Unreachable::Unresolved { host: host.to_owned(), why: "an empty answer".to_owned() })
            }
        }
    }
}

impl Resolve for Reach {
    fn resolve(&self, name: Name) -> Resolving {
        let reach = self.clone();
        Box::pin(async move {
            let host = name.as_str().to_owned();
            let found = tokio::net::lookup_host((host.as_str(), 0)).await;
            let found =
                found.map_err(|error| Unreachable::Unresolved { host: host.clone(), why: error.to_string() });
            let kept = reach.select(&host, found?.map(|address| address.ip()).collect())?;
            Ok(Box::new(kept.into_iter().map(|address| SocketAddr::new(address, 0))) as Addrs)
        })
    }
}

/// Why an address is not public, if it is not.
fn flaw(address: IpAddr) -> Option<&'static str> {
    if let Some((_, what)) = SPECIAL.iter().find(|(network, _)| network.contains(&address)) {
        return Some(what);
    }
    match address {
        IpAddr::V6(address) if TRANSLATED.contains(&address) => {
            let [.., a, b, c, d] = address.octets();
            flaw(Ipv4Addr::new(a, b, c, d).into())
        }
        IpAddr::V6(address) if !GLOBAL.contains(&address) => Some("a reserved"),
        IpAddr::V4(_) | IpAddr::V6(_) => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_public_addresses_are_reached() {
        let public =
            ["1.1.1.1", "100.63.255.255", "100.128.0.0", "172.15.0.1", "172.32.0.1", "223.255.255.255"];
        let public6 = ["2606:4700::1111", "2001:200::1", "64:ff9b::101:101", "2a00::1"];
        for text in public.into_iter().chain(public6) {
            assert_eq!(flaw(text.parse().unwrap()), None, "{text}");
        }
        let special = [
            ("0.0.0.0", "unspecified"),
            ("0.1.2.3", "unspecified"),
            ("10.255.0.1", "private"),
            ("100.64.0.1", "carrier-grade"),
            ("127.0.0.1", "loopback"),
            ("169.254.169.254", "link-local"),
            ("172.31.255.255", "private"),
            ("192.168.1.1", "private"),
            ("198.19.0.1", "benchmarking"),
            ("224.0.0.1", "multicast"),
            ("255.255.255.255", "reserved"),
            ("::", "unspecified"),
            ("::1", "loopback"),
            ("::ffff:10.0.0.1", "IPv4-mapped"),
            ("::ffff:1.1.1.1", "IPv4-mapped"),
            ("::10.0.0.1", "IPv4-compatible"),
            ("fd00::1", "private"),
            ("fe80::1", "link-local"),
            ("fec0::1", "site-local"),
            ("ff02::1", "multicast"),
            ("2002:a00:1::", "6to4"),
            ("2001:0:1::", "Teredo"),
            ("64:ff9b::a00:1", "private"),
            ("64:ff9b:1::1", "reserved"),
            ("100::1", "reserved"),
            ("4000::1", "reserved"),
        ];
        for (text, what) in special {
            let found = flaw(text.parse().unwrap());
            assert!(found.is_some_and(|found| found.contains(what)), "{text}: {found:?}");
        }
    }

    #[test]
    fn an_address_is_recognised_however_it_is_written() {
        let reach = Reach::default();
        let hosts =
            ["127.0.0.1", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]"];
        for host in hosts {
            let url = EndpointUrl::parse(&format!("http://{host}:80/")).unwrap();
            assert!(reach.check(&url).is_err(), "{host}");
        }
        assert_eq!(reach.check(&EndpointUrl::parse("https://1.1.1.1/").unwrap()), Ok(()));
        assert_eq!(reach.check(&EndpointUrl::parse("https://example.com/").unwrap()), Ok(()));
    }

    #[test]
    fn what_is_allowed_by_hand_is_reached_and_nothing_beside_it() {
        let reach = Reach::new(&["10.1.0.0/16".parse().unwrap(), "::1/128".parse().unwrap()]);
        let judge = |text: &str| reach.judge("host", text.parse().unwrap());
        assert_eq!(judge("10.1.255.1"), Ok(()));
        assert_eq!(judge("::1"), Ok(()));
        assert_eq!(
            judge("10.2.0.1").unwrap_err().to_string(),
            "host is at 10.2.0.1, a private address, which is not reached: use a public address, or have the operator \
             allow its network"
        );
        assert!(judge("::ffff:10.1.0.1").is_err());
    }

    #[test]
    fn of_a_mixed_answer_only_the_public_addresses_are_kept() {
        let addresses =
            |texts: &[&str]| -> Vec<IpAddr> { texts.iter().map(|t| t.parse().unwrap()).collect() };
        let kept = Reach::default().select("host", addresses(&["10.0.0.1", "1.1.1.1", "::1"])).unwrap();
        assert_eq!(kept, addresses(&["1.1.1.1"]));
        assert!(Reach::default().select("host", addresses(&["10.0.0.1", "::1"])).is_err());
        assert!(Reach::default().select("host", Vec::new()).is_err());
    }
}
