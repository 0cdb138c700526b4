//! Passwords, each kept under the invitation with which it was set.
//!
//! Accepting an invitation writes the credential first and then sends the command; the credential counts from the moment
//! at which the access row says that this invitation was accepted, and only while it says so. A password that was
//! written for an invitation that nobody accepted opens nothing.
//!
//! A credential remembers the command with which it was set. Several people may accept one invitation at once: whoever
//! wrote last before it was accepted set the password that counts, whichever of the commands the ledger took.

use crate::Identity;
use crate::attempt::{Attempt, Refusal};
use crate::error::IdentityError;
use crate::hasher::PasswordHash;
use crate::password::{NewPassword, Password};
use crate::password_reset;
use crate::session::{self, Authenticated};
use crate::sign_in_lock;
use crate::subject::{Subject, principal_columns};
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{CommandId, InvitationId, MailboxId, OrgId};
use countersign_domain::values::Timestamp;
use countersign_postgres::{fault, scoped};
use sqlx::PgConnection;
use uuid::Uuid;

/// A password that somebody sets by accepting an invitation.
#[derive(Debug)]
pub struct NewCredential {
    /// The organization.
    pub org: OrgId,
    /// Who was invited.
    pub principal: Principal,
    /// The address to which the invitation went.
    pub mailbox: MailboxId,
    /// The invitation; the caller has checked its link.
    pub invitation: InvitationId,
    /// The command that accepts it.
    pub command: CommandId,
    /// The password.
    pub password: NewPassword,
}

/// A credential that counts, with the access row that makes it count.
#[derive(Debug)]
pub(crate) struct Effective {
    pub(crate) invitation: InvitationId,
    pub(crate) mailbox: MailboxId,
    pub(crate) hash: PasswordHash,
    pub(crate) subject: Subject,
    pub(crate) is_active: bool,
}

impl Identity {
    /// Writes the password for an invitation that is about to be accepted; written again, the last one stands.
    ///
    /// Once the invitation was accepted this refuses, and the caller sends its command all the same, then asks
    /// [`Identity::is_credential_set_by`]. Writing holds the ledger still, so that no acceptance is committed between the
    /// look at the access row and the write: what stands when the invitation is accepted is what counts.
    pub async fn set_credential(&self, new: NewCredential, now: Timestamp) -> Result<(), IdentityError> {
        let hash = self.hasher.hash(&new.password).await?;
        let mut transaction = scoped(&self.pool, new.org).await?;
        hold_ledger(&mut transaction, new.org).await?;
        let written = write_unless_effective(&mut transaction, &new, &hash, now).await?;
        transaction.commit().await?;
        fault::reached("credential.written").await;
        if written { Ok(()) } else { Err(IdentityError::InvitationAlreadyAccepted) }
    }

    /// Whether the credential of an invitation was set with this command; a password that was changed later makes no
    /// difference. Once the invitation was accepted, the answer stays the same for ever.
    pub async fn is_credential_set_by(
        &self,
        org: OrgId,
        invitation: InvitationId,
        command: CommandId,
    ) -> Result<bool, IdentityError> {
        let mut transaction = scoped(&self.pool, org).await?;
        let is_set = is_set_by(&mut transaction, org, invitation, command).await?;
        transaction.commit().await?;
        Ok(is_set)
    }

    /// Changes one's own password. Needs the current one, guesses at which count like guesses at sign-in, ends all of
    /// one's other sessions, and voids links for a forgotten password: who asked for them may have been somebody else.
    pub async fn change_password(
        &self,
        who: &Authenticated,
        current: &Password,
        new: NewPassword,
        now: Timestamp,
    ) -> Result<(), IdentityError> {
        let mut transaction = scoped(&self.pool, who.org).await?;
        let stored = of_invitation(&mut transaction, who.org, who.invitation).await?;
        transaction.commit().await?;
        let stored = stored.filter(|stored| stored.is_active).ok_or(IdentityError::SessionEnded)?;

        let attempt = Attempt { org: who.org, mailbox: stored.mailbox, address: None, at: now };
        self.admit(attempt).await?;
        if !self.hasher.verify(current, Some(&stored.hash)).await? {
            let lock_began = self.fail(attempt, Refusal::Password, Some(stored.subject.principal())).await?;
            return Err(IdentityError::CurrentPasswordWrong { lock_began });
        }
        let hash = self.hasher.hash(&new).await?;

        let mut transaction = scoped(&self.pool, who.org).await?;
        sign_in_lock::hold(&mut transaction, who.org, stored.mailbox, now).await?.check(now)?;
        sign_in_lock::clear(&mut transaction, who.org, stored.mailbox).await?;
        if !replace(&mut transaction, who.org, who.invitation, &stored.hash, &hash, now).await? {
            return Err(IdentityError::SessionEnded);
        }
        password_reset::void_all(&mut transaction, who.org, who.principal(), now).await?;
        session::end_all_but(&mut transaction, who.org, who.principal(), Some(who.session), now).await?;
        transaction.commit().await?;
        Ok(())
    }
}

/// Takes the ledger's lock until the transaction ends. The next statement sees whatever was appended before.
async fn hold_ledger(connection: &mut PgConnection, org: OrgId) -> Result<(), sqlx::Error> {
    sqlx::query!("SELECT ledger.lock($1)", org.0).fetch_one(connection).await?;
    Ok(())
}

/// Writes a credential, except over one that counts already: an old link cannot change the password of a live account.
async fn write_unless_effective(
    connection: &mut PgConnection,
    new: &NewCredential,
    hash: &PasswordHash,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let (kind, id) = principal_columns(new.principal);
    let done = sqlx::query!(
        r#"INSERT INTO identity.credential
             (org_id, invitation_id, principal_kind, principal_id, mailbox_id, password_hash, set_at, set_by)
         SELECT $1, $2, $3, $4, $5, $6, $7, $8
         WHERE NOT EXISTS (
             SELECT FROM read.active_generation active
             JOIN read.access_subject subject
               ON subject.generation = active.generation AND subject.org_id = active.org_id
             WHERE active.org_id = $1 AND active."group" = 'access'
               AND subject.kind = $3 AND subject.subject_id = $4 AND subject.accepted_invitation = $2
         )
         ON CONFLICT (org_id, invitation_id) DO UPDATE
         SET password_hash = excluded.password_hash, set_at = excluded.set_at, set_by = excluded.set_by"#,
        new.org.0,
        new.invitation.0,
        kind,
        id,
        new.mailbox.0,
        hash.0,
        now.as_utc(),
        new.command.0,
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}

async fn is_set_by(
    connection: &mut PgConnection,
    org: OrgId,
    invitation: InvitationId,
    command: CommandId,
) -> Result<bool, sqlx::Error> {
    sqlx::query_scalar!(
        r#"SELECT EXISTS (
               SELECT FROM identity.credential
               WHERE org_id = $1 AND invitation_id = $2 AND set_by = $3
           ) AS "is_set!""#,
        org.0,
        invitation.0,
        command.0,
    )
    .fetch_one(connection)
    .await
}

struct Row {
    invitation_id: Uuid,
    mailbox_id: Uuid,
    password_hash: String,
    kind: String,
    subject_id: Uuid,
    level: Option<String>,
    client_id: Option<Uuid>,
    is_active: bool,
}

impl TryFrom<Row> for Effective {
    type Error = sqlx::Error;

    fn try_from(row: Row) -> Result<Self, sqlx::Error> {
        Ok(Self {
            invitation: InvitationId(row.invitation_id),
            mailbox: MailboxId(row.mailbox_id),
            hash: PasswordHash(row.password_hash),
            subject: Subject::read(&row.kind, row.subject_id, row.level, row.client_id)?,
            is_active: row.is_active,
        })
    }
}

/// The credential that counts for an address. Should an address have had several holders, the active one's.
pub(crate) async fn of_mailbox(
    connection: &mut PgConnection,
    org: OrgId,
    mailbox: MailboxId,
) -> Result<Option<Effective>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT credential.invitation_id, credential.mailbox_id, credential.password_hash,
                subject.kind, subject.subject_id, subject.level, subject.client_id,
                subject.status = 'active' AS "is_active!"
         FROM identity.credential
         JOIN read.active_generation active ON active.org_id = credential.org_id AND active."group" = 'access'
         JOIN read.access_subject subject
           ON subject.generation = active.generation AND subject.org_id = credential.org_id
          AND subject.kind = credential.principal_kind AND subject.subject_id = credential.principal_id
          AND subject.accepted_invitation = credential.invitation_id AND subject.mailbox_id = credential.mailbox_id
         WHERE credential.org_id = $1 AND credential.mailbox_id = $2
         ORDER BY subject.status = 'active' DESC, subject.subject_id
         LIMIT 1"#,
        org.0,
        mailbox.0,
    )
    .fetch_optional(connection)
    .await?
    .map(Effective::try_from)
    .transpose()
}

/// The credential of an invitation, if it counts.
pub(crate) async fn of_invitation(
    connection: &mut PgConnection,
    org: OrgId,
    invitation: InvitationId,
) -> Result<Option<Effective>, sqlx::Error> {
    sqlx::query_as!(
        Row,
        r#"SELECT credential.invitation_id, credential.mailbox_id, credential.password_hash,
                subject.kind, subject.subject_id, subject.level, subject.client_id,
                subject.status = 'active' AS "is_active!"
         FROM identity.credential
         JOIN read.active_generation active ON active.org_id = credential.org_id AND active."group" = 'access'
         JOIN read.access_subject subject
           ON subject.generation = active.generation AND subject.org_id = credential.org_id
          AND subject.kind = credential.principal_kind AND subject.subject_id = credential.principal_id
          AND subject.accepted_invitation = credential.invitation_id AND subject.mailbox_id = credential.mailbox_id
         WHERE credential.org_id = $1 AND credential.invitation_id = $2"#,
        org.0,
        invitation.0,
    )
    .fetch_optional(connection)
    .await?
    .map(Effective::try_from)
    .transpose()
}

/// Puts a new hash in the place of the one that was checked; not, if another change came between.
async fn replace(
    connection: &mut PgConnection,
    org: OrgId,
    invitation: InvitationId,
    checked: &PasswordHash,
    new: &PasswordHash,
    now: Timestamp,
) -> Result<bool, sqlx::Error> {
    let done = sqlx::query!(
        "UPDATE identity.credential
         SET password_hash = $4, set_at = $5
         WHERE org_id = $1 AND invitation_id = $2 AND password_hash = $3",
        org.0,
        invitation.0,
        checked.0,
        new.0,
        now.as_utc(),
    )
    .execute(connection)
    .await?;
    Ok(done.rows_affected() == 1)
}
