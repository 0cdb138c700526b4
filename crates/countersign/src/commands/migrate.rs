//! `countersign migrate`: sets the database up, or brings it up to this version.

use crate::args::Place;
use crate::database::Database;
use crate::failure::Failure;

pub(crate) async fn run(place: Place) -> Result<(), Failure> {
    let database = Database::open(&place).await?;
    database.migrate().await?;
    println!("the database is up to date");
    database.close().await
}
