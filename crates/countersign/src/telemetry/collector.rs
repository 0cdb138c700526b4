//! The collector that traces are handed to, over the HTTP client and the runtime that the program has anyway.

use crate::failure::Failure;
use async_trait::async_trait;
use opentelemetry_http::{Bytes, HttpClient, HttpError, Request, Response};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;
use tokio::runtime::Handle;

/// A collector that has not taken spans for so long does not get them.
const TAKES_WITHIN: Duration = Duration::from_secs(10);

/// The way to the collector. Spans come from a thread of their own, which is none of the runtime's.
#[derive(Debug)]
pub(super) struct Collector {
    client: reqwest::Client,
    runtime: Handle,
    is_away: AtomicBool,
}

impl Collector {
    /// Reached with the runtime in which this is asked.
    pub(super) fn reached_from_here() -> Result<Self, Failure> {
        let client = reqwest::Client::builder()
            .timeout(TAKES_WITHIN)
            .no_proxy()
            .build()
            .map_err(|error| Failure::because("traces cannot be sent", error))?;
        Ok(Self { client, runtime: Handle::current(), is_away: AtomicBool::new(false) })
    }

    /// Says once that spans are lost, and once that they are taken again.
    fn tell(&self, error: Option<&HttpError>) {
        let was_away = self.is_away.swap(error.is_some(), Ordering::Relaxed);
        match error {
            Some(error) if !was_away => tracing::warn!(%error, "the collector does not take traces; they are dropped"),
            None if was_away => tracing::info!("the collector takes traces again"),
            Some(_) | None => {}
        }
    }
}

#[async_trait]
impl HttpClient for Collector {
    async fn send_bytes(&self, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
        let client = self.client.clone();
        let sent = self.runtime.spawn(async move { send(&client, request).await }).await;
        let sent = sent.map_err(HttpError::from).and_then(|sent| sent);
        self.tell(sent.as_ref().err());
        sent
    }
}

async fn send(client: &reqwest::Client, request: Request<Bytes>) -> Result<Response<Bytes>, HttpError> {
    let response = client.execute(request.try_into()?).await?.error_for_status()?;
    let status = response.status();
    let mut answer = Response::new(response.bytes().await?);
    *answer.status_mut() = status;
    Ok(answer)
}
