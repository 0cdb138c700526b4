//! Groups: read models that are fed by one scan, share a checkpoint, and come and go together.

use crate::digest;
use crate::error::ProjectionError;
use crate::line::{Line, Lines};
use crate::projector::{Projector, Rows};
use crate::scope::Generation;
use async_trait::async_trait;
use countersign_canon::Digest;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use sqlx::PgConnection;
use std::collections::{BTreeMap, BTreeSet};

/// A row's place in a generation: whose it is, and its key.
pub type Place<K> = (OrgId, K);

/// A read model with its table: the statements beside a fold. Each is for rows of any number of organizations at once.
#[async_trait]
pub trait Table: Projector {
    /// The table's name: also how the read model is called.
    const NAME: &'static str;
    /// Its columns as `copy` writes them, behind generation and organization.
    const COLUMNS: &'static [&'static str];
    /// Which of them hold personal values, and are no part of a digest: whoever is erased takes them away.
    const PERSONAL: &'static [&'static str] = &[];
    /// Whether every row comes of one event and stays as it is.
    const ONLY_ADDED: bool = false;

    /// The rows of these keys, as far as they are there. Each is looked up by itself (`OFFSET 0` keeps Postgres from
    /// joining): a plan that was made while the table was empty would otherwise read a whole generation.
    async fn load(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<Self::Key>],
    ) -> Result<Vec<(Place<Self::Key>, Self::Row)>, sqlx::Error>;

    /// Writes rows, new or over what was there, in one statement.
    async fn save(
        connection: &mut PgConnection,
        generation: i32,
        rows: &[(Place<Self::Key>, Self::Row)],
    ) -> Result<(), sqlx::Error>;

    /// Takes rows away, in one statement.
    async fn delete(
        connection: &mut PgConnection,
        generation: i32,
        keys: &[Place<Self::Key>],
    ) -> Result<(), sqlx::Error>;

    /// Writes a row as `COPY` reads it: the same columns as `save` writes.
    fn copy(row: (&Self::Key, &Self::Row), line: &mut Line);
}

/// A read model of any kind, as a group holds it.
#[async_trait]
pub trait ReadModel: Send + Sync + std::fmt::Debug {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Folds events of any number of ledgers, each in its order, into the rows that they touch: one statement that reads, at
    /// most two that write.
    async fn apply(
        &self,
        connection: &mut PgConnection,
        generation: i32,
        events: &[&Recorded],
    ) -> Result<(), ProjectionError>;

    /// A digest over all rows: the same for a replay, a rebuild and the live table, on any machine.
    async fn digest(&self, connection: &mut PgConnection, of: Generation) -> Result<Digest, ProjectionError>;

    /// Its table's columns that hold personal values.
    fn personal(&self) -> &'static [&'static str] {
        &[]
    }

    /// Whether every row comes of one event and stays as it is: then what is folded can be written as one goes along.
    fn is_only_added_to(&self) -> bool {
        false
    }

    /// No rows yet, to be folded in memory from position zero; `None` where the rows are no fold of the ledger alone.
    fn folding(&self) -> Option<Box<dyn Folding>> {
        None
    }
}

/// One organization's rows, folded in memory.
pub trait Folding: Send {
    /// Whether an event names any of the rows.
    fn concerns(&self, event: &Recorded) -> bool;

    /// Folds an event.
    fn take(&mut self, event: &Recorded);

    /// The rows that are there, which are then here no more.
    fn lines(&mut self, of: Generation) -> Vec<Lines>;
}

/// The rows of one read model, all at hand.
struct AllRows<P: Projector>(Rows<P::Key, P::Row>);

impl<P: Table> Folding for AllRows<P> {
    fn concerns(&self, event: &Recorded) -> bool {
        P::keys(event).into_iter().next().is_some()
    }

    fn take(&mut self, event: &Recorded) {
        // As the engine does it: an event that names no row is not shown to the fold.
        if self.concerns(event) {
            P::project(&mut self.0, event);
        }
    }

    fn lines(&mut self, of: Generation) -> Vec<Lines> {
        let rows = std::mem::replace(&mut self.0, Rows::at_hand([], []));
        let mut lines = Lines { table: P::NAME, columns: P::COLUMNS, bytes: Vec::new() };
        for (key, row) in &rows.into_changes().0 {
            let mut line = Line::after(&mut lines.bytes);
            line.put(of.number).put(of.org.0);
            P::copy((key, row), &mut line);
            line.end();
        }
        vec![lines]
    }
}

/// What some events touch of one organization's rows.
struct Touched<'a, P: Projector> {
    events: Vec<&'a Recorded>,
    keys: BTreeSet<P::Key>,
    found: Vec<(P::Key, P::Row)>,
}

impl<P: Projector> Default for Touched<'_, P> {
    fn default() -> Self {
        Self { events: Vec::new(), keys: BTreeSet::new(), found: Vec::new() }
    }
}

/// A fold with its table, as a read model of a group.
#[derive(Debug)]
pub struct Model<P>(std::marker::PhantomData<P>);

/// Puts a fold with its table into a group.
pub fn model<P: Table>() -> Box<dyn ReadModel> {
    Box::new(Model::<P>(std::marker::PhantomData))
}

#[async_trait]
impl<P: Table> ReadModel for Model<P> {
    fn name(&self) -> &'static str {
        P::NAME
    }

    async fn apply(
        &self,
        connection: &mut PgConnection,
        generation: i32,
        events: &[&Recorded],
    ) -> Result<(), ProjectionError> {
        let mut touched: BTreeMap<OrgId, Touched<'_, P>> = BTreeMap::new();
        for &event in events {
            let mut keys = P::keys(event).into_iter().peekable();
            if keys.peek().is_some() {
                let of_one = touched.entry(event.org).or_default();
                of_one.keys.extend(keys);
                of_one.events.push(event);
            }
        }
        let keys: Vec<Place<P::Key>> =
            touched.iter().flat_map(|(org, of_one)| of_one.keys.iter().map(|key| (*org, key.clone()))).collect();
        if keys.is_empty() {
            return Ok(());
        }
        for ((org, key), row) in P::load(connection, generation, &keys).await? {
            touched.entry(org).or_default().found.push((key, row));
        }
        let (mut written, mut gone) = (Vec::new(), Vec::new());
        for (org, Touched { events, keys, found }) in touched {
            let mut rows = Rows::at_hand(keys, found);
            events.into_iter().for_each(|event| P::project(&mut rows, event));
            let changes = rows.into_changes();
            written.extend(changes.0.into_iter().map(|(key, row)| ((org, key), row)));
            gone.extend(changes.1.into_iter().map(|key| (org, key)));
        }
        if !written.is_empty() {
            P::save(connection, generation, &written).await?;
        }
        if !gone.is_empty() {
            P::delete(connection, generation, &gone).await?;
        }
        Ok(())
    }

    async fn digest(&self, connection: &mut PgConnection, of: Generation) -> Result<Digest, ProjectionError> {
        Ok(digest::of_table(connection, P::NAME, P::PERSONAL, of).await?)
    }

    fn personal(&self) -> &'static [&'static str] {
        P::PERSONAL
    }

    fn is_only_added_to(&self) -> bool {
        P::ONLY_ADDED
    }

    fn folding(&self) -> Option<Box<dyn Folding>> {
        Some(Box::new(AllRows::<P>(Rows::at_hand([], []))))
    }
}

/// Read models that are fed by one scan.
#[derive(Debug)]
pub struct Group {
    /// Its name, as operators call it.
    pub name: &'static str,
    /// What it is made of.
    pub read_models: Vec<Box<dyn ReadModel>>,
    /// Whether its folds must see personal values, as far as they can still be opened.
    pub opens_personal_values: bool,
    /// A digest of the sources that its folds are made of: what these could not project, others may.
    pub code: String,
}
