//! What the ledger promises to whoever sends it commands.
#![allow(clippy::unwrap_used, reason = "a test that meets an error fails")]

mod support;

use countersign_canon::leaf_hash;
use countersign_domain::envelope::Provenance;
use countersign_domain::firm::organization::Plan;
use countersign_domain::ids::ClientId;
use countersign_domain::portal::{PortalEvent, StreamKind};
use countersign_domain::use_case::UseCase;
use countersign_domain::use_cases::clients::{open_client, rename_client};
use countersign_domain::use_cases::firm::change_plan;
use countersign_domain::values::Label;
use countersign_eventstore::{ExecuteError, LedgerOptions, StoreError, Verdict, fence};
use countersign_postgres::scoped;
use futures::stream::{FuturesUnordered, StreamExt};
use sqlx::PgPool;
use sqlx::postgres::PgPoolOptions;
use std::time::Duration;
use support::*;
use tokio::time::timeout;
use uuid::Uuid;

fn client(number: u128) -> UseCase {
    open_client(ClientId(Uuid::from_u128(number)), Label::parse(&format!("Client {number}")).unwrap())
}

#[sqlx::test(migrations = "../../migrations")]
async fn positions_run_from_one_without_a_gap_and_each_text_is_the_one_that_was_hashed(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let (first, last) = accepted(ledger.execute(by_admin(org(1), 10, client(1))).await);

    let events = ledger.reader().after(org(1), 0, 1_000).await.unwrap();
    let positions: Vec<u64> = events.iter().map(|event| event.position).collect();
    assert_eq!(positions, (1..=last).collect::<Vec<_>>());
    assert_eq!(first, last);
    for event in &events {
        assert_eq!(event.leaf_hash, leaf_hash(&event.envelope));
        let value: serde_json::Value = serde_json::from_str(&event.envelope).unwrap();
        assert_eq!(countersign_canon::canonical_text(&value).unwrap(), event.envelope);
        assert_eq!(event.read().unwrap().position, event.position);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_command_that_is_sent_again_gets_the_stored_answer_and_adds_nothing(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let first = ledger.execute(by_admin(org(1), 10, client(1))).await.unwrap();
    let again = ledger.execute(by_admin(org(1), 10, client(1))).await.unwrap();

    assert!(!first.replayed && again.replayed);
    assert_eq!((first.verdict, first.position), (again.verdict, again.position));
    assert_eq!(ledger.reader().head(org(1)).await.unwrap(), Some(first.position));
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_same_command_twice_at_once_takes_effect_once(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let sends = (0..8).map(|_| ledger.execute(by_admin(org(1), 10, client(1))));
    let answers = futures::future::join_all(sends).await;

    let positions: Vec<_> = answers.into_iter().map(|answer| accepted(answer)).collect();
    assert!(positions.windows(2).all(|pair| pair[0] == pair[1]), "{positions:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn another_request_under_a_used_key_is_an_error(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    accepted(ledger.execute(by_admin(org(1), 10, client(1))).await);
    let mut other = by_admin(org(1), 10, client(2));
    other.request = b"another request".to_vec();

    assert!(matches!(ledger.execute(other).await, Err(ExecuteError::KeyReused)));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_refusal_is_stored_and_stays_what_it_was(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    accepted(ledger.execute(by_admin(org(1), 10, client(1))).await);
    let taken = open_client(ClientId(Uuid::from_u128(1)), Label::parse("Somebody else").unwrap());
    let refused = rejected(ledger.execute(by_admin(org(1), 11, taken.clone())).await);

    let again = ledger.execute(by_admin(org(1), 11, taken)).await.unwrap();
    assert!(again.replayed);
    assert_eq!(rejected(Ok(again)), refused);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_the_asker_may_not_know_of_is_never_stored(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let rename = || rename_client(ClientId(Uuid::from_u128(1)), Label::parse("Client 1").unwrap());
    assert_eq!(rejected(ledger.execute(by_admin(org(1), 10, rename())).await), "not_found");
    accepted(
        ledger
            .execute(by_admin(org(1), 11, open_client(ClientId(Uuid::from_u128(1)), Label::parse("A").unwrap())))
            .await,
    );

    accepted(ledger.execute(by_admin(org(1), 10, rename())).await);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_command_that_took_effect_is_answered_as_before_though_its_sender_may_not_know_of_it_any_more(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    accepted(ledger.execute(by_admin(org(1), 10, client(1))).await);
    let rename = |number| rename_client(ClientId(Uuid::from_u128(number)), Label::parse("Anew").unwrap());
    let first = ledger.execute(by_admin(org(1), 11, rename(1))).await.unwrap();
    // Decided again it would be about nothing that is there.
    let again = ledger.execute(by_admin(org(1), 11, rename(2))).await.unwrap();

    assert!(again.replayed);
    assert_eq!(again.verdict, first.verdict);
}

#[sqlx::test(migrations = "../../migrations")]
async fn what_a_newer_build_wrote_is_unknown_and_what_was_changed_is_damaged(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let (_, position) = accepted(ledger.execute(by_admin(org(1), 10, client(1))).await);
    let events = ledger.reader().after(org(1), position - 1, 1).await.unwrap();
    for (known, unknown) in [("\"kind\":\"client\"", "\"kind\":\"quote\""), ("\"witnessed\"", "\"dreamt\"")] {
        let mut newer = events[0].clone();
        newer.envelope = newer.envelope.replace(known, unknown);
        assert_ne!(newer.envelope, events[0].envelope);
        assert!(matches!(newer.read(), Err(StoreError::Damaged { .. })), "the hash is another text's");
        newer.leaf_hash = leaf_hash(&newer.envelope);
        assert!(matches!(newer.read(), Err(StoreError::Outdated(_))), "{unknown}");
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_nodes_on_many_organizations_share_few_connections(owner: PgPool) {
    let options = (*owner.connect_options()).clone().username("countersign_app");
    let few = || sqlx::postgres::PgPoolOptions::new().max_connections(4).connect_with(options.clone());
    let one_lane = LedgerOptions { lanes: 1, ..LedgerOptions::default() };
    let nodes = [node(&few().await.unwrap(), one_lane), node(&few().await.unwrap(), one_lane)];
    for number in 0..16 {
        register(&nodes[0], org(number), Plan::Trial).await;
    }
    let sends = (0..16 * 8_u128).map(|number| {
        let node = nodes[(number % 2) as usize].clone();
        async move { accepted(node.execute(by_admin(org(number % 16), 100 + number, client(number))).await) }
    });
    futures::future::join_all(sends).await;
}

#[sqlx::test(migrations = "../../migrations")]
async fn two_nodes_on_one_organization_are_slower_but_never_wrong(owner: PgPool) {
    let pool = application(&owner).await;
    let nodes = [node(&pool, LedgerOptions::default()), node(&pool, LedgerOptions::default())];
    register(&nodes[0], org(1), Plan::Trial).await;
    let writers = (0..32_u128).map(|writer| {
        let node = nodes[(writer % 2) as usize].clone();
        async move {
            for n in 0..10 {
                let number = 100 + writer * 10 + n;
                accepted(node.execute(by_admin(org(1), number, client(number))).await);
            }
        }
    });
    futures::future::join_all(writers).await;

    let mut events = nodes[0].reader().after(org(1), 0, 1_000).await.unwrap();
    let before = events.iter().position(|event| event.read().unwrap().stream.kind == StreamKind::Client).unwrap();
    let opened = events.split_off(before);
    assert_eq!(opened.len(), 320);
    let commands: std::collections::HashSet<_> = opened.iter().map(|event| event.read().unwrap().command_id).collect();
    assert_eq!(commands.len(), 320);
}

#[sqlx::test(migrations = "../../migrations")]
async fn organizations_do_not_wait_for_one_whose_lock_is_held(owner: PgPool) {
    let pool = application(&owner).await;
    // One lane for both.
    let ledger = node(&pool, LedgerOptions { lanes: 1, ..LedgerOptions::default() });
    register(&ledger, org(1), Plan::Trial).await;
    register(&ledger, org(2), Plan::Trial).await;
    let held = fence(&pool, org(1), Duration::from_secs(5)).await.unwrap().unwrap();
    let blocked = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.execute(by_admin(org(1), 10, client(1))).await }
    });
    for number in 0..20 {
        accepted(ledger.execute(by_admin(org(2), 100 + number, client(number))).await);
    }
    assert!(!blocked.is_finished());
    drop(held);

    accepted(blocked.await.unwrap());
}

#[sqlx::test(migrations = "../../migrations")]
async fn whoever_waits_for_a_held_ledger_lets_others_use_the_last_connection(owner: PgPool) {
    let pool = application(&owner).await;
    let wide = node(&pool, LedgerOptions::default());
    register(&wide, org(1), Plan::Trial).await;
    register(&wide, org(2), Plan::Trial).await;
    // The lane gives it back when it has nothing to do for a second.
    let narrow = PgPoolOptions::new().max_connections(1).connect_with((*pool.connect_options()).clone()).await.unwrap();
    let ledger = node(&narrow, LedgerOptions { lanes: 1, ..LedgerOptions::default() });
    let held = fence(&pool, org(1), Duration::from_secs(5)).await.unwrap().unwrap();
    let blocked = tokio::spawn({
        let ledger = ledger.clone();
        async move { ledger.execute(by_admin(org(1), 10, client(1))).await }
    });
    is_waited_for(&owner).await;
    // It has not been here before: its ledger has to be looked at first.
    let other = timeout(Duration::from_secs(5), ledger.execute(by_admin(org(2), 100, client(1)))).await;
    accepted(other.expect("the held ledger's commands do not keep the connection"));
    assert!(!blocked.is_finished());
    drop(held);
    accepted(blocked.await.unwrap());
}

async fn is_waited_for(owner: &PgPool) {
    let waits = "SELECT EXISTS (SELECT FROM pg_stat_activity
                                WHERE datname = current_database() AND wait_event_type = 'Lock' AND query LIKE '%ledger.lock%')";
    while !sqlx::query_scalar::<_, bool>(waits).fetch_one(owner).await.unwrap() {
        tokio::task::yield_now().await;
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_tiny_cache_costs_time_and_nothing_else(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions { cache_bytes: 1, ..LedgerOptions::default() });
    register(&ledger, org(1), Plan::Trial).await;
    for number in 0..10 {
        accepted(ledger.execute(by_admin(org(1), 100 + number, client(number))).await);
    }
    assert_eq!(
        rejected(
            ledger
                .execute(by_admin(
                    org(1),
                    200,
                    open_client(ClientId(Uuid::from_u128(1)), Label::parse("Else").unwrap())
                ))
                .await
        ),
        "client.another"
    );
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_long_stream_is_loaded_from_its_snapshot_with_the_same_outcome(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let plans = [Plan::Rise, Plan::Growth];
    for number in 0..520_usize {
        accepted(
            ledger.execute(by_admin(org(1), 1_000 + number as u128, change_plan(org(1), plans[number % 2]))).await,
        );
    }
    let cold = node(&pool, LedgerOptions::default());
    // The last plan was Growth: choosing it again is nothing new.
    let answer = cold.execute(by_admin(org(1), 5_000, change_plan(org(1), Plan::Growth))).await.unwrap();
    assert_eq!(answer.verdict, Verdict::AlreadySo);
    let kept: i64 = sqlx::query_scalar("SELECT version FROM ledger.snapshot WHERE stream_kind = 'organization'")
        .fetch_one(&owner)
        .await
        .unwrap();
    assert_eq!(kept, 521);

    // One that other rules made is not believed, and replaced.
    tamper(&owner, "code = 'of another build', state = replace(state, 'growth', 'rise')").await;
    let colder = node(&pool, LedgerOptions::default());
    let answer = colder.execute(by_admin(org(1), 5_001, change_plan(org(1), Plan::Growth))).await.unwrap();
    assert_eq!(answer.verdict, Verdict::AlreadySo);

    // One of the same rules is believed: what this test says of the plan is what the ledger then holds.
    tamper(&owner, "state = replace(state, 'growth', 'rise')").await;
    let coldest = node(&pool, LedgerOptions::default());
    accepted(coldest.execute(by_admin(org(1), 5_002, change_plan(org(1), Plan::Growth))).await);
}

async fn tamper(owner: &PgPool, change: &'static str) {
    let changed = sqlx::query(sqlx::AssertSqlSafe(format!(
        "UPDATE ledger.snapshot SET {change} WHERE stream_kind = 'organization' AND state LIKE '%growth%'"
    )));
    assert_eq!(changed.execute(owner).await.unwrap().rows_affected(), 1);
}

#[sqlx::test(migrations = "../../migrations")]
async fn made_up_history_belongs_only_into_a_ledger_that_says_so_first(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    register_as(&ledger, org(2), Plan::Trial, Provenance::Simulated).await;
    let simulated = |org| {
        let mut submission = by_admin(org, 10, client(1));
        submission.provenance = Provenance::Simulated;
        submission.at = Some(far_ahead());
        submission
    };
    assert!(matches!(ledger.execute(simulated(org(1))).await, Err(ExecuteError::NotSimulated)));
    let (_, last) = accepted(ledger.execute(simulated(org(2))).await);

    let events = ledger.reader().after(org(2), last - 1, 1).await.unwrap();
    assert_eq!(events[0].read().unwrap().recorded_at, far_ahead());
    // Time in a ledger never runs backwards, whatever the clock says.
    let (_, last) = accepted(ledger.execute(by_admin(org(2), 11, client(2))).await);
    let events = ledger.reader().after(org(2), last - 1, 1).await.unwrap();
    assert_eq!(events[0].read().unwrap().recorded_at, far_ahead());
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_unknown_organization_has_no_ledger(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    assert!(matches!(ledger.execute(by_operator(org(9), 1, client(1))).await, Err(ExecuteError::UnknownOrganization)));
    assert_eq!(ledger.reader().head(org(9)).await.unwrap(), None);
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_connection_that_is_cut_loses_and_repeats_nothing(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let cutting = tokio::spawn({
        let owner = owner.clone();
        async move {
            for _ in 0..40 {
                sqlx::query("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'countersign_app' AND datname = current_database()")
                    .execute(&owner)
                    .await
                    .unwrap();
                tokio::task::yield_now().await;
            }
        }
    });
    let mut acknowledged = 0;
    for number in 0..60_u128 {
        // As a client does: the same command again until there is an answer.
        loop {
            match ledger.execute(by_admin(org(1), 100 + number, client(number))).await {
                Ok(answer) => {
                    assert!(matches!(answer.verdict, Verdict::Accepted { .. }), "{answer:?}");
                    acknowledged += 1;
                    break;
                }
                Err(error) => assert!(error.is_passing(), "{error:?}"),
            }
        }
    }
    cutting.await.unwrap();
    let events = ledger.reader().after(org(1), 0, 1_000).await.unwrap();
    let opened = events.iter().filter(|event| event.read().unwrap().stream.kind == StreamKind::Client).count();
    assert_eq!((acknowledged, opened), (60, 60));
}

// As after the restore of a backup, or the promotion of a standby that was behind.
#[sqlx::test(migrations = "../../migrations")]
async fn a_ledger_that_lost_its_end_is_decided_on_as_it_stands(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let (_, lost) = accepted(ledger.execute(by_admin(org(1), 10, client(1))).await);
    for statement in [
        "DO $$ DECLARE t regclass; BEGIN
             FOR t IN SELECT tgrelid::regclass FROM pg_trigger WHERE tgname = 'append_only' LOOP
                 EXECUTE format('ALTER TABLE %s DISABLE TRIGGER append_only', t);
             END LOOP;
         END $$",
        "DELETE FROM ledger.event WHERE type = 'client.opened'",
        "DELETE FROM ledger.command_log WHERE first_position > (SELECT max(position) FROM ledger.event)",
    ] {
        sqlx::query(statement).execute(&owner).await.unwrap();
    }

    // That it was opened is not known any more: it is opened again, at the same place.
    assert_eq!(accepted(ledger.execute(by_admin(org(1), 11, client(1))).await), (lost, lost));
}

#[sqlx::test(migrations = "../../migrations")]
async fn commands_that_a_lane_has_no_place_for_are_turned_away_and_the_others_answered(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions { lanes: 1, waiting: 4, ..LedgerOptions::default() });
    register(&ledger, org(1), Plan::Trial).await;
    let held = fence(&pool, org(1), Duration::from_secs(5)).await.unwrap().unwrap();
    let mut answers: FuturesUnordered<_> =
        (0..12).map(|number| ledger.execute(by_admin(org(1), 100 + number, client(number)))).collect();
    // Nobody who has a place is answered while the ledger is held; whoever has none is told so.
    for _ in 0..8 {
        let answer = answers.next().await.unwrap();
        assert!(matches!(answer, Err(ExecuteError::Overloaded)), "{answer:?}");
    }
    drop(held);
    while let Some(answer) = answers.next().await {
        accepted(answer);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn personal_values_are_sealed_and_die_with_their_key(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    let events = ledger.reader().after(org(1), 0, 100).await.unwrap();
    assert!(
        events
            .iter()
            .all(|event| !event.envelope.contains("ada@firm.example") && !event.envelope.contains("Ada Admin"))
    );
    let added = events
        .iter()
        .find(|event| {
            matches!(
                event.read().unwrap().event,
                PortalEvent::Staff(countersign_domain::firm::staff::Event::Added { .. })
            )
        })
        .unwrap();
    let name = |event: PortalEvent| {
        let PortalEvent::Staff(countersign_domain::firm::staff::Event::Added { name, .. }) = event else {
            panic!("not added: {event:?}")
        };
        name.clear().cloned()
    };
    assert_eq!(name(added.read().unwrap().event), None);
    assert_eq!(name(added.read_opened(ledger.vault()).await.unwrap().event), Label::parse("Ada Admin").ok());

    sqlx::query("DELETE FROM vault.person_key").execute(&owner).await.unwrap();
    let fresh = node(&pool, LedgerOptions::default());
    assert_eq!(name(added.read_opened(fresh.vault()).await.unwrap().event), None);
    assert_eq!(added.leaf_hash, leaf_hash(&added.envelope));
}

#[sqlx::test(migrations = "../../migrations")]
async fn a_transaction_shows_one_organization_and_none_without_a_name(owner: PgPool) {
    let pool = application(&owner).await;
    let ledger = node(&pool, LedgerOptions::default());
    register(&ledger, org(1), Plan::Trial).await;
    register(&ledger, org(2), Plan::Trial).await;
    let count = "SELECT count(DISTINCT org_id) FROM ledger.event";
    let unnamed: i64 = sqlx::query_scalar(count).fetch_one(&pool).await.unwrap();
    let mut named = scoped(&pool, org(1)).await.unwrap();
    let of_one: i64 = sqlx::query_scalar(count).fetch_one(&mut *named).await.unwrap();

    assert_eq!((unnamed, of_one), (0, 1));
}

#[sqlx::test(migrations = "../../migrations")]
async fn many_organizations_arriving_at_once_share_few_connections(owner: PgPool) {
    let options = (*owner.connect_options()).clone().username("countersign_app");
    let pool = sqlx::postgres::PgPoolOptions::new().max_connections(2).connect_with(options).await.unwrap();
    let ledger = node(&pool, LedgerOptions { lanes: 1, ..LedgerOptions::default() });
    let arriving = (0..24).map(|number| {
        let ledger = ledger.clone();
        async move { register(&ledger, org(number), Plan::Trial).await }
    });
    futures::future::join_all(arriving).await;
}
