//! The auditor's questions at the command line: what happened to something, and which imported cases want looking at.
//!
//! `object` finds what is asked about; `history` collects what happened to it; `names` opens the names of whoever still
//! has one; `sentence` says each event in words; `exceptions` lists cases behind codes. `rows` brings the read models up
//! to the ledger's head before anything is read from them.

mod exceptions;
mod history;
mod names;
mod object;
mod rows;
mod sentence;

pub(crate) use exceptions::exceptions;
pub(crate) use history::history;
pub(crate) use object::Wanted;

use crate::node::Node;
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_eventstore::Ledger;
use countersign_projections::Scope;
use sqlx::PgPool;

/// Whose ledger is looked into, and with what.
pub(crate) struct Inquiry<'a> {
    pub(crate) node: &'a Node,
    pub(crate) pool: &'a PgPool,
    pub(crate) org: OrgId,
    /// The moment of the question.
    pub(crate) now: Timestamp,
}

impl Inquiry<'_> {
    pub(crate) fn ledger(&self) -> &Ledger {
        &self.node.ledger
    }

    /// Whoever operates the installation may read every ledger in it.
    pub(crate) fn scope(&self) -> Scope {
        Scope::operator(self.org)
    }
}
