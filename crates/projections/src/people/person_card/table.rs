//! The statements beside the fold.

use super::{PersonCard, PersonCardRow};
use crate::columns::{column, read};
use crate::group::Table;
use crate::line::Line;
use crate::scope::Generation;
use async_trait::async_trait;
use countersign_domain::ids::PersonId;
use countersign_domain::values::Email;
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    person_id: Uuid,
    name: Option<String>,
    email: Option<String>,
}

impl Stored {
    fn into_row(self) -> Result<(PersonId, PersonCardRow), sqlx::Error> {
        let email = self.email.map(|email| read("email", Email::parse(&email))).transpose()?;
        let row = PersonCardRow { name: self.name, email };
        Ok((PersonId(self.person_id), row))
    }
}

#[async_trait]
impl Table for PersonCard {
    const NAME: &'static str = "person_card";
    const COLUMNS: &'static [&'static str] = &["person_id", "name", "email"];
    const PERSONAL: &'static [&'static str] = &["name", "email"];

    async fn load(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[PersonId],
    ) -> Result<Vec<(PersonId, PersonCardRow)>, sqlx::Error> {
        let person_id = column(keys, |key| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT person_id, name, email
             FROM read.person_card
             WHERE generation = $1 AND org_id = $2 AND person_id = ANY ($3)",
            of.number,
            of.org.0,
            &person_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[(PersonId, PersonCardRow)],
    ) -> Result<(), sqlx::Error> {
        let person_id = column(rows, |(id, _)| id.0);
        let name = column(rows, |(_, row)| row.name.clone());
        let email = column(rows, |(_, row)| row.email.as_ref().map(|email| email.as_str().to_owned()));
        sqlx::query!(
            "INSERT INTO read.person_card (generation, org_id, person_id, name, email)
             SELECT $1, $2, written.*
             FROM unnest($3::uuid[], $4::text[], $5::text[]) written
             ON CONFLICT (generation, org_id, person_id) DO UPDATE
             SET name = excluded.name, email = excluded.email",
            of.number,
            of.org.0,
            &person_id,
            &name as &[Option<String>],
            &email as &[Option<String>]
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, of: Generation, keys: &[PersonId]) -> Result<(), sqlx::Error> {
        let person_id = column(keys, |key| key.0);
        sqlx::query!(
            "DELETE FROM read.person_card
             WHERE generation = $1 AND org_id = $2 AND person_id = ANY ($3)",
            of.number,
            of.org.0,
            &person_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((id, row): (&PersonId, &PersonCardRow), line: &mut Line) {
        line.put(id.0).put(row.name.as_deref()).put(row.email.as_ref().map(|email| email.as_str()));
    }
}
