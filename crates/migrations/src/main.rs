//! `countersign-migrations`: sets up the database that `DATABASE_URL` names, for checking statements against.

use countersign_migrations::MIGRATOR;
use sqlx::{Connection, PgConnection};
use std::error::Error;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn Error>> {
    let url = std::env::var("DATABASE_URL").map_err(|_| "DATABASE_URL names no database")?;
    let mut connection = PgConnection::connect(&url).await?;
    MIGRATOR.run(&mut connection).await?;
    connection.close().await?;
    Ok(())
}
