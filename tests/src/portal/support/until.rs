//! Waiting for something, never for time.

use std::time::{Duration, Instant};

/// What takes longer than this does not come any more.
const PATIENCE: Duration = Duration::from_secs(30);
/// Between two looks.
const LOOK_AGAIN: Duration = Duration::from_millis(10);

/// Looks again and again until there is something to see.
pub(crate) async fn until<T>(what: &str, mut look: impl AsyncFnMut() -> Option<T>) -> T {
    let since = Instant::now();
    loop {
        if let Some(seen) = look().await {
            return seen;
        }
        assert!(since.elapsed() < PATIENCE, "in {PATIENCE:?} there was not: {what}");
        tokio::time::sleep(LOOK_AGAIN).await;
    }
}
