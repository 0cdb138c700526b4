//! A pooler before the database that hands a server's connection on after each transaction, as PgBouncer does with
//! `pool_mode = transaction`.
//!
//! Behind one, nothing that a session is told lasts: no role, no setting, no lock, and no statement that was prepared, so
//! that every statement stands in a transaction ([`scoped`](crate::scoped), [`spanning`](crate::spanning)). sqlx names
//! each statement that it prepares, from 1 on in each of its connections, and two of them may come to one connection of the
//! server: a transaction therefore begins by forgetting whatever was prepared there. Inside of it names do not repeat,
//! because nothing is kept for another use.

use sqlx::PgPool;
use sqlx::postgres::PgConnectOptions;

/// What connections through such a pooler call themselves; also how a pool of them is recognised.
const NAME: &str = "countersign-pooled";

/// The same connection, through a pooler that hands it on after each transaction.
pub fn through_pooler(options: PgConnectOptions) -> PgConnectOptions {
    // PgBouncer refuses settings of a session that it does not know.
    options.statement_cache_capacity(0).extra_float_digits(None).application_name(NAME)
}

/// Whether a pool's connections are others' after each transaction.
pub fn is_pooled(pool: &PgPool) -> bool {
    pool.connect_options().get_application_name() == Some(NAME)
}
