//! What is looked at before a node says that it is ready.
//!
//! Two kinds of trouble are told apart. A node that is **wrong** should get no requests: another one can do better, or
//! none can do anything. One that is **impaired** still answers, and so do all others like it: were they taken out of
//! service for what all of them share, a single event that cannot be projected would take the portal down.

use async_trait::async_trait;
use futures::future::join_all;
use std::fmt;
use std::sync::Arc;
use std::time::Duration;
use tokio::sync::Mutex;
use tokio::time::{Instant, timeout};

/// What was found is told again for so long: whoever asks more often does not make us look more often.
const HOLDS_FOR: Duration = Duration::from_secs(1);
/// A check that has said nothing for so long is wrong.
const ANSWERS_WITHIN: Duration = Duration::from_secs(3);

/// Something that is looked at.
#[async_trait]
pub trait Check: Send + Sync + fmt::Debug {
    /// Its name: `database`.
    fn name(&self) -> &'static str;

    /// Looks.
    async fn look(&self) -> Finding;
}

/// What a check found. Codes are for ever and say nothing of anybody's business; details are for the operator alone.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Finding {
    /// All is well.
    Well,
    /// Something is wrong that keeps nobody from being answered here.
    Impaired {
        /// The stable code.
        code: &'static str,
        /// What was found, and what to do.
        detail: String,
    },
    /// Nobody should be sent here.
    Wrong {
        /// The stable code.
        code: &'static str,
        /// What was found, and what to do.
        detail: String,
    },
}

/// Everything that is looked at. Cheap to clone.
#[derive(Clone, Debug)]
pub struct Checks(Arc<Shared>);

#[derive(Debug)]
struct Shared {
    all: Vec<Box<dyn Check>>,
    last: Mutex<Option<(Instant, Arc<Findings>)>>,
}

/// What all checks found, by their names.
pub(crate) type Findings = Vec<(&'static str, Finding)>;

impl Checks {
    /// Looks at these things, and at these only.
    pub fn new(all: Vec<Box<dyn Check>>) -> Self {
        Self(Arc::new(Shared { all, last: Mutex::default() }))
    }

    /// Looks at everything at once; whoever asks meanwhile, or right afterwards, is told the same.
    pub(crate) async fn look(&self) -> Arc<Findings> {
        let mut last = self.0.last.lock().await;
        if let Some((at, findings)) = &*last
            && at.elapsed() < HOLDS_FOR
        {
            return findings.clone();
        }
        let findings = Arc::new(join_all(self.0.all.iter().map(|check| look(&**check))).await);
        *last = Some((Instant::now(), findings.clone()));
        findings
    }
}

async fn look(check: &dyn Check) -> (&'static str, Finding) {
    let silent = || Finding::Wrong {
        code: "check.silent",
        detail: format!("this could not be found out within {} seconds", ANSWERS_WITHIN.as_secs()),
    };
    (check.name(), timeout(ANSWERS_WITHIN, check.look()).await.unwrap_or_else(|_| silent()))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicU32, Ordering};

    #[derive(Debug, Default)]
    struct Counting(Arc<AtomicU32>);

    #[async_trait]
    impl Check for Counting {
        fn name(&self) -> &'static str {
            "counting"
        }

        async fn look(&self) -> Finding {
            self.0.fetch_add(1, Ordering::SeqCst);
            Finding::Well
        }
    }

    #[derive(Debug)]
    struct Silent;

    #[async_trait]
    impl Check for Silent {
        fn name(&self) -> &'static str {
            "silent"
        }

        async fn look(&self) -> Finding {
            std::future::pending().await
        }
    }

    #[tokio::test(start_paused = true)]
    async fn whoever_asks_often_does_not_make_us_look_often() {
        let looked = Arc::new(AtomicU32::new(0));
        let checks = Checks::new(vec![Box::new(Counting(looked.clone()))]);
        join_all((0..100).map(|_| checks.look())).await;
        assert_eq!(looked.load(Ordering::SeqCst), 1);
        tokio::time::advance(HOLDS_FOR).await;
        assert_eq!(*checks.look().await, vec![("counting", Finding::Well)]);
        assert_eq!(looked.load(Ordering::SeqCst), 2);
    }

    #[tokio::test(start_paused = true)]
    async fn a_check_that_says_nothing_is_wrong_and_keeps_nobody_waiting() {
        let checks = Checks::new(vec![Box::new(Silent), Box::new(Counting::default())]);
        let findings = checks.look().await;
        assert!(matches!(findings[0], ("silent", Finding::Wrong { code: "check.silent", .. })), "{findings:?}");
        assert_eq!(findings[1], ("counting", Finding::Well));
    }
}
