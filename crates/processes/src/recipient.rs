//! Whom mail goes to, what it may say, and whether it still should, looked up when it is sent: rights, addresses and open
//! questions are those of that moment.

use crate::task::Waiting;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{InvitationId, InvoiceId, OrgId, PersonId, PortalUserId, ProjectId};
use countersign_domain::values::{Email, Label, Timestamp};
use countersign_postgres::scoped;
use sqlx::PgPool;

/// Somebody who can be written to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Recipient {
    pub(crate) name: Label,
    pub(crate) email: Email,
    /// What the organization is called.
    pub(crate) firm: Label,
}

/// A person, where they have an address that was not erased.
pub(crate) async fn person(pool: &PgPool, org: OrgId, person: PersonId) -> Result<Option<Recipient>, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT card.name, card.email, firm.name AS firm
           FROM read.active_generation people
           JOIN read.person_card card ON card.generation = people.generation AND card.org_id = $1 AND card.person_id = $2
           JOIN read.active_generation portal ON portal.org_id = $1 AND portal."group" = 'portal'
           JOIN read.organization firm ON firm.generation = portal.generation AND firm.org_id = $1
           WHERE people.org_id = $1 AND people."group" = 'people'"#,
        org.0,
        person.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.and_then(|row| recipient(row.name.as_deref()?, row.email.as_deref()?, &row.firm)))
}

/// Whoever holds rights, as a person who can be written to.
pub(crate) async fn principal(pool: &PgPool, org: OrgId, who: Principal) -> Result<Option<Recipient>, sqlx::Error> {
    match who {
        Principal::Staff(id) => person(pool, org, id.into()).await,
        Principal::PortalUser(id) => match contact_of(pool, org, id).await? {
            Some(contact) => person(pool, org, contact).await,
            None => Ok(None),
        },
    }
}

async fn contact_of(pool: &PgPool, org: OrgId, portal_user: PortalUserId) -> Result<Option<PersonId>, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT known.contact_id
           FROM read.active_generation portal
           JOIN read.portal_user known
             ON known.generation = portal.generation AND known.org_id = $1 AND known.portal_user_id = $2
           WHERE portal.org_id = $1 AND portal."group" = 'portal'"#,
        org.0,
        portal_user.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.map(|row| PersonId(row.contact_id)))
}

/// Everybody who may decide now: active, on the roster of a published project of their client, within the window, with
/// the right (and, for invoices, with the right to see them).
pub(crate) async fn holders(
    pool: &PgPool,
    org: OrgId,
    project: ProjectId,
    waiting: Waiting,
    now: Timestamp,
) -> Result<Vec<PortalUserId>, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let rows = sqlx::query!(
        r#"SELECT held.portal_user_id
           FROM read.active_generation access
           JOIN read.access_project project
             ON project.generation = access.generation AND project.org_id = $1 AND project.project_id = $2
           JOIN read.access_grant held
             ON held.generation = access.generation AND held.org_id = $1 AND held.project_id = $2
           JOIN read.access_subject holder
             ON holder.generation = access.generation AND holder.org_id = $1 AND holder.kind = 'portal_user'
            AND holder.subject_id = held.portal_user_id
           WHERE access.org_id = $1 AND access."group" = 'access' AND project.published AND held.on_roster
             AND held.rights @> $3 AND holder.status = 'active' AND holder.client_id = project.client_id
             AND (held.valid_from IS NULL OR held.valid_from <= $4) AND (held.valid_until IS NULL OR $4 < held.valid_until)
           ORDER BY held.portal_user_id"#,
        org.0,
        project.0,
        &rights_to_decide(waiting),
        now.as_utc()
    )
    .fetch_all(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(rows.into_iter().map(|row| PortalUserId(row.portal_user_id)).collect())
}

/// A portal user with the project's name, as long as they may still decide there.
pub(crate) async fn holder(
    pool: &PgPool,
    org: OrgId,
    project: ProjectId,
    waiting: Waiting,
    portal_user: PortalUserId,
    now: Timestamp,
) -> Result<Option<(Recipient, Label)>, sqlx::Error> {
    if !holders(pool, org, project, waiting, now).await?.contains(&portal_user) {
        return Ok(None);
    }
    let Some(recipient) = principal(pool, org, Principal::PortalUser(portal_user)).await? else { return Ok(None) };
    let name = project_name(pool, org, project).await?;
    Ok(name.and_then(|name| Some((recipient, Label::parse(&name).ok()?))))
}

async fn project_name(pool: &PgPool, org: OrgId, project: ProjectId) -> Result<Option<String>, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT project.name
           FROM read.active_generation portal
           JOIN read.project project
             ON project.generation = portal.generation AND project.org_id = $1 AND project.project_id = $2
           WHERE portal.org_id = $1 AND portal."group" = 'portal'"#,
        org.0,
        project.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.map(|row| row.name))
}

/// Whether the rows of these groups know of an event. Asked before anything is taken for not being there.
pub(crate) async fn is_known(
    pool: &PgPool,
    org: OrgId,
    groups: &[&str],
    position: Option<u64>,
) -> Result<bool, sqlx::Error> {
    let Some(position) = position else { return Ok(true) };
    let names: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT count(*) AS "known!"
           FROM read.active_generation active
           JOIN read.checkpoint checkpoint
             ON checkpoint.org_id = $1 AND checkpoint."group" = active."group"
            AND checkpoint.generation = active.generation
           WHERE active.org_id = $1 AND active."group" = ANY ($2) AND checkpoint.position >= $3"#,
        org.0,
        &names,
        signed(position)
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.known.unsigned_abs() == groups.len() as u64)
}

/// Whether an invitation is the live one of the person whom it invites: not taken back, not replaced, not accepted.
pub(crate) async fn is_live(
    pool: &PgPool,
    org: OrgId,
    person: PersonId,
    invitation: InvitationId,
) -> Result<bool, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT EXISTS (
                   SELECT FROM read.portal_user guest
                   WHERE guest.generation = portal.generation AND guest.org_id = $1
                     AND guest.contact_id = $2 AND guest.invitation_id = $3
               ) OR EXISTS (
                   SELECT FROM read.staff colleague
                   WHERE colleague.generation = portal.generation AND colleague.org_id = $1
                     AND colleague.staff_id = $2 AND colleague.invitation_id = $3
               ) AS "live!"
           FROM read.active_generation portal WHERE portal.org_id = $1 AND portal."group" = 'portal'"#,
        org.0,
        person.0,
        invitation.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.is_some_and(|row| row.live))
}

/// Whether what was asked still waits; of somebody in particular, whether it waits for a word that they have not given.
/// `asked` is where the question stands in the ledger: one that was asked again since is another question.
pub(crate) async fn still_waits(
    pool: &PgPool,
    org: OrgId,
    project: ProjectId,
    waiting: Waiting,
    asked: Option<u64>,
    portal_user: Option<PortalUserId>,
) -> Result<bool, sqlx::Error> {
    match waiting {
        Waiting::Invoice(invoice) => invoice_waits(pool, org, invoice, asked, portal_user).await,
        Waiting::Time => time_waits(pool, org, project, portal_user).await,
    }
}

async fn invoice_waits(
    pool: &PgPool,
    org: OrgId,
    invoice: InvoiceId,
    asked: Option<u64>,
    portal_user: Option<PortalUserId>,
) -> Result<bool, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT EXISTS (
               SELECT FROM read.active_generation approvals
               JOIN read.approval_request request
                 ON request.generation = approvals.generation AND request.org_id = $1
                AND request.object_kind = 'invoice' AND request.object_id = $2
               WHERE approvals.org_id = $1 AND approvals."group" = 'approvals' AND request.standing = 'open'
                 AND NOT coalesce($3 = ANY (request.given), false)
                 AND NOT EXISTS (
                     SELECT FROM read.approval_history word
                     WHERE word.generation = approvals.generation AND word.org_id = $1 AND word.object_id = $2
                       AND word.decided = 'asked' AND word.position > $4)
           ) AS "waits!""#,
        org.0,
        invoice.0,
        portal_user.map(|portal_user| portal_user.0),
        asked.map_or(i64::MAX, signed)
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.waits)
}

async fn time_waits(
    pool: &PgPool,
    org: OrgId,
    project: ProjectId,
    portal_user: Option<PortalUserId>,
) -> Result<bool, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT EXISTS (
               SELECT FROM read.active_generation approvals
               JOIN read.approval_request request
                 ON request.generation = approvals.generation AND request.org_id = $1
                AND request.object_kind = 'time_entry' AND request.project_id = $2
               WHERE approvals.org_id = $1 AND approvals."group" = 'approvals' AND request.standing = 'open'
                 AND NOT coalesce($3 = ANY (request.given), false)
           ) AS "waits!""#,
        org.0,
        project.0,
        portal_user.map(|portal_user| portal_user.0)
    )
    .fetch_one(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.waits)
}

/// The time zone of an organization's days.
pub(crate) async fn time_zone(pool: &PgPool, org: OrgId) -> Result<Option<String>, sqlx::Error> {
    let mut transaction = scoped(pool, org).await?;
    let row = sqlx::query!(
        r#"SELECT firm.time_zone FROM read.active_generation portal
           JOIN read.organization firm ON firm.generation = portal.generation AND firm.org_id = $1
           WHERE portal.org_id = $1 AND portal."group" = 'portal'"#,
        org.0
    )
    .fetch_optional(&mut *transaction)
    .await?;
    transaction.commit().await?;
    Ok(row.map(|row| row.time_zone))
}

fn rights_to_decide(waiting: Waiting) -> Vec<String> {
    let right = waiting.right();
    [Some(right), right.needs()].into_iter().flatten().map(|right| right.as_str().to_owned()).collect()
}

fn recipient(name: &str, email: &str, firm: &str) -> Option<Recipient> {
    Some(Recipient { name: Label::parse(name).ok()?, email: Email::parse(email).ok()?, firm: Label::parse(firm).ok()? })
}

/// A position as a table keeps it.
fn signed(position: u64) -> i64 {
    i64::try_from(position).unwrap_or(i64::MAX)
}
