//! A read model that cannot stand some events. It keeps no rows: its table is never looked for.

use async_trait::async_trait;
use countersign_domain::clients::client;
use countersign_domain::envelope::Recorded;
use countersign_domain::portal::PortalEvent;
use countersign_projections::{Group, Keys, Line, Place, Projector, Rows, Table, groups, model};
use sqlx::PgConnection;
use std::fmt::Debug;
use std::marker::PhantomData;

/// What a client is called whose renaming nobody can project.
pub const POISON: &str = "Poison";

/// Whether an event names a client so.
pub fn is_poison(event: &Recorded) -> bool {
    matches!(&event.event, PortalEvent::Client(client::Event::Renamed { to, .. }) if to.as_str() == POISON)
}

/// What a fold cannot stand.
pub trait Dislike: Debug + Send + Sync + 'static {
    fn dislikes(event: &Recorded) -> bool;
}

/// The poison, and nothing else.
#[derive(Debug)]
pub struct Poison;

impl Dislike for Poison {
    fn dislikes(event: &Recorded) -> bool {
        is_poison(event)
    }
}

/// A read model whose fold fails on what it dislikes.
#[derive(Debug)]
pub struct Squeamish<D>(PhantomData<D>);

impl<D: Dislike> Projector for Squeamish<D> {
    type Key = u64;
    type Row = ();

    fn keys(event: &Recorded) -> Keys<u64> {
        Keys::one(event.position)
    }

    fn project(_: &mut Rows<u64, ()>, event: &Recorded) {
        assert!(!D::dislikes(event), "not this one");
    }
}

#[async_trait]
impl<D: Dislike> Table for Squeamish<D> {
    const NAME: &'static str = "squeamish";
    const COLUMNS: &'static [&'static str] = &["position"];

    async fn load(_: &mut PgConnection, _: i32, _: &[Place<u64>]) -> Result<Vec<(Place<u64>, ())>, sqlx::Error> {
        Ok(Vec::new())
    }

    async fn save(_: &mut PgConnection, _: i32, _: &[(Place<u64>, ())]) -> Result<(), sqlx::Error> {
        Ok(())
    }

    async fn delete(_: &mut PgConnection, _: i32, _: &[Place<u64>]) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn copy((position, ()): (&u64, &()), line: &mut Line) {
        line.put(position.cast_signed());
    }
}

/// All groups, of which the portal's has one fold that fails.
pub fn groups_with<D: Dislike>() -> Vec<Group> {
    let mut groups = groups();
    let portal = groups.iter_mut().find(|group| group.name == "portal").unwrap();
    portal.read_models.push(model::<Squeamish<D>>());
    groups
}
