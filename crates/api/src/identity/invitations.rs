//! Invitations, as whoever was invited meets them: a link that says nothing but whether it counts, and the acceptance.
//!
//! The link's secret comes in a body, never in an address, and looking changes nothing: mail scanners follow links.

use crate::answer::Done;
use crate::app::App;
use crate::error::ApiError;
use crate::identity::password::Chosen;
use crate::request::{ClientAddress, Json, Key, SameSite, Sender};
use crate::schema;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use countersign_domain::clients::portal_user::{self, Invitation};
use countersign_domain::envelope::{Actor, ObjectKind, Principal};
use countersign_domain::firm::staff;
use countersign_domain::ids::{ClientId, CommandId, MailboxId, PortalUserId, StaffId};
use countersign_domain::portal::PortalEvent;
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::{firm, guests};
use countersign_domain::values::{Slug, Timestamp};
use countersign_identity::credential::NewCredential;
use countersign_identity::error::IdentityError;
use countersign_identity::invitation::{InvitationLink, read_invitation_token};
use countersign_projections::history::object;
use countersign_projections::{PageRequest, ReadError, Scope, clients, firm as firm_read};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;
use uuid::Uuid;

/// An invitation's link.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct LookUpInvitation {
    /// The token in the link.
    token: String,
}

/// An invitation that is accepted, with the password that its owner wants.
#[derive(Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub(crate) struct AcceptInvitation {
    /// The token in the link.
    token: String,
    /// The password.
    #[schema(value_type = schema::NewPassword)]
    password: Chosen,
}

/// What is said of an invitation to whoever holds its link.
#[derive(Serialize, ToSchema)]
pub(crate) struct InvitationState {
    /// Whether it can be accepted now.
    counts: bool,
    /// Whether it was accepted already: then sign in.
    accepted: bool,
    /// When its time is over.
    #[schema(value_type = schema::Timestamp)]
    expires_at: Timestamp,
    /// The organization's short name, with which one signs in.
    #[schema(value_type = schema::Slug)]
    organization: Slug,
}

/// Says whether an invitation can be accepted. Changes nothing.
#[utoipa::path(post, path = "/v1/invitations/lookup", operation_id = "LookUpInvitation", tag = "identity",
    security(()), request_body = LookUpInvitation,
    responses((status = 200, description = "It is one of ours.", body = InvitationState),
        (status = 410, description = "It is none of ours.",
            body = crate::problem::Problem, content_type = "application/problem+json")))]
pub(crate) async fn look_up(
    State(app): State<App>,
    _: SameSite,
    address: ClientAddress,
    Json(body): Json<LookUpInvitation>,
) -> Result<axum::Json<InvitationState>, ApiError> {
    app.admit(&address)?;
    let link = read_invitation_token(&body.token)?;
    let issued = Issued::find(&app, &link).await?;
    let organization = organization(&app, &link).await?;
    let counts = issued.is_live(&app, &link).await?;
    Ok(axum::Json(InvitationState {
        counts,
        accepted: issued.is_accepted,
        expires_at: issued.invitation.expires_at,
        organization,
    }))
}

/// Accepts an invitation: sets the password, then joins. Sent again under the same Idempotency-Key, it answers the same.
///
/// Of several who accept one invitation at once, exactly the one whose password counts is answered 200.
#[utoipa::path(post, path = "/v1/invitations/accept", operation_id = "AcceptInvitation", tag = "identity",
    security(()), params(Key), request_body = AcceptInvitation,
    responses((status = 200, description = "Sign in with the password that was set.", body = Done),
        (status = 410, description = "It is none of ours.",
            body = crate::problem::Problem, content_type = "application/problem+json")))]
pub(crate) async fn accept(
    State(app): State<App>,
    _: SameSite,
    address: ClientAddress,
    key: Key,
    Json(body): Json<AcceptInvitation>,
) -> Result<Response, ApiError> {
    app.admit(&address)?;
    let link = read_invitation_token(&body.token)?;
    let issued = Issued::find(&app, &link).await?;
    // The password is no part of what two requests must agree in: no digest of it is kept anywhere.
    let command = key.command_of(issued.sender(&link), &link.invitation);
    let id = command.id;
    match app.identity.set_credential(issued.credential(&link, id, body.password), app.clock.now()).await {
        // A retry, or somebody who comes late: which of them is known below.
        Ok(()) | Err(IdentityError::InvitationAlreadyAccepted) => {}
        Err(error) => return Err(error.into()),
    }
    app.end_what_is_left(link.org, issued.principal()).await?;
    let settled = app.execute(command, issued.use_case()).await?;
    // Of several who accept at once, whichever the ledger takes, only the one whose password counts may believe so.
    if !app.identity.is_credential_set_by(link.org, link.invitation, id).await? {
        return Err(IdentityError::InvitationAlreadyAccepted.into());
    }
    Ok(Done::from(settled).into_response())
}

/// An invitation as its event says it was issued.
struct Issued {
    to: To,
    /// Where that event stands in the ledger.
    position: u64,
    mailbox: MailboxId,
    invitation: Invitation,
    is_accepted: bool,
    is_over: bool,
}

/// Who was invited.
enum To {
    Staff(StaffId),
    Guest { portal_user: PortalUserId, client: ClientId },
}

impl Issued {
    /// Finds the event that issued the invitation, and believes the link only if it was made for it.
    ///
    /// Nobody in particular asks: what lets the asker in is the link's own proof.
    async fn find(app: &App, link: &InvitationLink) -> Result<Self, ApiError> {
        let (scope, object) = (Scope::operator(link.org), (ObjectKind::Invitation, link.invitation.0));
        let pool = app.ledger.reader().pool();
        let history = object::of_object(pool, &scope, app.clock.now(), object, None, &PageRequest::default()).await;
        let entries = match history {
            Ok(page) => page.items,
            Err(ReadError::Denied(_)) => return Err(IdentityError::InvitationRefused.into()),
            Err(error) => return Err(error.into()),
        };
        let first = entries.first().ok_or(IdentityError::InvitationRefused)?;
        let events = app.ledger.reader().after(link.org, first.position - 1, 1).await?;
        let event = events.first().ok_or(IdentityError::InvitationRefused)?.read()?;
        let issued = Self::of(first.position, first.stream.id, &event.event);
        let mut issued = issued.ok_or(IdentityError::InvitationRefused)?;
        link.check(&app.server_key, &issued.invitation.nonce)?;
        let later = entries.iter().skip(1).map(|entry| entry.event_type.as_str());
        for event_type in later {
            issued.is_accepted |= matches!(event_type, "invitation.accepted" | "staff.joined");
            issued.is_over = true;
        }
        Ok(issued)
    }

    fn of(position: u64, stream: Uuid, event: &PortalEvent) -> Option<Self> {
        let (to, mailbox, invitation) = if let PortalEvent::PortalUser(event) = event
            && let portal_user::Event::Invited { client, mailbox, invitation, .. } = event
        {
            (To::Guest { portal_user: stream.into(), client: *client }, mailbox, invitation)
        } else if let PortalEvent::Staff(event) = event
            && let staff::Event::Added { mailbox, invitation, .. } | staff::Event::Invited { mailbox, invitation, .. } =
                event
        {
            (To::Staff(stream.into()), mailbox, invitation)
        } else {
            return None;
        };
        let (mailbox, invitation) = (*mailbox, invitation.clone());
        Some(Self { to, position, mailbox, invitation, is_accepted: false, is_over: false })
    }

    /// Whether it can be accepted now, as far as the read models know; the ledger decides.
    async fn is_live(&self, app: &App, link: &InvitationLink) -> Result<bool, ApiError> {
        let now = app.clock.now();
        if self.is_over || self.invitation.expires_at <= now {
            return Ok(false);
        }
        match self.to {
            To::Staff(id) => self.is_live_for_staff(app, link, id).await,
            To::Guest { portal_user, .. } => {
                let (pool, scope) = (app.reads().pool(), Scope::operator(link.org));
                let guest = clients::portal_user::get(pool, &scope, now, portal_user).await?;
                Ok(guest.invitation == Some(link.invitation))
            }
        }
    }

    /// Whether a staff member was neither switched off nor invited anew since.
    async fn is_live_for_staff(&self, app: &App, link: &InvitationLink, id: StaffId) -> Result<bool, ApiError> {
        let (scope, object) = (Scope::operator(link.org), (ObjectKind::Staff, id.0));
        let (pool, now) = (app.reads().pool(), app.clock.now());
        let mut page = PageRequest::default();
        loop {
            let history = object::of_object(pool, &scope, now, object, None, &page).await?;
            let later = history.items.iter().filter(|entry| entry.position > self.position && entry.stream.id == id.0);
            let mut later = later.map(|entry| entry.event_type.as_str());
            if later.any(|event_type| matches!(event_type, "staff.deactivated" | "staff.invited")) {
                return Ok(false);
            }
            let Some(next) = history.next else { return Ok(true) };
            page.after = Some(next);
        }
    }

    fn principal(&self) -> Principal {
        match self.to {
            To::Staff(id) => Principal::Staff(id),
            To::Guest { portal_user, .. } => Principal::PortalUser(portal_user),
        }
    }

    fn sender(&self, link: &InvitationLink) -> Sender {
        let (actor, acting_client) = match self.to {
            To::Staff(id) => (Actor::Staff(id), None),
            To::Guest { portal_user, client } => (Actor::PortalUser(portal_user), Some(client)),
        };
        Sender { org: link.org, actor, on_behalf_of: None, acting_client }
    }

    fn credential(&self, link: &InvitationLink, command: CommandId, password: Chosen) -> NewCredential {
        let (principal, mailbox) = (self.principal(), self.mailbox);
        NewCredential { org: link.org, principal, mailbox, invitation: link.invitation, command, password: password.0 }
    }

    fn use_case(&self) -> UseCase {
        match self.to {
            To::Staff(id) => firm::join_staff(id, self.invitation.id),
            To::Guest { portal_user, .. } => guests::accept_invitation(portal_user, self.invitation.id),
        }
    }
}

async fn organization(app: &App, link: &InvitationLink) -> Result<Slug, ApiError> {
    let scope = Scope::operator(link.org);
    let firm = firm_read::organization::get(app.ledger.reader().pool(), &scope, app.clock.now()).await?;
    Ok(firm.slug)
}
