//! Several organizations followed at once: one transaction for all of them, each one's own rows, and nobody held up by
//! whoever stumbles.

use crate::firm::*;
use crate::squeamish::{POISON, Poison, groups_with};
use countersign_domain::use_cases::clients::{open_client, rename_client};
use countersign_eventstore::Ledger;
use countersign_postgres::following;
use countersign_projections::{
    Advance, Follower, FollowerOptions, Group, LeaseTimes, Positions, Rebuilds, Wanted, advance, groups, nobody_watches,
};
use sqlx::{Executor, PgPool};
use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

const EVERY_GROUP: &[&str] = &["portal", "approvals", "history", "people", "cases"];

/// Follows one thing after the other, so that whoever is behind together is taken together.
fn follower(ledger: &Ledger, groups: Vec<Group>, positions: &Positions) -> Follower {
    let options = FollowerOptions { workers: 1, name: Some("one".into()), ..FollowerOptions::default() };
    Follower::start(ledger.clone(), Arc::new(groups), positions.clone(), options)
}

/// Firms whose rows are up to their heads, and that nobody follows.
async fn firms(ledger: &Ledger, how_many: u128) -> Vec<Firm> {
    let mut firms = Vec::new();
    for number in 1..=how_many {
        firms.push(Firm::on(ledger.clone(), number).await);
        firms[firms.len() - 1].follow().await;
    }
    firms
}

async fn rename_acme(firm: &Firm, times: usize) -> u64 {
    let mut head = 0;
    for number in 1..=times {
        head = firm.must(ADA, rename_client(ACME, label(&format!("Acme {number}")))).await;
    }
    head
}

#[sqlx::test(migrations = "../../migrations")]
async fn firms_that_are_behind_together_are_brought_up_in_one_transaction_each_with_its_own_rows(owner: PgPool) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 6).await;
    let mut heads = Vec::new();
    for (number, firm) in firms.iter().enumerate() {
        heads.push(rename_acme(firm, number + 1).await);
    }
    let positions = Positions::new(ledger.reader().pool().clone());
    let follower = follower(&ledger, groups(), &positions);
    for (firm, head) in firms.iter().zip(heads) {
        firm.rows_reach(&positions, EVERY_GROUP, head).await;
    }
    follower.stop().await;

    assert_eq!(transactions(&owner, r#""group" = 'portal'"#).await, 1);
    for checked in Rebuilds::new(ledger, Arc::new(groups()))
        .check(&EVERY_GROUP.iter().map(|&group| group.to_owned()).collect::<Vec<_>>(), None, &nobody_watches())
        .await
        .unwrap()
    {
        assert!(checked.agrees(), "{checked:?}");
    }
    let names: Vec<String> = sqlx::query_scalar("SELECT name FROM read.client WHERE client_id = $1 ORDER BY name")
        .bind(ACME.0)
        .fetch_all(&owner)
        .await
        .unwrap();
    assert_eq!(names, ["Acme 1", "Acme 2", "Acme 3", "Acme 4", "Acme 5", "Acme 6"]);
}

/// In how many transactions checkpoints were moved last, of firms' groups that a condition names.
async fn transactions(owner: &PgPool, which: &'static str) -> i64 {
    let statement = format!("SELECT count(DISTINCT xmin::text) FROM read.checkpoint WHERE {which}");
    sqlx::query_scalar(sqlx::AssertSqlSafe(statement)).fetch_one(owner).await.unwrap()
}

#[sqlx::test(migrations = "../../migrations")]
async fn firms_that_nobody_has_followed_yet_begin_in_one_transaction_too(owner: PgPool) {
    let ledger = node(&owner).await;
    let mut firms = Vec::new();
    for number in 1..=4 {
        let firm = Firm::registered(ledger.clone(), number).await;
        let head = firm.must(ADA, open_client(ACME, label("Acme"))).await;
        firms.push((firm, head));
    }
    let positions = Positions::new(ledger.reader().pool().clone());
    let follower = follower(&ledger, groups(), &positions);
    for (firm, head) in &firms {
        firm.rows_reach(&positions, EVERY_GROUP, *head).await;
    }
    follower.stop().await;
    assert_eq!(transactions(&owner, "position > 0").await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_group_that_is_a_little_further_waits_for_the_others_and_goes_on_with_them(owner: PgPool) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 1).await;
    let [firm] = firms.as_slice() else { unreachable!("one firm was opened") };
    let head = rename_acme(firm, 3).await;
    let portal = firm.group("portal");
    assert_eq!(advance(&ledger, portal, firm.org).await.unwrap(), Advance::To(head));

    let positions = Positions::new(ledger.reader().pool().clone());
    let follower = follower(&ledger, groups(), &positions);
    firm.rows_reach(&positions, EVERY_GROUP, head).await;
    assert_eq!(transactions(&owner, r#""group" <> 'portal'"#).await, 1, "nobody was sent to catch up alone");
    let head = rename_acme(firm, 1).await;
    firm.rows_reach(&positions, EVERY_GROUP, head).await;
    follower.stop().await;
    assert_eq!(transactions(&owner, "true").await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_group_that_the_others_wait_for_and_that_stumbles_is_set_aside_and_they_go_on(owner: PgPool) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 1).await;
    let [firm] = firms.as_slice() else { unreachable!("one firm was opened") };
    let poison = firm.must(ADA, rename_client(ACME, label(POISON))).await;
    let others: Vec<&str> = EVERY_GROUP.iter().copied().filter(|group| *group != "portal").collect();
    for group in &others {
        assert_eq!(advance(&ledger, firm.group(group), firm.org).await.unwrap(), Advance::To(poison));
    }
    let positions = Positions::new(ledger.reader().pool().clone());
    let follower = follower(&ledger, groups_with::<Poison>(), &positions);
    let head = rename_acme(firm, 2).await;
    firm.rows_reach(&positions, &others, head).await;
    so_many_are_parked(&owner, 1).await;
    follower.stop().await;
    assert_eq!(parked(&owner).await, BTreeSet::from([(firm.org.0, "portal".to_owned(), poison as i64)]));
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_remembers_where_a_firm_stood_follows_its_readers_to_another_generation(owner: PgPool) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 1).await;
    let [firm] = firms.as_slice() else { unreachable!("one firm was opened") };
    let positions = Positions::new(ledger.reader().pool().clone());
    // It is never told to look at where its firms stand.
    let hour = Duration::from_secs(3_600);
    let options = FollowerOptions { workers: 1, compare_every: hour, ..FollowerOptions::default() };
    let follower = Follower::start(ledger.clone(), Arc::new(groups()), positions.clone(), options);
    let head = rename_acme(firm, 1).await;
    firm.rows_reach(&positions, EVERY_GROUP, head).await;
    // What was there before is kept, and could be followed as well as ever.
    let kept = Wanted { keep: Duration::from_secs(3_600), ..everybody("portal") };
    let rebuilds = Rebuilds::new(ledger.clone(), Arc::new(groups()));
    let begun = rebuilds.ask(&kept).await.unwrap();
    rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap();

    let head = firm.must(ADA, rename_client(ACME, label("Acme anew"))).await;
    firm.rows_reach(&positions, EVERY_GROUP, head).await;
    follower.stop().await;
    let name: String = sqlx::query_scalar(
        r#"SELECT client.name FROM read.client
           JOIN read.active_generation active ON active.org_id = client.org_id AND active.generation = client.generation
           WHERE active."group" = 'portal' AND active.generation > 1 AND client.client_id = $1"#,
    )
    .bind(ACME.0)
    .fetch_one(&owner)
    .await
    .unwrap();
    assert_eq!(name, "Acme anew");
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_the_database_lost_of_rows_is_folded_again_whatever_is_remembered_and_without_another_event(
    owner: PgPool,
) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 1).await;
    let [firm] = firms.as_slice() else { unreachable!("one firm was opened") };
    let positions = Positions::new(ledger.reader().pool().clone());
    let compare_every = Duration::from_millis(50);
    let options = FollowerOptions { workers: 1, compare_every, ..FollowerOptions::default() };
    let follower = Follower::start(ledger.clone(), Arc::new(groups()), positions.clone(), options);
    let head = rename_acme(firm, 2).await;
    firm.rows_reach(&positions, EVERY_GROUP, head).await;
    // What a step has written is not waited for until it is on the disk.
    let mut loss = owner.acquire().await.unwrap();
    loss.execute("BEGIN").await.unwrap();
    let back = r#"UPDATE read.checkpoint SET position = position - 1 WHERE org_id = $1 AND "group" <> 'access'"#;
    sqlx::query(back).bind(firm.org.0).execute(&mut *loss).await.unwrap();
    let back = "UPDATE read.client SET name = 'Acme 1' WHERE org_id = $1 AND client_id = $2";
    sqlx::query(back).bind(firm.org.0).bind(ACME.0).execute(&mut *loss).await.unwrap();
    loss.execute("COMMIT").await.unwrap();

    firm.rows_reach(&positions, EVERY_GROUP, head).await;
    follower.stop().await;
    let name: String = sqlx::query_scalar("SELECT name FROM read.client WHERE org_id = $1 AND client_id = $2")
        .bind(firm.org.0)
        .bind(ACME.0)
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(name, "Acme 2");
}

#[sqlx::test(migrations = "../../migrations")]
async fn among_firms_that_are_followed_together_one_that_stumbles_and_one_that_is_damaged_hold_up_nobody(
    owner: PgPool,
) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 5).await;
    let [sick, damaged, busy, sound, quiet] = firms.as_slice() else { unreachable!("five firms were opened") };
    let poison = sick.must(ADA, rename_client(ACME, label(POISON))).await;
    let hole = rename_acme(damaged, 3).await - 1;
    // More events than one turn takes of each.
    let heads = [rename_acme(busy, 80).await, rename_acme(sound, 2).await, rename_acme(quiet, 1).await];
    take_out(&owner, damaged, hole).await;

    let positions = Positions::new(ledger.reader().pool().clone());
    let follower = follower(&ledger, groups_with::<Poison>(), &positions);
    for (firm, head) in [busy, sound, quiet].into_iter().zip(heads) {
        firm.rows_reach(&positions, EVERY_GROUP, head).await;
    }
    sick.rows_reach(&positions, &["approvals", "history", "people", "cases"], poison).await;
    damaged.rows_reach(&positions, EVERY_GROUP, hole - 1).await;
    so_many_are_parked(&owner, groups().len() + 1).await;
    follower.stop().await;

    let of_sick = BTreeSet::from([(sick.org.0, "portal".to_owned(), poison as i64)]);
    let of_damaged = groups().into_iter().map(|group| (damaged.org.0, group.name.to_owned(), hole as i64)).collect();
    assert_eq!(parked(&owner).await, of_sick.union(&of_damaged).cloned().collect());
}

#[sqlx::test(migrations = "../../migrations")]
async fn among_firms_that_are_followed_together_the_one_whose_lease_was_lost_is_refused_alone(owner: PgPool) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 4).await;
    let [lost, others @ ..] = firms.as_slice() else { unreachable!("four firms were opened") };
    let positions = Positions::new(ledger.reader().pool().clone());
    // It believes for an hour in what it was told once.
    let hour = Duration::from_secs(3_600);
    let options = FollowerOptions {
        workers: 1,
        compare_every: Duration::from_millis(50),
        leases: LeaseTimes { renew_every: hour, live: hour },
        ..FollowerOptions::default()
    };
    let follower = Follower::start(ledger.clone(), Arc::new(groups()), positions.clone(), options);
    let head = rename_acme(lost, 3).await;
    lost.rows_reach(&positions, EVERY_GROUP, head).await;
    sqlx::query("UPDATE node.lease SET epoch = epoch + 1 WHERE shard = node.shard_of($1)")
        .bind(lost.org.0)
        .execute(&owner)
        .await
        .unwrap();

    let refused = rename_acme(lost, 2).await;
    for firm in others {
        let head = rename_acme(firm, 2).await;
        firm.rows_reach(&positions, EVERY_GROUP, head).await;
    }
    assert!(positions.reach(lost.org, &["portal"], refused).await.is_err());
    follower.stop().await;
    let held: Vec<i64> = sqlx::query_scalar("SELECT DISTINCT position FROM read.checkpoint WHERE org_id = $1")
        .bind(lost.org.0)
        .fetch_all(&owner)
        .await
        .unwrap();
    assert_eq!(held, [head as i64], "not one of its groups was moved");
    let name: String = sqlx::query_scalar("SELECT name FROM read.client WHERE org_id = $1 AND client_id = $2")
        .bind(lost.org.0)
        .bind(ACME.0)
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(name, "Acme 3", "and not one of its rows was written");
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_follows_several_firms_may_write_every_read_model(owner: PgPool) {
    let forgotten: Vec<String> = sqlx::query_scalar(
        r#"SELECT t.table_name FROM read.group_table t
           WHERE t."group" <> 'access' AND (
               NOT EXISTS (SELECT FROM pg_policies p WHERE p.schemaname = 'read' AND p.tablename = t.table_name
                           AND p.policyname = 'followed_organizations')
               OR EXISTS (SELECT FROM unnest(ARRAY['SELECT', 'INSERT', 'UPDATE', 'DELETE']) needed
                          WHERE NOT has_table_privilege('countersign_follower', 'read.' || t.table_name, needed)))"#,
    )
    .fetch_all(&owner)
    .await
    .unwrap();
    assert_eq!(
        forgotten,
        Vec::<String>::new(),
        "each needs its rights and its policy, as the tables beside it have them"
    );
}

async fn take_out(owner: &PgPool, firm: &Firm, position: u64) {
    sqlx::raw_sql(
        "DO $$ DECLARE name regclass; BEGIN
             FOR name IN SELECT c.oid::regclass FROM pg_class c WHERE c.relname LIKE 'event%' AND c.relkind IN ('r', 'p')
                 AND c.relnamespace = 'ledger'::regnamespace LOOP
                 EXECUTE format('ALTER TABLE %s DISABLE TRIGGER append_only', name);
             END LOOP;
         END $$",
    )
    .execute(owner)
    .await
    .unwrap();
    let gone = sqlx::query("DELETE FROM ledger.event WHERE org_id = $1 AND position = $2");
    let gone = gone.bind(firm.org.0).bind(position as i64).execute(owner).await.unwrap();
    assert_eq!(gone.rows_affected(), 1);
}

/// Waits until so many pairs of a firm and a group are set aside; what is wrong then is for whoever waits to say.
async fn so_many_are_parked(owner: &PgPool, how_many: usize) {
    for _ in 0..3_000 {
        if parked(owner).await.len() >= how_many {
            return;
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

async fn parked(owner: &PgPool) -> BTreeSet<(uuid::Uuid, String, i64)> {
    let found = sqlx::query_as(r#"SELECT org_id, "group", position FROM read.parked"#);
    found.fetch_all(owner).await.unwrap().into_iter().collect()
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_follows_reaches_the_firms_that_it_names_and_nothing_else(owner: PgPool) {
    let ledger = node(&owner).await;
    let firms = firms(&ledger, 3).await;
    let named = [firms[0].org, firms[1].org];
    let expected: BTreeSet<_> = named.iter().map(|org| org.0).collect();
    let pool = ledger.reader().pool();
    for table in ["ledger.event", "read.client", "read.person_card", "read.checkpoint", "read.active_generation"] {
        let mut transaction = following(pool, &named).await.unwrap();
        let statement = sqlx::AssertSqlSafe(format!("SELECT DISTINCT org_id FROM {table}"));
        let seen: Vec<uuid::Uuid> = sqlx::query_scalar(statement).fetch_all(&mut *transaction).await.unwrap();
        assert_eq!(seen.into_iter().collect::<BTreeSet<_>>(), expected, "{table}");
    }
    let stranger = firms[2].org.0;
    for (statement, why) in [
        (
            "INSERT INTO read.client (generation, org_id, client_id, name, opened_at) VALUES (1, $1, $1, 'X', now())",
            "row-level security",
        ),
        (
            "INSERT INTO process.agenda (org_id, item_id, due_at, task) VALUES ($1, $1, now(), '{}')",
            "row-level security",
        ),
        ("SELECT FROM identity.session WHERE org_id = $1", "permission denied"),
        ("SELECT FROM vault.person_key WHERE org_id = $1", "permission denied"),
        ("INSERT INTO ledger.event (org_id) VALUES ($1)", "permission denied"),
        ("UPDATE read.active_generation SET generation = 1 WHERE org_id = $1", "permission denied"),
        ("SELECT FROM read.access_grant WHERE org_id = $1", "permission denied"),
    ] {
        let mut transaction = following(pool, &named).await.unwrap();
        let refused = sqlx::query(statement).bind(stranger).execute(&mut *transaction).await.unwrap_err();
        assert!(refused.to_string().contains(why), "{statement}: {refused}");
    }
    let mut transaction = following(pool, &named).await.unwrap();
    let moved = sqlx::query("UPDATE read.checkpoint SET position = 0 WHERE org_id = $1").bind(stranger);
    assert_eq!(moved.execute(&mut *transaction).await.unwrap().rows_affected(), 0);
    transaction.rollback().await.unwrap();

    // What is only read is bound to one, whatever the connection followed before.
    let mut transaction = countersign_postgres::scoped(pool, firms[2].org).await.unwrap();
    sqlx::query("SELECT set_config('countersign.orgs', $1, true)")
        .bind(format!("{{{},{}}}", named[0], named[1]))
        .execute(&mut *transaction)
        .await
        .unwrap();
    let seen: Vec<uuid::Uuid> =
        sqlx::query_scalar("SELECT DISTINCT org_id FROM read.client").fetch_all(&mut *transaction).await.unwrap();
    assert_eq!(seen, [stranger]);
}
