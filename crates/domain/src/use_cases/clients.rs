//! Errands about clients.

use crate::clients::client::{self, Client};
use crate::ids::ClientId;
use crate::use_case::UseCase;
use crate::values::Label;

/// Takes a client on.
pub fn open_client(client: ClientId, name: Label) -> UseCase {
    UseCase::single::<Client>("OpenClient", client, client::Command::Open { name })
}

/// Calls a client otherwise.
pub fn rename_client(client: ClientId, to: Label) -> UseCase {
    UseCase::single::<Client>("RenameClient", client, client::Command::Rename { to })
}
