//! Argon2id, with the parameters that OWASP recommends, away from the threads that serve requests.

use crate::digest::random;
use crate::error::IdentityError;
use crate::password::{NewPassword, Password};
use argon2::password_hash::phc::PasswordHash as Phc;
use argon2::password_hash::{self, PasswordHasher, PasswordVerifier};
use argon2::{Algorithm, Argon2, Params, Version};
use std::fmt;
use std::sync::Arc;
#[cfg(test)]
use std::sync::atomic::{AtomicU64, Ordering};
use tokio::sync::Semaphore;

/// 19 MiB, two passes, one lane: OWASP's password storage cheat sheet.
const MEMORY_KIB: u32 = 19_456;
const PASSES: u32 = 2;
const LANES: u32 = 1;

/// Hashes passwords, a few at a time: whoever comes when all are busy waits.
#[derive(Clone, Debug)]
pub(crate) struct Hasher {
    permits: Arc<Semaphore>,
    #[cfg(test)]
    hashed: Arc<AtomicU64>,
}

/// A salted hash in PHC form, as it is stored.
#[derive(Clone, PartialEq, Eq)]
pub(crate) struct PasswordHash(pub(crate) String);

impl Hasher {
    pub(crate) fn new(at_once: usize) -> Self {
        Self {
            permits: Arc::new(Semaphore::new(at_once.max(1))),
            #[cfg(test)]
            hashed: Arc::default(),
        }
    }

    /// Hashes a password that is to be set.
    pub(crate) async fn hash(&self, password: &NewPassword) -> Result<PasswordHash, IdentityError> {
        let password = password.as_typed().clone();
        self.work(move || {
            let hash = argon2id().hash_password_with_salt(password.reveal().as_bytes(), &random::<16>())?;
            Ok(PasswordHash(hash.to_string()))
        })
        .await
    }

    /// Whether the password is the one that was hashed. Where nothing is stored, the answer is no, after the same work.
    pub(crate) async fn verify(&self, typed: &Password, stored: Option<&PasswordHash>) -> Result<bool, IdentityError> {
        let typed = typed.clone();
        let stored = stored.cloned();
        self.work(move || match stored {
            Some(stored) => matches(&typed, &stored),
            None => hash_for_nobody(&typed).map(|()| false),
        })
        .await
    }

    /// The permit goes with the work: a caller who goes away does not make room for another hashing beside it.
    async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> Result<T, password_hash::Error> + Send + 'static,
    ) -> Result<T, IdentityError> {
        let permit = self.permits.clone().acquire_owned().await.expect("the semaphore is never closed");
        #[cfg(test)]
        self.hashed.fetch_add(1, Ordering::Relaxed);
        let done = tokio::task::spawn_blocking(move || {
            let done = work();
            drop(permit);
            done
        });
        done.await.map_err(IdentityError::Interrupted)?.map_err(IdentityError::Hashing)
    }

    /// How many passwords were hashed.
    #[cfg(test)]
    pub(crate) fn hashed(&self) -> u64 {
        self.hashed.load(Ordering::Relaxed)
    }
}

fn argon2id() -> Argon2<'static> {
    let params = Params::new(MEMORY_KIB, PASSES, LANES, None).expect("OWASP's parameters are within Argon2's bounds");
    Argon2::new(Algorithm::Argon2id, Version::V0x13, params)
}

/// Compares in constant time. A stored text without salt or hash is damage, which the verifier would call a mismatch.
fn matches(typed: &Password, stored: &PasswordHash) -> Result<bool, password_hash::Error> {
    let stored = Phc::new(&stored.0)?;
    if stored.salt.is_none() || stored.hash.is_none() {
        return Err(password_hash::Error::EncodingInvalid);
    }
    match argon2id().verify_password(typed.reveal().as_bytes(), &stored) {
        Ok(()) => Ok(true),
        Err(password_hash::Error::PasswordInvalid) => Ok(false),
        Err(other) => Err(other),
    }
}

fn hash_for_nobody(typed: &Password) -> Result<(), password_hash::Error> {
    let hash = argon2id().hash_password_with_salt(typed.reveal().as_bytes(), &[0; 16])?;
    std::hint::black_box(hash);
    Ok(())
}

impl fmt::Debug for PasswordHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("PasswordHash(…)")
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn typed(text: &str) -> Password {
        Password::from(text.to_owned())
    }

    #[tokio::test]
    async fn a_password_is_recognised_and_another_is_not() {
        let hasher = Hasher::new(1);
        let hash = hasher.hash(&NewPassword::choose(typed("tall trees sway")).unwrap()).await.unwrap();
        assert!(hasher.verify(&typed("tall trees sway"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&typed("tall trees swaY"), Some(&hash)).await.unwrap());
        assert!(!hasher.verify(&typed("tall trees sway"), None).await.unwrap());
    }

    #[tokio::test]
    async fn passwords_are_hashed_as_owasp_recommends_each_with_its_own_salt() {
        let hasher = Hasher::new(1);
        let password = NewPassword::choose(typed("tall trees sway")).unwrap();
        let hash = hasher.hash(&password).await.unwrap();
        assert!(hash.0.starts_with("$argon2id$v=19$m=19456,t=2,p=1$"), "{}", hash.0);
        assert_ne!(hash, hasher.hash(&password).await.unwrap());
    }

    #[tokio::test]
    async fn a_damaged_hash_is_an_error_and_no_match() {
        let hasher = Hasher::new(1);
        let damaged = PasswordHash("$argon2id$v=19$m=19456,t=2".to_owned());
        assert!(matches!(hasher.verify(&typed("x"), Some(&damaged)).await, Err(IdentityError::Hashing(_))));
    }
}
