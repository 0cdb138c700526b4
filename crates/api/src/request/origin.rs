//! Requests that a browser sends from another site's page are refused before anybody asks who they come from.

use crate::app::App;
use crate::error::ApiError;
use axum::extract::FromRequestParts;
use axum::http::header::{HOST, ORIGIN};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Uri};

/// The request does not come from another site's page, as far as browsers tell.
///
/// Scripts send neither `Sec-Fetch-Site` nor `Origin` and pass; what a cookie alone may do is guarded by the CSRF token
/// besides.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SameSite;

impl FromRequestParts<App> for SameSite {
    type Rejection = ApiError;

    async fn from_request_parts(parts: &mut Parts, app: &App) -> Result<Self, ApiError> {
        let host = parts.uri.authority().map(ToString::to_string);
        if is_same_site(&parts.headers, host.as_deref(), &app.public_url) { Ok(Self) } else { Err(ApiError::CrossSite) }
    }
}

fn is_same_site(headers: &HeaderMap, authority: Option<&str>, public_url: &Uri) -> bool {
    let text = |name: &str| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(site) = text("sec-fetch-site") {
        return matches!(site, "same-origin" | "none");
    }
    if !headers.contains_key(ORIGIN) {
        return true;
    }
    let Some(origin) = text(ORIGIN.as_str()).and_then(|origin| origin.parse::<Uri>().ok()) else { return false };
    let Some(from) = origin.authority().map(ToString::to_string) else { return false };
    let is_ours = origin.authority() == public_url.authority() && origin.scheme() == public_url.scheme();
    is_ours || text(HOST.as_str()).or(authority) == Some(from.as_str())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::{HeaderName, HeaderValue};

    fn passes(headers: &[(&'static str, &'static str)]) -> bool {
        let pairs = headers.iter();
        let headers = pairs.map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)));
        is_same_site(&headers.collect(), None, &Uri::from_static("https://portal.example.com"))
    }

    #[test]
    fn scripts_and_our_own_pages_pass() {
        assert!(passes(&[("host", "127.0.0.1:8080")]));
        assert!(passes(&[("sec-fetch-site", "same-origin"), ("origin", "https://portal.example.com")]));
        assert!(passes(&[("origin", "https://portal.example.com"), ("host", "inside:8080")]));
        assert!(passes(&[("origin", "http://localhost:8080"), ("host", "localhost:8080")]));
    }

    #[test]
    fn pages_of_other_sites_do_not() {
        assert!(!passes(&[("sec-fetch-site", "cross-site")]));
        assert!(!passes(&[("sec-fetch-site", "same-site")]));
        assert!(!passes(&[("origin", "https://evil.example.com"), ("host", "portal.example.com")]));
        assert!(!passes(&[("origin", "http://portal.example.com"), ("host", "inside:8080")]));
        assert!(!passes(&[("origin", "null"), ("host", "portal.example.com")]));
    }
}
