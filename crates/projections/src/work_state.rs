//! Which nodes there are, and how the work is shared among them: for whoever watches over an installation.

use sqlx::PgConnection;

/// A kind of work, and its shards.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WorkState {
    /// A group of read models, or the agenda.
    pub work: String,
    /// How many shards are held by nodes that live.
    pub held: u64,
    /// How many are held by nobody, or by a node that has fallen silent.
    pub free: u64,
}

/// A node that has shown lately that it lives.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeState {
    /// What it calls itself.
    pub name: String,
    /// Whether it has met an event that it does not know.
    pub outdated: bool,
}

/// The nodes that live, by the database's clock.
pub async fn living_nodes(connection: &mut PgConnection) -> Result<Vec<NodeState>, sqlx::Error> {
    let rows =
        sqlx::query!("SELECT name, outdated FROM node.member WHERE expires_at > clock_timestamp() ORDER BY name")
            .fetch_all(connection)
            .await?;
    Ok(rows.into_iter().map(|row| NodeState { name: row.name, outdated: row.outdated }).collect())
}

/// How each kind of work is held.
pub async fn work_states(connection: &mut PgConnection) -> Result<Vec<WorkState>, sqlx::Error> {
    let rows = sqlx::query!(
        r#"SELECT l.work, count(m.node_id) AS "held!", count(*) - count(m.node_id) AS "free!"
           FROM node.lease l
           LEFT JOIN node.member m ON m.node_id = l.holder AND m.expires_at > clock_timestamp()
           GROUP BY l.work ORDER BY l.work"#
    )
    .fetch_all(connection)
    .await?;
    let states = rows.into_iter().map(|row| WorkState {
        work: row.work,
        held: row.held.unsigned_abs(),
        free: row.free.unsigned_abs(),
    });
    Ok(states.collect())
}
