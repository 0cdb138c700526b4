//! Whether there is room: where the data folder is, and where the database is, as far as that can be seen from here.

use crate::checks;
use crate::database::Database;
use crate::doctor::Finding;
use crate::doctor::finding::from_check;
use countersign_postgres::spanning;
use sqlx::PgPool;
use std::path::Path;

const DATABASE: &str = "database's disk";

pub(super) async fn look(database: &Database, data_dir: &Path) -> Vec<Finding> {
    let folder = match data_dir.exists() {
        true => from_check(&checks::Disk(data_dir.to_owned()), "there is room in the data folder").await,
        false => Finding::ok("disk", format!("there is no data folder {} yet", data_dir.display())),
    };
    let there = match database.private_data() {
        Some(data) => {
            let room = from_check(&checks::Disk(data), "there is room for the private database").await;
            Finding { check: DATABASE, ..room }
        }
        None => match size(database.pool()).await {
            Ok(bytes) => Finding::ok(
                DATABASE,
                format!("the database is {} MiB large; its disk is to be watched where it runs", bytes >> 20),
            ),
            Err(error) => Finding::unknown(DATABASE, &error),
        },
    };
    vec![folder, there]
}

async fn size(pool: &PgPool) -> Result<i64, sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let bytes = sqlx::query_scalar("SELECT pg_database_size(current_database())").fetch_one(&mut *transaction).await?;
    transaction.commit().await?;
    Ok(bytes)
}
