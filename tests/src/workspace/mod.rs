//! What must hold of the sources themselves. Nothing here runs Countersign.

mod bans;
mod documents;
mod hygiene;
mod layers;
mod metrics;
mod ownership;
mod schema;
mod sources;
mod statements;
