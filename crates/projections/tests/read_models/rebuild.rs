//! Rebuilt equals followed, for every projector, while reads go on.

use crate::dice::Dice;
use crate::firm::*;
use crate::world::{begin, happen};
use countersign_projections::work::project;
use countersign_projections::{ACCESS, Advance, Generation, Group, advance};
use rust_decimal::Decimal;
use sqlx::PgPool;
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Every row of a group's active generation, as text; without the generation itself.
pub async fn rows(owner: &PgPool, firm: &Firm, group: &str) -> BTreeMap<String, Vec<String>> {
    let tables: Vec<String> =
        sqlx::query_scalar(r#"SELECT table_name FROM read.group_table WHERE "group" = $1 ORDER BY 1"#)
            .bind(group)
            .fetch_all(owner)
            .await
            .unwrap();
    let mut found = BTreeMap::new();
    for table in tables {
        let text = format!(
            r#"SELECT (to_jsonb(row) - 'generation')::text FROM read.{table} row
               JOIN read.active_generation active USING (org_id, generation)
               WHERE org_id = $1 AND active."group" = $2 ORDER BY 1"#
        );
        let statement = sqlx::query_scalar(sqlx::AssertSqlSafe(text));
        found.insert(table, statement.bind(firm.org.0).bind(group).fetch_all(owner).await.unwrap());
    }
    found
}

async fn digests(owner: &PgPool, firm: &Firm, group: &Group) -> Vec<String> {
    let number: i32 =
        sqlx::query_scalar(r#"SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = $2"#)
            .bind(firm.org.0)
            .bind(group.name)
            .fetch_one(owner)
            .await
            .unwrap();
    digests_of(owner, group, Generation { org: firm.org, number }).await
}

/// The digests of a group's rows in one generation, by read model.
pub async fn digests_of(owner: &PgPool, group: &Group, of: Generation) -> Vec<String> {
    let mut connection = owner.acquire().await.unwrap();
    let mut found = Vec::new();
    for read_model in &group.read_models {
        let digest = read_model.digest(&mut connection, of).await.unwrap();
        found.push(format!("{} {digest}", read_model.name()));
    }
    found
}

// F18.6
#[sqlx::test(migrations = "../../migrations")]
async fn rebuilt_rows_equal_followed_ones_for_every_projector(owner: PgPool) {
    let ledger = node(&owner).await;
    let mut firms = Vec::new();
    for seed in 1..=4 {
        let firm = Firm::on(ledger.clone(), seed).await;
        begin(&firm).await;
        happen(&firm, &mut Dice::of(seed as u64), 280).await;
        firms.push(firm);
    }
    let kinds: i64 =
        sqlx::query_scalar("SELECT count(DISTINCT type) FROM ledger.event").fetch_one(&owner).await.unwrap();
    assert!(kinds >= 38, "chance made only {kinds} kinds of events");
    for group in firms[0].groups.iter() {
        let mut followed = Vec::new();
        for firm in &firms {
            followed.push((rows(&owner, firm, group.name).await, digests(&owner, firm, group).await));
        }
        assert!(followed.iter().any(|(rows, _)| rows.values().all(|rows| !rows.is_empty())), "{}", group.name);
        let report = rebuild(&ledger, group.name).await;
        assert_eq!((report.generation, report.organizations), (2, 4));
        for (firm, followed) in firms.iter().zip(&followed) {
            let rebuilt = (rows(&owner, firm, group.name).await, digests(&owner, firm, group).await);
            assert_eq!(&rebuilt, followed, "{} of {}", group.name, firm.org);
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rebuilt_group_is_followed_on_and_can_be_rebuilt_again(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.show(PORTAL, "Portal").await;
    for generation in 2..=4 {
        let report = rebuild(&firm.ledger, "portal").await;
        assert_eq!(report.generation, generation);
        firm.work(entry(generation as u128), PORTAL, "1.5").await;
        assert_eq!(
            advance(&firm.ledger, firm.group("portal"), firm.org).await.unwrap(),
            Advance::To(report.events + 1)
        );
    }
    let seen = project::get(&firm.pool, &firm.scope(ADA), now(), PORTAL).await.unwrap();
    assert_eq!(seen.hours_used, decimal("4.5"));
    let old: i64 = sqlx::query_scalar("SELECT count(*) FROM pg_class WHERE relname ~ '^project_g[0-9]+$'")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(old, 1, "generations that nobody reads are gone");
}

// F18.6
#[sqlx::test(migrations = "../../migrations")]
async fn reads_go_on_during_a_rebuild_and_never_go_back_in_time(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.show(PORTAL, "Portal").await;
    firm.welcome(GINA, PORTAL, []).await;
    firm.follow().await;
    let done = AtomicBool::new(false);
    let answers = AtomicU64::new(0);
    let reader = async {
        let mut last = Decimal::ZERO;
        while !done.load(Ordering::Relaxed) {
            let seen = project::get(&firm.pool, &firm.scope(GINA), now(), PORTAL).await.unwrap();
            assert!(seen.hours_used >= last, "{} after {last}", seen.hours_used);
            last = seen.hours_used;
            answers.fetch_add(1, Ordering::Relaxed);
        }
    };
    let writer = async {
        for number in 1..=60 {
            firm.work(entry(number), PORTAL, "0.5").await;
            while let Advance::To(_) = advance(&firm.ledger, firm.group("portal"), firm.org).await.unwrap() {}
        }
    };
    let rebuilder = async {
        for _ in 0..4 {
            rebuild(&firm.ledger, "portal").await;
            rebuild(&firm.ledger, ACCESS).await;
        }
    };
    let work = async {
        tokio::join!(writer, rebuilder);
        done.store(true, Ordering::Relaxed);
    };
    tokio::join!(reader, work);
    firm.follow().await;
    let seen = project::get(&firm.pool, &firm.scope(GINA), now(), PORTAL).await.unwrap();
    assert_eq!(seen.hours_used, decimal("30"));
    assert!(answers.load(Ordering::Relaxed) > 10);
    assert_eq!(rows(&owner, &firm, ACCESS).await["access_grant"].len(), 1);
}

// F18.8
#[sqlx::test(migrations = "../../migrations")]
async fn after_an_erasure_a_rebuild_finds_no_name_and_every_other_row_as_it_was(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.show(PORTAL, "Portal").await;
    firm.welcome(GINA, PORTAL, []).await;
    firm.follow().await;
    let before = (rows(&owner, &firm, "portal").await, digests(&owner, &firm, firm.group("people")).await);
    let card = |rows: BTreeMap<String, Vec<String>>| {
        rows["person_card"].iter().find(|row| row.contains(&contact_of(GINA).to_string())).cloned().unwrap()
    };
    assert!(card(rows(&owner, &firm, "people").await).contains("Guest 9a"));

    sqlx::query("DELETE FROM vault.person_key WHERE person_id = $1")
        .bind(contact_of(GINA).0)
        .execute(&owner)
        .await
        .unwrap();
    let afresh = node(&owner).await;
    for group in firm.groups.iter() {
        rebuild(&afresh, group.name).await;
    }
    assert!(!card(rows(&owner, &firm, "people").await).contains("Guest 9a"));
    let after = (rows(&owner, &firm, "portal").await, digests(&owner, &firm, firm.group("people")).await);
    assert_eq!(before, after);
}
