//! The operator's door: a listener of its own, and the token that opens it.

use crate::args::OperatorDoor as Wanted;
use crate::failure::Failure;
use crate::keys::make_once;
use crate::node::{Node, followed};
use crate::telemetry::metrics;
use countersign_api::{Checks, Operator, OperatorToken, operator_router};
use std::net::SocketAddr;
use std::path::Path;
use std::sync::Arc;
use tokio::net::TcpListener;
use uuid::Uuid;

/// The token's file in the data folder, where no other is named.
pub(crate) const TOKEN_FILE: &str = "operator.token";

/// A door that is open, and that nobody stands behind yet.
pub(crate) struct OperatorDoor {
    listener: TcpListener,
    url: String,
}

impl OperatorDoor {
    /// Refuses an address that it may not be opened at, which can be done before anything else is begun.
    pub(crate) fn check(wanted: &Wanted) -> Result<(), Failure> {
        wanted.operator_listen.map_or(Ok(()), |address| may_listen(wanted, address))
    }

    /// Opens it where it is wanted.
    pub(crate) async fn open(wanted: &Wanted) -> Result<Option<Self>, Failure> {
        let Some(address) = wanted.operator_listen else { return Ok(None) };
        let failed = |error| Failure::because(&format!("{address} cannot be listened on"), error);
        Self::check(wanted)?;
        let listener = TcpListener::bind(address).await.map_err(failed)?;
        let url = format!("http://{}", listener.local_addr().map_err(failed)?);
        Ok(Some(Self { listener, url }))
    }

    /// Serves the operator, for as long as this is awaited.
    pub(crate) async fn serve(
        self,
        node: &Node,
        checks: Checks,
        wanted: &Wanted,
        data_dir: &Path,
    ) -> Result<(), Failure> {
        let token = token(wanted, data_dir)?;
        let recorder = metrics::record()?;
        let operator = Operator {
            token: Arc::new(token),
            checks,
            metrics: recorder.clone(),
            ledger: node.ledger.clone(),
            identity: node.identity.clone(),
            rebuilds: node.rebuilds(),
            followed: Arc::new(followed()),
        };
        println!("serving the operator {}", self.url);
        let serving = axum::serve(self.listener, operator_router(operator));
        tokio::select! {
            served = async { serving.await } => {
                served.map_err(|error| Failure::because("serving the operator failed", error))
            }
            () = metrics::keep_tidy(recorder) => Ok(()),
        }
    }
}

/// Whoever has the token may do everything here, so beyond this machine it goes through TLS.
fn may_listen(wanted: &Wanted, address: SocketAddr) -> Result<(), Failure> {
    let is_behind_tls = wanted.operator_url.as_ref().is_some_and(|url| url.starts_with("https://"));
    if address.ip().is_loopback() || is_behind_tls {
        return Ok(());
    }
    Err(Failure::say(format!(
        "{address} can be reached from other machines: name the https address under which operators reach it with \
         --operator-url, behind a proxy that speaks TLS"
    )))
}

/// The token from its file; without one that is named, from a file in the data folder that is made on first start.
fn token(wanted: &Wanted, data_dir: &Path) -> Result<OperatorToken, Failure> {
    let path = match &wanted.operator_token_file {
        Some(path) => path.clone(),
        None => {
            let fresh = format!("cso_{}{}\n", Uuid::new_v4().simple(), Uuid::new_v4().simple());
            make_once(data_dir, TOKEN_FILE, fresh.as_bytes())?
        }
    };
    let text = std::fs::read_to_string(&path).map_err(|error| {
        Failure::because(&format!("the operator's token {} could not be read", path.display()), error)
    })?;
    OperatorToken::parse(&text).map_err(|error| Failure::because(&path.display().to_string(), error))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn wanted(url: Option<&str>) -> Wanted {
        Wanted { operator_listen: None, operator_url: url.map(str::to_owned), operator_token_file: None }
    }

    #[test]
    fn beyond_this_machine_the_operator_is_served_behind_tls_only() {
        let (here, everywhere) = ("127.0.0.1:9090".parse().unwrap(), "0.0.0.0:9090".parse().unwrap());
        assert!(may_listen(&wanted(None), here).is_ok());
        assert!(may_listen(&wanted(None), everywhere).is_err());
        assert!(may_listen(&wanted(Some("http://operator.example.com")), everywhere).is_err());
        assert!(may_listen(&wanted(Some("https://operator.example.com")), everywhere).is_ok());
    }

    #[test]
    fn the_operators_token_is_made_once_for_its_owner_only() {
        let folder = tempfile::tempdir().unwrap();
        let file = folder.path().join(TOKEN_FILE);
        token(&wanted(None), folder.path()).unwrap();
        let made = std::fs::read_to_string(&file).unwrap();
        assert_eq!(std::fs::metadata(&file).unwrap().permissions().mode() & 0o777, 0o600);
        token(&wanted(None), folder.path()).unwrap();
        assert_eq!(std::fs::read_to_string(&file).unwrap(), made);
    }

    #[test]
    fn a_token_file_that_is_named_is_never_made() {
        let folder = tempfile::tempdir().unwrap();
        let named = folder.path().join("named");
        let wanted = Wanted { operator_token_file: Some(named.clone()), ..wanted(None) };
        assert!(token(&wanted, folder.path()).is_err());
        assert!(!named.exists());
        std::fs::write(&named, "short\n").unwrap();
        assert!(token(&wanted, folder.path()).is_err());
        std::fs::write(&named, "0123456789abcdef0123456789abcdef\n").unwrap();
        assert!(token(&wanted, folder.path()).is_ok());
    }
}
