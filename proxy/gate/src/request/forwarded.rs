//! Who the client is, behind proxies: `X-Forwarded-For` is believed from trusted peers only, and only right of the first hop
//! that is not trusted. Everybody else's is forgotten.

use std::net::IpAddr;

use http::{HeaderMap, HeaderValue};
use ipnet::IpNet;

/// Where a request comes from.
pub(super) struct From {
    pub address: IpAddr,
    pub header: HeaderValue,
    pub is_trusted_peer: bool,
}

pub(super) fn client(peer: IpAddr, trusted: &[IpNet], headers: &HeaderMap) -> From {
    let peer = peer.to_canonical();
    let is_trusted = |address: &IpAddr| trusted.iter().any(|network| network.contains(address));
    let is_trusted_peer = is_trusted(&peer);
    let mut hops = vec![peer];
    if is_trusted_peer {
        let lines: Vec<&str> =
            headers.get_all("x-forwarded-for").iter().filter_map(|line| line.to_str().ok()).collect();
        let said = lines.iter().flat_map(|line| line.split(',')).map(|hop| hop.trim().parse::<IpAddr>());
        for hop in said.collect::<Vec<_>>().into_iter().rev() {
            let Ok(hop) = hop else { break };
            let hop = hop.to_canonical();
            hops.push(hop);
            if !is_trusted(&hop) {
                break;
            }
        }
    }
    let address = hops.last().copied().unwrap_or(peer);
    let chain: Vec<String> = hops.iter().rev().map(ToString::to_string).collect();
    // Addresses and commas are always a valid value.
    let header =
        HeaderValue::try_from(chain.join(", ")).unwrap_or_else(|_| HeaderValue::from_static("unknown"));
    From { address, header, is_trusted_peer }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn from(peer: &str, trusted: &[&str], said: &[&'static str]) -> (String, String) {
        let trusted: Vec<IpNet> = trusted.iter().map(|network| network.parse().unwrap()).collect();
        let mut headers = HeaderMap::new();
        for line in said {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let from = client(peer.parse().unwrap(), &trusted, &headers);
        (from.address.to_string(), from.header.to_str().unwrap().to_owned())
    }

    #[test]
    fn bypass_37_what_an_untrusted_peer_says_of_itself_is_forgotten() {
        assert_eq!(from("192.0.2.1", &[], &["10.0.0.1"]), ("192.0.2.1".into(), "192.0.2.1".into()));
    }

    #[test]
    fn bypass_37_hops_count_right_of_the_first_untrusted_one() {
        let (address, header) = from("10.0.0.2", &["10.0.0.0/8"], &["1.1.1.1, 203.0.113.5", "10.0.0.3"]);
        assert_eq!((address.as_str(), header.as_str()), ("203.0.113.5", "203.0.113.5, 10.0.0.3, 10.0.0.2"));
    }

    #[test]
    fn an_unreadable_hop_ends_the_chain() {
        let (address, header) = from("10.0.0.2", &["10.0.0.0/8"], &["1.1.1.1, evil, 10.0.0.3"]);
        assert_eq!((address.as_str(), header.as_str()), ("10.0.0.3", "10.0.0.3, 10.0.0.2"));
    }

    #[test]
    fn a_mapped_ipv4_address_is_the_ipv4_address() {
        assert_eq!(from("::ffff:192.0.2.1", &[], &[]).0, "192.0.2.1");
    }
}
