//! A guest's dashboard over HTTP: who is it, what may they see, and the rows.

use crate::Fallible;
use crate::http::CONNECTIONS;
use crate::installation::{Installation, beside};
use crate::node::Node;
use crate::report::{Aim, Figure};
use crate::session::{Session, sign_in};
use crate::suite::Suite;
use crate::wire::Wire;
use countersign_domain::ids::OrgId;
use futures::future::try_join_all;
use sqlx::PgConnection;
use std::net::SocketAddr;
use std::process::Command;
use std::time::{Duration, Instant};
use uuid::Uuid;

const DASHBOARD: &str = "/v1/dashboard";

/// What one connection asks for, again and again.
#[derive(Clone, Debug)]
struct Question {
    path: String,
    headers: String,
}

pub(crate) async fn measure(suite: &mut Suite) -> Fallible<()> {
    let grown = suite.grown().await?;
    let mut owner = grown.owner().await?;
    let guests = guests(&mut owner).await?;
    let sessions = sign_in(&mut owner, &grown.server_key()?, &guests).await?;
    let node = grown.serve().await?;
    grown.settles().await?;
    let dashboards: Vec<_> = sessions.iter().map(dashboard_of).collect();
    let length = answer_length(node.address, &dashboards).await?;
    reads_per_second(node.address, &dashboards, suite.measured_for() / 2).await?;
    let rate = reads_per_second(node.address, &dashboards, suite.measured_for()).await?;
    node.stop().await?;

    let bare = bare_handler(&grown, length).await?;
    let rows: Vec<_> = guests.iter().zip(&sessions).map(|((org, _), session)| row_of(*org, session)).collect();
    reads_per_second(bare.address, &rows, suite.measured_for() / 2).await?;
    let limit = reads_per_second(bare.address, &rows, suite.measured_for()).await?;
    bare.stop().await?;

    let name = format!("bare handler: a row by its key, a constant of {length} bytes, {CONNECTIONS} connections");
    suite.report.add(Figure::new(name, limit, "per second"))?;
    let name = format!("dashboard over HTTP, {CONNECTIONS} connections");
    suite.report.add(Figure::new(name, rate, "per second").beside(limit).aiming(Aim::AtLeast(0.5)))
}

fn dashboard_of(session: &Session) -> Question {
    Question { path: DASHBOARD.to_owned(), headers: session.cookie() }
}

fn row_of(org: OrgId, session: &Session) -> Question {
    Question { path: format!("/{org}/{}", session.id), headers: String::new() }
}

/// A guest of each organization, of those who see a project: whoever comes first by their id, so many as there are
/// connections.
async fn guests(owner: &mut PgConnection) -> Fallible<Vec<(OrgId, Uuid)>> {
    let guests: Vec<(Uuid, Uuid)> = sqlx::query_as(
        r#"SELECT DISTINCT ON (guest.org_id) guest.org_id, guest.subject_id
           FROM read.active_generation active
           JOIN read.access_subject guest
             ON guest.generation = active.generation AND guest.org_id = active.org_id
            AND guest.kind = 'portal_user' AND guest.status = 'active' AND guest.accepted_invitation IS NOT NULL
           JOIN read.access_grant place
             ON place.generation = active.generation AND place.org_id = active.org_id
            AND place.portal_user_id = guest.subject_id AND place.on_roster
            AND (place.valid_until IS NULL OR place.valid_until > now())
           JOIN read.access_project project
             ON project.generation = active.generation AND project.org_id = active.org_id
            AND project.project_id = place.project_id AND project.published
           WHERE active."group" = 'access'
           ORDER BY guest.org_id, guest.subject_id
           LIMIT $1"#,
    )
    .bind(CONNECTIONS as i64)
    .fetch_all(owner)
    .await?;
    match guests.is_empty() {
        true => Err("no guest of the made-up history sees a project; ask for more --events".into()),
        false => Ok(guests.into_iter().map(|(org, guest)| (OrgId(org), guest)).collect()),
    }
}

/// How long the answers are, as a mean.
async fn answer_length(address: SocketAddr, questions: &[Question]) -> Fallible<usize> {
    let mut wire = Wire::to(address).await?;
    let mut bytes = 0;
    for Question { path, headers } in questions {
        bytes += wire.get(path, headers).await?.done()?.length;
    }
    Ok(bytes / questions.len())
}

/// As many as there can be, each connection asking again when it was answered.
async fn reads_per_second(address: SocketAddr, questions: &[Question], lasting: Duration) -> Fallible<f64> {
    let began = Instant::now();
    let reading = (0..CONNECTIONS).map(|connection| {
        let question = questions[connection % questions.len()].clone();
        tokio::spawn(async move { read_until(address, &question, began + lasting).await })
    });
    let mut read = 0;
    for connection in try_join_all(reading).await? {
        read += connection?;
    }
    Ok(read as f64 / began.elapsed().as_secs_f64())
}

async fn read_until(address: SocketAddr, question: &Question, until: Instant) -> Fallible<u64> {
    let mut wire = Wire::to(address).await?;
    let mut read = 0;
    while Instant::now() < until {
        wire.get(&question.path, &question.headers).await?.done()?;
        read += 1;
    }
    Ok(read)
}

/// The limit is a process of its own, as a node is.
async fn bare_handler(installation: &Installation, bytes: usize) -> Fallible<Node> {
    let mut command = Command::new(beside("countersign-bench-bare")?);
    command.args([installation.app_url(), &bytes.to_string()]).env_clear();
    Node::start(command).await
}
