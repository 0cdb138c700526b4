//! A node: everything that runs while the portal is served, put together over one database.

use crate::args::Mail;
use crate::database::Database;
use crate::failure::Failure;
use crate::keys::master_key;
use crate::letters::MailedLetters;
use axum::http::Uri;
use countersign_api::{ApiLimits, App, Checks, Parts, TrustedProxies};
use countersign_domain::ids::{InvitationId, OrgId};
use countersign_domain::values::Slug;
use countersign_eventstore::{Clock, Ledger, LedgerOptions, SystemClock, Vault};
use countersign_identity::Identity;
use countersign_identity::invitation::invitation_token;
use countersign_identity::limits::Limits;
use countersign_identity::server_key::ServerKey;
use countersign_processes::{Delivered, Links, Mailer, Worker, agenda};
use countersign_projections::{ACCESS, Follower, FollowerOptions, Group, Positions, Rebuilds, groups};
use nix::unistd::gethostname;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;

/// What a command at the command line needs of a node: the ledger, the keys, and who somebody is.
pub(crate) struct Node {
    pub(crate) ledger: Ledger,
    pub(crate) identity: Identity,
    pub(crate) positions: Positions,
    pub(crate) clock: Arc<dyn Clock>,
    pub(crate) server_key: Arc<ServerKey>,
}

impl Node {
    /// Puts a node together over a database that is up to date.
    pub(crate) fn over(database: &Database, data_dir: &Path) -> Result<Self, Failure> {
        let master = master_key(data_dir)?;
        let server_key = Arc::new(ServerKey::new(master.derive("server")));
        let pool = database.pool().clone();
        let clock: Arc<dyn Clock> = Arc::new(SystemClock);
        let vault = Vault::new(pool.clone(), master);
        Ok(Self {
            ledger: Ledger::start(pool.clone(), vault, clock.clone(), LedgerOptions::default()),
            identity: Identity::new(pool.clone(), server_key.clone(), Limits::default()),
            positions: Positions::new(pool),
            clock,
            server_key,
        })
    }

    /// The organization with a short name.
    pub(crate) async fn org_named(&self, slug: &Slug) -> Result<OrgId, Failure> {
        let found = self.identity.find(slug).await;
        found.map_err(|error| Failure::because("the organization could not be looked up", error))?.ok_or_else(|| {
            Failure::say(format!("there is no organization named {slug}; `countersign org create` registers one"))
        })
    }

    /// Follows every ledger: read models, and the agenda of the processes. A node that is started again on the same machine
    /// at the same address takes its work up at once, however it ended.
    pub(crate) fn follow(&self, listens_at: SocketAddr) -> Result<Follower, Failure> {
        let machine =
            gethostname().map_err(|error| Failure::because("this machine's name could not be read", error))?;
        let name = Some(format!("{} {listens_at}", machine.to_string_lossy()));
        let options = FollowerOptions { name, ..FollowerOptions::default() };
        Ok(Follower::start(self.ledger.clone(), Arc::new(followed()), self.positions.clone(), options))
    }

    /// Builds read models anew.
    pub(crate) fn rebuilds(&self) -> Rebuilds {
        Rebuilds::new(self.ledger.clone(), Arc::new(groups()))
    }

    /// Works off what follows from events.
    pub(crate) fn worker(&self, mailer: Mailer, public_url: &str) -> Worker {
        let links = Links {
            invitation: {
                let (key, base) = (self.server_key.clone(), public_url.to_owned());
                Arc::new(move |org, id, nonce: &str| invitation_link(&key, &base, org, id, nonce))
            },
            portal: public_url.to_owned(),
        };
        Worker::new(self.ledger.clone(), mailer, links, self.clock.clone())
    }

    /// The API over this node.
    pub(crate) fn app(
        &self,
        worker: Worker,
        public_url: &str,
        proxies: TrustedProxies,
        checks: Checks,
    ) -> Result<App, Failure> {
        let uri: Uri = public_url.parse().map_err(|error| {
            Failure::because("the public URL does not read; write it like https://portal.example.com", error)
        })?;
        Ok(App::new(Parts {
            ledger: self.ledger.clone(),
            identity: self.identity.clone(),
            positions: self.positions.clone(),
            clock: self.clock.clone(),
            server_key: self.server_key.clone(),
            public_url: uri,
            limits: ApiLimits { trusted_proxies: proxies, ..ApiLimits::default() },
            letters: Arc::new(MailedLetters::new(worker, public_url)),
            checks,
        }))
    }
}

/// What a node follows the ledgers with: the read models, and the agenda of the processes.
pub(crate) fn followed() -> Vec<Group> {
    let mut followed = groups();
    followed.push(agenda());
    followed
}

/// An invitation's link. Its secret stands behind the `#`, which browsers keep to themselves: no server and no log
/// gets to see it.
pub(crate) fn invitation_link(key: &ServerKey, public_url: &str, org: OrgId, id: InvitationId, nonce: &str) -> String {
    format!("{public_url}/join#{}", invitation_token(key, org, id, nonce).reveal())
}

/// How mail leaves: over SMTP where there is a server, otherwise into the data folder.
pub(crate) fn mailer(
    mail: &Mail,
    data_dir: &Path,
    announce: impl Fn(&Delivered) + Send + Sync + 'static,
) -> Result<Mailer, Failure> {
    match &mail.smtp_url {
        Some(url) => Mailer::smtp(url, &mail.mail_from),
        None => Mailer::folder(data_dir.join("mail"), &mail.mail_from, announce),
    }
    .map_err(|error| Failure::because("mail cannot be sent", error))
}

/// The group of read models with a name.
pub(crate) fn group_named(name: &str) -> Result<Group, Failure> {
    let mut all = groups();
    let known = all.iter().map(|group| group.name).chain([ACCESS]).collect::<Vec<_>>().join(", ");
    match all.iter().position(|group| group.name == name) {
        Some(index) => Ok(all.swap_remove(index)),
        None => Err(Failure::say(format!("there is no group of read models named {name}; there are {known}"))),
    }
}
