//! API tokens: with one, another system acts for its owner, within scopes and until a day that is fixed from the start.
//!
//! The text is `cst_` and an opaque token. It is shown once; only its digest is kept. It works while its owner is active.

use crate::Identity;
use crate::digest::{Digest, random_id};
use crate::error::IdentityError;
use crate::opaque_token;
use crate::secret::Secret;
use crate::subject::{Subject, damaged, principal_columns};
use chrono::{DateTime, Utc};
use countersign_domain::envelope::Principal;
use countersign_domain::ids::OrgId;
use countersign_domain::values::{Label, Timestamp};
use countersign_postgres::{alone, reading, scoped};
use serde::{Deserialize, Serialize};
use sqlx::PgConnection;
use std::collections::BTreeSet;
use std::fmt;
use uuid::Uuid;

/// What every token's text begins with, so that people and scanners recognise one.
pub const PREFIX: &str = "cst_";

/// One API token. Its id is no secret; its text is.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ApiTokenId(pub Uuid);

/// What a token may be used for; never more than its owner may.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Scope {
    /// Reading what the owner sees.
    Read,
    /// Sending the owner's commands.
    Write,
    /// Reading histories, evidence and exceptions.
    Audit,
}

/// A token that somebody wants for themself.
#[derive(Clone, Debug)]
pub struct NewApiToken {
    /// What it is for.
    pub name: Label,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// When it stops working.
    pub expires_at: Timestamp,
}

/// A token as it is shown, once.
#[derive(Debug)]
pub struct IssuedApiToken {
    /// Which one.
    pub id: ApiTokenId,
    /// Its text.
    pub token: Secret,
}

/// One of one's own tokens.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct OwnApiToken {
    /// Which one.
    pub id: ApiTokenId,
    /// What it is for.
    pub name: String,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// When it was issued.
    pub created_at: Timestamp,
    /// When it stops working.
    pub expires_at: Timestamp,
    /// When it was last used, to about a minute.
    pub last_used_at: Option<Timestamp>,
    /// When it was revoked.
    pub revoked_at: Option<Timestamp>,
}

/// A token that works, and for whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct TokenBearer {
    /// The organization.
    pub org: OrgId,
    /// The token.
    pub token: ApiTokenId,
    /// What it may be used for.
    pub scopes: BTreeSet<Scope>,
    /// Its owner, who is active, and what access starts from.
    pub subject: Subject,
}

impl Scope {
    /// The name on the wire.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Write => "write",
            Self::Audit => "audit",
        }
    }

    fn read_column(names: &[String]) -> Result<BTreeSet<Self>, sqlx::Error> {
        let scope = |name: &String| match name.as_str() {
            "read" => Ok(Self::Read),
            "write" => Ok(Self::Write),
            "audit" => Ok(Self::Audit),
            _ => Err(damaged("an unknown scope")),
        };
        names.iter().map(scope).collect()
    }
}

impl Identity {
    /// Issues a token to its owner, who asks for it in a session; to nobody who is not active by then.
    pub async fn issue_api_token(
        &self,
        org: OrgId,
        owner: Principal,
        new: NewApiToken,
        now: Timestamp,
    ) -> Result<IssuedApiToken, IdentityError> {
        if new.scopes.is_empty() {
            return Err(IdentityError::ApiTokenWithoutScope);
        }
        if new.expires_at <= now || new.expires_at > now.plus(self.limits.longest_api_token) {
            return Err(IdentityError::ApiTokenLifetime);
        }
        let id = ApiTokenId(random_id());
        let (token, digest) = opaque_token::mint(org, PREFIX);
        let mut transaction = scoped(&self.pool, org).await?;
        if !insert(&mut transaction, &Minted { org, owner, id, digest, new, now }).await? {
            return Err(IdentityError::SessionEnded);
        }
        transaction.commit().await?;
        Ok(IssuedApiToken { id, token })
    }

    /// Who bears this token. Unknown, revoked, expired, or its owner not active: one refusal, `api_token.refused`.
    pub async fn authenticate_api_token(&self, text: &str, now: Timestamp) -> Result<TokenBearer, IdentityError> {
        let token = opaque_token::read(text, PREFIX).ok_or(IdentityError::ApiTokenRefused)?;
        let Some(row) = live(&mut *alone(&self.pool).await?, token.org, token.digest, now).await? else {
            return Err(IdentityError::ApiTokenRefused);
        };
        let bearer = TokenBearer {
            org: token.org,
            token: ApiTokenId(row.token_id),
            scopes: Scope::read_column(&row.scopes)?,
            subject: Subject::read(&row.kind, row.subject_id, row.level, row.client_id)?,
        };
        let stale = |used: DateTime<Utc>| Timestamp::from(used).plus(self.limits.seen_every) <= now;
        if row.last_used_at.is_none_or(stale) {
            self.note_api_token_use(&bearer, now).await?;
        }
        Ok(bearer)
    }

    async fn note_api_token_use(&self, bearer: &TokenBearer, now: Timestamp) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, bearer.org).await?;
        note_use(&mut transaction, bearer, now).await?;
        transaction.commit().await?;
        Ok(())
    }

    /// One's own tokens, those that no longer work included, the newest first.
    pub async fn own_api_tokens(&self, org: OrgId, owner: Principal) -> Result<Vec<OwnApiToken>, IdentityError> {
        let mut transaction = reading(&self.pool, org).await?;
        let tokens = list(&mut transaction, org, owner).await?;
        drop(transaction);
        Ok(tokens)
    }

    /// Revokes one of one's own tokens; again is nothing new.
    pub async fn revoke_api_token(
        &self,
        org: OrgId,
        owner: Principal,
        id: ApiTokenId,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let known = revoke(&mut transaction, org, owner, Some(id), now).await?;
        transaction.commit().await?;
        if known == 0 { Err(IdentityError::UnknownApiToken) } else { Ok(()) }
    }

    /// Revokes all of somebody's tokens, as when their account is switched off.
    pub async fn revoke_all_api_tokens(
        &self,
        org: OrgId,
        owner: Principal,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        revoke(&mut transaction, org, owner, None, now).await?;
        transaction.commit().await?;
        Ok(())
    }
}

struct Minted {
    org: OrgId,
    owner: Principal,
    id: ApiTokenId,
    digest: Digest,
    new: NewApiToken,
    now: Timestamp,
}

/// Keeps a token, if its owner is active: one statement, so that nothing comes between.
async fn insert(connection: &mut PgConnection, minted: &Minted) -> Result<bool, sqlx::Error> {
    let (kind, owner) = principal_columns(minted.owner);
    let scopes: Vec<String> = minted.new.scopes.iter().map(|scope| scope.as_str().to_owned()).collect();
    let done = sqlx::query!(
        r#"INSERT INTO identity.api_token
             (org_id, token_id, token_digest, name, owner_kind, owner_id, scopes, created_at, expires_at)
         SELECT $1, $2, $3, $4, subject.kind, subject.subject_id, $7, $8, $9
         FROM read.active_generation active
         JOIN read.access_subject subject
           ON subject.generation = active.generation AND subject.org_id = active.org_id
          AND subject.kind = $5 AND subject.subject_id = $6
         WHERE active.org_id = $1 AND active."group" = 'access' AND subject.status = 'active'"#,
        minted.org.0,
        minted.id.0,
        &minted.digest[..],
        minted.new.name.as_str(),
        kind,
        owner,
        &scopes,
        minted.now.as_utc(),
        minted.new.expires_at.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

struct LiveRow {
    token_id: Uuid,
    scopes: Vec<String>,
    last_used_at: Option<DateTime<Utc>>,
    kind: String,
    subject_id: Uuid,
    level: Option<String>,
    client_id: Option<Uuid>,
}

/// The token, if it works and its owner is active: one statement, so that nothing comes between. It names the
/// organization to row security itself.
async fn live(
    connection: &mut PgConnection,
    org: OrgId,
    token: Digest,
    now: Timestamp,
) -> Result<Option<LiveRow>, sqlx::Error> {
    sqlx::query_as!(
        LiveRow,
        r#"SELECT token_id AS "token_id!", scopes AS "scopes!", last_used_at,
                  kind AS "kind!", subject_id AS "subject_id!", level, client_id
           FROM identity.live_api_token($1, $2, $3)"#,
        org.0,
        &token[..],
        now.as_utc(),
    )
    .fetch_optional(connection)
    .await
}

async fn note_use(connection: &mut PgConnection, bearer: &TokenBearer, now: Timestamp) -> Result<(), sqlx::Error> {
    sqlx::query!(
        "UPDATE identity.api_token SET last_used_at = $3 WHERE org_id = $1 AND token_id = $2",
        bearer.org.0,
        bearer.token.0,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(())
}

async fn list(connection: &mut PgConnection, org: OrgId, owner: Principal) -> Result<Vec<OwnApiToken>, sqlx::Error> {
    let (kind, id) = principal_columns(owner);
    let rows = sqlx::query!(
        "SELECT token_id, name, scopes, created_at, expires_at, last_used_at, revoked_at
         FROM identity.api_token
         WHERE org_id = $1 AND owner_kind = $2 AND owner_id = $3
         ORDER BY created_at DESC, token_id",
        org.0,
        kind,
        id,
    )
    .fetch_all(connection)
    .await?;
    let own = rows.into_iter().map(|row| {
        Ok(OwnApiToken {
            id: ApiTokenId(row.token_id),
            name: row.name,
            scopes: Scope::read_column(&row.scopes)?,
            created_at: row.created_at.into(),
            expires_at: row.expires_at.into(),
            last_used_at: row.last_used_at.map(Timestamp::from),
            revoked_at: row.revoked_at.map(Timestamp::from),
        })
    });
    own.collect()
}

/// Revokes one token of an owner, or all; those that are revoked keep their time. Says how many there are.
pub(crate) async fn revoke(
    connection: &mut PgConnection,
    org: OrgId,
    owner: Principal,
    one: Option<ApiTokenId>,
    now: Timestamp,
) -> Result<u64, sqlx::Error> {
    let (kind, id) = principal_columns(owner);
    let done = sqlx::query!(
        "UPDATE identity.api_token
         SET revoked_at = coalesce(revoked_at, $5)
         WHERE org_id = $1 AND owner_kind = $2 AND owner_id = $3 AND ($4::uuid IS NULL OR token_id = $4)",
        org.0,
        kind,
        id,
        one.map(|one| one.0),
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected())
}

impl fmt::Display for ApiTokenId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}
