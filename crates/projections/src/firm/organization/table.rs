//! The statements beside the fold.

use super::{Organization, OrganizationRow};
use crate::columns::{column, read, read_count, signed};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use countersign_domain::firm::organization::Home;
use countersign_domain::ids::OrgId;
use countersign_domain::values::{Currency, Label, Locale, Slug, TimeZone};
use sqlx::PgConnection;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    slug: String,
    name: String,
    plan: String,
    time_zone: String,
    currency: String,
    locale: String,
    seats_used: i32,
}

impl Stored {
    fn into_row(self) -> Result<(Place<()>, OrganizationRow), sqlx::Error> {
        let home = Home {
            time_zone: read("time_zone", TimeZone::parse(&self.time_zone))?,
            currency: read("currency", Currency::parse(&self.currency))?,
            locale: read("locale", Locale::parse(&self.locale))?,
        };
        let row = OrganizationRow {
            slug: read("slug", Slug::parse(&self.slug))?,
            name: read("name", Label::parse(&self.name))?,
            plan: crate::columns::read_word("plan", self.plan)?,
            home,
            seats_used: read_count("seats_used", self.seats_used)?,
        };
        Ok(((OrgId(self.org_id), ()), row))
    }
}

#[async_trait]
impl Table for Organization {
    const NAME: &'static str = "organization";
    const COLUMNS: &'static [&'static str] = &["slug", "name", "plan", "time_zone", "currency", "locale", "seats_used"];

    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<()>],
    ) -> Result<Vec<(Place<()>, OrganizationRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let found = sqlx::query_as!(
            Stored,
            "SELECT stored.org_id, stored.slug, stored.name, stored.plan, stored.time_zone, stored.currency,
                 stored.locale, stored.seats_used
             FROM unnest($2::uuid[]) asked (org_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.organization one
                 WHERE one.generation = $1 AND one.org_id = asked.org_id
                 OFFSET 0
             ) stored",
            generation,
            &org_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<()>, OrganizationRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let slugs = column(rows, |(_, row)| row.slug.as_str().to_owned());
        let names = column(rows, |(_, row)| row.name.as_str().to_owned());
        let plans = column(rows, |(_, row)| row.plan.as_str().to_owned());
        let zones = column(rows, |(_, row)| row.home.time_zone.as_str().to_owned());
        let currencies = column(rows, |(_, row)| row.home.currency.to_string());
        let locales = column(rows, |(_, row)| row.home.locale.as_str().to_owned());
        let seats = column(rows, |(_, row)| signed(row.seats_used));
        sqlx::query!(
            "INSERT INTO read.organization (generation, org_id, slug, name, plan, time_zone, currency, locale,
                 seats_used)
             SELECT $1, written.*
             FROM unnest($2::uuid[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[], $8::text[],
                 $9::integer[]) written
             ON CONFLICT (generation, org_id) DO UPDATE
             SET slug = excluded.slug, name = excluded.name, plan = excluded.plan, time_zone = excluded.time_zone,
                 currency = excluded.currency, locale = excluded.locale, seats_used = excluded.seats_used",
            generation,
            &org_id,
            &slugs,
            &names,
            &plans,
            &zones,
            &currencies,
            &locales,
            &seats
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(connection: &mut PgConnection, generation: i32, keys: &[Place<()>]) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        sqlx::query!(
            "DELETE FROM read.organization stored
             USING unnest($2::uuid[]) gone (org_id)
             WHERE stored.generation = $1 AND stored.org_id = gone.org_id",
            generation,
            &org_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((_, row): (&(), &OrganizationRow), line: &mut Line) {
        line.put(row.slug.as_str())
            .put(row.name.as_str())
            .put(row.plan.as_str())
            .put(row.home.time_zone.as_str())
            .put(row.home.currency.to_string().as_str())
            .put(row.home.locale.as_str())
            .put(signed(row.seats_used));
    }
}
