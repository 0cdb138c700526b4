//! The statements beside the fold.

use super::{PersonCard, PersonCardRow};
use crate::columns::{column, read};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use countersign_domain::ids::{OrgId, PersonId};
use countersign_domain::values::Email;
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    person_id: Uuid,
    name: Option<String>,
    email: Option<String>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<PersonId>, PersonCardRow), sqlx::Error> {
        let email = self.email.map(|email| read("email", Email::parse(&email))).transpose()?;
        let row = PersonCardRow { name: self.name, email };
        Ok(((OrgId(self.org_id), PersonId(self.person_id)), row))
    }
}

#[async_trait]
impl Table for PersonCard {
    const NAME: &'static str = "person_card";
    const COLUMNS: &'static [&'static str] = &["person_id", "name", "email"];
    const PERSONAL: &'static [&'static str] = &["name", "email"];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<PersonId>],
    ) -> Result<Vec<(Place<PersonId>, PersonCardRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let person_id = column(keys, |(_, key)| key.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT stored.org_id, stored.person_id, stored.name, stored.email
             FROM unnest($2::uuid[], $3::uuid[]) asked (org_id, person_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.person_card one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id AND one.person_id = asked.person_id
                 OFFSET 0
             ) stored",
            generation,
            &org_id,
            &person_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<PersonId>, PersonCardRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let person_id = column(rows, |((_, id), _)| id.0);
        let name = column(rows, |(_, row)| row.name.clone());
        let email = column(rows, |(_, row)| row.email.as_ref().map(|email| email.as_str().to_owned()));
        sqlx::query!(
            "INSERT INTO read.person_card (generation, org_id, person_id, name, email)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::text[]) written
             ON CONFLICT (generation, org_id, person_id) DO UPDATE
             SET name = excluded.name, email = excluded.email",
            generation,
            &org_id,
            &person_id,
            &name as &[Option<String>],
            &email as &[Option<String>]
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<PersonId>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let person_id = column(keys, |(_, key)| key.0);
        sqlx::query!(
            "DELETE FROM read.person_card stored
             USING unnest($2::uuid[], $3::uuid[]) gone (org_id, person_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id AND stored.person_id = gone.person_id",
            generation,
            &org_id,
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
