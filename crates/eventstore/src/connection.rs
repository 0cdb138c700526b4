//! The connection through which a lane appends. It is kept while there is work: a pooled connection is asked whether it
//! lives before and after each use, which would cost an append more than the append itself.

use crate::batch::{OrgAnswer, OrgBatch, append, append_within};
use crate::error::StoreError;
use countersign_domain::ids::OrgId;
use countersign_postgres::{is_pooled, spanning};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use std::collections::HashMap;
use std::future::Future;
use std::time::Duration;

/// A database that has not answered for so long is given up: what it was asked is looked up once it answers again.
const ANSWERS_WITHIN: Duration = Duration::from_secs(30);

/// A lane's connection.
#[derive(Debug)]
pub(crate) struct LaneConnection {
    pool: PgPool,
    kept: Option<PoolConnection<Postgres>>,
}

impl LaneConnection {
    pub(crate) fn new(pool: PgPool) -> Self {
        Self { pool, kept: None }
    }

    pub(crate) fn is_kept(&self) -> bool {
        self.kept.is_some()
    }

    /// Gives it back to the pool: there is nothing to do for a while.
    pub(crate) fn rest(&mut self) {
        self.kept = None;
    }

    /// Appends a batch. After an error the next batch gets another connection.
    pub(crate) async fn append(&mut self, batch: &[OrgBatch]) -> Result<HashMap<OrgId, OrgAnswer>, StoreError> {
        if is_pooled(&self.pool) {
            return within_limit(self.append_pooled(batch)).await;
        }
        let mut connection = match self.kept.take() {
            Some(connection) => connection,
            None => self.pool.acquire().await?,
        };
        match within_limit(append(&mut connection, batch)).await {
            Ok(answers) => {
                self.kept = Some(connection);
                Ok(answers)
            }
            Err(StoreError::Unanswered) => {
                // Not into the pool: it would wait for an answer there.
                drop(connection.detach());
                Err(StoreError::Unanswered)
            }
            Err(error) => Err(error),
        }
    }

    /// Appends a batch in a transaction of its own: there is no connection to keep.
    async fn append_pooled(&self, batch: &[OrgBatch]) -> Result<HashMap<OrgId, OrgAnswer>, StoreError> {
        let mut transaction = spanning(&self.pool).await?;
        let answers = append_within(&mut transaction, batch).await?;
        transaction.commit().await?;
        Ok(answers)
    }
}

/// Waits for the database, but not for ever.
pub(crate) async fn within_limit<T, E: From<StoreError>>(asked: impl Future<Output = Result<T, E>>) -> Result<T, E> {
    tokio::time::timeout(ANSWERS_WITHIN, asked).await.unwrap_or_else(|_| Err(StoreError::Unanswered.into()))
}
