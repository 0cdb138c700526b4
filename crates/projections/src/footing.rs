//! Where an organization's groups stand before a step: as the step before left them, or as it is asked.
//!
//! What is remembered may be wrong: somebody else was at them, or readers were put over to another generation. A step that
//! has something to fold finds out when it moves their checkpoints (`abreast`), and then it is asked. Where the database may
//! have lost what was not yet on its disk there may be nothing to fold: whoever remembers (`follower`) forgets it then.

use crate::group::Group;
use crate::lease::Lease;
use countersign_domain::ids::OrgId;
use sqlx::PgConnection;
use std::collections::BTreeMap;
use uuid::Uuid;

/// Whoever is no further behind the first than so many events is waited for.
const NEAR: i64 = 32;

/// An organization with the groups in which this node may follow it, each under a lease.
#[derive(Clone, Debug)]
pub(crate) struct Follows<'a> {
    pub(crate) org: OrgId,
    pub(crate) groups: Vec<(&'a Group, Lease)>,
    /// Where the step before left exactly these groups, if it is remembered.
    pub(crate) footing: Option<Footing>,
}

/// Where all groups of an organization stood together after a step.
#[derive(Clone, Debug)]
pub(crate) struct Footing {
    position: u64,
    /// Of each group, in their order.
    generations: Vec<i32>,
}

/// A group that stands where its organization's step begins.
pub(crate) struct Member<'a> {
    pub(crate) group: &'a Group,
    pub(crate) generation: i32,
    pub(crate) lease: Lease,
}

/// Where an organization's groups stand.
pub(crate) struct Standing<'a> {
    pub(crate) org: OrgId,
    pub(crate) position: u64,
    /// Those that stand there, and go on together.
    pub(crate) abreast: Vec<Member<'a>>,
    /// The names of those that go on alone.
    pub(crate) alone: Vec<&'static str>,
    /// Where the next of the others stands, if some are a little further: they wait for these.
    pub(crate) until: Option<u64>,
}

impl Standing<'_> {
    /// Where all stand so many events further, if they stand together.
    pub(crate) fn footing_after(&self, events: usize) -> Option<Footing> {
        let generations = self.abreast.iter().map(|member| member.generation).collect();
        let together = self.alone.is_empty() && self.until.is_none();
        together.then(|| Footing { position: self.position + events as u64, generations })
    }
}

/// Where each of these organizations stands: as it is remembered, or as it is asked.
pub(crate) async fn stand<'a>(
    connection: &mut PgConnection,
    follows: &[Follows<'a>],
) -> Result<Vec<Standing<'a>>, sqlx::Error> {
    let (mut standing, mut asked) = (Vec::with_capacity(follows.len()), Vec::new());
    for one in follows {
        match one.remembered() {
            Some(remembered) => standing.push(remembered),
            None => asked.push(one),
        }
    }
    if !asked.is_empty() {
        standing.extend(ask_where_they_stand(connection, &asked).await?);
    }
    Ok(standing)
}

impl<'a> Follows<'a> {
    fn remembered(&self) -> Option<Standing<'a>> {
        let footing = self.footing.as_ref().filter(|footing| footing.generations.len() == self.groups.len())?;
        let of_each = self.groups.iter().zip(&footing.generations);
        let abreast = of_each.map(|(&(group, lease), &generation)| Member { group, generation, lease }).collect();
        let (org, position) = (self.org, footing.position);
        Some(Standing { org, position, abreast, alone: Vec::new(), until: None })
    }
}

/// Locks the checkpoints that nobody else has locked, and finds of each organization those that go on together.
async fn ask_where_they_stand<'a>(
    connection: &mut PgConnection,
    follows: &[&Follows<'a>],
) -> Result<Vec<Standing<'a>>, sqlx::Error> {
    let asked = || follows.iter().flat_map(|one| one.groups.iter().map(|(group, _)| (one.org, group.name)));
    let orgs: Vec<Uuid> = asked().map(|(org, _)| org.0).collect();
    let names: Vec<String> = asked().map(|(_, name)| name.to_owned()).collect();
    begin(connection, &orgs, &names).await?;
    let rows = sqlx::query!(
        r#"SELECT c.org_id, c."group", c.generation, c.position, parked.tried AS "tried?"
           FROM unnest($1::uuid[], $2::text[]) followed (org_id, name)
           JOIN read.active_generation active ON active.org_id = followed.org_id AND active."group" = followed.name
           JOIN read.checkpoint c
             ON c.org_id = active.org_id AND c."group" = active."group" AND c.generation = active.generation
           LEFT JOIN read.parked
             ON parked.org_id = c.org_id AND parked."group" = c."group" AND parked.generation = c.generation
           FOR NO KEY UPDATE OF c SKIP LOCKED"#,
        &orgs,
        &names
    )
    .fetch_all(&mut *connection)
    .await?;
    let mut of_each: BTreeMap<Uuid, Vec<_>> = BTreeMap::new();
    for row in rows {
        of_each.entry(row.org_id).or_default().push(row);
    }
    let stands = |Follows { org, groups, .. }: &Follows<'a>| {
        let rows = of_each.remove(&org.0).unwrap_or_default();
        let (position, until) = where_most_stand(rows.iter().filter(|row| row.tried.is_none()).map(|row| row.position));
        let (mut abreast, mut alone) = (Vec::new(), Vec::new());
        for &(group, lease) in groups {
            match rows.iter().find(|row| row.group == group.name) {
                // Parked, and these folds have failed already.
                Some(row) if row.tried.as_ref().is_some_and(|tried| tried.contains(&group.code)) => {}
                Some(row) if row.tried.is_none() && row.position == position => {
                    abreast.push(Member { group, generation: row.generation, lease });
                }
                // A little further than those: they wait.
                Some(row) if row.tried.is_none() && row.position > position => {}
                // Far behind the others, parked by another build, or locked by somebody.
                Some(_) | None => alone.push(group.name),
            }
        }
        let (position, until) = (position.unsigned_abs(), until.map(i64::unsigned_abs));
        Standing { org: *org, position, abreast, alone, until }
    };
    Ok(follows.iter().copied().map(stands).collect())
}

/// Where a group has not taken anything of an organization yet, it begins at the beginning, with the others.
async fn begin(connection: &mut PgConnection, orgs: &[Uuid], names: &[String]) -> Result<(), sqlx::Error> {
    sqlx::query!(
        r#"INSERT INTO read.checkpoint ("group", generation, org_id, position)
           SELECT active."group", active.generation, active.org_id, 0
           FROM unnest($1::uuid[], $2::text[]) followed (org_id, name)
           JOIN read.active_generation active ON active.org_id = followed.org_id AND active."group" = followed.name
           WHERE NOT EXISTS (
               SELECT FROM read.checkpoint c
               WHERE c.org_id = active.org_id AND c."group" = active."group" AND c.generation = active.generation
           )
           ORDER BY active.org_id, active."group"
           ON CONFLICT (org_id, "group", generation) DO NOTHING"#,
        orgs,
        names
    )
    .execute(connection)
    .await?;
    Ok(())
}

/// From where to go on: where the last stands of those that are within a step of the first. Whoever is further behind must
/// hold nobody up. And where the next one stands, if they do not stand together.
fn where_most_stand(positions: impl Iterator<Item = i64> + Clone) -> (i64, Option<i64>) {
    let first = positions.clone().max().unwrap_or(0);
    let near = || positions.clone().filter(|position| first - position <= NEAR);
    let last = near().min().unwrap_or(0);
    (last, near().filter(|position| *position > last).min())
}

#[cfg(test)]
mod tests {
    use super::where_most_stand;

    fn of(positions: &[i64]) -> (i64, Option<i64>) {
        where_most_stand(positions.iter().copied())
    }

    #[test]
    fn groups_that_stand_together_go_on_from_there() {
        assert_eq!(of(&[7, 7, 7]), (7, None));
    }

    #[test]
    fn those_a_little_behind_are_brought_up_to_the_next_first() {
        assert_eq!(of(&[9, 7, 8, 9]), (7, Some(8)));
        assert_eq!(of(&[40, 8]), (8, Some(40)));
    }

    #[test]
    fn whoever_is_far_behind_holds_nobody_up() {
        assert_eq!(of(&[41, 8, 41]), (41, None));
        assert_eq!(of(&[41, 8, 40]), (40, Some(41)));
    }

    #[test]
    fn where_nobody_is_left_everything_is_before_them() {
        assert_eq!(of(&[]), (0, None));
    }
}
