//! Which nodes serve, and whether somebody holds every piece of the work.

use crate::doctor::Finding;
use crate::doctor::finding::Offenders;
use crate::node::followed;
use countersign_postgres::spanning;
use countersign_projections::{NodeState, WorkState, living_nodes, work_states};
use sqlx::PgPool;

const NODES: &str = "nodes";
const LEASES: &str = "leases";

pub(super) async fn look(pool: &PgPool) -> Vec<Finding> {
    match states(pool).await {
        Ok((nodes, _)) if nodes.is_empty() => {
            vec![Finding::ok(NODES, "nobody serves this database at the moment, so that nothing is followed")]
        }
        Ok((nodes, works)) => vec![living(&nodes), held(&works)],
        Err(error) => vec![Finding::unknown(NODES, &error)],
    }
}

async fn states(pool: &PgPool) -> Result<(Vec<NodeState>, Vec<WorkState>), sqlx::Error> {
    let mut transaction = spanning(pool).await?;
    let found = (living_nodes(&mut transaction).await?, work_states(&mut transaction).await?);
    transaction.commit().await?;
    Ok(found)
}

fn living(nodes: &[NodeState]) -> Finding {
    let outdated: Offenders = nodes.iter().filter(|node| node.outdated).map(|node| node.name.clone()).collect();
    if outdated.is_empty() {
        return Finding::ok(NODES, format!("{} serve this database", nodes.len()));
    }
    Finding::warning(
        NODES,
        format!("{outdated} met events of a newer version"),
        "replace them by nodes of the version that the others have",
    )
}

/// Leases of work that this build does not know are left over from another one.
fn held(works: &[WorkState]) -> Finding {
    let known: Vec<&str> = followed().iter().map(|group| group.name).collect();
    let free: Offenders = works
        .iter()
        .filter(|work| work.free > 0 && known.contains(&work.work.as_str()))
        .map(|work| format!("{} of {}", work.free, work.work))
        .collect();
    if free.is_empty() {
        return Finding::ok(LEASES, "somebody holds every piece of the work");
    }
    Finding::warning(
        LEASES,
        format!("nobody holds these pieces of the work: {free}"),
        "look again in some seconds: nodes take what is free; if it stays, their logs say why",
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::doctor::State;

    #[test]
    fn work_that_nobody_holds_is_told_unless_nobody_knows_it_any_more() {
        let work = |name: &str, free| WorkState { work: name.to_owned(), held: 32 - free, free };
        assert_eq!(held(&[work("portal", 0), work("gone_long_ago", 32)]).state, State::Ok);
        let finding = held(&[work("portal", 0), work("agenda", 7)]);
        assert_eq!(finding.state, State::Warning);
        assert!(finding.line.ends_with("7 of agenda"), "{}", finding.line);
    }

    #[test]
    fn a_node_that_has_been_outgrown_is_named() {
        let node = |name: &str, outdated| NodeState { name: name.to_owned(), outdated };
        assert_eq!(living(&[node("one", false)]).state, State::Ok);
        let finding = living(&[node("one", false), node("two", true)]);
        assert!(finding.state == State::Warning && finding.line.starts_with("two met"), "{finding:?}");
    }
}
