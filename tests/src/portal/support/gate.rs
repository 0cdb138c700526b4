//! A gate before the database, which a story opens and shuts: what the program meets when its database goes away.

use super::installation::on_the_tests_server;
use futures::stream::{FuturesUnordered, StreamExt};
use std::io;
use std::path::PathBuf;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream, UnixStream};
use tokio::sync::watch;
use tokio::task::JoinHandle;

/// Passes connections on to the server of the tests.
pub(crate) struct Gate {
    port: u16,
    /// The one who lets in, while it is open.
    keeper: Option<JoinHandle<()>>,
    is_held: watch::Sender<bool>,
}

impl Gate {
    /// A gate that is shut: whoever comes is refused.
    pub(crate) async fn shut_before() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        Self { port, keeper: None, is_held: watch::channel(false).0 }
    }

    /// A database of the server behind the gate, as it is reached through it.
    pub(crate) fn url(&self, database: &str) -> String {
        format!("postgres://countersign_owner@127.0.0.1:{}/{database}", self.port)
    }

    /// Lets everybody in.
    pub(crate) async fn open(&mut self) {
        let listener = TcpListener::bind(("127.0.0.1", self.port)).await.unwrap();
        self.keeper = Some(tokio::spawn(let_in(listener, self.is_held.subscribe())));
    }

    /// Throws everybody out, and refuses whoever comes.
    pub(crate) async fn shut(&mut self) {
        let Some(keeper) = self.keeper.take() else { return };
        keeper.abort();
        let ended = keeper.await;
        assert!(ended.is_err_and(|error| error.is_cancelled()), "a gate that is open has a keeper");
    }

    /// Keeps everybody where they are: nothing is refused, and nothing is answered.
    pub(crate) fn hold(&self) {
        self.is_held.send_replace(true);
    }

    /// Everything goes on, and nothing was lost.
    pub(crate) fn release(&self) {
        self.is_held.send_replace(false);
    }
}

async fn let_in(listener: TcpListener, is_held: watch::Receiver<bool>) {
    // All end with their keeper, at once.
    let mut connections = FuturesUnordered::new();
    loop {
        tokio::select! {
            Ok((client, _)) = listener.accept() => connections.push(pass(client, is_held.clone())),
            Some(_) = connections.next() => {}
        }
    }
}

async fn pass(client: TcpStream, is_held: watch::Receiver<bool>) -> io::Result<()> {
    let (from_client, to_client) = client.into_split();
    let (from_server, to_server) = UnixStream::connect(socket()).await?.into_split();
    tokio::select! {
        ended = carry(from_client, to_server, is_held.clone()) => ended,
        ended = carry(from_server, to_client, is_held) => ended,
    }
}

/// Carries one direction until it ends; what arrives while everything is held waits.
async fn carry(
    mut from: impl AsyncRead + Unpin,
    mut to: impl AsyncWrite + Unpin,
    mut is_held: watch::Receiver<bool>,
) -> io::Result<()> {
    let mut buffer = vec![0; 16 * 1024];
    loop {
        let read = from.read(&mut buffer).await?;
        let held = is_held.wait_for(|held| !held).await.is_err();
        if read == 0 || held {
            return Ok(());
        }
        to.write_all(&buffer[..read]).await?;
    }
}

/// The socket of the tests' server.
fn socket() -> PathBuf {
    let url = on_the_tests_server("postgres");
    let parameter = |name: &str| {
        let parameters = url.split_once('?').map_or("", |(_, parameters)| parameters).split('&');
        let mut values =
            parameters.filter_map(|parameter| parameter.split_once('=')).filter(|(known, _)| *known == name);
        values.next().map(|(_, value)| value.to_owned())
    };
    let folder = parameter("host").expect("the server of the tests has a socket");
    PathBuf::from(folder).join(format!(".s.PGSQL.{}", parameter("port").unwrap_or_else(|| "5432".to_owned())))
}
