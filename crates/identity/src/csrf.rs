//! The token with which our own page proves that a request comes from it: derived from the session's, stored nowhere.

use crate::error::IdentityError;
use crate::secret::Secret;
use crate::server_key::ServerKey;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;

const PURPOSE: &str = "csrf";

/// The CSRF token of a session.
pub fn csrf_token(key: &ServerKey, session_token: &str) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(key.derive(PURPOSE).mac(&[session_token.as_bytes()])))
}

/// Lets a request through that carries the CSRF token of its own session.
pub fn check_csrf(key: &ServerKey, session_token: &str, given: &str) -> Result<(), IdentityError> {
    let mac = URL_SAFE_NO_PAD.decode(given).map_err(|_| IdentityError::CsrfRefused)?;
    if key.derive(PURPOSE).verifies(&[session_token.as_bytes()], &mac) {
        Ok(())
    } else {
        Err(IdentityError::CsrfRefused)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_csrf_token_belongs_to_one_session_and_one_server() {
        let key = ServerKey::new([1; 32]);
        let token = csrf_token(&key, "session");
        assert!(check_csrf(&key, "session", token.reveal()).is_ok());
        assert!(check_csrf(&key, "another session", token.reveal()).is_err());
        assert!(check_csrf(&ServerKey::new([2; 32]), "session", token.reveal()).is_err());
        for bad in ["", "session", "=", "ä"] {
            assert!(check_csrf(&key, "session", bad).is_err(), "{bad:?}");
        }
    }
}
