//! Where a request comes from, by address and by device: only to count and to show, never to trust.

use crate::app::App;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use countersign_identity::device::Device;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};
use std::str::FromStr;
use std::sync::Arc;

/// The proxies in front of us, whose word on where a request comes from is believed; nobody's where none is named,
/// because anybody can send `X-Forwarded-For`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct TrustedProxies(Arc<[Network]>);

/// An address, or all that begin with the same bits: `10.0.0.7`, `10.0.0.0/8`, `2001:db8::/32`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    address: IpAddr,
    bits: u32,
}

/// Why a text names no network.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("a network is written like 10.0.0.7, 10.0.0.0/8 or 2001:db8::/32")]
pub struct NotANetwork;

/// The network address of whoever sends a request, if it can be told.
#[derive(Clone, Debug)]
pub(crate) struct ClientAddress(pub(crate) Option<String>);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let address = peer.map(|peer| app.limits.trusted_proxies.sender(peer, &parts.headers));
        Ok(Self(address.map(|address| address.to_string())))
    }
}

impl TrustedProxies {
    /// Whoever sent a request that came from `peer`: each proxy that is trusted says who was before it, the last word in
    /// `X-Forwarded-For` first. Whoever is not trusted is the sender, whatever they say.
    fn sender(&self, peer: IpAddr, headers: &HeaderMap) -> IpAddr {
        let mut sender = peer.to_canonical();
        let lines = headers.get_all("x-forwarded-for").iter().rev();
        for hop in lines.flat_map(|line| line.to_str().unwrap_or_default().rsplit(',')) {
            match address(hop) {
                Some(before) if self.trust(sender) => sender = before,
                Some(_) | None => break,
            }
        }
        sender
    }

    fn trust(&self, address: IpAddr) -> bool {
        self.0.iter().any(|network| network.holds(address))
    }
}

impl FromIterator<Network> for TrustedProxies {
    fn from_iter<I: IntoIterator<Item = Network>>(networks: I) -> Self {
        Self(networks.into_iter().collect())
    }
}

impl Network {
    fn holds(&self, address: IpAddr) -> bool {
        match (self.address, address) {
            (IpAddr::V4(network), IpAddr::V4(address)) => {
                u64::from(network.to_bits() ^ address.to_bits()) >> (32 - self.bits) == 0
            }
            (IpAddr::V6(network), IpAddr::V6(address)) => {
                (network.to_bits() ^ address.to_bits()).checked_shr(128 - self.bits).unwrap_or(0) == 0
            }
            (IpAddr::V4(_), IpAddr::V6(_)) | (IpAddr::V6(_), IpAddr::V4(_)) => false,
        }
    }
}

impl FromStr for Network {
    type Err = NotANetwork;
    fn from_str(text: &str) -> Result<Self, NotANetwork> {
        let (address, bits) = text.split_once('/').map_or((text, None), |(address, bits)| (address, Some(bits)));
        let address: IpAddr = address.parse().map_err(|_| NotANetwork)?;
        let all = if address.is_ipv4() { 32 } else { 128 };
        let bits = bits.map_or(Ok(all), |bits| bits.parse().map_err(|_| NotANetwork))?;
        if bits <= all { Ok(Self { address, bits }) } else { Err(NotANetwork) }
    }
}

/// An address as proxies write it: some add the port, some put brackets around it.
fn address(hop: &str) -> Option<IpAddr> {
    let hop = hop.trim();
    let address = hop.parse().or_else(|_| hop.parse::<SocketAddr>().map(|address| address.ip()));
    let bare = || hop.strip_prefix('[')?.strip_suffix(']')?.parse().ok();
    address.ok().or_else(bare).map(|address: IpAddr| address.to_canonical())
}

impl FromRequestParts<App> for Device {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let words = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self::named(words.unwrap_or_default()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn proxies(networks: &[&str]) -> TrustedProxies {
        networks.iter().map(|network| network.parse::<Network>().unwrap()).collect()
    }

    #[track_caller]
    fn sender(trusted: &[&str], peer: &str, forwarded: &[&str]) -> String {
        let mut headers = HeaderMap::new();
        for line in forwarded {
            headers.append("x-forwarded-for", line.parse().unwrap());
        }
        proxies(trusted).sender(peer.parse().unwrap(), &headers).to_string()
    }

    #[test]
    fn nobody_is_believed_who_is_no_trusted_proxy() {
        assert_eq!(sender(&[], "10.0.0.1", &["192.0.2.1"]), "10.0.0.1");
        assert_eq!(sender(&["10.0.0.2"], "10.0.0.1", &["192.0.2.1"]), "10.0.0.1");
        assert_eq!(sender(&["10.0.0.1"], "10.0.0.1", &[]), "10.0.0.1");
    }

    #[test]
    fn the_sender_is_the_last_hop_that_no_trusted_proxy_is() {
        let trusted = ["10.0.0.0/8", "2001:db8::/32"];
        assert_eq!(sender(&trusted, "10.0.0.1", &["192.0.2.1"]), "192.0.2.1");
        assert_eq!(sender(&trusted, "10.0.0.1", &["198.51.100.9, 192.0.2.1, 10.3.0.1"]), "192.0.2.1");
        assert_eq!(sender(&trusted, "10.0.0.1", &["198.51.100.9", "192.0.2.1", "10.3.0.1,10.4.0.1"]), "192.0.2.1");
        assert_eq!(sender(&trusted, "2001:db8::1", &["192.0.2.1:4711"]), "192.0.2.1");
        assert_eq!(sender(&trusted, "::ffff:10.0.0.1", &["[2001:db9::7]:443"]), "2001:db9::7");
        assert_eq!(sender(&trusted, "10.0.0.1", &["10.9.9.9"]), "10.9.9.9", "somebody within the firm");
    }

    #[test]
    fn what_is_no_address_ends_the_search() {
        for nonsense in ["unknown", "", "192.0.2.1, _hidden", "192.0.2.1,"] {
            assert_eq!(sender(&["10.0.0.1"], "10.0.0.1", &[nonsense]), "10.0.0.1", "{nonsense:?}");
        }
    }

    #[test]
    fn a_network_is_an_address_or_a_range() {
        for bad in ["", "10.0.0", "10.0.0.0/33", "::/129", "10.0.0.0/", "10.0.0.0/-1", "proxy.example.com"] {
            assert_eq!(bad.parse::<Network>(), Err(NotANetwork), "{bad}");
        }
        let holds = |network: &str, address: &str| proxies(&[network]).trust(address.parse().unwrap());
        assert!(holds("10.1.0.0/16", "10.1.255.255") && !holds("10.1.0.0/16", "10.2.0.0"));
        assert!(holds("10.1.2.3", "10.1.2.3") && !holds("10.1.2.3", "10.1.2.4"));
        assert!(holds("0.0.0.0/0", "192.0.2.1") && holds("::/0", "::1") && !holds("0.0.0.0/0", "::1"));
        assert!(holds("2001:db8::/32", "2001:db8:ffff::1") && !holds("2001:db8::/32", "2001:db9::"));
    }
}
