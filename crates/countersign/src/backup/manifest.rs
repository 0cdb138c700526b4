//! What a backup says of itself: what a restored copy must come to, and what it takes to make one.

use countersign_canon::Digest;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_eventstore::MasterKey;
use countersign_evidence::TreeHead;
use serde::{Deserialize, Serialize};

/// The form of a manifest. Another form gets another number, and this one is read for as long as there are such backups.
const FORM: u32 = 1;

/// What every dump says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct About {
    form: u32,
    /// The moment that it shows, by the database's clock.
    pub(crate) taken_at: Timestamp,
    /// The version of Countersign that took it.
    countersign: String,
    /// The migrations that the database had.
    pub(crate) migrations: Vec<i64>,
    /// The major version of the server.
    pub(crate) postgres: u32,
    /// The major version of the `pg_dump` that wrote it; an older `pg_restore` may not read it.
    pub(crate) pg_dump: u32,
    /// How many bytes its data are.
    pub(crate) bytes: u64,
    /// Their SHA-256.
    pub(crate) sha256: Digest,
}

/// What the events' folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Events {
    pub(crate) about: About,
    /// Every organization that has a ledger, in the order of their ids.
    pub(crate) organizations: Vec<Organization>,
}

/// Where an organization's ledger stood.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Organization {
    pub(crate) org: OrgId,
    /// How many events, and the one hash that stands for all of them.
    pub(crate) ledger: TreeHead,
    /// How many commands' outcomes are kept.
    pub(crate) commands: u64,
}

/// What the keys' folder holds.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Keys {
    pub(crate) about: About,
    /// Tells the master key that opens them from any other, and nothing of it; nothing where it was not at hand.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(crate) master_key: Option<String>,
    /// Whose keys they are, in the order of their ids.
    pub(crate) organizations: Vec<OrgId>,
    /// How many people have one.
    pub(crate) people: u64,
}

/// A manifest of either folder.
pub(crate) trait Manifest: Serialize + serde::de::DeserializeOwned {
    /// What the folder is called where something is wrong with it.
    const WHAT: &'static str;

    fn about(&self) -> &About;
}

impl Manifest for Events {
    const WHAT: &'static str = "a backup";

    fn about(&self) -> &About {
        &self.about
    }
}

impl Manifest for Keys {
    const WHAT: &'static str = "a backup's keys";

    fn about(&self) -> &About {
        &self.about
    }
}

impl About {
    /// Of a dump that is being made.
    pub(crate) fn new(taken_at: Timestamp, migrations: Vec<i64>, postgres: u32, pg_dump: u32) -> Self {
        let countersign = env!("CARGO_PKG_VERSION").to_owned();
        let (bytes, sha256) = (0, Digest([0; 32]));
        Self { form: FORM, taken_at, countersign, migrations, postgres, pg_dump, bytes, sha256 }
    }

    /// Whether this build reads the form.
    pub(crate) fn is_known(&self) -> bool {
        self.form == FORM
    }
}

/// Tells one master key from another without telling anything of either.
pub(crate) fn fingerprint(master: &MasterKey) -> String {
    let derived = master.derive("backup:fingerprint");
    Digest(derived).to_string()[..16].to_owned()
}
