//! What every handler works with. The binary builds it; nothing here knows where it comes from.

use crate::error::ApiError;
use crate::feed::OpenFeeds;
use crate::letters::Letters;
use crate::operator::Checks;
use crate::position::Seal;
use crate::rate::{Rate, Tries};
use crate::request::{Caller, ClientAddress, Sender, TrustedProxies};
use axum::http::Uri;
use chrono::TimeDelta;
use countersign_domain::envelope::Principal;
use countersign_domain::ids::{MailboxId, OrgId};
use countersign_domain::values::Email;
use countersign_eventstore::{Clock, Ledger, Reader};
use countersign_identity::Identity;
use countersign_identity::network_address::counted_as;
use countersign_identity::server_key::ServerKey;
use countersign_projections::Positions;
use std::fmt;
use std::sync::Arc;
use tokio::sync::Semaphore;

/// What the binary puts together.
pub struct Parts {
    /// The door of the ledgers.
    pub ledger: Ledger,
    /// Who somebody is.
    pub identity: Identity,
    /// Knows how far the read models are.
    pub positions: Positions,
    /// Tells the time.
    pub clock: Arc<dyn Clock>,
    /// The key that all nodes share.
    pub server_key: Arc<ServerKey>,
    /// Where people reach the portal: scheme and host.
    pub public_url: Uri,
    /// How much and how often.
    pub limits: ApiLimits,
    /// Takes letters.
    pub letters: Arc<dyn Letters>,
    /// What is looked at before this node says that it is ready.
    pub checks: Checks,
}

/// How much one request may carry, and how often somebody may ask.
#[derive(Clone, Debug)]
pub struct ApiLimits {
    /// The most bytes of a body.
    pub body_bytes: usize,
    /// The most items of a batch.
    pub batch_items: usize,
    /// How long somebody waits at most until their answer begins; how long a feed then lasts is another matter.
    pub answer_within: std::time::Duration,
    /// Requests of whoever has not signed in, by network address.
    pub anonymous: Rate,
    /// Requests that change something, by whoever is signed in, by themself or with a token.
    pub commands: Rate,
    /// Invitations to one portal user or staff member (F4.23).
    pub invitations: Rate,
    /// How long an invitation lives (F4.23).
    pub invitation_lifetime: TimeDelta,
    /// How often a feed asks whether its session still lives, and lets the line be heard.
    pub feed_heartbeat: std::time::Duration,
    /// How often a feed looks for what other nodes appended.
    pub feed_looks_again: std::time::Duration,
    /// Feeds that one person may have open.
    pub feeds_per_person: usize,
    /// Whose word on where a request comes from is believed.
    pub trusted_proxies: TrustedProxies,
}

impl Default for ApiLimits {
    fn default() -> Self {
        Self {
            body_bytes: 1 << 20,
            batch_items: 200,
            answer_within: std::time::Duration::from_secs(10),
            anonymous: Rate { burst: 300, refill: TimeDelta::milliseconds(100) },
            commands: Rate { burst: 3_000, refill: TimeDelta::milliseconds(10) },
            invitations: Rate { burst: 5, refill: TimeDelta::minutes(10) },
            invitation_lifetime: TimeDelta::days(7),
            feed_heartbeat: std::time::Duration::from_secs(15),
            feed_looks_again: std::time::Duration::from_secs(1),
            feeds_per_person: 8,
            trusted_proxies: TrustedProxies::default(),
        }
    }
}

/// What every handler works with. Cheap to clone.
#[derive(Clone)]
pub struct App {
    pub(crate) ledger: Ledger,
    pub(crate) identity: Identity,
    pub(crate) positions: Positions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) server_key: Arc<ServerKey>,
    pub(crate) public_url: Arc<Uri>,
    pub(crate) limits: Arc<ApiLimits>,
    pub(crate) letters: Arc<dyn Letters>,
    pub(crate) checks: Checks,
    pub(crate) seal: Seal,
    pub(crate) tries: Arc<Tries>,
    /// Room for what is done after an answer has gone out.
    pub(crate) errands: Arc<Semaphore>,
    pub(crate) feeds: OpenFeeds,
}

impl App {
    /// Puts the parts together.
    pub fn new(parts: Parts) -> Self {
        let Parts { ledger, identity, positions, clock, server_key, public_url, limits, letters, checks } = parts;
        Self {
            seal: Seal::new(&server_key),
            ledger,
            identity,
            positions,
            clock,
            server_key,
            public_url: Arc::new(public_url),
            limits: Arc::new(limits),
            letters,
            checks,
            tries: Arc::default(),
            errands: Arc::new(Semaphore::new(ERRANDS)),
            feeds: OpenFeeds::default(),
        }
    }

    /// Ends all feeds. A server that stops gracefully calls it first, or it waits for them for ever.
    pub fn close_feeds(&self) {
        self.feeds.close();
    }

    /// A position as it is told to whoever sent a command.
    pub(crate) fn write_position(&self, sender: &Sender, position: u64) -> String {
        if sender.is_guest() { self.seal.seal_position(sender.org, position) } else { position.to_string() }
    }

    /// A position as a caller names it. A guest's number is none of ours: numbers could be tried out.
    pub(crate) fn read_position(&self, caller: &Caller, text: &str) -> Option<u64> {
        let plain = if caller.is_guest() { None } else { text.parse().ok() };
        plain.or_else(|| self.seal.open_position(caller.org, text))
    }

    /// Where the read models are.
    pub(crate) fn reads(&self) -> &Reader {
        self.ledger.reader()
    }

    /// The id under which the caller's ledger knows an address.
    pub(crate) async fn mailbox(&self, caller: &Caller, email: &Email) -> Result<MailboxId, ApiError> {
        Ok(self.ledger.vault().org_key(caller.org).await?.mailbox(email))
    }

    /// Ends what lets somebody in who was switched off, so that nothing of it comes back when they are switched on.
    pub(crate) async fn end_all_access(&self, org: OrgId, principal: Principal) -> Result<(), ApiError> {
        let now = self.clock.now();
        self.identity.end_all_sessions(org, principal, now).await?;
        self.identity.revoke_all_api_tokens(org, principal, now).await?;
        self.identity.void_password_resets(org, principal, now).await?;
        Ok(())
    }

    /// The same before somebody is switched on, for what a node that died did not come to end. Whoever is active already
    /// keeps all.
    pub(crate) async fn end_what_is_left(&self, org: OrgId, principal: Principal) -> Result<(), ApiError> {
        Ok(self.identity.end_access_unless_active(org, principal, self.clock.now()).await?)
    }

    /// A batch has at least one item, and not too many.
    pub(crate) fn fits_a_batch(&self, pointer: &str, items: usize) -> Result<(), ApiError> {
        let most = self.limits.batch_items;
        if (1..=most).contains(&items) {
            return Ok(());
        }
        Err(ApiError::invalid(pointer, format!("a batch has 1 to {most} items")))
    }

    /// Waits, briefly, until what is read is up to a position.
    pub(crate) async fn reach(&self, org: OrgId, position: u64) -> Result<(), ApiError> {
        Ok(self.positions.reach(org, READ_HERE, position).await?)
    }

    /// Counts a request of whoever has not signed in.
    pub(crate) fn admit(&self, address: &ClientAddress) -> Result<(), ApiError> {
        let Some(address) = &address.0 else { return Ok(()) };
        self.count(&format!("anonymous:{}", counted_as(address)), self.limits.anonymous)
    }

    /// Counts a try of something that may not be done too often.
    pub(crate) fn count(&self, what: &str, rate: Rate) -> Result<(), ApiError> {
        let counted = self.tries.take(what, rate, self.clock.now());
        counted.map_err(|retry_after_s| ApiError::TooMany { retry_after_s })
    }

    /// Whether one more try would be counted; counts none.
    pub(crate) fn check_count(&self, what: &str, rate: Rate) -> Result<(), ApiError> {
        let room = self.tries.look(what, rate, self.clock.now());
        room.map_err(|retry_after_s| ApiError::TooMany { retry_after_s })
    }
}

impl fmt::Debug for App {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("public_url", &self.public_url).finish_non_exhaustive()
    }
}

/// How many errands may be under way after their answers have gone out.
const ERRANDS: usize = 64;
/// The groups of read models that answers rest on.
const READ_HERE: &[&str] = &["portal", "approvals", "history", "people"];
