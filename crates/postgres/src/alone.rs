//! A statement that stands alone: one round trip, and no transaction around it that would be two more.

use crate::pooler::is_pooled;
use crate::transaction::spanning;
use crate::waiting;
use sqlx::pool::PoolConnection;
use sqlx::{PgConnection, PgPool, PgTransaction, Postgres};
use std::ops::{Deref, DerefMut};

/// A connection for one statement that names its organization to row security itself, as the functions do that begin
/// with `set_config('countersign.org', ...)`: nothing is sent before it, and nothing after it.
///
/// A statement that stands alone is a transaction, and what it named ends with it. Behind a pooler it stands in one of
/// its own, as every statement does there. Whoever goes away before it is answered leaves nothing open: the connection
/// goes back into the pool when the answer has been read.
pub async fn alone(pool: &PgPool) -> Result<Alone, sqlx::Error> {
    Ok(Alone(match is_pooled(pool) {
        true => Standing::Within(spanning(pool).await?),
        false => Standing::Free(waiting::connection(pool).await?),
    }))
}

/// A connection for a statement that stands alone.
#[derive(Debug)]
pub struct Alone(Standing);

#[derive(Debug)]
enum Standing {
    Free(PoolConnection<Postgres>),
    Within(PgTransaction<'static>),
}

impl Deref for Alone {
    type Target = PgConnection;

    fn deref(&self) -> &PgConnection {
        match &self.0 {
            Standing::Free(connection) => connection,
            Standing::Within(transaction) => transaction,
        }
    }
}

impl DerefMut for Alone {
    fn deref_mut(&mut self) -> &mut PgConnection {
        match &mut self.0 {
            Standing::Free(connection) => connection,
            Standing::Within(transaction) => transaction,
        }
    }
}
