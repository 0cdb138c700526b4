//! Behind a proxy: who sends a request is told by it, and by nobody else.

use super::support::installation::Installation;
use super::support::node::Node;
use super::support::person::{Account, Person};
use sqlx::{Connection, PgConnection};
use uuid::Uuid;

/// From how many addresses people were refused, as far as the program can tell.
async fn senders(installation: &Installation, arguments: &[&str]) -> i64 {
    let serve = [["serve", "--listen", "127.0.0.1:0"].as_slice(), arguments].concat();
    let log = installation.data_dir().join("behind.log");
    let node = Node::start(&mut installation.command(&serve), log).await;
    let mut database = PgConnection::connect(&installation.database_url()).await.unwrap();
    sqlx::query("DELETE FROM identity.sign_in_attempt").execute(&mut database).await.unwrap();
    let proxy = Person::nobody(&node);
    for (who, forwarded) in ["203.0.113.1", "203.0.113.2", "203.0.113.3, 203.0.113.2"].into_iter().enumerate() {
        // Each as somebody else: who fails too often is locked, wherever they come from.
        let stranger = Account::new("firm", &format!("{}-{who}@firm.example", Uuid::now_v7()));
        proxy.send(stranger.ask().header("x-forwarded-for", forwarded)).await.expect(401);
    }
    sqlx::query_scalar("SELECT count(DISTINCT address_digest) FROM identity.sign_in_attempt")
        .fetch_one(&mut database)
        .await
        .unwrap()
}

#[tokio::test]
async fn people_behind_a_trusted_proxy_are_told_apart_and_others_forge_nothing() {
    let installation = Installation::new().await;
    let admin = ["--admin-name", "Ada", "--admin-email", "ada@firm.example"];
    installation.run(&[["org", "create", "firm", "--name", "The Firm"].as_slice(), &admin].concat()).printed();

    assert_eq!(senders(&installation, &[]).await, 1, "nobody is believed who is not named");
    assert_eq!(senders(&installation, &["--trusted-proxy", "10.0.0.0/8"]).await, 1);
    assert_eq!(senders(&installation, &["--trusted-proxy", "10.0.0.7", "--trusted-proxy", "127.0.0.0/8"]).await, 2);
}

#[test]
fn what_is_no_network_is_no_trusted_proxy() {
    let installation = Installation::private();
    let refused = installation.run(&["serve", "--trusted-proxy", "proxy.example.com"]);
    assert!(!refused.success && refused.stderr.contains("10.0.0.0/8"), "{refused:?}");
}
