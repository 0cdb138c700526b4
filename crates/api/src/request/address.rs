//! Where a request comes from, by address and by device: only to count and to show, never to trust.

use crate::app::App;
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::HeaderMap;
use axum::http::header::USER_AGENT;
use axum::http::request::Parts;
use countersign_identity::device::Device;
use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

/// Whom to ask for the address of whoever sends a request.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum AddressSource {
    /// The connection itself.
    #[default]
    Connection,
    /// The last entry of `X-Forwarded-For`, which the proxy in front of us writes. Only behind one: anybody can send it.
    ForwardedFor,
}

/// The network address of whoever sends a request, if it can be told.
#[derive(Clone, Debug)]
pub(crate) struct ClientAddress(pub(crate) Option<String>);

impl FromRequestParts<App> for ClientAddress {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, Infallible> {
        let peer = parts.extensions.get::<ConnectInfo<SocketAddr>>().map(|ConnectInfo(peer)| peer.ip());
        let address = match app.limits.address_source {
            AddressSource::Connection => peer,
            AddressSource::ForwardedFor => forwarded_for(&parts.headers).or(peer),
        };
        Ok(Self(address.map(|address| address.to_string())))
    }
}

fn forwarded_for(headers: &HeaderMap) -> Option<IpAddr> {
    let line = headers.get_all("x-forwarded-for").iter().next_back()?.to_str().ok()?;
    line.rsplit(',').next()?.trim().parse().ok()
}

impl FromRequestParts<App> for Device {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &App) -> Result<Self, Infallible> {
        let words = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self::named(words.unwrap_or_default()))
    }
}
