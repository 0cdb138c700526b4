//! The operator's own door: what stands behind it, and that nobody else gets there.

use super::support::installation::Installation;
use super::support::until::until;
use std::net::TcpListener;

/// What is behind the door.
const BEHIND: [&str; 6] = ["/healthz", "/metrics", "/openapi.json", "/projections", "/readyz", "/rebuilds"];

/// An address of this machine that nobody listens on.
fn free_address() -> String {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().to_string()
}

/// The status and the text of an answer, with a bearer token or without; nothing where nobody listens yet.
async fn ask(address: &str, path: &str, token: Option<&str>) -> Option<(u16, String)> {
    let request = reqwest::Client::new().get(format!("http://{address}{path}"));
    let request = token.into_iter().fold(request, |request, token| request.bearer_auth(token));
    let answer = request.send().await.ok()?;
    Some((answer.status().as_u16(), answer.text().await.unwrap()))
}

#[tokio::test]
async fn the_operators_door_opens_with_their_token_only_and_nothing_of_it_stands_where_the_portal_is() {
    let installation = Installation::new().await;
    let operator = free_address();
    let node = installation.launch(&["serve", "--listen", "127.0.0.1:0", "--operator-listen", &operator]);
    let portal = until("a node that serves", async || node.heard("serving http://")).await;
    until("the operator's door", async || ask(&operator, "/healthz", None).await).await;
    let token = std::fs::read_to_string(installation.data_dir().join("operator.token")).unwrap();
    let token = token.trim();
    assert!(!node.log().contains(token), "a secret is in no log");

    for path in BEHIND {
        for stranger in [None, Some("cso_of_somebody_else")] {
            let (status, text) = ask(&operator, path, stranger).await.unwrap();
            assert_eq!(status, 401, "{path}: {text}");
            assert!(text.contains("operator.token_required"), "{path}: {text}");
        }
        assert_eq!(ask(&operator, path, Some(token)).await.unwrap().0, 200, "{path}");
    }
    // The portal has an answer of its own to how it is and to what it can do, and none to the rest.
    let nowhere = ask(&portal, "/nowhere", None).await.unwrap();
    assert_eq!(nowhere.0, 404);
    assert_eq!(ask(&portal, "/metrics", None).await.unwrap(), nowhere);
    assert_eq!(ask(&portal, "/metrics", Some(token)).await.unwrap().0, 404);
    assert_eq!(ask(&portal, "/v1/me", Some(token)).await.unwrap().0, 401, "an operator is nobody's staff");
    let (_, metrics) = ask(&operator, "/metrics", Some(token)).await.unwrap();
    assert!(metrics.contains("countersign_http_requests_total{"), "{metrics}");
    let (_, ready) = ask(&operator, "/readyz", Some(token)).await.unwrap();
    for part in ["database", "migrations", "lanes", "projections", "disk"] {
        assert!(ready.contains(part), "{ready}");
    }
}

#[test]
fn the_operators_door_is_not_opened_to_other_machines_in_the_clear() {
    let installation = Installation::private();
    let refused = installation.run(&["serve", "--operator-listen", "0.0.0.0:0"]);
    assert!(!refused.success && refused.stderr.contains("--operator-url"), "{refused:?}");
}
