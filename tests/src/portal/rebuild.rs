//! Read models are built anew while the portal is used: nobody notices.

use super::support::firm::Firm;
use serde_json::Value;
use std::cell::Cell;

/// How often everything is built anew.
const REBUILDS: usize = 3;

// Design, part 7: readers stay with the old generation until the new one is at the head; none goes back.
#[tokio::test(flavor = "multi_thread")]
async fn whoever_reads_what_they_wrote_does_so_during_a_rebuild() {
    let firm = Firm::on_plan("trial", 2).await;
    let project = firm.project(&firm.client("Acme").await, "Portal").await;
    let gina = firm.guest("Gina", &project, &["approve_time"]).await;
    let (is_over, written) = (Cell::new(false), Cell::new(0_usize));
    let using = async {
        while !is_over.get() {
            let time = firm.submitted_time(&project, "0.25").await;
            written.update(|count| count + 1);
            // Reading names the position of what was written, and the other node shows it too.
            let other = firm.admin.at(&firm.nodes[written.get() % 2]);
            other.get(format!("/v1/time-entries/{time}")).await.expect(200);
            let shown = other.get(format!("/v1/projects/{}", project.id)).await.expect(200).json();
            assert_eq!(hours(&shown), 0.25 * written.get() as f64, "nobody goes back");
            gina.person.get("/v1/dashboard").await.expect(200);
        }
    };
    let rebuilding = async {
        for _ in 0..REBUILDS {
            let mut rebuild = firm.installation.launch(&["rebuild", "--all", "--json"]);
            assert!(rebuild.end().await.success(), "{}", rebuild.log());
        }
        is_over.set(true);
    };
    tokio::join!(using, rebuilding);

    firm.settle().await;
    let dashboard = gina.person.get("/v1/dashboard").await.expect(200).json();
    assert_eq!(hours(&dashboard["projects"][0]), 0.25 * written.get() as f64);
    firm.ledger.gapless().await;
}

fn hours(project: &Value) -> f64 {
    project["hours_used"].as_str().unwrap().parse().unwrap()
}
