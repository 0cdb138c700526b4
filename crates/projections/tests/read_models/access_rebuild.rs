//! The access group: what the append keeps equals what a rebuild folds.

use crate::dice::Dice;
use crate::firm::*;
use crate::rebuild::rows;
use crate::world::{begin, happen};
use countersign_domain::access::Right;
use countersign_domain::access::Subject;
use countersign_domain::use_cases::guests::deactivate_portal_user;
use countersign_domain::use_cases::projects::grant_right;
use countersign_projections::work::project;
use countersign_projections::{ACCESS, standing};
use sqlx::PgPool;

#[sqlx::test(migrations = "../../migrations")]
async fn rebuilt_access_rows_equal_those_that_the_append_kept(owner: PgPool) {
    let ledger = node(&owner).await;
    let mut firms = Vec::new();
    for seed in 11..=13 {
        let firm = Firm::on(ledger.clone(), seed).await;
        begin(&firm).await;
        happen(&firm, &mut Dice::of(seed as u64), 150).await;
        firms.push(firm);
    }
    let mut kept = Vec::new();
    for firm in &firms {
        kept.push(rows(&owner, firm, ACCESS).await);
    }
    assert!(kept.iter().all(|rows| rows.values().all(|rows| !rows.is_empty())));
    let report = rebuild(&ledger, ACCESS).await;
    assert_eq!((report.generation, report.organizations), (2, 3));
    for (firm, kept) in firms.iter().zip(&kept) {
        assert_eq!(&rows(&owner, firm, ACCESS).await, kept, "{}", firm.org);
    }
}

#[sqlx::test(migrations = "../../migrations")]
async fn after_the_cut_over_the_append_keeps_the_new_rows(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    firm.show(PORTAL, "Portal").await;
    firm.welcome(GINA, PORTAL, []).await;
    firm.follow().await;
    rebuild(&firm.ledger, ACCESS).await;

    firm.must(PAUL, grant_right(PORTAL, GINA, Right::FinancialVisibility)).await;
    let seen = project::get(&firm.pool, &firm.scope(GINA), now(), PORTAL).await.unwrap();
    assert!(seen.amounts.is_some());
    firm.must(ADA, deactivate_portal_user(firm.org, GINA)).await;
    let subject = standing(&firm.pool, &firm.scope(GINA)).await.unwrap();
    assert!(matches!(subject, Subject::PortalUser { active: false, .. }), "{subject:?}");
}

#[sqlx::test(migrations = "../../migrations")]
async fn an_organization_opened_after_a_rebuild_begins_on_the_new_generation(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    rebuild(&firm.ledger, ACCESS).await;
    let other = Firm::on(firm.ledger.clone(), 2).await;
    assert_eq!(rows(&owner, &other, ACCESS).await["access_subject"].len(), 4);
}

#[sqlx::test(migrations = "../../migrations")]
async fn the_application_cannot_write_access_rows_that_are_read(owner: PgPool) {
    let firm = Firm::open(&owner).await;
    for statement in [
        "UPDATE read.access_subject SET level = 'admin'",
        "INSERT INTO read.access_project SELECT * FROM read.access_project",
        "DELETE FROM read.access_grant",
        "UPDATE read.active_generation SET generation = 1",
    ] {
        let refused = sqlx::query(statement).execute(&firm.pool).await.unwrap_err();
        let code = refused.as_database_error().and_then(|error| error.code().map(|code| code.into_owned()));
        assert_eq!(code.as_deref(), Some("42501"), "{statement}: {refused}");
    }
    let fill = sqlx::query("SELECT read.fill_access($1, 1, '[]', '[]', '[]')").bind(firm.org.0);
    let refused = fill.execute(&firm.pool).await.unwrap_err();
    assert!(refused.to_string().contains("not on an earlier generation"), "{refused}");
}
