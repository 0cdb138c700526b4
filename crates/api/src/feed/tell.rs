//! The course of one feed: wait until the ledger has grown, read on, tell what may be told, look after the session.
//!
//! What may not be told leaves no trace on the line: a sign of life comes when it is time for one, never because the
//! ledger has grown, or its reader would learn when the firm is busy.

use crate::app::App;
use crate::error::ApiError;
use crate::feed::Change;
use crate::feed::hub::Place;
use crate::feed::visible::Sight;
use crate::request::Caller;
use async_stream::stream;
use axum::response::sse::Event;
use countersign_domain::ids::OrgId;
use futures::Stream;
use std::convert::Infallible;
use tokio::sync::broadcast::error::RecvError;
use tokio::sync::{broadcast, watch};
use tokio::time::{Instant, sleep, sleep_until};

/// How many events are read at a time.
const AT_A_TIME: u32 = 100;

/// Who follows, and how far they are.
pub(crate) struct Reader {
    pub(crate) app: App,
    pub(crate) caller: Caller,
    pub(crate) position: u64,
    pub(crate) hints: broadcast::Receiver<OrgId>,
    /// Turns true when the node stops; the reader comes back to another.
    pub(crate) stopping: watch::Receiver<bool>,
    /// Held as long as the feed is open.
    pub(crate) place: Place,
}

/// What a reader is told, until their session ends.
pub(crate) fn tell(mut reader: Reader) -> impl Stream<Item = Result<Event, Infallible>> {
    stream! {
        // The first at once: whoever loses the line before anything is told knows from where to go on.
        let mut sign_of_life_at = Instant::now();
        while !*reader.stopping.borrow() {
            match reader.read_on().await {
                Ok(Told::Over) => {
                    yield Ok(Event::default().event("end").data(r#"{"code":"session.ended"}"#));
                    break;
                }
                Ok(Told::Changes { changes, more }) => {
                    for event in changes {
                        yield Ok(event);
                    }
                    if Instant::now() >= sign_of_life_at {
                        // No event, but the place from which to go on.
                        yield Ok(Event::default().id(reader.sealed_position()).comment(""));
                        sign_of_life_at = Instant::now() + reader.app.limits.feed_heartbeat;
                    }
                    if !more {
                        reader.wait(sign_of_life_at).await;
                    }
                }
                Err(error) => {
                    error.reported();
                    sleep(reader.app.limits.feed_looks_again).await;
                }
            }
        }
        drop(reader.place);
    }
}

/// What came of reading on.
enum Told {
    /// The session is over.
    Over,
    /// What changed, and whether there is more to read at once.
    Changes { changes: Vec<Event>, more: bool },
}

impl Reader {
    /// Reads on from the position, and moves it.
    async fn read_on(&mut self) -> Result<Told, ApiError> {
        if !self.caller.still_lives(&self.app).await? {
            return Ok(Told::Over);
        }
        let events = self.app.ledger.reader().after(self.caller.org, self.position, AT_A_TIME).await?;
        let Some(last) = events.last().map(|event| event.position) else {
            return Ok(Told::Changes { changes: vec![], more: false });
        };
        // What is told of must be there for whoever looks at once, and what may be seen is asked of the read models.
        self.app.reach(self.caller.org, last).await?;
        let mut sight = Sight::new(&self.app, &self.caller).await?;
        let mut changes = Vec::new();
        for event in &events {
            let event = event.read()?;
            if sight.covers(&event).await? {
                let id = self.app.seal.seal_position(self.caller.org, event.position);
                let data = Event::default().event("change").id(id).json_data(Change::of(&event));
                changes.push(data.map_err(|_| ApiError::Defect("a change does not serialize"))?);
            }
        }
        self.position = last;
        Ok(Told::Changes { changes, more: events.len() as u64 == u64::from(AT_A_TIME) })
    }

    /// Waits for a hint about this ledger, until it is time for a sign of life, or until the node stops.
    async fn wait(&mut self, sign_of_life_at: Instant) {
        loop {
            tokio::select! {
                hint = self.hints.recv() => match hint {
                    Ok(org) if org == self.caller.org => return,
                    Ok(_) => {}
                    Err(RecvError::Lagged(_)) => return,
                    Err(RecvError::Closed) => return,
                },
                _ = self.stopping.changed() => return,
                () = sleep_until(sign_of_life_at) => return,
            }
        }
    }

    fn sealed_position(&self) -> String {
        self.app.seal.seal_position(self.caller.org, self.position)
    }
}
