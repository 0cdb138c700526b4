//! The session's cookie: `__Host-`, so that no other host and no plain connection can set it.
//!
//! Browsers and curl count loopback addresses as safe to send it to, so that a demo on `http://127.0.0.1` works.

use axum::http::HeaderMap;
use axum::http::header::COOKIE;

/// Its name.
pub(crate) const NAME: &str = "__Host-countersign";

/// What sets it. Without an age: it goes with the browser, and the session ends on the server at the latest.
pub(crate) fn session_cookie(token: &str) -> String {
    format!("{NAME}={token}; Path=/; Secure; HttpOnly; SameSite=Lax")
}

/// What takes it away.
pub(crate) fn ended_cookie() -> String {
    format!("{NAME}=; Path=/; Secure; HttpOnly; SameSite=Lax; Max-Age=0")
}

/// The session's token among the cookies of a request.
pub(crate) fn token(headers: &HeaderMap) -> Option<&str> {
    let lines = headers.get_all(COOKIE).iter().filter_map(|value| value.to_str().ok());
    let mut pairs = lines.flat_map(|line| line.split(';')).filter_map(|pair| pair.trim().split_once('='));
    pairs.find(|(name, _)| *name == NAME).map(|(_, token)| token).filter(|token| !token.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    #[test]
    fn the_token_is_found_among_other_cookies() {
        let mut headers = HeaderMap::new();
        headers.append(COOKIE, HeaderValue::from_static("theme=dark; __Host-countersign=abc; x=y"));
        assert_eq!(token(&headers), Some("abc"));
        headers.clear();
        headers.append(COOKIE, HeaderValue::from_static("countersign=abc; __Host-countersign="));
        assert_eq!(token(&headers), None);
    }
}
