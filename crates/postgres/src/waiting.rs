//! Waiting for a connection of the pool: the first sign that there are too few, or that statements take too long.

use metrics::{Unit, describe_gauge, describe_histogram, gauge, histogram};
use sqlx::pool::PoolConnection;
use sqlx::{PgPool, Postgres};
use std::time::Instant;

const WAITING: &str = "countersign_pool_waiting";
const WAIT_SECONDS: &str = "countersign_pool_wait_seconds";

/// Says what each metric of the pool is, and begins those that count.
pub fn describe_metrics() {
    describe_gauge!(WAITING, "Transactions that wait for a connection");
    describe_histogram!(WAIT_SECONDS, Unit::Seconds, "How long a transaction waits for a connection");
    gauge!(WAITING).increment(0);
}

/// A connection of the pool, once there is one.
pub(crate) async fn connection(pool: &PgPool) -> Result<PoolConnection<Postgres>, sqlx::Error> {
    let since = Instant::now();
    let waiting = Waiting::begin();
    let connection = pool.acquire().await;
    drop(waiting);
    histogram!(WAIT_SECONDS).record(since.elapsed());
    connection
}

/// Whoever waits may go away.
struct Waiting;

impl Waiting {
    fn begin() -> Self {
        gauge!(WAITING).increment(1);
        Self
    }
}

impl Drop for Waiting {
    fn drop(&mut self) {
        gauge!(WAITING).decrement(1);
    }
}
