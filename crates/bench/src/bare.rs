//! The least that an answer over HTTP can be which looks something up: one row by its primary key, in a transaction that
//! sees one organization's rows, and a constant. `countersign-bench` measures the dashboard against it.

use axum::Router;
use axum::body::Bytes;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::http::header::CONTENT_TYPE;
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use countersign_domain::ids::OrgId;
use countersign_postgres::scoped;
use sqlx::PgPool;
use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use std::error::Error;
use std::str::FromStr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};
use uuid::Uuid;

/// As many as a node has.
const CONNECTIONS: u32 = 32;

#[derive(Clone)]
struct Bare {
    pool: PgPool,
    constant: Bytes,
}

#[tokio::main]
async fn main() -> Result<(), Box<dyn Error>> {
    let usage = "usage: countersign-bench-bare DATABASE_URL BYTES";
    let [url, bytes] = <[String; 2]>::try_from(std::env::args().skip(1).collect::<Vec<_>>()).map_err(|_| usage)?;
    // A node does not ask either whether a connection lives that was in use a moment ago.
    let pool = PgPoolOptions::new().max_connections(CONNECTIONS).test_before_acquire(false);
    let pool = pool.connect_with(PgConnectOptions::from_str(&url)?).await?;
    let bare = Bare { pool, constant: vec![b' '; bytes.parse()?].into() };
    let listener = TcpListener::bind("127.0.0.1:0").await?;
    println!("serving http://{}", listener.local_addr()?);
    let router = Router::new().route("/{org}/{session}", get(answer)).with_state(bare);
    let mut told_to_stop = signal(SignalKind::terminate())?;
    tokio::select! {
        served = async { axum::serve(listener, router).await } => Ok(served?),
        _ = told_to_stop.recv() => Ok(()),
    }
}

async fn answer(State(bare): State<Bare>, Path((org, session)): Path<(Uuid, Uuid)>) -> Response {
    match look_up(&bare.pool, OrgId(org), session).await {
        Ok(()) => ([(CONTENT_TYPE, "application/json")], bare.constant).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}

/// A session by its id: what every request has to look for.
async fn look_up(pool: &PgPool, org: OrgId, session: Uuid) -> Result<(), sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row =
        sqlx::query("SELECT principal_id, expires_at FROM identity.session WHERE org_id = $1 AND session_id = $2");
    row.bind(org.0).bind(session).fetch_one(&mut *transaction).await?;
    transaction.commit().await
}
