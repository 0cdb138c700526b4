//! Groups: read models that are fed by one scan, share a checkpoint, and come and go together.

use crate::error::ProjectionError;
use crate::projector::{Projector, Rows};
use crate::scope::Generation;
use async_trait::async_trait;
use countersign_canon::{Digest, canonical_text, sha256};
use countersign_domain::envelope::Recorded;
use sqlx::PgConnection;
use std::collections::BTreeSet;

/// A read model with its table: the statements beside a fold.
#[async_trait]
pub trait Table: Projector {
    /// The table's name: also how the read model is called.
    const NAME: &'static str;

    /// The rows of these keys, as far as they are there.
    async fn load(
        connection: &mut PgConnection,
        of: Generation,
        keys: &[Self::Key],
    ) -> Result<Vec<(Self::Key, Self::Row)>, sqlx::Error>;

    /// Writes rows, new or over what was there, in one statement.
    async fn save(
        connection: &mut PgConnection,
        of: Generation,
        rows: &[(Self::Key, Self::Row)],
    ) -> Result<(), sqlx::Error>;

    /// Takes rows away, in one statement.
    async fn delete(connection: &mut PgConnection, of: Generation, keys: &[Self::Key]) -> Result<(), sqlx::Error>;

    /// Every row, for digests. Personal values are no part of it.
    async fn all(connection: &mut PgConnection, of: Generation) -> Result<Vec<(Self::Key, Self::Row)>, sqlx::Error>;
}

/// A read model of any kind, as a group holds it.
#[async_trait]
pub trait ReadModel: Send + Sync + std::fmt::Debug {
    /// Its name.
    fn name(&self) -> &'static str;

    /// Folds events into the rows that they touch: one statement that reads, at most two that write.
    async fn apply(
        &self,
        connection: &mut PgConnection,
        of: Generation,
        events: &[Recorded],
    ) -> Result<(), ProjectionError>;

    /// A digest over all rows: the same for a replay, a rebuild and the live table, on any machine.
    async fn digest(&self, connection: &mut PgConnection, of: Generation) -> Result<Digest, ProjectionError>;
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
        of: Generation,
        events: &[Recorded],
    ) -> Result<(), ProjectionError> {
        let touching: Vec<(&Recorded, Vec<P::Key>)> = events
            .iter()
            .map(|event| (event, P::keys(event).into_iter().collect::<Vec<_>>()))
            .filter(|(_, keys)| !keys.is_empty())
            .collect();
        let keys: BTreeSet<P::Key> = touching.iter().flat_map(|(_, keys)| keys.iter().cloned()).collect();
        if keys.is_empty() {
            return Ok(());
        }
        let keys: Vec<P::Key> = keys.into_iter().collect();
        let found = P::load(connection, of, &keys).await?;
        let mut rows = Rows::at_hand(keys, found);
        for (event, _) in touching {
            P::project(&mut rows, event);
        }
        let (written, gone) = rows.into_changes();
        if !written.is_empty() {
            P::save(connection, of, &written).await?;
        }
        if !gone.is_empty() {
            P::delete(connection, of, &gone).await?;
        }
        Ok(())
    }

    async fn digest(&self, connection: &mut PgConnection, of: Generation) -> Result<Digest, ProjectionError> {
        let mut rows = P::all(connection, of).await?;
        rows.sort_by(|(one, _), (other, _)| one.cmp(other));
        let mut text = String::new();
        for row in &rows {
            text.push_str(&canonical_text(row).map_err(countersign_eventstore::StoreError::from)?);
            text.push('\n');
        }
        Ok(sha256(&[P::NAME.as_bytes(), b"\n", text.as_bytes()]))
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
