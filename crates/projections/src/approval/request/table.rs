//! The statements beside the fold.

use super::{ApprovalRequest, ApprovalRequestRow, Question, Standing};
use crate::approval::approvable::Approvable;
use crate::columns::{column, json, moment, read, read_count, read_word, signed, word};
use crate::group::{Place, Table};
use crate::line::Line;
use async_trait::async_trait;
use chrono::{DateTime, Utc};
use countersign_domain::access::Right;
use countersign_domain::approval::Approvers;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::OrgId;
use sqlx::PgConnection;
use sqlx::types::Json;
use uuid::Uuid;

struct Stored {
    org_id: Uuid,
    object_kind: String,
    object_id: Uuid,
    project_id: Uuid,
    client_id: Uuid,
    standing: String,
    revision: i32,
    asked_at: DateTime<Utc>,
    closed_at: Option<DateTime<Utc>>,
    request: Json<Question>,
}

impl Stored {
    fn into_row(self) -> Result<(Place<Approvable>, ApprovalRequestRow), sqlx::Error> {
        let row = ApprovalRequestRow {
            project: self.project_id.into(),
            client: self.client_id.into(),
            revision: read_count("revision", self.revision)?,
            standing: read_word("standing", self.standing)?,
            asked_at: self.asked_at.into(),
            closed_at: self.closed_at.map(Into::into),
            question: self.request.0,
        };
        let what = read("object_kind", Approvable::of(&self.object_kind, self.object_id))?;
        Ok(((OrgId(self.org_id), what), row))
    }
}

/// What the open stage asks for, so that a statement can look for it.
impl ApprovalRequestRow {
    fn needed_right(&self) -> Option<Right> {
        match self.open_approvers() {
            Some(Approvers::Holders(right)) => Some(*right),
            Some(Approvers::Named(_) | Approvers::Roles(_)) | None => None,
        }
    }

    fn named(&self) -> Vec<Uuid> {
        match self.open_approvers() {
            Some(Approvers::Named(people)) => people.iter().copied().map(person).collect(),
            Some(Approvers::Holders(_) | Approvers::Roles(_)) | None => Vec::new(),
        }
    }

    fn given(&self) -> Vec<Uuid> {
        self.question.given.iter().copied().map(person).collect()
    }

    fn open_approvers(&self) -> Option<&Approvers> {
        let open = self.standing == Standing::Open;
        self.question.open_stage().filter(|_| open).map(|stage| &stage.approvers)
    }
}

fn person(principal: Principal) -> Uuid {
    match principal {
        Principal::Staff(id) => id.0,
        Principal::PortalUser(id) => id.0,
    }
}

#[async_trait]
impl Table for ApprovalRequest {
    const NAME: &'static str = "approval_request";
    const COLUMNS: &'static [&'static str] = &[
        "object_kind",
        "object_id",
        "project_id",
        "client_id",
        "standing",
        "revision",
        "asked_by",
        "asked_at",
        "closed_at",
        "needed_right",
        "named",
        "given",
        "request",
    ];

    /// An id is of one kind only, so that the two columns can be looked for apart, in the index.
    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<Approvable>],
    ) -> Result<Vec<(Place<Approvable>, ApprovalRequestRow)>, sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let object_kind = column(keys, |(_, key)| key.kind().as_str().to_owned());
        let object_id = column(keys, |(_, key)| key.id());
        let found = sqlx::query_as!(
            Stored,
            r#"SELECT stored.org_id, stored.object_kind, stored.object_id, stored.project_id, stored.client_id,
                 stored.standing, stored.revision, stored.asked_at, stored.closed_at,
                 stored.request AS "request: Json<Question>"
             FROM unnest($2::uuid[], $3::text[], $4::uuid[]) asked (org_id, object_kind, object_id)
             CROSS JOIN LATERAL (
                 SELECT * FROM read.approval_request one
                 WHERE one.generation = $1
                   AND (one.org_id, one.object_kind, one.object_id) =
                       (asked.org_id, asked.object_kind, asked.object_id)
                 OFFSET 0
             ) stored"#,
            generation,
            &org_id,
            &object_kind,
            &object_id
        )
        .fetch_all(connection)
        .await?;
        found.into_iter().map(Stored::into_row).collect()
    }

    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<Approvable>, ApprovalRequestRow)],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(rows, |((org, _), _)| org.0);
        let object_kind = column(rows, |((_, id), _)| id.kind().as_str().to_owned());
        let object_id = column(rows, |((_, id), _)| id.id());
        let project_id = column(rows, |(_, row)| row.project.0);
        let client_id = column(rows, |(_, row)| row.client.0);
        let standing = column(rows, |(_, row)| word(&row.standing));
        let revision = column(rows, |(_, row)| signed(row.revision));
        let asked_by = column(rows, |(_, row)| person(row.question.asked_by));
        let asked_at = column(rows, |(_, row)| row.asked_at.as_utc());
        let closed_at = column(rows, |(_, row)| moment(row.closed_at));
        let needed_right = column(rows, |(_, row)| row.needed_right().map(|right| right.as_str().to_owned()));
        let named = column(rows, |(_, row)| json(&row.named()));
        let given = column(rows, |(_, row)| json(&row.given()));
        let request = column(rows, |(_, row)| json(&row.question));
        sqlx::query!(
            "INSERT INTO read.approval_request (generation, org_id, object_kind, object_id, project_id, client_id,
                 standing, revision, asked_by, asked_at, closed_at, needed_right, named, given, request)
             SELECT $1, written.org_id, written.object_kind, written.object_id, written.project_id, written.client_id,
                 written.standing, written.revision, written.asked_by, written.asked_at, written.closed_at,
                 written.needed_right, ARRAY(SELECT jsonb_array_elements_text(written.named)::uuid),
                 ARRAY(SELECT jsonb_array_elements_text(written.given)::uuid), written.request
             FROM unnest($2::uuid[], $3::text[], $4::uuid[], $5::uuid[], $6::uuid[], $7::text[], $8::integer[],
                 $9::uuid[],
                 $10::timestamptz[], $11::timestamptz[], $12::text[], $13::jsonb[], $14::jsonb[], $15::jsonb[])
                 written (org_id, object_kind, object_id, project_id, client_id, standing, revision, asked_by,
                 asked_at,
                 closed_at, needed_right, named, given, request)
             ON CONFLICT (generation, org_id, object_kind, object_id) DO UPDATE
             SET project_id = excluded.project_id, client_id = excluded.client_id, standing = excluded.standing,
                 revision = excluded.revision, asked_by = excluded.asked_by, asked_at = excluded.asked_at,
                 closed_at = excluded.closed_at, needed_right = excluded.needed_right, named = excluded.named,
                 given = excluded.given, request = excluded.request",
            generation,
            &org_id,
            &object_kind,
            &object_id,
            &project_id,
            &client_id,
            &standing,
            &revision,
            &asked_by,
            &asked_at,
            &closed_at as &[Option<DateTime<Utc>>],
            &needed_right as &[Option<String>],
            &named,
            &given,
            &request
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<Approvable>],
    ) -> Result<(), sqlx::Error> {
        let org_id = column(keys, |(org, _)| org.0);
        let object_kind = column(keys, |(_, key)| key.kind().as_str().to_owned());
        let object_id = column(keys, |(_, key)| key.id());
        sqlx::query!(
            "DELETE FROM read.approval_request stored
             USING unnest($2::uuid[], $3::text[], $4::uuid[]) gone (org_id, object_kind, object_id)
             WHERE stored.generation = $1 AND (stored.org_id, stored.object_kind, stored.object_id) =
                 (gone.org_id, gone.object_kind, gone.object_id)",
            generation,
            &org_id,
            &object_kind,
            &object_id
        )
        .execute(connection)
        .await?;
        Ok(())
    }

    fn copy((what, row): (&Approvable, &ApprovalRequestRow), line: &mut Line) {
        line.put(what.kind().as_str())
            .put(what.id())
            .put(row.project.0)
            .put(row.client.0)
            .put(word(&row.standing).as_str())
            .put(signed(row.revision))
            .put(person(row.question.asked_by))
            .put(row.asked_at.as_utc())
            .put(moment(row.closed_at))
            .put(row.needed_right().map(Right::as_str))
            .put(row.named())
            .put(row.given())
            .put(Json(&row.question));
    }
}
