//! Whose request this is, behind a reverse proxy that says so.
//!
//! The headers `X-Forwarded-For` and `Forwarded` can be written by anybody. They count only on
//! connections from the addresses that the operator named, and in them only what those added: the
//! last entry that is not one of theirs. Others' headers are not looked at. A named proxy that says
//! nothing, or two things, is refused: its clients would share one limit, or choose their own.

use std::fmt;
use std::net::IpAddr;
use std::str::FromStr;

use axum::http::{HeaderMap, HeaderName, header};

/// A network, or one address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u8,
}

impl FromStr for Network {
    type Err = String;

    fn from_str(text: &str) -> Result<Self, String> {
        let refused = || "expected an address or a network, as in 10.0.0.1 or 10.0.0.0/8".into();
        let (address, bits) = match text.split_once('/') {
            None => (text, None),
            Some((address, bits)) => (address, Some(bits)),
        };
        let address: IpAddr = address.parse().map_err(|_| refused())?;
        let most = if address.is_ipv4() { 32 } else { 128 };
        let bits = match bits {
            None => most,
            Some(bits) => bits.parse().map_err(|_| refused())?,
        };
        if bits > most || address != masked(address, bits) {
            return Err(refused());
        }
        Ok(Self { address, bits })
    }
}

impl fmt::Display for Network {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.address, self.bits)
    }
}

fn masked(address: IpAddr, bits: u8) -> IpAddr {
    match address {
        IpAddr::V4(address) => {
            let mask = u32::MAX.checked_shl(32 - u32::from(bits)).unwrap_or_default();
            IpAddr::V4((address.to_bits() & mask).into())
        }
        IpAddr::V6(address) => {
            let mask = u128::MAX.checked_shl(128 - u32::from(bits)).unwrap_or_default();
            IpAddr::V6((address.to_bits() & mask).into())
        }
    }
}

impl Network {
    fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        address.is_ipv4() == self.address.is_ipv4() && masked(address, self.bits) == self.address
    }
}

/// Proxies whose word counts.
#[derive(Clone, Debug, Default)]
pub(crate) struct Proxies(pub(crate) Vec<Network>);

impl Proxies {
    pub(crate) fn contains(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.contains(address))
    }

    /// The client of a request that came from `peer`. None where a proxy does not say.
    pub(crate) fn client(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if !self.contains(peer) {
            return Some(peer);
        }
        const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
        let lists = [
            (X_FORWARDED_FOR, plain as fn(&str) -> Option<IpAddr>),
            (header::FORWARDED, forwarded),
        ];
        let mut found = None;
        for (name, parse) in lists {
            if !headers.contains_key(&name) {
                continue;
            }
            let client = self.last_stranger(headers, &name, parse)?;
            if found.is_some_and(|other| other != client) {
                return None;
            }
            found = Some(client);
        }
        found
    }

    fn last_stranger(
        &self,
        headers: &HeaderMap,
        name: &HeaderName,
        parse: fn(&str) -> Option<IpAddr>,
    ) -> Option<IpAddr> {
        let mut entries = Vec::new();
        for value in headers.get_all(name) {
            entries.extend(split(value.to_str().ok()?, ','));
        }
        let mut client = None;
        for entry in entries.into_iter().rev() {
            let address = parse(entry.trim())?.to_canonical();
            client = Some(address);
            if !self.contains(address) {
                break;
            }
        }
        client
    }
}

/// Parts between separators that are not in quotes.
fn split(text: &str, separator: char) -> Vec<&str> {
    let mut quoted = false;
    text.split(|c: char| {
        quoted ^= c == '"';
        c == separator && !quoted
    })
    .collect()
}

/// An address with a port or without.
fn plain(entry: &str) -> Option<IpAddr> {
    let bracketed = entry.strip_prefix('[').and_then(|it| it.strip_suffix(']'));
    let with_port = || entry.parse().ok().map(|it: std::net::SocketAddr| it.ip());
    bracketed.unwrap_or(entry).parse().ok().or_else(with_port)
}

/// The `for` of an element of `Forwarded`.
fn forwarded(element: &str) -> Option<IpAddr> {
    let pair = split(element, ';').into_iter().find_map(|pair| {
        let (name, value) = pair.trim().split_once('=')?;
        name.eq_ignore_ascii_case("for").then_some(value)
    });
    plain(pair?.trim_matches('"'))
}

#[cfg(test)]
mod tests {
    use axum::http::HeaderValue;

    use super::*;

    fn headers(list: &[(&'static str, &'static str)]) -> HeaderMap {
        list.iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect::<Vec<_>>()
            .into_iter()
            .fold(HeaderMap::new(), |mut map, (name, value)| {
                map.append(name, value);
                map
            })
    }

    #[test]
    fn only_what_named_proxies_added_counts() {
        let proxies = Proxies(vec!["10.0.0.0/8".parse().unwrap(), "::1".parse().unwrap()]);
        let (proxy, stranger) = ("10.1.2.3".parse().unwrap(), "192.0.2.9".parse().unwrap());
        let x = "x-forwarded-for";
        let f = "forwarded";
        for (list, expected) in [
            (vec![(x, "198.51.100.1")], Some("198.51.100.1")),
            // What a client wrote itself stands before what the proxies wrote.
            (vec![(x, "1.1.1.1, 198.51.100.1")], Some("198.51.100.1")),
            (vec![(x, "1.1.1.1, 198.51.100.1, 10.9.9.9")], Some("198.51.100.1")),
            (vec![(x, "1.1.1.1"), (x, "198.51.100.1")], Some("198.51.100.1")),
            (vec![(x, "10.9.9.9")], Some("10.9.9.9")),
            (vec![(x, "198.51.100.1:4711")], Some("198.51.100.1")),
            (vec![(x, "[2001:db8::1]:4711")], Some("2001:db8::1")),
            (vec![(x, "2001:db8::1")], Some("2001:db8::1")),
            (vec![(x, "::ffff:198.51.100.1")], Some("198.51.100.1")),
            (vec![(f, "for=198.51.100.1;proto=https")], Some("198.51.100.1")),
            (
                vec![(f, "For=\"[2001:db8::1]:47,11\", for=\"[2001:db8::2]:4711\"")],
                Some("2001:db8::2"),
            ),
            (vec![(f, "for=1.1.1.1, proto=https;for=198.51.100.1")], Some("198.51.100.1")),
            (vec![(x, "198.51.100.1"), (f, "for=198.51.100.1")], Some("198.51.100.1")),
            (vec![(x, "198.51.100.1"), (f, "for=198.51.100.2")], None),
            (vec![(x, "unknown")], None),
            (vec![(x, "")], None),
            (vec![(x, "198.51.100.1,")], None),
            (vec![(f, "for=_hidden")], None),
            (vec![(f, "by=198.51.100.1")], None),
            (vec![], None),
        ] {
            let headers = headers(&list);
            let expected: Option<IpAddr> = expected.map(|it| it.parse().unwrap());
            assert_eq!(proxies.client(proxy, &headers), expected, "{list:?}");
            assert_eq!(proxies.client(stranger, &headers), Some(stranger), "{list:?}");
            assert_eq!(Proxies::default().client(proxy, &headers), Some(proxy), "{list:?}");
        }
    }

    #[test]
    fn networks_are_written_with_their_first_address() {
        for good in ["10.0.0.0/8", "192.0.2.1", "::1", "2001:db8::/32", "0.0.0.0/0", "::/0"] {
            assert!(good.parse::<Network>().is_ok(), "{good}");
        }
        for bad in [
            "10.0.0.1/8",
            "10.0.0.0/33",
            "2001:db8::/129",
            "",
            "localhost",
            "10.0.0.0/",
            "/8",
            "10.0.0.0/-1",
        ] {
            assert!(bad.parse::<Network>().is_err(), "{bad}");
        }
        let all: Network = "0.0.0.0/0".parse().unwrap();
        assert!(all.contains("::ffff:1.2.3.4".parse().unwrap()));
        assert!(!all.contains("2001:db8::1".parse().unwrap()));
    }
}
