//! Which organization a short name means. Asked before anybody has signed in, so it is bound to no organization.

use crate::Identity;
use crate::error::IdentityError;
use countersign_domain::ids::OrgId;
use countersign_domain::values::{Slug, Timestamp};
use countersign_postgres::spanning;
use sqlx::PgPool;

impl Identity {
    /// Takes a short name for an organization, for ever. Again by the same organization is nothing new.
    pub async fn claim(&self, slug: &Slug, org: OrgId, now: Timestamp) -> Result<(), IdentityError> {
        insert(&self.pool, slug, org, now).await?;
        match self.find(slug).await? {
            Some(holder) if holder == org => Ok(()),
            Some(_) => Err(IdentityError::SlugTaken),
            None => Err(IdentityError::OrganizationHasAnotherSlug),
        }
    }

    /// The organization with this short name.
    pub async fn find(&self, slug: &Slug) -> Result<Option<OrgId>, IdentityError> {
        Self::find_in(&self.pool, slug).await
    }

    /// The same for whoever has no key, and wants to know no more.
    pub async fn find_in(pool: &PgPool, slug: &Slug) -> Result<Option<OrgId>, IdentityError> {
        let mut transaction = spanning(pool).await?;
        let found = sqlx::query_scalar!("SELECT org_id FROM identity.organization WHERE slug = $1", slug.as_str())
            .fetch_optional(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(found.map(OrgId))
    }

    /// Every organization that has a short name.
    pub(crate) async fn organizations(&self) -> Result<Vec<OrgId>, IdentityError> {
        let mut transaction = spanning(&self.pool).await?;
        let found = sqlx::query_scalar!("SELECT org_id FROM identity.organization ORDER BY org_id")
            .fetch_all(&mut *transaction)
            .await?;
        transaction.commit().await?;
        Ok(found.into_iter().map(OrgId).collect())
    }
}

/// Inserts the pair, unless the name or the organization stands there already: who asks sees which.
async fn insert(pool: &PgPool, slug: &Slug, org: OrgId, now: Timestamp) -> Result<(), sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    sqlx::query!(
        "INSERT INTO identity.organization (slug, org_id, created_at)
         VALUES ($1, $2, $3)
         ON CONFLICT DO NOTHING",
        slug.as_str(),
        org.0,
        now.as_utc(),
    )
    .execute(&mut *transaction)
    .await?;
    transaction.commit().await
}
