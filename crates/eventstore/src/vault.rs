//! Keys: one per person and organization for personal data, one per organization for recognising equal values.
//!
//! All are wrapped by the master key, which comes from a file or the environment and is never in the database. Erasing
//! a person destroys their key and changes no stored byte (F18.8).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use chacha20poly1305::aead::{Aead, KeyInit, Payload};
use chacha20poly1305::{XChaCha20Poly1305, XNonce};
use countersign_domain::ids::{MailboxId, OrgId, PersonId};
use countersign_domain::values::Email;
use countersign_postgres::scoped;
use hmac::{Hmac, Mac};
use lru::LruCache;
use sha2::Sha256;
use sqlx::PgPool;
use std::num::NonZeroUsize;
use std::sync::{Arc, Mutex};
use uuid::Uuid;
use zeroize::Zeroizing;

const NONCE_BYTES: usize = 24;
/// How many people's keys are kept at hand; a key is 32 bytes, its entry about 150.
const KEYS_AT_HAND: usize = 50_000;

/// The key that wraps all others: 32 bytes.
#[derive(Clone)]
pub struct MasterKey(Zeroizing<[u8; 32]>);

/// An organization's key for recognising equal values without storing them.
#[derive(Clone)]
pub struct OrgKey(Zeroizing<[u8; 32]>);

/// Why a key could not be had.
#[derive(Debug, thiserror::Error)]
pub enum KeyError {
    /// The database did not answer.
    #[error("the vault could not be read")]
    Database(#[from] sqlx::Error),
    /// The master key is not the one with which the vault was made.
    #[error("the master key does not open the vault; it is not the one with which this installation was made")]
    WrongMasterKey,
    /// Not 64 hexadecimal digits.
    #[error("a master key is 64 hexadecimal digits")]
    NotAMasterKey,
}

impl MasterKey {
    /// Reads 64 hexadecimal digits.
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let mut bytes = Zeroizing::new([0; 32]);
        hex::decode_to_slice(text.trim(), &mut *bytes).map_err(|_| KeyError::NotAMasterKey)?;
        Ok(Self(bytes))
    }

    /// A new key, as the text that `parse` reads.
    pub fn generate() -> Zeroizing<String> {
        Zeroizing::new(hex::encode(*random_key()))
    }

    /// A key for another purpose, which tells nothing of this one.
    pub fn derive(&self, purpose: &str) -> [u8; 32] {
        mac(&self.0, &[b"derive:", purpose.as_bytes()])
    }
}

impl std::fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("MasterKey(…)")
    }
}

impl std::fmt::Debug for OrgKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("OrgKey(…)")
    }
}

impl OrgKey {
    /// The id under which the organization's ledger knows an address.
    pub fn mailbox(&self, email: &Email) -> MailboxId {
        let digest = mac(&self.0, &[b"mailbox:", email.as_str().as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        MailboxId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }

    /// A digest of a request that tells nothing of it.
    pub fn request(&self, request: &[u8]) -> [u8; 32] {
        mac(&self.0, &[b"request:", request])
    }

    /// The id under which the organization's ledger knows a person that another system only names.
    pub fn person(&self, name: &str) -> PersonId {
        let digest = mac(&self.0, &[b"person:", name.as_bytes()]);
        let mut bytes = [0; 16];
        bytes.copy_from_slice(&digest[..16]);
        PersonId(uuid::Builder::from_custom_bytes(bytes).into_uuid())
    }
}

/// A person's key, at hand.
pub(crate) type PersonKey = Arc<Zeroizing<[u8; 32]>>;

/// Keys as a transaction found them.
pub(crate) struct FoundKeys {
    org: OrgId,
    keys: Vec<(PersonId, PersonKey)>,
}

/// The vault: makes keys, keeps those in use at hand, and forgets those that were destroyed.
#[derive(Clone)]
pub struct Vault {
    pool: PgPool,
    master: MasterKey,
    people: Arc<Mutex<LruCache<(OrgId, PersonId), PersonKey>>>,
    orgs: Arc<Mutex<LruCache<OrgId, OrgKey>>>,
}

impl std::fmt::Debug for Vault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Vault(…)")
    }
}

impl Vault {
    /// The vault in a database, opened with a master key.
    pub fn new(pool: PgPool, master: MasterKey) -> Self {
        let at_hand = NonZeroUsize::new(KEYS_AT_HAND).expect("the number is not zero");
        Self {
            pool,
            master,
            people: Arc::new(Mutex::new(LruCache::new(at_hand))),
            orgs: Arc::new(Mutex::new(LruCache::new(at_hand))),
        }
    }

    /// An organization's key, made if it has none yet.
    pub async fn org_key(&self, org: OrgId) -> Result<OrgKey, KeyError> {
        if let Some(key) = lock(&self.orgs).get(&org) {
            return Ok(key.clone());
        }
        let wrapped = self.wrap(org, org.0, &random_key());
        let mut transaction = scoped(&self.pool, org).await?;
        sqlx::query!(
            "INSERT INTO vault.org_key (org_id, wrapped) VALUES ($1, $2) ON CONFLICT (org_id) DO NOTHING",
            org.0,
            wrapped
        )
        .execute(&mut *transaction)
        .await?;
        let row = sqlx::query!("SELECT wrapped FROM vault.org_key WHERE org_id = $1", org.0)
            .fetch_one(&mut *transaction)
            .await?;
        transaction.commit().await?;
        let key = OrgKey(self.unwrap(org, org.0, &row.wrapped)?);
        lock(&self.orgs).put(org, key.clone());
        Ok(key)
    }

    /// Whether this master key opens what an organization has in the vault: its own key, and one of a person's. False where
    /// it has none. Makes none.
    pub async fn opens(&self, org: OrgId) -> Result<bool, KeyError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let rows = sqlx::query!(
            r#"(SELECT org_id AS "whose!", wrapped AS "wrapped!" FROM vault.org_key WHERE org_id = $1)
               UNION ALL
               (SELECT person_id, wrapped FROM vault.person_key WHERE org_id = $1 ORDER BY person_id LIMIT 1)"#,
            org.0
        )
        .fetch_all(&mut *transaction)
        .await?;
        transaction.commit().await?;
        for row in &rows {
            self.unwrap(org, row.whose, &row.wrapped)?;
        }
        Ok(rows.iter().any(|row| row.whose == org.0))
    }

    /// A person's key, if it is at hand.
    pub(crate) fn at_hand(&self, org: OrgId, person: PersonId) -> Option<PersonKey> {
        lock(&self.people).get(&(org, person)).cloned()
    }

    /// Finds the keys of people, making those that are missing, in a transaction that has been entered for the
    /// organization. They are at hand only once that is committed: what is sealed with a key that was never stored is lost.
    pub(crate) async fn find_or_make(
        &self,
        transaction: &mut sqlx::Transaction<'static, sqlx::Postgres>,
        org: OrgId,
        people: &[PersonId],
    ) -> Result<FoundKeys, KeyError> {
        let ids: Vec<Uuid> = people.iter().map(|person| person.0).collect();
        let fresh: Vec<Vec<u8>> = people.iter().map(|person| self.wrap(org, person.0, &random_key())).collect();
        sqlx::query!(
            "INSERT INTO vault.person_key (org_id, person_id, wrapped)
             SELECT $1, fresh.person_id, fresh.wrapped FROM unnest($2::uuid[], $3::bytea[]) fresh (person_id, wrapped)
             ON CONFLICT (org_id, person_id) DO NOTHING",
            org.0,
            &ids,
            &fresh
        )
        .execute(&mut **transaction)
        .await?;
        self.find(transaction, org, &ids).await
    }

    /// Has keys at hand from now on.
    pub(crate) fn remember(&self, found: FoundKeys) {
        let mut people = lock(&self.people);
        for (person, key) in found.keys {
            people.put((found.org, person), key);
        }
    }

    /// Brings the keys of people to hand, as far as they still have one.
    pub(crate) async fn bring_existing(&self, org: OrgId, people: &[PersonId]) -> Result<(), KeyError> {
        let ids: Vec<Uuid> = people.iter().map(|person| person.0).collect();
        let mut transaction = scoped(&self.pool, org).await?;
        let found = self.find(&mut transaction, org, &ids).await?;
        transaction.commit().await?;
        self.remember(found);
        Ok(())
    }

    async fn find(
        &self,
        transaction: &mut sqlx::Transaction<'static, sqlx::Postgres>,
        org: OrgId,
        ids: &[Uuid],
    ) -> Result<FoundKeys, KeyError> {
        let rows = sqlx::query!(
            "SELECT person_id, wrapped FROM vault.person_key WHERE org_id = $1 AND person_id = ANY ($2)",
            org.0,
            ids
        )
        .fetch_all(&mut **transaction)
        .await?;
        let keys = rows.into_iter().map(|row| {
            let key = self.unwrap(org, row.person_id, &row.wrapped)?;
            Ok((PersonId(row.person_id), Arc::new(key)))
        });
        Ok(FoundKeys { org, keys: keys.collect::<Result<_, KeyError>>()? })
    }

    fn wrap(&self, org: OrgId, whose: Uuid, key: &[u8; 32]) -> Vec<u8> {
        encrypt(&self.master.0, &context(org, whose), key)
    }

    fn unwrap(&self, org: OrgId, whose: Uuid, wrapped: &[u8]) -> Result<Zeroizing<[u8; 32]>, KeyError> {
        let opened = decrypt(&self.master.0, &context(org, whose), wrapped).ok_or(KeyError::WrongMasterKey)?;
        let bytes: [u8; 32] = opened.as_slice().try_into().map_err(|_| KeyError::WrongMasterKey)?;
        Ok(Zeroizing::new(bytes))
    }
}

/// Seals a value about a person: base64 of nonce and ciphertext.
pub(crate) fn seal(key: &[u8; 32], org: OrgId, person: PersonId, clear: &[u8]) -> String {
    STANDARD.encode(encrypt(key, &context(org, person.0), clear))
}

/// Opens a sealed value; `None` where it is not this person's or was changed.
pub(crate) fn open(key: &[u8; 32], org: OrgId, person: PersonId, sealed: &str) -> Option<Vec<u8>> {
    decrypt(key, &context(org, person.0), &STANDARD.decode(sealed).ok()?)
}

/// What a ciphertext is bound to, so that it cannot be moved to another person or organization.
fn context(org: OrgId, whose: Uuid) -> [u8; 32] {
    let mut context = [0; 32];
    context[..16].copy_from_slice(org.0.as_bytes());
    context[16..].copy_from_slice(whose.as_bytes());
    context
}

fn encrypt(key: &[u8; 32], context: &[u8], clear: &[u8]) -> Vec<u8> {
    let nonce: [u8; NONCE_BYTES] = rand::random();
    let cipher = XChaCha20Poly1305::new(key.into());
    let sealed = cipher
        .encrypt(&XNonce::from(nonce), Payload { msg: clear, aad: context })
        .expect("a value of this size can be sealed");
    [nonce.as_slice(), &sealed].concat()
}

fn decrypt(key: &[u8; 32], context: &[u8], sealed: &[u8]) -> Option<Vec<u8>> {
    let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
    let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
    let cipher = XChaCha20Poly1305::new(key.into());
    cipher.decrypt(&XNonce::from(nonce), Payload { msg: sealed, aad: context }).ok()
}

fn mac(key: &[u8; 32], parts: &[&[u8]]) -> [u8; 32] {
    let mut mac = <Hmac<Sha256> as hmac::KeyInit>::new_from_slice(key).expect("a key of any length will do");
    for part in parts {
        mac.update(part);
    }
    mac.finalize().into_bytes().into()
}

fn random_key() -> Zeroizing<[u8; 32]> {
    Zeroizing::new(rand::random())
}

fn lock<T>(mutex: &Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}
