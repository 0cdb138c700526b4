//! What the stories are told with: an installation, the people who use it, what happened before, and what was recorded.

pub(super) mod bouncer;
pub(super) mod change_feed;
pub(super) mod collector;
pub(super) mod document;
pub(super) mod firm;
pub(super) mod gate;
pub(super) mod installation;
pub(super) mod ledger;
pub(super) mod letter;
pub(super) mod load;
pub(super) mod longer;
pub(super) mod node;
pub(super) mod person;
pub(super) mod post_office;
pub(super) mod program;
pub(super) mod reply;
pub(super) mod until;
pub(super) mod walk;
