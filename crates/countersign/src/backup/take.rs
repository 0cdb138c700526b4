//! Taking a backup, of a database that is in use.

use crate::backup::archive::Unfinished;
use crate::backup::manifest::{About, Events, Keys, Organization, fingerprint};
use crate::backup::snapshot::Snapshot;
use crate::backup::tools::{self, Rows};
use crate::failure::{Failure, with_causes};
use crate::progress::Progress;
use countersign_domain::ids::OrgId;
use countersign_embedded::Client;
use countersign_eventstore::{DISPOSABLE, MasterKey, StoreError, inspection};
use countersign_evidence::Frontier;
use countersign_postgres::fault;
use indicatif::ProgressBar;
use serde::Serialize;
use sqlx::PgConnection;
use sqlx::postgres::PgConnectOptions;
use std::path::{Path, PathBuf};

/// How many events are looked at in one statement.
const PAGE: u32 = 1_000;

/// What cannot be made again. Of the read models, only how far the agenda has followed: what was done stays done.
const EVENTS: [&str; 4] = ["ledger.*", "identity.*", "process.*", "read.checkpoint"];
const KEYS: [&str; 1] = ["vault.*"];

/// What a backup came to.
#[derive(Debug, Serialize)]
pub(crate) struct Taken {
    taken_at: String,
    /// Nothing where only the keys were taken.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) events: Option<TakenEvents>,
    pub(crate) keys: TakenKeys,
}

#[derive(Debug, Serialize)]
pub(crate) struct TakenEvents {
    pub(crate) folder: PathBuf,
    pub(crate) organizations: usize,
    pub(crate) events: u64,
    pub(crate) bytes: u64,
}

#[derive(Debug, Serialize)]
pub(crate) struct TakenKeys {
    pub(crate) folder: PathBuf,
    pub(crate) people: u64,
}

/// What is wanted, and of what.
pub(crate) struct Wanted<'a> {
    pub(crate) owner: &'a PgConnectOptions,
    /// Only so that a restore can tell it from another one.
    pub(crate) master: Option<&'a MasterKey>,
    /// Nothing where only the keys are wanted.
    pub(crate) events: Option<&'a Path>,
    pub(crate) keys: &'a Path,
}

/// Takes both folders in one snapshot, so that whoever is in the events is in the keys.
pub(crate) async fn take(wanted: Wanted<'_>, progress: &Progress) -> Result<Taken, Failure> {
    let events_folder = wanted.events.map(Unfinished::begin).transpose()?;
    let keys_folder = Unfinished::begin(wanted.keys)?;
    let mut snapshot = Snapshot::begin(wanted.owner).await?;
    let pg_dump = tools::find("pg_dump", snapshot.postgres)?;
    fault::reached("backup.begun").await;
    let dumping = Dumping { owner: wanted.owner, pg_dump: &pg_dump };

    let keys = dumping.keys(&mut snapshot, &keys_folder, wanted.master).await?;
    let mut taken = Taken {
        taken_at: snapshot.taken_at.to_string(),
        events: None,
        keys: TakenKeys { folder: wanted.keys.to_owned(), people: keys.people },
    };
    if let Some((folder, path)) = events_folder.zip(wanted.events) {
        let events = dumping.events(&mut snapshot, &folder, progress).await?;
        taken.events = Some(TakenEvents {
            folder: path.to_owned(),
            organizations: events.organizations.len(),
            events: events.organizations.iter().map(|one| one.ledger.size).sum(),
            bytes: events.about.bytes,
        });
        // Events without keys would be no backup; keys alone are one of keys.
        keys_folder.finish(&keys)?;
        folder.finish(&events)?;
    } else {
        keys_folder.finish(&keys)?;
    }
    snapshot.end().await?;
    Ok(taken)
}

struct Dumping<'a> {
    owner: &'a PgConnectOptions,
    pg_dump: &'a Client,
}

impl Dumping<'_> {
    fn about(&self, snapshot: &Snapshot) -> About {
        let migrations = snapshot.migrations.clone();
        About::new(snapshot.taken_at, migrations, snapshot.postgres, self.pg_dump.major)
    }

    async fn keys(
        &self,
        snapshot: &mut Snapshot,
        folder: &Unfinished,
        master: Option<&MasterKey>,
    ) -> Result<Keys, Failure> {
        let rows = Rows { of: &KEYS, without: &[] };
        tools::dump(self.pg_dump, self.owner, &snapshot.name, rows, folder.data()?).await?;
        let kept = inspection::keys(&mut snapshot.connection).await.map_err(unreadable)?;
        Ok(Keys {
            about: folder.measured(self.about(snapshot)).await?,
            master_key: master.map(fingerprint),
            people: kept.iter().map(|(_, people)| people).sum(),
            organizations: kept.into_iter().map(|(org, _)| org).collect(),
        })
    }

    /// While the rows are dumped, every event is hashed anew: a backup of a damaged ledger would be found out only when
    /// it is needed.
    async fn events(
        &self,
        snapshot: &mut Snapshot,
        folder: &Unfinished,
        progress: &Progress,
    ) -> Result<Events, Failure> {
        let without: Vec<&str> = DISPOSABLE.into_iter().chain(countersign_identity::DISPOSABLE).collect();
        let rows = Rows { of: &EVENTS, without: &without };
        let (name, about) = (snapshot.name.clone(), self.about(snapshot));
        let dumping = tools::dump(self.pg_dump, self.owner, &name, rows, folder.data()?);
        let (organizations, ()) = tokio::try_join!(read_through(&mut snapshot.connection, progress), dumping)?;
        Ok(Events { about: folder.measured(about).await?, organizations })
    }
}

async fn read_through(connection: &mut PgConnection, progress: &Progress) -> Result<Vec<Organization>, Failure> {
    let heads = inspection::heads(connection).await.map_err(unreadable)?;
    let bar = progress.over("backing up", heads.iter().map(|(_, head)| head).sum());
    let mut organizations = Vec::with_capacity(heads.len());
    for (org, _) in heads {
        organizations.push(standing_of(connection, org, &bar).await?);
    }
    bar.finish_and_clear();
    Ok(organizations)
}

/// Where a ledger stands, by its events' own texts.
pub(crate) async fn standing_of(
    connection: &mut PgConnection,
    org: OrgId,
    bar: &ProgressBar,
) -> Result<Organization, Failure> {
    let (mut frontier, mut position) = (Frontier::new(), 0);
    loop {
        let stretch = inspection::inspect(connection, org, position, PAGE).await.map_err(unreadable)?;
        if let Some(fault) = stretch.faults.first() {
            return Err(Failure::say(format!(
                "the ledger of organization {org} is damaged: {fault}; `countersign doctor --deep` tells all of it"
            )));
        }
        bar.inc(stretch.leaves.len() as u64);
        stretch.leaves.into_iter().for_each(|leaf| frontier.append(leaf));
        let Some(last) = stretch.last else { break };
        position = last;
    }
    let commands = inspection::count_commands(connection, org).await.map_err(unreadable)?;
    Ok(Organization { org, ledger: frontier.head(), commands })
}

fn unreadable(error: StoreError) -> Failure {
    Failure::say(format!("the ledgers could not be read: {}", with_causes(&error)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use sqlx::PgPool;

    /// Schemas of which nothing is backed up, because it is made again: read models, and the nodes' own affairs.
    const MADE_AGAIN: [&str; 2] = ["node", "read"];
    /// What the installation says of itself as a whole; migrations and restores write it.
    const OF_THE_WHOLE: [&str; 3] =
        ["public._sqlx_migrations", "public.countersign_oldest_build", "public.countersign_restore"];

    #[sqlx::test(migrations = "../../migrations")]
    async fn whatever_the_migrations_make_is_backed_up_or_made_again(owner: PgPool) {
        let statement = "SELECT n.nspname, c.relname FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
                         WHERE c.relkind IN ('r', 'p') AND n.nspname NOT IN ('pg_catalog', 'information_schema')";
        let tables: Vec<(String, String)> = sqlx::query_as(statement).fetch_all(&owner).await.unwrap();
        assert!(tables.len() > 50, "there are tables to look at");
        for (schema, table) in tables {
            let is_backed_up = EVENTS.iter().chain(&KEYS).any(|pattern| *pattern == format!("{schema}.*"));
            let name = format!("{schema}.{table}");
            let is_known = MADE_AGAIN.contains(&schema.as_str()) || OF_THE_WHOLE.contains(&name.as_str());
            assert!(is_backed_up || is_known, "{name}: is it backed up, or made again?");
        }
    }
}
