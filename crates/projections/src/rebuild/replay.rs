//! A ledger folded in memory, from position zero.

use super::built::Built;
use crate::error::{ProjectionError, words_of};
use crate::group::Folding;
use crate::line::Lines;
use crate::scope::Generation;
use countersign_domain::envelope::Recorded;
use countersign_domain::ids::OrgId;
use countersign_eventstore::{Ledger, StoredEvent};
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many events one page has.
const PAGE: u32 = 2_000;

/// One organization's rows in one group, as far as its ledger has been folded.
pub(crate) struct Replay {
    foldings: Vec<Box<dyn Folding>>,
    opens_personal_values: bool,
    group: &'static str,
    /// Everything up to here is in the rows.
    pub(crate) position: u64,
}

/// A page of a ledger, read once for all who fold it.
pub(crate) struct PageOfEvents {
    stored: Vec<StoredEvent>,
    recorded: Vec<Recorded>,
}

impl PageOfEvents {
    /// The events behind a position, from a transaction that is over when they are here.
    pub(crate) async fn after(ledger: &Ledger, org: OrgId, position: u64) -> Result<Self, ProjectionError> {
        Self::of(ledger.reader().after(org, position, PAGE).await?)
    }

    /// The same up to a position: what stands behind that is not even read.
    async fn between(ledger: &Ledger, org: OrgId, position: u64, up_to: u64) -> Result<Self, ProjectionError> {
        let limit = u32::try_from(up_to.saturating_sub(position)).unwrap_or(PAGE).min(PAGE);
        Self::of(ledger.reader().after(org, position, limit).await?)
    }

    pub(crate) fn of(stored: Vec<StoredEvent>) -> Result<Self, ProjectionError> {
        let recorded = stored.iter().map(StoredEvent::read).collect::<Result<_, _>>()?;
        Ok(Self { stored, recorded })
    }

    pub(crate) fn len(&self) -> usize {
        self.stored.len()
    }

    pub(crate) fn events(&self) -> &[Recorded] {
        &self.recorded
    }

    pub(crate) fn is_last(&self) -> bool {
        self.stored.len() < PAGE as usize
    }

    pub(crate) fn end(&self) -> Option<u64> {
        self.stored.last().map(|event| event.position)
    }
}

impl Replay {
    /// No rows yet; behind a position where what stands before it is written already.
    pub(crate) fn after(built: Built<'_>, position: u64) -> Self {
        Self {
            foldings: built.foldings(),
            opens_personal_values: built.opens_personal_values(),
            group: built.name(),
            position,
        }
    }

    /// Folds a whole ledger up to a position.
    pub(crate) async fn up_to(
        ledger: &Ledger,
        built: Built<'_>,
        org: OrgId,
        position: u64,
    ) -> Result<Self, ProjectionError> {
        let mut replay = Self::after(built, 0);
        replay.catch_up(ledger, org, position).await?;
        Ok(replay)
    }

    /// Folds on, up to a position.
    pub(crate) async fn catch_up(&mut self, ledger: &Ledger, org: OrgId, position: u64) -> Result<(), ProjectionError> {
        while self.position < position {
            let page = PageOfEvents::between(ledger, org, self.position, position).await?;
            if page.len() == 0 {
                break;
            }
            self.take(ledger, &page).await?;
        }
        Ok(())
    }

    /// Folds the events of a page that come behind what is folded already.
    pub(crate) async fn take(&mut self, ledger: &Ledger, page: &PageOfEvents) -> Result<(), ProjectionError> {
        for (stored, recorded) in page.stored.iter().zip(&page.recorded) {
            if recorded.position <= self.position {
                continue;
            }
            if !self.opens_personal_values {
                self.fold(recorded)?;
            } else if self.foldings.iter().any(|folding| folding.concerns(recorded)) {
                // Opened only where somebody looks at it: most events say nothing of people.
                self.fold(&stored.read_opened(ledger.vault()).await?)?;
            }
            self.position = recorded.position;
        }
        Ok(())
    }

    fn fold(&mut self, event: &Recorded) -> Result<(), ProjectionError> {
        let foldings = &mut self.foldings;
        let folded = catch_unwind(AssertUnwindSafe(|| foldings.iter_mut().for_each(|folding| folding.take(event))));
        folded.map_err(|panic| ProjectionError::Poison {
            read_model: self.group,
            position: event.position,
            reason: words_of(&*panic),
        })
    }

    /// The rows that are there, which are then here no more.
    pub(crate) fn lines(&mut self, of: Generation) -> Vec<Lines> {
        self.foldings.iter_mut().flat_map(|folding| folding.lines(of)).collect()
    }
}
