//! `countersign serve`: the portal and its API, until it is told to stop.

use crate::args::{Place, Serve};
use crate::database::Database;
use crate::failure::Failure;
use crate::node::{Node, mailer};
use countersign_processes::Delivered;
use std::net::SocketAddr;
use tokio::net::TcpListener;
use tokio::signal::unix::{SignalKind, signal};

pub(crate) async fn run(place: Place, serve: Serve) -> Result<(), Failure> {
    public_url(&serve)?;
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
    /// The address under which people reach the portal.
    pub(crate) public_url: String,
}

impl Door {
    pub(crate) async fn open(serve: &Serve) -> Result<Self, Failure> {
        let failed = |error| Failure::because(&format!("{} cannot be listened on", serve.listen), error);
        let listener = TcpListener::bind(serve.listen).await.map_err(failed)?;
        let listen = listener.local_addr().map_err(failed)?;
        Ok(Self { listener, public_url: public_url(&Serve { listen, ..serve.clone() })? })
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
    let Door { listener, public_url } = door;
    let worker = node.worker(mailer(&serve.mail, &place.data_dir, announce)?, &public_url);
    let app = node.app(worker.clone(), &public_url)?;
    let router = countersign_api::router(app.clone());
    let follower = node.follow();
    println!("serving {public_url}");
    let service = router.into_make_service_with_connect_info::<SocketAddr>();
    let serving = axum::serve(listener, service).with_graceful_shutdown(async move {
        told_to_stop().await;
        app.close_feeds();
    });
    let served = tokio::select! {
        served = async { serving.await } => served,
        () = worker.run() => Ok(()),
        () = database.watch() => Ok(()),
    };
    follower.stop().await;
    served.map_err(|error| Failure::because("serving failed", error))
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

/// Ctrl-C, or the signal with which service managers stop a program.
async fn told_to_stop() {
    let mut terminate = match signal(SignalKind::terminate()) {
        Ok(terminate) => terminate,
        Err(error) => {
            tracing::warn!(%error, "only Ctrl-C will stop this program");
            drop(tokio::signal::ctrl_c().await);
            return;
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        _ = terminate.recv() => {}
    }
}
