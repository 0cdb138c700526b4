//! Pages of lists, as they are asked for and answered.
//!
//! A cursor is sealed: it names a row, or a place in the ledger, and neither is for the reader to count with.

use crate::app::App;
use crate::error::ApiError;
use crate::request::Caller;
use countersign_projections::{Cursor, Limit, Page, PageRequest};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

/// Which page of a list is asked for. Other parameters of a list stand beside these.
#[derive(Debug, Default, Deserialize, IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct PageQuery {
    /// The `next` of the page before; the first page without it.
    pub(crate) after: Option<String>,
    /// How many items a page holds: 1 to 200, 50 unless told otherwise.
    #[param(minimum = 1, maximum = 200, default = 50)]
    pub(crate) limit: Option<u64>,
}

/// One page of a list.
#[derive(Debug, Serialize, ToSchema)]
pub(crate) struct Items<T> {
    /// Its items.
    pub(crate) items: Vec<T>,
    /// What `after` names for the next page; absent on the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) next: Option<String>,
}

impl App {
    /// The page that is asked for.
    pub(crate) fn page(
        &self,
        caller: &Caller,
        after: Option<String>,
        limit: Option<u64>,
    ) -> Result<PageRequest, ApiError> {
        let limit = limit.map(Limit::try_from).transpose();
        let limit = limit.map_err(|error| ApiError::invalid("limit", error.to_string()))?.unwrap_or_default();
        let after = after.map(|text| self.open_cursor(caller, &text)).transpose()?;
        Ok(PageRequest { after, limit })
    }

    /// A page as it is answered.
    pub(crate) fn items<T, I: From<T>>(&self, caller: &Caller, page: Page<T>) -> Items<I> {
        let next = page.next.map(|cursor| self.seal.seal(caller.org, cursor.to_string().as_bytes()));
        Items { items: page.items.into_iter().map(I::from).collect(), next }
    }

    fn open_cursor(&self, caller: &Caller, text: &str) -> Result<Cursor, ApiError> {
        let opened = self.seal.open(caller.org, text).and_then(|bytes| String::from_utf8(bytes).ok());
        let cursor = opened.and_then(|text| text.parse().ok());
        cursor.ok_or_else(|| ApiError::invalid("after", "this is no cursor of this list; begin again without one"))
    }
}
