//! `countersign serve`: the portal and its API, until it is told to stop.

use crate::args::{Place, Serve};
use crate::checks;
use crate::database::Database;
use crate::failure::{Failure, with_causes};
use crate::node::{Node, followed, mailer};
use crate::operator_door::OperatorDoor;
use crate::stop::told_to_stop;
use countersign_eventstore::Clock;
use countersign_identity::Identity;
use countersign_processes::Delivered;
use std::net::SocketAddr;
use std::time::Duration;
use tokio::net::TcpListener;
use uuid::Uuid;

pub(crate) async fn run(place: Place, serve: Serve) -> Result<(), Failure> {
    public_url(&serve)?;
    OperatorDoor::check(&serve.operator)?;
    let database = Database::open(&place).await?;
    database.bring_up().await?;
    let node = Node::over(&database, &place.data_dir)?;
    let door = Door::open(&serve).await?;
    let served = serve_node(&node, &database, &place, &serve, door, |mail| {
        tracing::info!(file = ?mail.file, "a mail was written into the data folder");
    });
    served.await?;
    database.close().await
}

/// Where a node is reached. It is open before anybody is told of it: port 0 gets its number only then.
pub(crate) struct Door {
    listener: TcpListener,
    operator: Option<OperatorDoor>,
    /// The address under which people reach the portal.
    pub(crate) public_url: String,
}

impl Door {
    pub(crate) async fn open(serve: &Serve) -> Result<Self, Failure> {
        let failed = |error| Failure::because(&format!("{} cannot be listened on", serve.listen), error);
        let listener = TcpListener::bind(serve.listen).await.map_err(failed)?;
        let listen = listener.local_addr().map_err(failed)?;
        let operator = OperatorDoor::open(&serve.operator).await?;
        Ok(Self { listener, operator, public_url: public_url(&Serve { listen, ..serve.clone() })? })
    }
}

/// Serves a node until it is told to stop; `announce` hears of mail that went into the data folder.
pub(crate) async fn serve_node(
    node: &Node,
    database: &Database,
    place: &Place,
    serve: &Serve,
    door: Door,
    announce: impl Fn(&Delivered) + Send + Sync + 'static,
) -> Result<(), Failure> {
    let Door { listener, operator, public_url } = door;
    let checks = checks::all(&node.ledger, followed(), &place.data_dir);
    let worker = node.worker(mailer(&serve.mail, &place.data_dir, announce)?, &public_url);
    let proxies = serve.trusted_proxy.iter().copied().collect();
    let app = node.app(worker.clone(), &public_url, proxies, checks.clone())?;
    let router = countersign_api::router(app.clone());
    let listens_at =
        listener.local_addr().map_err(|error| Failure::because("the portal's address is unknown", error))?;
    let follower = node.follow(listens_at)?;
    let leases = follower.leases();
    println!("serving {public_url}");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        told_to_stop().await;
        app.close_feeds();
    });
    let operated = async {
        match operator {
            Some(door) => door.serve(node, checks, &serve.operator, &place.data_dir).await,
            None => std::future::pending().await,
        }
    };
    let rebuilds = node.rebuilds();
    let served = tokio::select! {
        served = async { serving.await } => served.map_err(|error| Failure::because("serving failed", error)),
        operated = operated => operated,
        () = worker.run(leases) => Ok(()),
        () = rebuilds.keep() => Ok(()),
        () = forget(&node.identity, &*node.clock, serve.forget_every) => Ok(()),
        () = database.watch() => Ok(()),
    };
    follower.stop().await;
    served
}

/// Deletes what identity keeps no longer, again and again, for as long as this is awaited. Nodes that begin together take
/// turns: each waits for a moment of its own first.
async fn forget(identity: &Identity, clock: &dyn Clock, every: Duration) {
    tokio::time::sleep(every.mul_f64(f64::from(Uuid::new_v4().as_bytes()[0]) / 2_560.0)).await;
    loop {
        match identity.prune(clock.now()).await {
            Ok(pruned) => tracing::debug!(?pruned, "what identity keeps no longer was deleted"),
            Err(error) => {
                tracing::error!(error = %with_causes(&error), "what identity keeps no longer could not be deleted");
            }
        }
        tokio::time::sleep(every).await;
    }
}

/// Where people reach the portal. Sessions are bound to it, so beyond this machine it must be https.
pub(crate) fn public_url(serve: &Serve) -> Result<String, Failure> {
    let Some(url) = &serve.public_url else {
        if serve.listen.ip().is_loopback() {
            return Ok(format!("http://{}", serve.listen));
        }
        return Err(Failure::say(format!(
            "{} can be reached from other machines: name the https address under which people reach the portal with \
             --public-url, behind a proxy that speaks TLS",
            serve.listen
        )));
    };
    if !url.starts_with("https://") && !serve.listen.ip().is_loopback() {
        return Err(Failure::say(format!(
            "--public-url must begin with https:// where {} is listened on",
            serve.listen
        )));
    }
    Ok(url.trim_end_matches('/').to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::args::{Arguments, Command};
    use chrono::TimeDelta;
    use clap::Parser;
    use countersign_domain::ids::{MailboxId, OrgId};
    use countersign_domain::values::{Slug, Timestamp};
    use countersign_identity::device::Device;
    use countersign_identity::password::Password;
    use countersign_identity::sign_in::SignIn;
    use sqlx::{ConnectOptions, PgPool};

    /// Somebody unknown is refused at a moment, which is kept for a while.
    async fn is_refused(identity: &Identity, org: OrgId, at: Timestamp) {
        let password = Password::from("whatever it was".to_owned());
        let (mailbox, device) = (MailboxId(Uuid::new_v4()), Device::named("curl"));
        let asked = SignIn { org, mailbox, password: &password, device, network_address: None };
        assert!(identity.sign_in(asked, at).await.is_err());
    }

    #[sqlx::test(migrations = "../../migrations")]
    async fn serving_forgets_what_identity_keeps_no_longer(owner: PgPool) {
        let folder = tempfile::tempdir().unwrap();
        let url = owner.connect_options().to_url_lossy().to_string();
        let line = ["countersign", "serve", "--listen", "127.0.0.1:0", "--database-url", &url, "--data-dir"];
        let arguments = Arguments::parse_from(line.into_iter().chain(folder.path().to_str()));
        let Command::Serve(serve) = arguments.command else { panic!("we serve") };
        let serve = Serve { forget_every: Duration::from_millis(20), ..serve };
        let database = Database::open(&arguments.place).await.unwrap();
        let node = Node::over(&database, &arguments.place.data_dir).unwrap();
        let door = Door::open(&serve).await.unwrap();
        let (org, now) = (OrgId(Uuid::now_v7()), node.clock.now());
        node.identity.claim(&Slug::parse("firm").unwrap(), org, now).await.unwrap();

        // What is past its time when it comes is gone before we look, sooner or later.
        let it_is_gone = async {
            loop {
                is_refused(&node.identity, org, now.plus(-TimeDelta::days(365))).await;
                tokio::time::sleep(Duration::from_millis(50)).await;
                if node.identity.prune(now).await.unwrap().attempts == 0 {
                    return;
                }
            }
        };
        tokio::select! {
            served = serve_node(&node, &database, &arguments.place, &serve, door, |_| ()) => panic!("{served:?}"),
            () = it_is_gone => {}
        }
    }
}
