//! A rebuild as a job: interrupted, tried with a canary, gone back from; and what is read compared with the ledgers.
//!
//! `COUNTERSIGN_REBUILDS` makes the story under write load longer.

use crate::dice::Dice;
use crate::firm::*;
use crate::longer::number;
use crate::rebuild::{digests_of, rows};
use crate::world::{begin, happen};
use countersign_domain::ids::OrgId;
use countersign_domain::use_cases::clients::{open_client, rename_client};
use countersign_eventstore::fence;
use countersign_projections::{
    ACCESS, Checked, Generation, InWhat, Progress, Rebuild, RebuildError, RebuildState, Rebuilds, Told, Wanted,
    Workers, groups, nobody_watches,
};
use futures::future::join_all;
use sqlx::{AssertSqlSafe, ConnectOptions, PgPool};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;
use tokio::sync::Notify;

const AN_HOUR: Duration = Duration::from_secs(3_600);

fn rebuilds_of(firm: &Firm) -> Rebuilds {
    Rebuilds::new(firm.ledger.clone(), Arc::new(groups()))
}

async fn check(rebuilds: &Rebuilds, groups: &[&str]) -> Vec<Checked> {
    let groups: Vec<String> = groups.iter().map(|&group| group.to_owned()).collect();
    rebuilds.check(&groups, None, &nobody_watches()).await.unwrap()
}

async fn is_right(rebuilds: &Rebuilds) {
    for checked in check(rebuilds, &rebuilds.names()).await {
        assert!(checked.agrees(), "{checked:?}");
    }
}

async fn kept(rebuilds: &Rebuilds, group: &str) -> Rebuild {
    let wanted = Wanted { keep: AN_HOUR, ..everybody(group) };
    let begun = rebuilds.ask(&wanted).await.unwrap();
    let report = rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
    assert_eq!(report.state, RebuildState::InRollbackWindow);
    begun
}

async fn generation(owner: &PgPool, org: OrgId, group: &str) -> i32 {
    sqlx::query_scalar(r#"SELECT generation FROM read.active_generation WHERE org_id = $1 AND "group" = $2"#)
        .bind(org.0)
        .bind(group)
        .fetch_one(owner)
        .await
        .unwrap()
}

async fn checkpoint(owner: &PgPool, org: OrgId, generation: i32) -> i64 {
    sqlx::query_scalar(
        r#"SELECT position FROM read.checkpoint WHERE org_id = $1 AND "group" = 'portal' AND generation = $2"#,
    )
    .bind(org.0)
    .bind(generation)
    .fetch_one(owner)
    .await
    .unwrap()
}

async fn tables_of_generation(owner: &PgPool, number: i32) -> Vec<String> {
    sqlx::query_scalar(
        "SELECT relname::text FROM pg_class WHERE relkind = 'r' AND relname ~ ('_g' || $1 || '$') ORDER BY 1",
    )
    .bind(number)
    .fetch_all(owner)
    .await
    .unwrap()
}

/// Does something to the database at the very moment at which a rebuild enters a state, before it goes on.
fn when_entering(owner: &PgPool, wanted: RebuildState, statement: &'static str) -> Progress {
    let options = (*owner.connect_options()).clone();
    let meanwhile = move || {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        runtime.block_on(async {
            let mut connection = options.connect().await.unwrap();
            let done = sqlx::query(AssertSqlSafe(statement)).execute(&mut connection).await.unwrap();
            assert!(done.rows_affected() > 0, "{statement}");
        });
    };
    let meanwhile = Arc::new(meanwhile);
    Arc::new(move |told| {
        if matches!(told, Told::Entered { state, .. } if state == wanted) {
            let meanwhile = meanwhile.clone();
            std::thread::spawn(move || meanwhile()).join().unwrap();
        }
    })
}

// Design, part 7: the old generation is kept up during a rollback window, flip back by the same fence.
#[sqlx::test(migrations = "../../migrations")]
async fn readers_go_back_to_rows_that_were_kept_up_to_date(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.show(PORTAL, "Portal").await;
    firm.follow().await;
    let rebuilds = rebuilds_of(&firm);
    kept(&rebuilds, "portal").await;
    assert_eq!(generation(&owner, firm.org, "portal").await, 2);

    // Whoever serves keeps the rows before up; somebody new knows them not.
    let head = firm.must(ADA, rename_client(ACME, label("Acme again"))).await;
    rebuilds.tend().await.unwrap();
    assert_eq!(checkpoint(&owner, firm.org, 1).await.unsigned_abs(), head);
    let newcomer = Firm::on(firm.ledger.clone(), 2).await;
    assert_eq!(generation(&owner, newcomer.org, "portal").await, 2);
    firm.must(ADA, rename_client(ACME, label("Acme once more"))).await;
    firm.follow().await;
    newcomer.follow().await;
    let before = [rows(&owner, &firm, "portal").await, rows(&owner, &newcomer, "portal").await];

    let begun = rebuilds.ask_back("portal", Workers::Asker).await.unwrap();
    assert_eq!(begun.state, RebuildState::RollingBack);
    let report = rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
    assert_eq!((report.state, report.parked), (RebuildState::RolledBack, Vec::new()));
    for (firm, before) in [&firm, &newcomer].into_iter().zip(&before) {
        assert_eq!(generation(&owner, firm.org, "portal").await, 1);
        assert_eq!(&rows(&owner, firm, "portal").await, before);
    }
    assert_eq!(tables_of_generation(&owner, 2).await, Vec::<String>::new(), "what nobody reads any more is gone");
    is_right(&rebuilds).await;
    let again = Firm::on(firm.ledger.clone(), 3).await;
    assert_eq!(generation(&owner, again.org, "portal").await, 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn when_the_window_is_over_the_rows_before_go_and_nobody_goes_back(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.follow().await;
    let rebuilds = rebuilds_of(&firm);
    let begun = kept(&rebuilds, "people").await;
    rebuilds.tend().await.unwrap();
    assert_eq!(tables_of_generation(&owner, 1).await.iter().filter(|name| *name == "person_card_g1").count(), 1);

    sqlx::query("UPDATE read.rebuild SET kept_until = now()").execute(&owner).await.unwrap();
    rebuilds.tend().await.unwrap();
    assert_eq!(rebuilds.find(begun.id).await.unwrap().state, RebuildState::Done);
    assert_eq!(tables_of_generation(&owner, 1).await.iter().filter(|name| *name == "person_card_g1").count(), 0);
    let too_late = rebuilds.ask_back("people", Workers::Asker).await;
    assert!(matches!(too_late, Err(RebuildError::NothingKept(_))), "{too_late:?}");
    let never = rebuilds.ask_back(ACCESS, Workers::Asker).await;
    assert!(matches!(never, Err(RebuildError::NotKeptTwice(_))), "{never:?}");
}

// Design, part 7: canary organizations first.
#[sqlx::test(migrations = "../../migrations")]
async fn a_canary_whose_rows_are_wrong_is_put_back_and_nobody_follows_it(owner: PgPool) {
    let ledger = node(&owner).await;
    let (canary, other) = (Firm::on(ledger.clone(), 1).await, Firm::on(ledger.clone(), 2).await);
    canary.follow().await;
    other.follow().await;
    let rebuilds = rebuilds_of(&canary);
    let wanted = Wanted { canaries: vec![canary.org], ..everybody("portal") };
    let begun = rebuilds.ask(&wanted).await.unwrap();
    let spoilt = when_entering(&owner, RebuildState::Tailing, "UPDATE read.client_g2 SET name = 'Somebody else'");
    let report = rebuilds.work_on(&[begun.id], &spoilt).await.unwrap().remove(0);
    assert_eq!((report.state, report.organizations), (RebuildState::Failed, 0));
    let reason = report.reason.unwrap();
    assert!(reason.contains(&canary.org.to_string()) && reason.contains("client"), "{reason}");
    for firm in [&canary, &other] {
        assert_eq!(generation(&owner, firm.org, "portal").await, 1);
    }
    assert_eq!(tables_of_generation(&owner, 2).await, Vec::<String>::new());
    is_right(&rebuilds).await;

    // Nothing is in the way of the next one.
    let begun = rebuilds.ask(&wanted).await.unwrap();
    let report = rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
    assert_eq!((report.state, report.organizations), (RebuildState::Done, 2));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rebuild_that_was_interrupted_goes_on_where_it_was(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    begin(&firm).await;
    firm.follow().await;
    let all = rebuilds_of(&firm).names();
    let mut ids = Vec::new();
    for group in &all {
        ids.push(rebuilds_of(&firm).ask(&everybody(group)).await.unwrap().id);
    }
    for state in [RebuildState::Tailing, RebuildState::CuttingOver] {
        let (first, stopped) = (rebuilds_of(&firm), Arc::new(Notify::new()));
        let stop = stopped.clone();
        let progress: Progress = Arc::new(move |told| {
            if matches!(&told, Told::Entered { state: entered, .. } if *entered == state) {
                stop.notify_one();
            }
        });
        tokio::select! {
            biased;
            () = stopped.notified() => {}
            worked = first.work_on(&ids, &progress) => panic!("{worked:?}"),
        }
        let taken = rebuilds_of(&firm).ask(&everybody("portal")).await;
        assert!(matches!(taken, Err(RebuildError::UnderWay(_))), "{taken:?}");
        first.let_go().await.unwrap();
    }
    firm.must(ADA, rename_client(ACME, label("Acme again"))).await;
    let folded = Arc::new(AtomicU64::new(0));
    let counted = folded.clone();
    let progress: Progress = Arc::new(move |told| {
        if let Told::Folded { events } = told {
            counted.fetch_add(events, Ordering::Relaxed);
        }
    });
    let reports = rebuilds_of(&firm).work_on(&ids, &progress).await.unwrap();
    assert_eq!(reports.len(), all.len());
    assert_eq!(folded.load(Ordering::Relaxed), 0, "what was folded is not folded again");
    for group in all {
        assert_eq!(generation(&owner, firm.org, group).await, 2, "{group}");
    }
    firm.follow().await;
    is_right(&rebuilds_of(&firm)).await;
}

// The append holds the ledger's lock until it is committed: so does whoever pauses in it.
#[sqlx::test(migrations = "../../migrations")]
async fn an_append_that_pauses_holds_up_the_cut_over_of_its_own_organization_only(owner: PgPool) {
    let ledger = node(&owner).await;
    let (paused, other) = (Firm::on(ledger.clone(), 1).await, Firm::on(ledger.clone(), 2).await);
    paused.follow().await;
    other.follow().await;
    let rebuilds = rebuilds_of(&paused);
    let begun = rebuilds.ask(&everybody("portal")).await.unwrap();
    let held = fence(&paused.pool, paused.org, Duration::from_secs(5)).await.unwrap().unwrap();
    let is_released = AtomicBool::new(false);
    let rebuilding = async {
        let report = rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
        assert!(is_released.load(Ordering::Relaxed), "nobody is put over beside an append");
        report
    };
    let releasing = async {
        while generation(&owner, other.org, "portal").await != 2 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        assert_eq!(generation(&owner, paused.org, "portal").await, 1);
        is_released.store(true, Ordering::Relaxed);
        held.commit().await.unwrap();
    };
    let (report, ()) = tokio::join!(rebuilding, releasing);
    assert_eq!((report.organizations, report.state), (2, RebuildState::Done));
    is_right(&rebuilds).await;
}

// A rebuild under write load is right to the row.
#[sqlx::test(migrations = "../../migrations")]
async fn rows_rebuilt_while_many_write_are_what_the_ledgers_come_to_and_so_are_those_that_are_kept(owner: PgPool) {
    let ledger = node(&owner).await;
    let mut firms = Vec::new();
    for seed in 1..=3 {
        let firm = Firm::on(ledger.clone(), seed).await;
        begin(&firm).await;
        firms.push(firm);
    }
    let is_over = AtomicBool::new(false);
    let rebuilds = rebuilds_of(&firms[0]);
    let times = number("COUNTERSIGN_REBUILDS", 2);
    let writing = join_all(firms.iter().zip(7..).map(async |(firm, seed)| {
        let mut dice = Dice::of(seed);
        while !is_over.load(Ordering::Relaxed) {
            happen(firm, &mut dice, 4).await;
        }
    }));
    let rebuilding = async {
        for _ in 0..times {
            let mut ids = Vec::new();
            for group in rebuilds.names() {
                ids.push(rebuilds.ask(&Wanted { keep: AN_HOUR, ..everybody(group) }).await.unwrap().id);
            }
            let reports = rebuilds.work_on(&ids, &nobody_watches()).await.unwrap();
            assert!(reports.iter().all(|report| report.organizations == 3 && report.parked.is_empty()), "{reports:?}");
        }
        is_over.store(true, Ordering::Relaxed);
    };
    tokio::join!(writing, rebuilding);
    is_right(&rebuilds).await;
    for firm in &firms {
        firm.follow().await;
    }
    is_right(&rebuilds).await;
    rebuilds.tend().await.unwrap();
    for firm in &firms {
        for group in firm.groups.iter() {
            let [kept, read] = [times, times + 1].map(|number| Generation { org: firm.org, number });
            assert_eq!(generation(&owner, firm.org, group.name).await, read.number);
            let (kept, read) = (digests_of(&owner, group, kept).await, digests_of(&owner, group, read).await);
            assert_eq!(kept, read, "{} of {}", group.name, firm.org);
        }
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rebuild_is_left_to_nodes_of_the_build_that_it_is_for(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.follow().await;
    let rebuilds = rebuilds_of(&firm);
    let begun = rebuilds.ask(&Wanted { by: Workers::Nodes, ..everybody("portal") }).await.unwrap();
    let ours: String = sqlx::query_scalar("SELECT code FROM read.rebuild").fetch_one(&owner).await.unwrap();
    let is_for = async |code: &str| sqlx::query("UPDATE read.rebuild SET code = $1").bind(code).execute(&owner).await;
    is_for("another build").await.unwrap();
    rebuilds.work_on_what_waits().await.unwrap();
    assert_eq!(rebuilds.find(begun.id).await.unwrap().state, RebuildState::Backfilling);
    let refused = rebuilds.work_on(&[begun.id], &nobody_watches()).await;
    assert!(matches!(&refused, Err(RebuildError::OfAnotherBuild(group)) if group == "portal"), "{refused:?}");
    assert_eq!(generation(&owner, firm.org, "portal").await, 1);

    is_for(&ours).await.unwrap();
    rebuilds.work_on_what_waits().await.unwrap();
    assert_eq!(rebuilds.find(begun.id).await.unwrap().state, RebuildState::Done);
}

#[sqlx::test(migrations = "../../migrations")]
async fn one_organization_can_be_rebuilt_by_itself(owner: PgPool) {
    let ledger = node(&owner).await;
    let (one, other) = (Firm::on(ledger.clone(), 1).await, Firm::on(ledger.clone(), 2).await);
    one.follow().await;
    other.follow().await;
    let rebuilds = rebuilds_of(&one);
    let begun = rebuilds.ask(&Wanted { only: Some(one.org), ..everybody("portal") }).await.unwrap();
    let report = rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
    assert_eq!((report.organizations, report.state), (1, RebuildState::Done));
    assert_eq!(generation(&owner, one.org, "portal").await, 2);
    assert_eq!(generation(&owner, other.org, "portal").await, 1);
    is_right(&rebuilds).await;
    let unknown = Wanted { only: Some(OrgId(uuid::Uuid::from_u128(1))), ..everybody("portal") };
    assert!(matches!(rebuilds.ask(&unknown).await, Err(RebuildError::UnknownOrganization)));
    // The next one for everybody brings them together again.
    let report = rebuild(&ledger, "portal").await;
    assert_eq!((report.organizations, report.generation), (2, 3));
}

// Design, part 7: a digest over rows at position n is the same for a replay, a rebuild and the live tables.
#[sqlx::test(migrations = "../../migrations")]
async fn a_check_names_what_was_changed_by_hand_and_changes_nothing(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    begin(&firm).await;
    happen(&firm, &mut Dice::of(3), 120).await;
    let rebuilds = rebuilds_of(&firm);
    is_right(&rebuilds).await;
    for statement in [
        "UPDATE read.project SET hours_used = hours_used + 1",
        "DELETE FROM read.contact WHERE contact_id = (SELECT contact_id FROM read.contact ORDER BY 1 LIMIT 1)",
        "INSERT INTO read.client SELECT generation, org_id, gen_random_uuid(), 'Nobody', opened_at FROM read.client LIMIT 1",
        "UPDATE read.access_grant SET rights = '{approve_time}' WHERE rights <> '{approve_time}'",
        "UPDATE read.object_history SET event_type = 'nothing.happened' WHERE position = 3",
    ] {
        let done = sqlx::query(AssertSqlSafe(statement)).execute(&owner).await.unwrap();
        assert!(done.rows_affected() > 0, "{statement}");
    }
    let spoilt = [rows(&owner, &firm, "portal").await, rows(&owner, &firm, ACCESS).await];
    let checked = check(&rebuilds, &rebuilds.names()).await;
    let differing: Vec<&str> = checked.iter().filter(|one| !one.agrees()).map(|one| one.group).collect();
    assert_eq!(differing, ["portal", "history", ACCESS]);
    let differences: Vec<_> = checked.iter().flat_map(|one| &one.differences).collect();
    let found = |table: &str, is_it: fn(&InWhat) -> bool| {
        differences.iter().filter(|one| one.table == table).any(|one| is_it(&one.in_what))
    };
    assert!(found("project", |what| matches!(what, InWhat::Column { column, .. } if column == "hours_used")));
    assert!(found("contact", |what| matches!(what, InWhat::Missing)));
    assert!(found("client", |what| matches!(what, InWhat::Extra)));
    assert!(found("access_grant", |what| matches!(
        what,
        InWhat::Column { column, live: Some(live), .. } if column == "rights" && live == "{approve_time}"
    )));
    assert!(found("object_history", |what| matches!(what, InWhat::Column { column, .. } if column == "event_type")));
    assert_eq!([rows(&owner, &firm, "portal").await, rows(&owner, &firm, ACCESS).await], spoilt);

    for group in ["portal", "history", ACCESS] {
        rebuild(&firm.ledger, group).await;
    }
    is_right(&rebuilds).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_lost_a_rebuild_to_another_worker_writes_nothing_more(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.must(ADA, open_client(countersign_domain::ids::ClientId(uuid::Uuid::from_u128(0xc9)), label("Third"))).await;
    firm.follow().await;
    let rebuilds = rebuilds_of(&firm);
    let begun = rebuilds.ask(&everybody("portal")).await.unwrap();
    let options = (*owner.connect_options()).clone();
    // Between folding and writing, somebody else has taken it.
    let progress: Progress = Arc::new(move |told| {
        if matches!(told, Told::Folded { .. }) {
            let options = options.clone();
            let taking = std::thread::spawn(move || {
                let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
                runtime.block_on(async {
                    let mut connection = options.connect().await.unwrap();
                    let taken = sqlx::query("UPDATE read.rebuild SET worker = gen_random_uuid()");
                    taken.execute(&mut connection).await.unwrap();
                });
            });
            taking.join().unwrap();
        }
    });
    let lost = rebuilds.work_on(&[begun.id], &progress).await;
    assert!(matches!(lost, Err(RebuildError::Lost)), "{lost:?}");
    let written: i64 = sqlx::query_scalar("SELECT count(*) FROM read.client_g2").fetch_one(&owner).await.unwrap();
    assert_eq!(written, 0);
}

/// Works on a rebuild until something is told of it, and is gone then.
async fn work_until(rebuilds: &Rebuilds, id: uuid::Uuid, is_it: fn(&Told) -> bool) {
    let stopped = Arc::new(Notify::new());
    let stop = stopped.clone();
    let progress: Progress = Arc::new(move |told| {
        if is_it(&told) {
            stop.notify_one();
        }
    });
    let ids = [id];
    tokio::select! {
        biased;
        () = stopped.notified() => {}
        worked = rebuilds.work_on(&ids, &progress) => panic!("{worked:?}"),
    }
    rebuilds.let_go().await.unwrap();
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_canary_that_is_over_when_a_rebuild_is_interrupted_finds_its_way_back(owner: PgPool) {
    let ledger = node(&owner).await;
    let (canary, other) = (Firm::on(ledger.clone(), 1).await, Firm::on(ledger.clone(), 2).await);
    canary.follow().await;
    other.follow().await;
    for group in ["portal", ACCESS] {
        let canaries = vec![canary.org, canary.org];
        let begun = rebuilds_of(&canary).ask(&Wanted { canaries, keep: AN_HOUR, ..everybody(group) }).await.unwrap();
        work_until(&rebuilds_of(&canary), begun.id, |told| matches!(told, Told::PutOver { .. })).await;
        let at = async |firm: &Firm| generation(&owner, firm.org, group).await;
        assert_eq!((at(&canary).await, at(&other).await), (2, 1), "{group}");
        let report = rebuilds_of(&canary).work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
        assert_eq!((report.organizations, report.reason), (2, None), "{group}");
    }
    let rebuilds = rebuilds_of(&canary);
    let begun = rebuilds.ask_back("portal", Workers::Asker).await.unwrap();
    let report = rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
    assert_eq!((report.state, report.organizations), (RebuildState::RolledBack, 0));
    for firm in [&canary, &other] {
        assert_eq!(generation(&owner, firm.org, "portal").await, 1);
    }
    is_right(&rebuilds).await;
    let elsewhere = Wanted { only: Some(other.org), canaries: vec![canary.org], ..everybody("portal") };
    assert!(matches!(rebuilds.ask(&elsewhere).await, Err(RebuildError::CanaryElsewhere)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_rebuild_under_way_can_be_given_up_wherever_it_is(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.follow().await;
    let rebuilds = rebuilds_of(&firm);
    let places: [fn(&Told) -> bool; 3] = [
        |told| matches!(told, Told::Folded { .. }),
        |told| matches!(told, Told::Entered { state: RebuildState::Tailing, .. }),
        |told| matches!(told, Told::PutOver { .. }),
    ];
    for (built, is_there) in (2..).zip(places) {
        let begun = rebuilds.ask(&everybody("portal")).await.unwrap();
        work_until(&rebuilds_of(&firm), begun.id, is_there).await;
        let begun = rebuilds.ask_back("portal", Workers::Asker).await.unwrap();
        let report = rebuilds.work_on(&[begun.id], &nobody_watches()).await.unwrap().remove(0);
        assert_eq!((report.state, report.generation), (RebuildState::RolledBack, built));
        assert_eq!(generation(&owner, firm.org, "portal").await, 1);
        assert_eq!(tables_of_generation(&owner, built).await, Vec::<String>::new());
    }
    is_right(&rebuilds).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_lost_a_rebuild_to_another_worker_puts_nobody_over(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.follow().await;
    let rebuilds = rebuilds_of(&firm);
    let begun = rebuilds.ask(&everybody("portal")).await.unwrap();
    // Another one has come, done it all another way, and gone.
    let taken = when_entering(
        &owner,
        RebuildState::CuttingOver,
        "UPDATE read.rebuild SET worker = NULL, state = 'failed', reason = 'another'",
    );
    let lost = rebuilds.work_on(&[begun.id], &taken).await;
    assert!(matches!(lost, Err(RebuildError::Lost)), "{lost:?}");
    assert_eq!(generation(&owner, firm.org, "portal").await, 1);
    assert_eq!(rebuilds.find(begun.id).await.unwrap().state, RebuildState::Failed);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_worker_left_behind_when_it_died_is_taken_away_by_whoever_serves(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.follow().await;
    let rebuilds = rebuilds_of(&firm);
    let begun = rebuilds.ask(&everybody("people")).await.unwrap();
    work_until(&rebuilds_of(&firm), begun.id, |told| matches!(told, Told::Entered { state: RebuildState::Done, .. }))
        .await;
    let left = async || tables_of_generation(&owner, 1).await.iter().any(|name| name == "person_card_g1");
    assert!(left().await);
    rebuilds.tend().await.unwrap();
    assert!(!left().await);
    is_right(&rebuilds).await;
}
