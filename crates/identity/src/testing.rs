//! A small world for the tests: an organization, its people in the access rows, and a fixed morning.
//!
//! The code under test works as `countersign_app`, bound by row security and rights; only what the ledger's append would
//! have written is written as owner.

use crate::Identity;
use crate::credential::NewCredential;
use crate::device::Device;
use crate::error::IdentityError;
use crate::limits::Limits;
use crate::password::{NewPassword, Password};
use crate::server_key::ServerKey;
use crate::session::Authenticated;
use crate::sign_in::{SignIn, SignedIn};
use crate::subject::principal_columns;
use chrono::TimeDelta;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{CommandId, InvitationId, MailboxId, OrgId, PortalUserId, StaffId};
use countersign_domain::values::Timestamp;
use sqlx::postgres::PgPoolOptions;
use sqlx::{PgExecutor, PgPool, PgTransaction};
use std::sync::Arc;
use uuid::Uuid;

pub(crate) const FIRM: OrgId = OrgId(Uuid::from_u128(1));
pub(crate) const OTHER_FIRM: OrgId = OrgId(Uuid::from_u128(2));
pub(crate) const ALICE: Principal = Principal::PortalUser(PortalUserId(Uuid::from_u128(11)));
pub(crate) const STEVE: Principal = Principal::Staff(StaffId(Uuid::from_u128(12)));
pub(crate) const MAILBOX: MailboxId = MailboxId(Uuid::from_u128(21));
pub(crate) const UNKNOWN_MAILBOX: MailboxId = MailboxId(Uuid::from_u128(22));
pub(crate) const STEVES_MAILBOX: MailboxId = MailboxId(Uuid::from_u128(23));
pub(crate) const INVITATION: InvitationId = InvitationId(Uuid::from_u128(31));
pub(crate) const SECOND_INVITATION: InvitationId = InvitationId(Uuid::from_u128(32));
pub(crate) const STEVES_INVITATION: InvitationId = InvitationId(Uuid::from_u128(33));
pub(crate) const CLIENT: Uuid = Uuid::from_u128(41);
pub(crate) const ACCEPTANCE: CommandId = CommandId(Uuid::from_u128(51));
pub(crate) const SECOND_ACCEPTANCE: CommandId = CommandId(Uuid::from_u128(52));
pub(crate) const RIGHT: &str = "tall trees sway slowly";
pub(crate) const WRONG: &str = "tall trees sway quickly";
pub(crate) const NEWER: &str = "deep rivers run silent";

pub(crate) struct World {
    owner: PgPool,
    pub(crate) identity: Identity,
}

/// Nine o'clock, and so many minutes.
pub(crate) fn at(minutes: i64) -> Timestamp {
    "2026-01-31T09:00:00Z".parse::<Timestamp>().unwrap().plus(TimeDelta::minutes(minutes))
}

pub(crate) fn typed(text: &str) -> Password {
    Password::from(text.to_owned())
}

pub(crate) fn chosen(text: &str) -> NewPassword {
    NewPassword::choose(typed(text)).unwrap()
}

impl World {
    /// Two firms without anybody.
    pub(crate) async fn empty(owner: PgPool) -> Self {
        Self::with(owner, Limits::default()).await
    }

    pub(crate) async fn with(owner: PgPool, limits: Limits) -> Self {
        for org in [FIRM, OTHER_FIRM] {
            sqlx::query("SELECT ledger.open($1)").bind(org.0).execute(&owner).await.unwrap();
        }
        let options = owner.connect_options().as_ref().clone().username("countersign_app");
        let app = PgPoolOptions::new().max_connections(10).connect_with(options).await.unwrap();
        Self { owner, identity: Identity::new(app, Arc::new(ServerKey::new([9; 32])), limits) }
    }

    /// Alice, a guest, and Steve, of the staff, both active with the right password.
    pub(crate) async fn with_alice(owner: PgPool) -> Self {
        let world = Self::empty(owner).await;
        world.joined(FIRM).await;
        world
    }

    pub(crate) async fn joined(&self, org: OrgId) {
        for (principal, mailbox, invitation) in
            [(ALICE, MAILBOX, INVITATION), (STEVE, STEVES_MAILBOX, STEVES_INVITATION)]
        {
            self.credential(org, principal, mailbox, invitation, RIGHT).await.unwrap();
            self.access(org, principal, mailbox, "active", Some(invitation)).await;
        }
    }

    pub(crate) async fn credential(
        &self,
        org: OrgId,
        principal: Principal,
        mailbox: MailboxId,
        invitation: InvitationId,
        password: &str,
    ) -> Result<(), IdentityError> {
        let (command, password) = (ACCEPTANCE, chosen(password));
        let new = NewCredential { org, principal, mailbox, invitation, command, password };
        self.identity.set_credential(new, at(0)).await
    }

    /// Alice sets a password with her invitation, by a command.
    pub(crate) async fn alice_sets(&self, password: &str, command: CommandId) -> Result<(), IdentityError> {
        let password = chosen(password);
        let (org, principal, mailbox, invitation) = (FIRM, ALICE, MAILBOX, INVITATION);
        let new = NewCredential { org, principal, mailbox, invitation, command, password };
        self.identity.set_credential(new, at(0)).await
    }

    /// Whether the credential of Alice's invitation was set by a command.
    pub(crate) async fn is_alices_set_by(&self, command: CommandId) -> bool {
        self.identity.is_credential_set_by(FIRM, INVITATION, command).await.unwrap()
    }

    /// What the append writes about a person.
    pub(crate) async fn access(
        &self,
        org: OrgId,
        who: Principal,
        mailbox: MailboxId,
        status: &str,
        accepted: Option<InvitationId>,
    ) {
        write_access(&self.owner, org, who, mailbox, status, accepted).await;
    }

    /// An append under way: it holds the ledger, and Alice has accepted once it commits.
    #[expect(clippy::disallowed_methods, reason = "a test sees it begin")]
    pub(crate) async fn alice_is_accepting(&self) -> PgTransaction<'static> {
        let mut append = self.owner.begin().await.unwrap();
        sqlx::query("SELECT ledger.lock($1)").bind(FIRM.0).execute(&mut *append).await.unwrap();
        write_access(&mut *append, FIRM, ALICE, MAILBOX, "active", Some(INVITATION)).await;
        append
    }

    /// Waits until some statement on this database waits for a lock.
    pub(crate) async fn somebody_waits(&self) {
        let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                                    WHERE datname = current_database() AND wait_event_type = 'Lock')";
        while !sqlx::query_scalar::<_, bool>(waits).fetch_one(&self.owner).await.unwrap() {
            tokio::task::yield_now().await;
        }
    }

    pub(crate) async fn alice_accepts(&self) {
        self.access(FIRM, ALICE, MAILBOX, "active", Some(INVITATION)).await;
    }

    pub(crate) async fn deactivate_alice(&self) {
        self.access(FIRM, ALICE, MAILBOX, "inactive", Some(INVITATION)).await;
    }

    pub(crate) async fn reactivate_alice(&self) {
        self.access(FIRM, ALICE, MAILBOX, "active", Some(INVITATION)).await;
    }

    pub(crate) async fn try_sign_in(
        &self,
        mailbox: MailboxId,
        password: &str,
        minutes: i64,
    ) -> Result<SignedIn, IdentityError> {
        self.try_sign_in_from(mailbox, password, None, minutes).await
    }

    pub(crate) async fn try_sign_in_from(
        &self,
        mailbox: MailboxId,
        password: &str,
        network_address: Option<&str>,
        minutes: i64,
    ) -> Result<SignedIn, IdentityError> {
        let device = Device::named("Firefox/131.0 on Linux");
        let password = &typed(password);
        self.identity.sign_in(SignIn { org: FIRM, mailbox, password, device, network_address }, at(minutes)).await
    }

    /// Alice's token, signed in at a minute.
    pub(crate) async fn alice_signs_in(&self, minutes: i64) -> SignedIn {
        self.try_sign_in(MAILBOX, RIGHT, minutes).await.unwrap()
    }

    pub(crate) async fn who(&self, signed_in: &SignedIn, minutes: i64) -> Result<Authenticated, IdentityError> {
        self.identity.authenticate(signed_in.token.reveal(), at(minutes)).await
    }

    /// Whether a session still opens anything.
    pub(crate) async fn is_open(&self, signed_in: &SignedIn, minutes: i64) -> bool {
        match self.who(signed_in, minutes).await {
            Ok(_) => true,
            Err(refused) => {
                assert_eq!(refused.code(), "session.ended");
                false
            }
        }
    }

    /// Counts as owner, past row security.
    pub(crate) async fn count(&self, table: &'static str) -> i64 {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!("SELECT count(*) FROM identity.{table}")))
            .fetch_one(&self.owner)
            .await
            .unwrap()
    }

    /// Everything that stands in a table, as text.
    pub(crate) async fn text_of(&self, table: &'static str) -> String {
        sqlx::query_scalar(sqlx::AssertSqlSafe(format!(
            "SELECT coalesce(string_agg(to_jsonb(t)::text, E'\\n'), '') FROM identity.{table} t"
        )))
        .fetch_one(&self.owner)
        .await
        .unwrap()
    }

    /// The pool that the code works with.
    pub(crate) fn app(&self) -> &PgPool {
        &self.identity.pool
    }
}

async fn write_access(
    connection: impl PgExecutor<'_>,
    org: OrgId,
    who: Principal,
    mailbox: MailboxId,
    status: &str,
    accepted: Option<InvitationId>,
) {
    let (kind, id) = principal_columns(who);
    let (level, client) = match who {
        Principal::Staff(_) => (Some("admin"), None),
        Principal::PortalUser(_) => (None, Some(CLIENT)),
    };
    sqlx::query(
        "INSERT INTO read.access_subject
             (generation, org_id, kind, subject_id, status, level, client_id, mailbox_id, accepted_invitation)
         VALUES (1, $1, $2, $3, $4, $5, $6, $7, $8)
         ON CONFLICT (generation, org_id, kind, subject_id) DO UPDATE
         SET status = excluded.status, mailbox_id = excluded.mailbox_id,
             accepted_invitation = excluded.accepted_invitation",
    )
    .bind(org.0)
    .bind(kind)
    .bind(id)
    .bind(status)
    .bind(level)
    .bind(client)
    .bind(mailbox.0)
    .bind(accepted.map(|accepted| accepted.0))
    .execute(connection)
    .await
    .unwrap();
}

/// The code of a refusal.
#[track_caller]
pub(crate) fn code<T: std::fmt::Debug>(outcome: Result<T, IdentityError>) -> &'static str {
    outcome.expect_err("it should have been refused").code()
}
