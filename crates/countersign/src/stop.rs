//! Being told to stop.

use crate::failure::Failure;
use tokio::signal::unix::{SignalKind, signal};

/// Ctrl-C, or the signal with which service managers stop a program.
pub(crate) async fn told_to_stop() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!(%error, "only Ctrl-C will stop this program");
            drop(tokio::signal::ctrl_c().await);
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}

/// Does something to its end, unless this program is told to stop: then it is dropped, which cleans up after it.
pub(crate) async fn unless_told_to_stop<T>(
    done: impl Future<Output = Result<T, Failure>>,
    otherwise: &str,
) -> Result<T, Failure> {
    tokio::select! {
        done = done => done,
        () = told_to_stop() => Err(Failure::say(format!("stopped; {otherwise}"))),
    }
}
