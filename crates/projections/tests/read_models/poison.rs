//! An event that cannot be projected: what stands before it is, its organization is set aside at exactly there, and other
//! folds try again.

use crate::firm::*;
use crate::squeamish::{POISON, Poison, Squeamish, is_poison};
use async_trait::async_trait;
use countersign_domain::envelope::{Actor, Recorded};
use countersign_domain::ids::CaseId;
use countersign_domain::imported::case::{Command, ImportedCase, case_id};
use countersign_domain::imported::verbatim::Verbatim;
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::clients::rename_client;
use countersign_eventstore::StoreError;
use countersign_postgres::scoped;
use countersign_projections::imported::case;
use countersign_projections::{
    Advance, Follower, FollowerOptions, Group, Keys, Limit, Line, PageRequest, Place, Positions, ProjectionError,
    Projector, ReadError, Rebuilds, Rows, Table, advance, groups, model, nobody_watches, unpark,
};
use sqlx::{PgConnection, PgPool};
use std::sync::Arc;
use std::time::{Duration, Instant};

const DEADLOCK: &str = "DO $$ BEGIN RAISE EXCEPTION 'deadlock' USING ERRCODE = 'deadlock_detected'; END $$";

/// A read model whose table refuses the poison, for ever or for the moment.
#[derive(Debug)]
struct Picky<const FOR_EVER: bool>;

impl<const FOR_EVER: bool> Projector for Picky<FOR_EVER> {
    type Key = u64;
    type Row = bool;

    fn keys(event: &Recorded) -> Keys<u64> {
        Keys::one(event.position)
    }

    fn project(rows: &mut Rows<u64, bool>, event: &Recorded) {
        rows.put(event.position, is_poison(event));
    }
}

#[async_trait]
impl<const FOR_EVER: bool> Table for Picky<FOR_EVER> {
    const NAME: &'static str = "picky";
    const COLUMNS: &'static [&'static str] = &["position"];

    async fn load(_: &mut PgConnection, _: i32, _: &[Place<u64>]) -> Result<Vec<(Place<u64>, bool)>, sqlx::Error> {
        Ok(Vec::new())
    }

    /// A day that Postgres does not know; or a deadlock, as Postgres reports it.
    async fn save(connection: &mut PgConnection, _: i32, rows: &[(Place<u64>, bool)]) -> Result<(), sqlx::Error> {
        let refuses = if FOR_EVER { "SELECT '9999999-01-01'::date" } else { DEADLOCK };
        let statement = if rows.iter().any(|(_, poison)| *poison) { refuses } else { "SELECT" };
        sqlx::raw_sql(statement).execute(connection).await.map(drop)
    }

    async fn delete(_: &mut PgConnection, _: i32, _: &[Place<u64>]) -> Result<(), sqlx::Error> {
        Ok(())
    }

    fn copy((position, _): (&u64, &bool), line: &mut Line) {
        line.put(position.cast_signed());
    }
}

/// The portal group of a build, with one more read model.
fn portal_with<P: Table>(code: &str) -> Group {
    let mut portal = portal_of(code);
    portal.read_models.push(model::<P>());
    portal
}

fn portal_of(code: &str) -> Group {
    let mut portal = groups().into_iter().find(|group| group.name == "portal").unwrap();
    portal.code = code.to_owned();
    portal
}

/// Renames Acme so often, once to what nobody can project; where that happened, and the head.
async fn rename_with_poison(firm: &Firm, before: usize, after: usize) -> (u64, u64) {
    for number in 0..before {
        firm.must(ADA, rename_client(ACME, label(&format!("Acme {number}")))).await;
    }
    let poison = firm.must(ADA, rename_client(ACME, label(POISON))).await;
    let mut head = poison;
    for number in 0..after {
        head = firm.must(ADA, rename_client(ACME, label(&format!("Acme again {number}")))).await;
    }
    (poison, head)
}

#[derive(Debug, PartialEq, sqlx::FromRow)]
struct Parked {
    position: i64,
    reason: String,
    tried: Vec<String>,
}

async fn parked(firm: &Firm, group: &str) -> Option<Parked> {
    let mut transaction = scoped(&firm.pool, firm.org).await.unwrap();
    let found = sqlx::query_as(
        r#"SELECT position, reason, tried FROM read.parked
           JOIN read.active_generation USING (org_id, "group", generation) WHERE "group" = $1"#,
    );
    found.bind(group).fetch_optional(&mut *transaction).await.unwrap()
}

async fn checkpoint(firm: &Firm, group: &str) -> u64 {
    let mut transaction = scoped(&firm.pool, firm.org).await.unwrap();
    let found = sqlx::query_scalar(
        r#"SELECT position FROM read.checkpoint
           JOIN read.active_generation USING (org_id, "group", generation) WHERE "group" = $1"#,
    );
    let position: i64 = found.bind(group).fetch_one(&mut *transaction).await.unwrap();
    position.unsigned_abs()
}

/// What Acme is called in the rows.
async fn name_of_acme(firm: &Firm) -> String {
    let mut transaction = scoped(&firm.pool, firm.org).await.unwrap();
    let found = sqlx::query_scalar(
        r#"SELECT name FROM read.client JOIN read.active_generation USING (org_id, generation)
           WHERE "group" = 'portal' AND client_id = $1"#,
    );
    found.bind(ACME.0).fetch_one(&mut *transaction).await.unwrap()
}

async fn stops_exactly_before_the_poison(firm: &Firm, portal: &Group, why: &str) {
    let (poison, _) = rename_with_poison(firm, 40, 7).await;
    assert_eq!(advance(&firm.ledger, portal, firm.org).await.unwrap(), Advance::Parked);
    assert_eq!(checkpoint(firm, "portal").await, poison - 1);
    assert_eq!(name_of_acme(firm).await, "Acme 39");
    let parked = parked(firm, "portal").await.unwrap();
    assert_eq!(parked.position.unsigned_abs(), poison);
    assert!(parked.reason.contains(why), "{}", parked.reason);
    assert_eq!(advance(&firm.ledger, portal, firm.org).await.unwrap(), Advance::Parked);
}

#[sqlx::test(migrations = "../../migrations")]
async fn whatever_stands_before_an_event_that_a_fold_cannot_take_is_projected(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    stops_exactly_before_the_poison(&firm, &portal_with::<Squeamish<Poison>>("ours"), "squeamish").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_value_that_the_database_refuses_parks_its_organization_and_is_not_tried_for_ever(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    stops_exactly_before_the_poison(&firm, &portal_with::<Picky<true>>("ours"), "date out of range").await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn trouble_that_passes_parks_nobody(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let (_, head) = rename_with_poison(&firm, 3, 3).await;
    let unlucky = advance(&firm.ledger, &portal_with::<Picky<false>>("ours"), firm.org).await;
    assert!(matches!(unlucky, Err(ProjectionError::Database(_))), "{unlucky:?}");
    assert_eq!(parked(&firm, "portal").await, None);
    assert_eq!(advance(&firm.ledger, &portal_of("ours"), firm.org).await.unwrap(), Advance::To(head));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_damaged_ledger_is_projected_up_to_the_damage(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let (damaged, _) = rename_with_poison(&firm, 5, 5).await;
    sqlx::raw_sql("ALTER TABLE ledger.event DISABLE TRIGGER append_only").execute(&owner).await.unwrap();
    for partition in 0..8 {
        let statement = format!("ALTER TABLE ledger.event_p{partition} DISABLE TRIGGER append_only");
        sqlx::raw_sql(sqlx::AssertSqlSafe(statement)).execute(&owner).await.unwrap();
    }
    let gone = sqlx::query("DELETE FROM ledger.event WHERE org_id = $1 AND position = $2");
    gone.bind(firm.org.0).bind(damaged as i64).execute(&owner).await.unwrap();

    assert_eq!(advance(&firm.ledger, &portal_of("ours"), firm.org).await.unwrap(), Advance::Parked);
    assert_eq!(name_of_acme(&firm).await, "Acme 4");
    let parked = parked(&firm, "portal").await.unwrap();
    assert_eq!(parked.position.unsigned_abs(), damaged);
    assert!(parked.reason.contains("damaged"), "{}", parked.reason);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_build_whose_folds_were_mended_goes_on_where_another_stopped(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let (poison, head) = rename_with_poison(&firm, 3, 3).await;
    advance(&firm.ledger, &portal_with::<Squeamish<Poison>>("broken"), firm.org).await.unwrap();
    assert_eq!(parked(&firm, "portal").await.unwrap().position.unsigned_abs(), poison);

    let positions = Positions::new(firm.pool.clone());
    let options = FollowerOptions { compare_every: Duration::from_millis(50), ..FollowerOptions::default() };
    let mended = Arc::new(vec![portal_of("mended")]);
    let follower = Follower::start(firm.ledger.clone(), mended, positions.clone(), options);
    while positions.reach(firm.org, &["portal"], head).await.is_err() {}
    follower.stop().await;
    assert_eq!(parked(&firm, "portal").await, None);
    assert_eq!(name_of_acme(&firm).await, "Acme again 2");
}

#[sqlx::test(migrations = "../../migrations")]
async fn rows_from_before_a_poison_event_are_waited_for_where_one_group_is_parked_and_another_late(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let (poison, _) = rename_with_poison(&firm, 3, 3).await;
    let became = advance(&firm.ledger, &portal_with::<Squeamish<Poison>>("broken"), firm.org).await.unwrap();
    assert_eq!(became, Advance::Parked);

    let positions = Positions::new(firm.pool.clone());
    let both = ["portal", "people"];
    let told_behind_after = async |position| {
        let since = Instant::now();
        assert!(matches!(positions.reach(firm.org, &both, position).await, Err(ReadError::Behind)));
        since.elapsed()
    };
    let patience = Duration::from_secs(2);
    assert!(told_behind_after(poison).await < patience, "nobody waits for what will not come");
    assert!(told_behind_after(poison - 1).await >= patience, "the late ones may come yet");
    advance(&firm.ledger, firm.group("people"), firm.org).await.unwrap();
    positions.reach(firm.org, &both, poison - 1).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_builds_that_cannot_take_an_event_each_try_it_once(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    rename_with_poison(&firm, 3, 3).await;
    let builds = [portal_with::<Squeamish<Poison>>("one"), portal_with::<Picky<true>>("other")];
    for _ in 0..3 {
        for build in &builds {
            assert_eq!(advance(&firm.ledger, build, firm.org).await.unwrap(), Advance::Parked);
        }
    }
    assert_eq!(parked(&firm, "portal").await.unwrap().tried, ["one", "other"]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_operator_lets_a_parked_organization_go_on(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let (poison, _) = rename_with_poison(&firm, 3, 3).await;
    let portal = portal_with::<Squeamish<Poison>>("ours");
    advance(&firm.ledger, &portal, firm.org).await.unwrap();
    assert!(unpark(&firm.pool, firm.org, &portal).await.unwrap());
    assert!(!unpark(&firm.pool, firm.org, &portal).await.unwrap(), "it is not parked any more");
    assert_eq!(parked(&firm, "portal").await, None);
    // The same folds fail again, from where they stood.
    assert_eq!(advance(&firm.ledger, &portal, firm.org).await.unwrap(), Advance::Parked);
    assert_eq!(parked(&firm, "portal").await.unwrap().position.unsigned_abs(), poison);
}

/// An event of a name that comes with a later version.
async fn written_by_a_later_version(owner: &PgPool, firm: &Firm) {
    let done = sqlx::query(
        "INSERT INTO ledger.event (org_id, position, stream_kind, stream_id, version, type, recorded_at, envelope, leaf_hash)
         SELECT org_id, position + 1, stream_kind, stream_id, version + 1, 'client.sold', recorded_at,
                replace(replace(replace(envelope, type, 'client.sold'), '\"position\":' || position, '\"position\":' || position + 1),
                        '\"version\":' || version, '\"version\":' || version + 1), leaf_hash
         FROM ledger.event WHERE org_id = $1 ORDER BY position DESC LIMIT 1",
    );
    done.bind(firm.org.0).execute(owner).await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_event_of_a_later_version_is_left_to_later_nodes_and_parks_nobody(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    let known = firm.must(ADA, rename_client(ACME, label("Acme again"))).await;
    written_by_a_later_version(&owner, &firm).await;
    let portal = portal_of("ours");
    assert_eq!(advance(&firm.ledger, &portal, firm.org).await.unwrap(), Advance::To(known));
    assert_eq!(name_of_acme(&firm).await, "Acme again");
    for _ in 0..2 {
        let outdated = advance(&firm.ledger, &portal, firm.org).await;
        assert!(matches!(outdated, Err(ProjectionError::Store(StoreError::Outdated(_)))), "{outdated:?}");
    }
    assert_eq!(parked(&firm, "portal").await, None);
    assert_eq!(checkpoint(&firm, "portal").await, known);
    // What is not in the rows yet is not compared either.
    let rebuilds = Rebuilds::new(firm.ledger.clone(), Arc::new(groups()));
    let checked = rebuilds.check(&["portal".to_owned()], None, &nobody_watches()).await.unwrap().remove(0);
    assert!(checked.agrees() && checked.position == known, "{checked:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_organization_that_cannot_be_rebuilt_stays_holds_nobody_up_and_is_named(owner: PgPool) {
    let ledger = node(&owner).await;
    let (sound, sick) = (Firm::on(ledger.clone(), 1).await, Firm::on(ledger.clone(), 2).await);
    let (poison, _) = rename_with_poison(&sick, 3, 3).await;
    sound.must(ADA, rename_client(ACME, label("Acme again"))).await;
    sound.follow().await;
    sick.follow().await;

    let portal = portal_with::<Squeamish<Poison>>("ours");
    let report = rebuild_with(&ledger, vec![portal_with::<Squeamish<Poison>>("ours")], "portal").await;
    assert_eq!((report.generation, report.organizations), (2, 1));
    let [named] = report.parked.as_slice() else { panic!("{:?}", report.parked) };
    assert_eq!((named.org, named.position, named.left_behind), (sick.org, poison, true));
    assert!(named.reason.contains("not this one"), "{}", named.reason);
    assert_eq!(name_of_acme(&sound).await, "Acme again");
    assert_eq!(name_of_acme(&sick).await, "Acme again 2", "nobody goes back in time");
    assert_eq!(advance(&ledger, &portal, sound.org).await.unwrap(), Advance::UpToDate);

    let report = rebuild_with(&ledger, vec![portal_of("mended")], "portal").await;
    assert_eq!(report.parked, []);
    assert_eq!(name_of_acme(&sick).await, "Acme again 2");
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_comparison_lists_nobody_who_is_up_to_date_or_known_to_be_stuck(owner: PgPool) {
    let ledger = node(&owner).await;
    let (idle, grown, stuck) =
        (Firm::on(ledger.clone(), 1).await, Firm::on(ledger.clone(), 2).await, Firm::on(ledger.clone(), 3).await);
    for firm in [&idle, &grown, &stuck] {
        firm.follow().await;
    }
    grown.must(ADA, rename_client(ACME, label("Acme again"))).await;
    stuck.must(ADA, rename_client(ACME, label(POISON))).await;
    advance(&ledger, &portal_with::<Squeamish<Poison>>("ours"), stuck.org).await.unwrap();

    let behind = async |code: &str| -> Vec<uuid::Uuid> {
        let listed = sqlx::query_scalar("SELECT org_id FROM read.behind(ARRAY['portal'], ARRAY[$1]) ORDER BY 1");
        listed.bind(code).fetch_all(&grown.pool).await.unwrap()
    };
    assert_eq!(behind("ours").await, [grown.org.0]);
    assert_eq!(behind("mended").await, [grown.org.0, stuck.org.0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_organization_without_rows_to_write_to_is_an_error_and_not_up_to_date(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    sqlx::query(r#"DELETE FROM read.active_generation WHERE "group" = 'portal'"#).execute(&owner).await.unwrap();
    let lost = advance(&firm.ledger, firm.group("portal"), firm.org).await;
    assert!(matches!(lost, Err(ProjectionError::NoGeneration { group: "portal", .. })), "{lost:?}");
    let listed: Vec<uuid::Uuid> = sqlx::query_scalar("SELECT org_id FROM read.behind(ARRAY['portal'], ARRAY['ours'])")
        .fetch_all(&firm.pool)
        .await
        .unwrap();
    assert_eq!(listed, [firm.org.0]);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_case_of_the_longest_name_is_listed_and_found(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    // A thousand different characters of three bytes, which nothing can shorten.
    let longest: String = (0..1_000).filter_map(|n| char::from_u32(0x4e00 + (n * 7919) % 20_000)).collect();
    assert_eq!(longest.len(), 3_000);
    let log = label("DomesticDeclarations");
    let names = [longest.clone(), format!("{}x", &longest[..2_997]), "declaration 1".to_owned()];
    for name in &names {
        let case = Verbatim::parse(name).unwrap();
        let id: CaseId = case_id(firm.org, &log, &case);
        let record = Command::Record { log: log.clone(), case, steps: Vec::new() };
        firm.must(Actor::Operator, UseCase::single::<ImportedCase>("ImportCase", id, record)).await;
    }
    firm.follow().await;
    assert_eq!(parked(&firm, "cases").await, None);
    for _ in 0..2 {
        let scope = firm.scope(ADA);
        let mut found = Vec::new();
        let mut page = PageRequest { limit: Limit::try_from(1).unwrap(), ..PageRequest::default() };
        loop {
            let listed = case::list(&firm.pool, &scope, now(), &Default::default(), &page).await.unwrap();
            found.extend(listed.items.into_iter().map(|case| case.name));
            let Some(next) = listed.next else { break };
            page.after = Some(next);
        }
        found.sort();
        let mut all = names.to_vec();
        all.sort();
        assert_eq!(found, all);
        let named = case::named(&firm.pool, &scope, now(), &longest).await.unwrap();
        assert_eq!(named.len(), 1);
        assert_eq!(named[0].name, longest);
        // The same in a generation that was made with the indexes as they are now.
        rebuild(&firm.ledger, "cases").await;
    }
}
