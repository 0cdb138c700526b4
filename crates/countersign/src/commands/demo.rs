//! `countersign demo`: a small believable firm to look around in.

use crate::args::{Demo, Place};
use crate::commands::serve::{Door, public_url, serve_node};
use crate::database::Database;
use crate::demo::{PASSWORD, SLUG, Stage, org, play, sign_ins};
use crate::failure::Failure;
use crate::node::{Node, mailer};
use countersign_domain::values::Slug;
use indicatif::{ProgressBar, ProgressStyle};
use std::io::IsTerminal;

pub(crate) async fn run(place: Place, demo: Demo) -> Result<(), Failure> {
    let url = public_url(&demo.serve)?;
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    let door = if demo.once { None } else { Some(Door::open(&demo.serve).await?) };
    let url = door.as_ref().map_or(url, |door| door.public_url.clone());
    if !is_made(&node).await? {
        make(&node, &place, &demo, &url).await?;
    }
    if let Some(door) = door {
        introduce(&url);
        serve_node(&node, &database, &place, &demo.serve, door, |mail| {
            let file = mail.file.as_ref().map(|file| file.display().to_string()).unwrap_or_default();
            println!("mail to {}: {} ({file})", mail.to, mail.subject);
        })
        .await?;
    }
    database.close().await
}

/// The name comes last: whoever finds the organization by it finds the whole story.
async fn is_made(node: &Node) -> Result<bool, Failure> {
    match node.identity.find(&slug()?).await {
        Ok(Some(found)) if found == org() => Ok(true),
        Ok(Some(_)) => {
            Err(Failure::say("there is another organization named demo; name another data folder or database"))
        }
        Ok(None) => Ok(false),
        Err(error) => Err(Failure::because("the demo could not be looked for", error)),
    }
}

async fn make(node: &Node, place: &Place, demo: &Demo, url: &str) -> Result<(), Failure> {
    let worker = node.worker(mailer(&demo.serve.mail, &place.data_dir, |_| ())?, url);
    let bar = progress();
    let stage = Stage::set(node, worker, bar.clone()).await?;
    play(&stage).await?;
    bar.finish_and_clear();
    node.identity
        .claim(&slug()?, org(), node.clock.now())
        .await
        .map_err(|error| Failure::because("the demo could not be named", error))
}

fn slug() -> Result<Slug, Failure> {
    Slug::parse(SLUG).map_err(|error| Failure::because("the demo's name", error))
}

fn introduce(url: &str) {
    println!("A small firm with three months of made-up history, in the organization \"{SLUG}\".\n");
    println!("  portal and API   {url}/v1\n  API document     {url}/openapi.json\n");
    println!("Sign in with the password \"{PASSWORD}\":\n");
    for (role, email) in sign_ins() {
        println!("  {email:<28} {role}");
    }
    println!();
}

fn progress() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("making up a firm: {human_pos} commands, {elapsed}")
        .unwrap_or_else(|_| ProgressStyle::default_spinner());
    ProgressBar::new_spinner().with_style(style)
}
