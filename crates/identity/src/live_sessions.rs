//! Looks sessions up: those that are asked for at the same moment in one statement.
//!
//! Nobody waits for others to come. Whoever asks while a statement is under way waits for it, and all who came meanwhile
//! are the next one; each is answered by a statement that began after they asked, so that no session is found that was
//! ended before.

use crate::digest::Digest;
use chrono::{DateTime, Utc};
use countersign_domain::ids::OrgId;
use countersign_domain::values::Timestamp;
use countersign_postgres::alone;
use sqlx::{PgConnection, PgPool};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::oneshot;
use tokio::time::timeout;
use uuid::Uuid;

/// How many sessions one statement looks up at most.
const MOST_TOGETHER: usize = 128;
/// A database that has not answered for so long is waited for by each alone, and not by one after the other.
const ANSWERS_WITHIN: Duration = Duration::from_secs(5);

/// The way to the sessions of a database. Cheap to clone: all clones ask together.
#[derive(Clone)]
pub(crate) struct LiveSessions {
    pool: PgPool,
    line: Arc<Mutex<Line>>,
}

/// A session that lives, and its person, who is active.
#[derive(Clone, Debug)]
pub(crate) struct LiveSession {
    pub(crate) session_id: Uuid,
    pub(crate) invitation_id: Uuid,
    pub(crate) last_seen_at: DateTime<Utc>,
    pub(crate) kind: String,
    pub(crate) subject_id: Uuid,
    pub(crate) level: Option<String>,
    pub(crate) client_id: Option<Uuid>,
}

/// What is asked: is there such a session, at this moment?
#[derive(Clone, Copy, Debug)]
pub(crate) struct Question {
    pub(crate) org: OrgId,
    pub(crate) token: Digest,
    pub(crate) at: Timestamp,
}

#[derive(Default)]
struct Line {
    waiting: Vec<Asked>,
    is_served: bool,
}

struct Asked {
    question: Question,
    answer: oneshot::Sender<Option<LiveSession>>,
}

impl LiveSessions {
    pub(crate) fn of(pool: PgPool) -> Self {
        Self { pool, line: Arc::default() }
    }

    /// The session, if it lives and its person is active.
    pub(crate) async fn find(&self, question: Question) -> Result<Option<LiveSession>, sqlx::Error> {
        match self.line_up(question).await {
            Ok(found) => Ok(found),
            // What failed for many may be about one of them, and each must be told why: they ask by themselves.
            Err(_) => Ok(find_all(&mut *alone(&self.pool).await?, &[question]).await?.remove(0)),
        }
    }

    fn line_up(&self, question: Question) -> oneshot::Receiver<Option<LiveSession>> {
        let (answer, answered) = oneshot::channel();
        let mut line = self.locked();
        line.waiting.push(Asked { question, answer });
        if !std::mem::replace(&mut line.is_served, true) {
            // Whoever asked may go away; the others are answered all the same.
            tokio::spawn(self.clone().serve());
        }
        answered
    }

    /// Answers whoever waits, until nobody does.
    async fn serve(self) {
        while let Some(asked) = self.next_ones() {
            let questions: Vec<Question> = asked.iter().map(|asked| asked.question).collect();
            let pool = self.pool.clone();
            // In a task of its own: nothing that goes wrong in it ends the line.
            let mut looking = tokio::spawn(async move { find_all(&mut *alone(&pool).await?, &questions).await });
            match timeout(ANSWERS_WITHIN, &mut looking).await {
                Ok(Ok(Ok(found))) => asked.into_iter().zip(found).for_each(|(asked, found)| asked.hears(found)),
                // What is not answered is dropped, which those who wait learn.
                Ok(_) => {}
                Err(_) => {
                    looking.abort();
                    self.locked().waiting.clear();
                }
            }
        }
    }

    fn next_ones(&self) -> Option<Vec<Asked>> {
        let mut line = self.locked();
        line.waiting.retain(|asked| !asked.answer.is_closed());
        line.is_served = !line.waiting.is_empty();
        let together = line.waiting.len().min(MOST_TOGETHER);
        line.is_served.then(|| line.waiting.drain(..together).collect())
    }

    fn locked(&self) -> MutexGuard<'_, Line> {
        self.line.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Asked {
    fn hears(self, found: Option<LiveSession>) {
        // Whoever asked may have gone away.
        drop(self.answer.send(found));
    }
}

/// The answers in the order of the questions. One statement for all, so that nothing comes between a session and the
/// standing of its person; it names each organization to row security itself.
async fn find_all(connection: &mut PgConnection, asked: &[Question]) -> Result<Vec<Option<LiveSession>>, sqlx::Error> {
    let orgs: Vec<Uuid> = asked.iter().map(|question| question.org.0).collect();
    let tokens: Vec<&[u8]> = asked.iter().map(|question| &question.token[..]).collect();
    let moments: Vec<DateTime<Utc>> = asked.iter().map(|question| question.at.as_utc()).collect();
    let rows = sqlx::query!(
        r#"SELECT number AS "number!", session_id AS "session_id!", invitation_id AS "invitation_id!",
                  last_seen_at AS "last_seen_at!", kind AS "kind!", subject_id AS "subject_id!", level, client_id
           FROM identity.live_sessions($1, $2, $3)"#,
        &orgs,
        &tokens as &[&[u8]],
        &moments,
    )
    .fetch_all(connection)
    .await?;
    let mut found: Vec<Option<LiveSession>> = vec![None; asked.len()];
    for row in rows {
        let session = LiveSession {
            session_id: row.session_id,
            invitation_id: row.invitation_id,
            last_seen_at: row.last_seen_at,
            kind: row.kind,
            subject_id: row.subject_id,
            level: row.level,
            client_id: row.client_id,
        };
        if let Some(place) = found.get_mut(row.number.unsigned_abs() as usize - 1) {
            *place = Some(session);
        }
    }
    Ok(found)
}
